import type { SalesFactKey, SalesFactQuery } from '../../orders/ports.ts'
import {
  createFactReader,
  FACT_COLUMNS,
  type FactReader,
  type FactRow,
  type ListedFactRow,
} from '../sql/report-facts.ts'
import { LIVE_GENERATION } from '../sql/report-tables.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { refuseArchived } from './report-archive.ts'

const COUNT = `
select coalesce(sum(sale_facts), 0)::bigint as facts from sales_rollups
where generation = ${LIVE_GENERATION} and grain = 'all' and period = 'day'
  and starts between coalesce($1::date, '-infinity') and coalesce($2::date, 'infinity')`

const PAGE = `
select ${FACT_COLUMNS}
from daily_sales_report_gen
where generation = ${LIVE_GENERATION}
  and sale_day between coalesce($1::date, '-infinity') and coalesce($2::date, 'infinity')
  and (shard, order_id, event_no, line_no, leg) > ($3::smallint, $4::bigint, $5::int, $6::int, $7::int)
order by shard, order_id, event_no, line_no, leg limit $8`

const FILTERS = [
  ['productCategory', 'product_category ='],
  ['shippingCity', 'shipping_city ='],
  ['productId', 'product_id ='],
  ['shippingCountry', 'shipping_country ='],
  ['shippingRegion', 'shipping_region ='],
  ['kind', 'kind ='],
  ['currency', 'currency ='],
] as const satisfies readonly (readonly [keyof SalesFactQuery, string])[]

/**
 * The facts behind a sum, the last day first. The index that leads has the day behind what is filtered by: that of category
 * and city, of the product, or of the day alone; facts of one day are sorted, and other filters looked at row by row.
 */
export function listStatement(
  query: SalesFactQuery,
  after: SalesFactKey | undefined,
  limit: number,
): { text: string; params: SqlParam[] } {
  const { dayOf, from, to } = query
  const params: SqlParam[] = [limit]
  const param = (value: SqlParam, type = '') => `$${params.push(value)}${type}`
  const where = [`generation = ${LIVE_GENERATION}`]
  for (const [name, condition] of FILTERS) {
    if (query[name] !== undefined) where.push(`${condition} ${param(query[name])}`)
  }
  if (from !== undefined) where.push(`${dayOf} >= ${param(from, '::date')}`)
  // The day of the cursor by itself too, so that the months behind it are left out.
  const last = after === undefined || (to !== undefined && to < after.day) ? to : after.day
  if (last !== undefined) where.push(`${dayOf} <= ${param(last, '::date')}`)
  if (after !== undefined) {
    const place = [after.eventNo, after.lineNo, after.leg].map((number) => param(number, '::int'))
    const key = [param(after.day, '::date'), param(after.orderId, '::bigint'), ...place].join(', ')
    where.push(`(${dayOf}, order_id, event_no, line_no, leg) < (${key})`)
  }
  const order = [dayOf, 'order_id', 'event_no', 'line_no', 'leg'].map((column) => `${column} desc`).join(', ')
  const text = `
with page as materialized (
  select ${FACT_COLUMNS} from daily_sales_report_gen where ${where.join(' and ')} order by ${order} limit $1)
select page.*, h.timestamp as recorded_at
from page left join lateral (
  select h.timestamp from order_history h
  where h.shard = page.shard and h.order_id = page.order_id and h.version = page.event_no offset 0) h on true
order by ${order}`
  return { text, params }
}

/** Reading the rows of the report one by one. */
export function openFactReader(sql: SqlClient): FactReader {
  return createFactReader({
    async count({ from, to }) {
      const [row] = await sql.query<{ facts: bigint }>(COUNT, [from, to])
      return row?.facts ?? 0n
    },
    page: ({ from, to }, after, rows) => sql.query<FactRow>(PAGE, [from, to, ...after, rows]),
    list(query, after, limit) {
      const { text, params } = listStatement(query, after, limit)
      return sql.query<ListedFactRow>(text, params)
    },
    refuse: (query) => refuseArchived(sql, query),
  })
}
