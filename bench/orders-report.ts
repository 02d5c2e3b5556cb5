import pg from 'pg'
import { systemClock } from '../src/core/clock.ts'
import { addDays } from '../src/orders/report/calendar.ts'
import { createSalesReport } from '../src/orders/report/report.ts'
import type { Bench, BenchContext, Contender, Figure, Goal, Outcome } from './bench.ts'
import { atLeast, compare, ratio } from './measure.ts'
import { openSalesBase, type SalesBase } from './orders-pipeline.ts'
import { CATEGORIES, CITIES } from './orders-sales.ts'
import { openPostgres, query } from './postgres.ts'

const TOTAL_LINES = 1_000_000
const DAYS = 730

/** The same sales as a shop keeps them that has no report, with every index that helps. */
const NORMALISED = `
create table shop_products as select product_id, category from products;
create table shop_addresses as select 'a' || row_number() over () as address_id, city
  from (select distinct shipping_city as city from orders) c;
create table shop_orders as select o.order_id, a.address_id, o.business_day, o.status
  from orders o join shop_addresses a on a.city = o.shipping_city;
create table shop_lines as select order_id, line_no, product_id, quantity, amount from order_line_items;
alter table shop_products add primary key (product_id);
alter table shop_addresses add primary key (address_id);
alter table shop_orders add primary key (order_id);
alter table shop_lines add primary key (order_id, line_no);
create index on shop_products (category);
create index on shop_addresses (city);
create index on shop_orders (address_id, business_day) include (order_id, status);
create index on shop_orders (business_day);
create index on shop_lines (order_id) include (product_id, amount);
create index on shop_lines (product_id) include (order_id, amount)`

const JOIN = `
select sum(l.amount)::bigint as price from shop_orders o
join shop_lines l on l.order_id = o.order_id
join shop_products p on p.product_id = l.product_id
join shop_addresses a on a.address_id = o.address_id
where p.category = $1 and a.city = $2 and o.status in ('PAID', 'SHIPPED', 'DELIVERED')`
const FLAT = `
select sum(price)::bigint as price from daily_sales_report where product_category = $1 and shipping_city = $2`
const ROLLUP = `
select sum(sale_price)::bigint as price from sales_rollups
where generation = 1 and grain = 'category_city' and period = 'lifetime' and starts = '0001-01-01'
  and product_category = $1 and shipping_city = $2`

interface Question {
  readonly name: string
  readonly category: string
  readonly city: string
  readonly range?: { readonly from: string; readonly to: string }
}

const today = new Date().toISOString().slice(0, 10)
const QUESTIONS: readonly Question[] = [
  { name: 'largest pair', category: 'Category 1', city: 'City 1' },
  { name: 'small pair', category: `Category ${CATEGORIES}`, city: `City ${CITIES}` },
  {
    name: '90 days of the largest pair',
    category: 'Category 1',
    city: 'City 1',
    range: { from: addDays(today, -200), to: addDays(today, -111) },
  },
]

const caseOf = (who: string, { name }: Question) => `${who}: ${name}`

/** Asks again and again, one after the other. */
async function asking(ask: () => Promise<unknown>, seconds: number) {
  for (let n = 0; n < 3; n++) await ask()
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  while (performance.now() - startedAt < seconds * 1_000) {
    const askedAt = performance.now()
    await ask()
    latenciesMs.push(performance.now() - askedAt)
  }
  return { seconds: (performance.now() - startedAt) / 1_000, latenciesMs: Float64Array.from(latenciesMs) }
}

async function contendersOf(base: SalesBase, client: pg.Client): Promise<Contender[]> {
  const { salesReport } = createSalesReport({ store: base.report, clock: systemClock })
  const contenders: Contender[] = []
  for (const [index, question] of QUESTIONS.entries()) {
    const { category, city, range } = question
    const days = range === undefined ? [] : [range.from, range.to]
    const ask = (who: string, text: string) => async () => {
      const { rows } = await client.query({ name: `${who} ${index}`, text, values: [category, city, ...days] })
      return Number(rows[0].price)
    }
    const between = (column: string) => (range === undefined ? '' : ` and ${column} between $3 and $4`)
    const ways: [who: string, ask: () => Promise<number>][] = [
      ['four-way join', ask('join', JOIN + between('o.business_day'))],
      ['flat table', ask('flat', FLAT + between('sale_day'))],
      ...(range === undefined ? [['rollup', ask('rollup', ROLLUP)] as [string, () => Promise<number>]] : []),
      [
        'salesReport()',
        async () => {
          const query = { product_category: category, shipping_city: city, ...range }
          return (await salesReport(query)).total.price
        },
      ],
    ]
    const answers: number[] = []
    for (const [, each] of ways) answers.push(await each())
    if (new Set(answers).size > 1) throw new Error(`${question.name}: the answers differ: ${answers.join(', ')}`)
    for (const [who, each] of ways) {
      contenders.push({ name: caseOf(who, question), unit: 'answers', run: (seconds) => asking(each, seconds) })
    }
  }
  return contenders
}

function goalsOf(figures: readonly Figure[]): Goal[] {
  const [largest, small, range] = QUESTIONS as readonly [Question, Question, Question]
  const against = (who: string, question: Question) => {
    const figure = (name: string) => figures.find((each) => each.case === caseOf(name, question))!
    return ratio(figure(who), figure('four-way join'))
  }
  return [
    atLeast('largest pair, rollup against join', 1_000, against('rollup', largest)),
    atLeast('largest pair, flat table against join', 10, against('flat table', largest)),
    atLeast('small pair, flat table against join', 50, against('flat table', small)),
    atLeast('90 days of the largest pair, salesReport() against join', 10, against('salesReport()', range)),
  ]
}

async function run(context: BenchContext): Promise<Outcome> {
  const lines = Number(process.env['FANFOLD_BENCH_LINES'] ?? TOTAL_LINES)
  const postgres = await openPostgres(50)
  let base: SalesBase | undefined
  let client: pg.Client | undefined
  try {
    base = await openSalesBase(postgres, { name: 'report', lines, days: DAYS, say: context.say })
    context.say('making the normalised tables')
    await query(base.url, NORMALISED, 'vacuum analyze', 'checkpoint')
    client = new pg.Client({ connectionString: base.url })
    await client.connect()
    const figures = await compare(await contendersOf(base, client), context)
    return {
      engines: { postgresql: postgres.version },
      results: figures,
      goals: goalsOf(figures),
      notes: [
        `${lines.toLocaleString('en-US')} lines, 10 categories and 200 cities after Zipf's law, ${DAYS} days; one client, prepared statements, everything in memory.`,
        'Every way was checked to answer the same.',
        'four-way join: orders, lines, products, addresses in tables of their own without anything else, indexed for it. flat table: the view daily_sales_report. rollup: its sums by one statement.',
        'salesReport(): the whole answer of the library, with freshness, in one snapshot.',
      ],
    }
  } finally {
    await client?.end()
    await base?.close()
    await postgres.close()
  }
}

export const ordersReport: Bench = {
  name: 'orders.report',
  about: 'sum(price) of a category and a city: join, flat table, rollup',
  defaults: { rounds: 5, seconds: 2 },
  run,
}
