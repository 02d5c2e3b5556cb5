import { LIVE_GENERATION, SALES_REPORT } from '../sql/report-tables.ts'
import { AMOUNT_BACK, type CheckText, TAX_BACK } from './order-audit-checks.ts'
import { monthOf } from './report-archive.ts'

/**
 * Comparisons of the report with the orders, and of its rollups with its facts. There is no full join here: both sides go
 * below each other, and each pair is made by a group; by sorting (`sql_big_result`), as tables of such long keys go to the
 * disk.
 */

/** How far the report has come. */
export const LIVE = `
live as (
  select c.shard, c.generation, c.last_event_id from projections p
  join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
  where p.name = '${SALES_REPORT}')`

/**
 * Orders whose events the report has not folded yet are left out where it is compared with orders, so nothing is
 * reported only because writers are at work: `settled` are the others. Months that are archived are left out too.
 */
const SETTLED = `${LIVE},
archived as (select month from archived_months),
unsettled as (
  select distinct h.shard, h.order_id
  from live join order_history h on h.shard = live.shard and h.event_id > live.last_event_id),
settled as (
  select o.* from orders o
  where (o.shard, o.order_id) not in (select shard, order_id from unsettled)
    and ${monthOf('o.business_day')} not in (select month from archived)),
facts as (
  select r.* from daily_sales_report_gen r
  where r.generation = ${LIVE_GENERATION} and ${monthOf('r.sale_day')} not in (select month from archived)),
settled_facts as (
  select f.* from facts f where (f.shard, f.order_id) not in (select shard, order_id from unsettled))`

/** What is left of an order, from its lines and not from its history: a sale counts from PAID on. */
const LEFT = `
kept as (
  select o.shard, o.order_id, l.product_category, o.shipping_city, o.currency, o.business_day,
    l.amount - ${AMOUNT_BACK} as price, l.tax - ${TAX_BACK} as tax,
    l.quantity - l.quantity_cancelled - l.quantity_returned as units
  from settled o
  join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
  join products p on p.product_id = l.product_id
  join customers c on c.customer_id = o.customer_id
  where o.status in ('PAID', 'SHIPPED', 'DELIVERED')
  union all
  select o.shard, o.order_id, 'Shipping', o.shipping_city, o.currency, o.business_day, o.shipping_total, o.shipping_tax, 0
  from settled o where o.status in ('PAID', 'SHIPPED', 'DELIVERED') and not o.shipping_taken_back)`

/** The rows of both sides, told apart by `is_expected`. */
const sides = (columns: string, expected: string, actual: string) => `
  select ${columns}, true as is_expected from ${expected}
  union all select ${columns}, false from ${actual}`

/** The sum of a column over one side of a group. */
const sumOf = (side: 'expected' | 'actual', column: string) =>
  `sum(case when is_expected = ${side === 'expected'} then ${column} else 0 end)`

const figures = (side: 'expected' | 'actual') =>
  `concat(${sumOf(side, 'price')}, ' + ', ${sumOf(side, 'tax')}, ' tax for ', ${sumOf(side, 'units')}, ' units')`

const CELL = 'grain, product_category, shipping_city, product_id, currency'
const MEASURES = ['facts', 'price', 'tax', 'quantity', 'orders'] as const
const told = (side: 'expected' | 'actual') =>
  `concat_ws(' / ', ${MEASURES.map((measure) => sumOf(side, measure)).join(', ')})`
const SUBJECT = `concat_ws(' / ', grain, nullif(product_category, ''), nullif(shipping_city, ''),
  nullif(product_id, ''), currency, starts)`

const GRAINS = [
  ['all', 0, 0, 0],
  ['category', 1, 0, 0],
  ['city', 0, 1, 0],
  ['category_city', 1, 1, 0],
  ['product', 0, 0, 1],
] as const

/** Each fact in each of its cells. */
const SPREAD = `
grains as (
  ${GRAINS.map(
    ([grain, category, city, product]) =>
      `select '${grain}' as grain, ${category} as by_category, ${city} as by_city, ${product} as by_product`,
  ).join('\n  union all ')}),
spread as (
  select g.grain, f.order_id, f.event_no, if(g.by_category, f.product_category, '') as product_category,
    if(g.by_city, f.shipping_city, '') as shipping_city, if(g.by_product, f.product_id, '') as product_id, f.currency,
    f.sale_day, f.booked_day, f.price, f.tax, f.quantity
  from facts f cross join grains g)`

const measuresOf = (day: 'sale' | 'booked') => MEASURES.map((each) => `${day}_${each} as ${each}`).join(', ')

/** Rows of the rollups beside what they sum up: `expected` has rows of cells and of the day on which they start. */
const comparedCells = (expected: string, day: 'sale' | 'booked', where: string) => `
pair as (
  select sql_big_result ${SUBJECT} as subject, ${told('expected')} as expected, ${told('actual')} as actual
  from (
    select ${CELL}, starts, ${MEASURES.join(', ')}, true as is_expected from ${expected}
    union all
    select ${CELL}, starts, ${measuresOf(day)}, false from sales_rollups
    where generation = ${LIVE_GENERATION} and period = 'day' and ${where}) cells
  group by ${CELL}, starts having sum(abs(facts)) > 0)`

const ROW = `concat_ws(' | ', booked_day, kind, sale_day, order_date, product_id, product_name, product_category, quantity,
  price, tax, currency, shipping_country, coalesce(shipping_region, '-'), shipping_city)`
const FACT_KEY = 'shard, order_id, event_no, line_no, leg'

export const REPORT_CHECKS: readonly CheckText[] = [
  {
    name: 'report_rows',
    about: 'each row of the report = its leg in the history',
    // The name counts where both have one: an erased customer may be gone from one of them already.
    pairs: `with ${SETTLED},
      legs as (
        select l.* from sales_legs l
        join live on live.shard = l.shard and l.event_id <= live.last_event_id
        where ${monthOf('l.sale_day')} not in (select month from archived)
          and not exists (
            select 1 from projection_quarantine q
            where q.projection = '${SALES_REPORT}' and q.generation = live.generation and q.shard = l.shard
              and q.stream_id = cast(l.order_id as char) and q.from_event_id <= l.event_id)),
      told as (
        select ${FACT_KEY}, ${ROW} as expected, null as actual, customer_name as known_as, null as reported_as from legs
        union all select ${FACT_KEY}, null, ${ROW}, null, customer_name from facts),
      pair as (
        select sql_big_result concat('order ', order_id, ', event ', event_no, ', leg ', leg) as subject,
          concat(max(expected), ' | ', case when max(reported_as) is null then '' else max(known_as) end) as expected,
          concat(max(actual), ' | ', case when max(known_as) is null then '' else max(reported_as) end) as actual
        from told group by ${FACT_KEY})`,
  },
  {
    name: 'report_per_order',
    about: 'the report of each order = what its lines and shipping are worth',
    pairs: `with ${SETTLED}, ${LEFT},
      worth as (
        select shard, order_id, price, tax, units from kept
        union all select shard, order_id, 0, 0, 0 from settled),
      booked as (select shard, order_id, price, tax, quantity as units from settled_facts),
      pair as (
        select sql_big_result concat('order ', order_id) as subject, ${figures('expected')} as expected, ${figures('actual')} as actual
        from (${sides('shard, order_id, price, tax, units', 'worth', 'booked')}) each_order
        group by shard, order_id)`,
  },
  {
    name: 'report_join',
    about: 'the report by category, city, currency and day = a join of orders, lines, products and customers',
    pairs: `with ${SETTLED}, ${LEFT},
      booked as (
        select product_category, shipping_city, currency, sale_day as business_day, price, tax, quantity as units
        from settled_facts),
      pair as (
        select sql_big_result concat_ws(' / ', product_category, shipping_city, currency, business_day) as subject,
          ${figures('expected')} as expected, ${figures('actual')} as actual
        from (${sides('product_category, shipping_city, currency, business_day, price, tax, units', 'kept', 'booked')}) cells
        group by product_category, shipping_city, currency, business_day)`,
  },
  {
    name: 'rollup_sale_days',
    about: 'the sums of the report by sale day = its rows (rows / price / tax / units / orders)',
    pairs: `with ${SETTLED}, ${SPREAD},
      by_order as (
        select sql_big_result ${CELL}, sale_day as starts, count(*) as facts, sum(price) as price, sum(tax) as tax,
          sum(quantity) > 0 as orders, sum(quantity) as quantity
        from spread group by ${CELL}, sale_day, order_id),
      ${comparedCells('by_order', 'sale', `${monthOf('starts')} not in (select month from archived)`)}`,
  },
  {
    name: 'rollup_booked_days',
    about: 'the sums of the report by booked day = its rows (rows / price / tax / units / orders)',
    pairs: `with ${SETTLED},
      hidden as (
        select distinct r.booked_day from daily_sales_report_gen r
        where r.generation = ${LIVE_GENERATION} and ${monthOf('r.sale_day')} in (select month from archived)),
      ${SPREAD},
      by_event as (
        select sql_big_result ${CELL}, order_id, event_no, booked_day, count(*) as facts, sum(price) as price, sum(tax) as tax,
          sum(quantity) as quantity
        from spread group by ${CELL}, order_id, event_no, booked_day),
      running as (
        select by_event.*, sum(quantity) over (
          partition by grain, product_category, shipping_city, product_id, order_id order by event_no) as units
        from by_event),
      came as (
        select ${CELL}, booked_day as starts, facts, price, tax, quantity,
          (units > 0 and units - quantity <= 0) - (units <= 0 and units - quantity > 0) as orders
        from running
        where booked_day not in (select booked_day from hidden)
          and not exists (select 1 from archived_months a where booked_day between a.booked_from and a.booked_to)),
      ${comparedCells(
        'came',
        'booked',
        `starts not in (select booked_day from hidden) and not exists (
          select 1 from archived_months a where starts between a.booked_from and a.booked_to)`,
      )}`,
  },
  ...(['sale', 'booked'] as const).map((day) => ({
    name: `rollup_${day}_periods`,
    about: `by ${day} day: the sums of each month = those of its days, and over all time = those of all months`,
    pairs: `with cells as (
        select ${CELL}, 'month' as period, case period when 'day' then ${monthOf('starts')} else starts end as starts,
          ${measuresOf(day)}, period = 'day' as is_expected
        from sales_rollups where generation = ${LIVE_GENERATION} and period in ('day', 'month')
        union all
        select ${CELL}, 'lifetime', date '0001-01-01', ${measuresOf(day)}, period = 'month'
        from sales_rollups where generation = ${LIVE_GENERATION} and period in ('month', 'lifetime')),
      pair as (
        select sql_big_result concat(${SUBJECT}, ' / ', period) as subject, ${told('expected')} as expected, ${told('actual')} as actual
        from cells group by ${CELL}, period, starts)`,
  })),
  {
    name: 'report_quarantine',
    about: 'no order is set aside by the report',
    pairs: `with pair as (
      select concat('order ', q.stream_id) as subject, 'folded' as expected,
        concat('set aside at event ', q.from_event_id, ': ', q.reason) as actual
      from projection_quarantine q join projections p on p.name = q.projection and p.live_generation = q.generation
      where q.projection = '${SALES_REPORT}')`,
  },
]
