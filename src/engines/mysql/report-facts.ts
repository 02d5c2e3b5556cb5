import { decomposeId } from '../../core/ids.ts'
import type { SalesFactKey, SalesFactQuery } from '../../orders/ports.ts'
import {
  createFactReader,
  FACT_COLUMNS,
  type FactReader,
  type FactRow,
  type ListedFactRow,
} from '../sql/report-facts.ts'
import { LIVE_GENERATION } from '../sql/report-tables.ts'
import type { SqlParam } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { FIRST_DAY, LAST_DAY, refuseArchived } from './report-archive.ts'

const COUNT = `
select cast(coalesce(sum(sale_facts), 0) as signed) as facts from sales_rollups
where generation = ${LIVE_GENERATION} and grain = 'all' and period = 'day' and starts between ? and ?`

// Spelled out: a comparison of whole rows would be looked at row by row from the beginning. By the key all pages together
// read the table once.
const PAGE = `
select ${FACT_COLUMNS} from daily_sales_report_gen force index (primary)
where generation = ${LIVE_GENERATION} and sale_day between ? and ? and (
  shard > ? or (shard = ? and order_id > ?)
  or (shard = ? and order_id = ? and (event_no, line_no, leg) > (?, ?, ?)))
order by shard, order_id, event_no, line_no, leg limit ?`

const FILTERS = [
  ['productCategory', 'product_category = ?'],
  ['shippingCity', 'shipping_city = ?'],
  ['productId', 'product_id = ?'],
  ['shippingCountry', 'shipping_country = ?'],
  ['shippingRegion', 'shipping_region = ?'],
  ['kind', 'kind = ?'],
  ['currency', 'currency = ?'],
] as const satisfies readonly (readonly [keyof SalesFactQuery, string])[]

/** The index that leads: each ends with the day, and behind that the server keeps the primary key. */
function indexOf({ dayOf, productId, productCategory, shippingCity }: SalesFactQuery): string {
  if (dayOf === 'booked_day') return 'daily_sales_report_booked'
  if (productId !== undefined) return 'daily_sales_report_product'
  if (productCategory !== undefined && shippingCity !== undefined) return 'daily_sales_report_cell'
  return 'daily_sales_report_days'
}

/** The facts behind a sum, the last day first; what the index does not tell apart is looked at row by row. */
export function listStatement(
  query: SalesFactQuery,
  after: SalesFactKey | undefined,
  limit: number,
): { text: string; params: SqlParam[] } {
  const { dayOf, from = FIRST_DAY, to = LAST_DAY } = query
  const given = FILTERS.filter(([name]) => query[name] !== undefined)
  const where = [`generation = ${LIVE_GENERATION}`, ...given.map(([, condition]) => condition)]
  const params: SqlParam[] = given.map(([name]) => query[name])
  where.push(`${dayOf} between ? and ?`)
  params.push(from, after === undefined || to < after.day ? to : after.day)
  if (after !== undefined) {
    const { day, orderId, eventNo, lineNo, leg } = after
    where.push(`(${dayOf} < ? or (shard, order_id, event_no, line_no, leg) < (?, ?, ?, ?, ?))`)
    params.push(day, decomposeId(orderId).route, orderId, eventNo, lineNo, leg)
  }
  const order = [dayOf, 'shard', 'order_id', 'event_no', 'line_no', 'leg']
  const descending = (of: string) => order.map((column) => `${of}${column} desc`).join(', ')
  const text = `
select page.*, h.timestamp as recorded_at
from (
  select ${FACT_COLUMNS} from daily_sales_report_gen force index (${indexOf(query)})
  where ${where.join(' and ')} order by ${descending('')} limit ?) as page
left join order_history h force index (order_history_version_key)
  on h.shard = page.shard and h.order_id = page.order_id and h.version = page.event_no
order by ${descending('page.')}`
  return { text, params: [...params, limit] }
}

/** Reading the rows of the report one by one. */
export function openFactReader(sql: MysqlClient): FactReader {
  return createFactReader({
    async count({ from = FIRST_DAY, to = LAST_DAY }) {
      const [row] = await sql.query<{ facts: bigint }>(COUNT, [from, to])
      return row?.facts ?? 0n
    },
    page({ from = FIRST_DAY, to = LAST_DAY }, [shard, orderId, ...place], rows) {
      return sql.query<FactRow>(PAGE, [from, to, shard, shard, orderId, shard, orderId, ...place, rows])
    },
    list(query, after, limit) {
      const { text, params } = listStatement(query, after, limit)
      return sql.query<ListedFactRow>(text, params)
    },
    refuse: (query) => refuseArchived(sql, query),
  })
}
