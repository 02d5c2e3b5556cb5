import type { SalesDimension, SalesPlan, SalesRead, SalesReportStore, SalesSpan } from '../../orders/ports.ts'
import { createSalesReader } from '../sql/report-answers.ts'
import { LIVE_GENERATION, SALES_REPORT } from '../sql/report-tables.ts'
import type { SqlParam } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { createArchive, FIRST_DAY, LAST_DAY, refuseArchived } from './report-archive.ts'
import { openFactReader } from './report-facts.ts'
import { rebuildMonth } from './report-month.ts'

/** The oldest event behind the checkpoint of any shard: everything before it is in the report. */
const FRESH = `
fresh as (
  select min(h.timestamp) as oldest, cast(sum(g.last_event_id - c.last_event_id) as signed) as lag_events
  from projections p
  join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
  join log_head g on g.log = p.log and g.shard = c.shard
  left join order_history h on h.shard = c.shard and h.event_id = c.last_event_id + 1
  where p.name = '${SALES_REPORT}' group by p.name)`

/** A piece of a statement with the values of its placeholders. */
interface Piece {
  readonly text: string
  readonly params: readonly SqlParam[]
}

function joined(pieces: readonly (Piece | undefined)[], between: string, otherwise: string): Piece {
  const given = pieces.filter((piece) => piece !== undefined)
  if (given.length === 0) return { text: otherwise, params: [] }
  return { text: given.map(({ text }) => text).join(between), params: given.flatMap(({ params }) => params) }
}

const condition = (text: string, value: SqlParam | undefined): Piece | undefined =>
  value === undefined ? undefined : { text, params: [value] }

const isDay = (name: SalesDimension) => name === 'day' || name === 'month'

/** Expressions of the dimensions; days are those of the column that counts. */
const dimensionsOf = (day: string): Readonly<Record<SalesDimension, string>> => ({
  day: `date_format(${day}, '%Y-%m-%d')`,
  month: `date_format(${day}, '%Y-%m')`,
  category: 'product_category',
  city: 'shipping_city',
  product: 'product_id',
  country: 'shipping_country',
  region: `coalesce(shipping_region, '')`,
})

/** What both sources have columns for. */
const filtersOf = ({ query, products }: SalesRead): (Piece | undefined)[] => [
  condition('product_category = ?', query.productCategory),
  condition('shipping_city = ?', query.shippingCity),
  condition('product_id = ?', query.productId),
  // A list of none is of no product.
  condition('product_id in (?)', products),
  condition('currency = ?', query.currency),
]

const groupNumbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join(', ')

const signed = (sum: string, name: string) => `cast(${sum} as signed) as ${name}`

/** The end of a statement whose CTE `found` has the groups: their order, their number, names of products. */
function listed({ query, sort, rowsMax }: SalesRead): Piece {
  const isNamed = query.groupBy.includes('product')
  const order = query.groupBy.map((name) => `found.${name}`)
  if (sort !== undefined) order.unshift(`found.${sort} desc`)
  const text = `
    select fresh.oldest, fresh.lag_events, found.*${isNamed ? ', p.name as product_name' : ''}
    from fresh left join found on true ${isNamed ? 'left join products p on p.product_id = found.product' : ''}
    order by ${[...order, 'found.currency'].join(', ')} limit ?`
  return { text, params: [rowsMax + 1] }
}

/** The periods of a span that the rollups have: each has a row of the grain `all`. */
const periodsOf = ({ period, first, last }: SalesSpan): Piece => ({
  text: `
      select distinct period, starts from sales_rollups
      where generation = ${LIVE_GENERATION} and grain = 'all' and period = ? and starts between ? and ?`,
  params: [period, first ?? FIRST_DAY, last ?? LAST_DAY],
})

/** Sums of rollups: each period by its key, in this order of the join, whatever the planner thinks of their number. */
function rollupStatement(read: SalesRead, plan: SalesPlan & { source: 'rollups' }): Piece {
  const { query } = read
  const prefix = query.dayOf === 'sale_day' ? 'sale' : 'booked'
  const by = dimensionsOf('r.starts')
  const groups = [...query.groupBy.map((name) => `${by[name]} as ${name}`), 'currency'].join(', ')
  const wanted = joined(plan.spans.map(periodsOf), '\n      union all', '')
  const filters = joined(filtersOf(read), ' and ', 'true')
  const end = listed(read)
  const text = `
    with ${FRESH},
    wanted as (${wanted.text}),
    found as (
      select ${groups}, ${['price', 'tax', 'quantity', 'orders']
        .map((figure) => signed(`sum(r.${prefix}_${figure})`, figure))
        .join(', ')}
      from wanted w straight_join sales_rollups r
        on r.generation = ${LIVE_GENERATION} and r.grain = ? and r.period = w.period and r.starts = w.starts
      where ${filters.text}
      group by ${groupNumbers(query.groupBy.length + 1)} having sum(r.${prefix}_facts) > 0)
    ${end.text}`
  return { text, params: [...wanted.params, plan.grain, ...filters.params, ...end.params] }
}

/**
 * Sums of rows. By sale day an order counts in a group while it has units left there. By booked day it counts where it
 * came to have some, and is subtracted where it came to have none, so all its rows are looked at.
 */
function factStatement(read: SalesRead): Piece {
  const { query } = read
  const { dayOf, kind, groupBy } = query
  const filters = joined(
    [
      ...filtersOf(read),
      condition('shipping_country = ?', query.shippingCountry),
      condition('shipping_region = ?', query.shippingRegion),
      condition('kind = ?', kind),
    ],
    ' and ',
    'true',
  )
  const range = joined([condition(`${dayOf} >= ?`, query.from), condition(`${dayOf} <= ?`, query.to)], ' and ', 'true')
  const by = dimensionsOf(dayOf)
  const columns = groupBy.filter((name) => !isDay(name))
  const days = groupBy.filter(isDay)
  const isFlow = dayOf === 'booked_day' && kind === undefined
  const ordersOfSales = kind === undefined ? 'sum(quantity > 0)' : 'count(distinct order_id)'
  const orders = isFlow
    ? 'sum(units > 0 and units - quantity <= 0) - sum(units <= 0 and units - quantity > 0)'
    : ordersOfSales
  const matching = `generation = ${LIVE_GENERATION} and ${filters.text}`
  // Of an order that has a row in the range, the rows before it too.
  const scope: Piece = isFlow
    ? {
        text: `(shard, order_id) in (
        select shard, order_id from daily_sales_report_gen where ${matching} and ${range.text})`,
        params: [...filters.params, ...range.params],
      }
    : range
  const cell = columns.map((name) => `${by[name]} as ${name}`)
  const keys = [...cell, 'currency', 'shard', 'order_id', ...(isFlow ? ['event_no'] : []), dayOf]
  const running = `sum(quantity) over (
    partition by ${[...columns, 'shard', 'order_id'].join(', ')} order by event_no) as units`
  const end = listed(read)
  const text = `
    with ${FRESH},
    summed as (
      select ${keys.join(', ')}, sum(price) as price, sum(tax) as tax, sum(quantity) as quantity
      from daily_sales_report_gen where ${matching} and ${scope.text}
      group by ${groupNumbers(keys.length)}),
    counted as (select summed.*${isFlow ? `, ${running}` : ''} from summed),
    found as (
      select ${[...columns, ...days.map((name) => `${by[name]} as ${name}`), 'currency'].join(', ')},
        ${signed('sum(price)', 'price')}, ${signed('sum(tax)', 'tax')}, ${signed('sum(quantity)', 'quantity')},
        ${signed(orders, 'orders')}
      from counted where ${range.text} group by ${groupNumbers(groupBy.length + 1)})
    ${end.text}`
  return { text, params: [...filters.params, ...scope.params, ...range.params, ...end.params] }
}

/**
 * Rows are kept in one table without partitions: its key begins with the order's number, which is made in the order of
 * time, so rows of a month lie together as it is.
 */
export function openSalesReportStore(sql: MysqlClient): SalesReportStore {
  return {
    ...createSalesReader(sql, {
      statementOf: (read) => (read.plan.source === 'facts' ? factStatement(read) : rollupStatement(read, read.plan)),
      refuseArchived,
    }),
    ...openFactReader(sql),
    ...createArchive(sql),
    extend: async () => 0,
    rebuildMonth: (month, onProgress) => rebuildMonth(sql, month, onProgress),
  }
}
