import type { SalesDimension, SalesPlan, SalesRead, SalesReportStore } from '../../orders/ports.ts'
import { createSalesReader } from '../sql/report-answers.ts'
import { SALES_REPORT } from '../sql/report-tables.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { createArchive, refuseArchived } from './report-archive.ts'
import { openFactReader } from './report-facts.ts'
import { rebuildMonth } from './report-month.ts'
import { extendPartitions } from './report-partitions.ts'

/**
 * The generation that is read, and the oldest event behind the checkpoint of any shard: everything before it is in the
 * report. `$1` is the report.
 */
const FRESH = `
fresh as materialized (
select p.live_generation as generation, min(h.timestamp) as oldest,
  sum(g.last_event_id - c.last_event_id)::bigint as lag_events
from projections p
join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
join log_head g on g.log = p.log and g.shard = c.shard
left join order_history h on h.shard = c.shard and h.event_id = c.last_event_id + 1
where p.name = $1 group by p.live_generation)`
const GENERATION = '(select generation from fresh)'

const isDay = (name: SalesDimension) => name === 'day' || name === 'month'

/** Expressions of the dimensions; days are those of the column that counts. */
const dimensionsOf = (day: string): Readonly<Record<SalesDimension, string>> => ({
  day: `${day}::text`,
  month: `to_char(${day}, 'YYYY-MM')`,
  category: 'product_category',
  city: 'shipping_city',
  product: 'product_id',
  country: 'shipping_country',
  region: `coalesce(shipping_region, '')`,
})

/** Collects parameters; each condition is a constant text with the number of its parameter. */
function conditions(params: SqlParam[]) {
  const texts: string[] = []
  return {
    add(text: string, value: SqlParam | undefined): void {
      if (value === undefined) return
      params.push(value)
      texts.push(text.replace('?', `$${params.length}`))
    },
    where: () => (texts.length === 0 ? 'true' : texts.join(' and ')),
  }
}

/** What both sources have columns for. */
function addFilters(filters: ReturnType<typeof conditions>, { query, products }: SalesRead): void {
  filters.add('product_category = ?', query.productCategory)
  filters.add('shipping_city = ?', query.shippingCity)
  filters.add('product_id = ?', query.productId)
  filters.add('product_id = any(?::text[])', products)
  filters.add('currency = ?', query.currency)
}

/** The end of a statement whose CTE `found` has the groups: their order, their number, names of products. */
function listed({ query, sort }: SalesRead, limit: string): string {
  const named = query.groupBy.includes('product')
  const order = query.groupBy.map((name) => `found.${name} collate "C"`)
  if (sort !== undefined) order.unshift(`found.${sort} desc`)
  return `
    select fresh.oldest, fresh.lag_events, found.*${named ? ', p.name as product_name' : ''}
    from fresh left join found on true ${named ? 'left join products p on p.product_id = found.product' : ''}
    order by ${[...order, 'found.currency collate "C"'].join(', ')} ${limit}`
}

/**
 * Sums of rollups: each period by its key. The lateral subquery keeps it at that, whatever the planner thinks of the
 * number of periods. An open span ends where the rollups of its period do.
 */
function rollupStatement(read: SalesRead, plan: SalesPlan & { source: 'rollups' }) {
  const { query } = read
  const prefix = query.dayOf === 'sale_day' ? 'sale' : 'booked'
  const params: SqlParam[] = [
    SALES_REPORT,
    plan.grain,
    plan.spans.map(({ period }) => period),
    plan.spans.map(({ first }) => first),
    plan.spans.map(({ last }) => last),
  ]
  const filters = conditions(params)
  addFilters(filters, read)
  params.push(read.rowsMax + 1)
  const by = dimensionsOf('r.starts')
  const groups = [...query.groupBy.map((name) => `${by[name]} as ${name}`), 'currency'].join(', ')
  const edge = (direction: 'asc' | 'desc') => `(
    select r.starts from sales_rollups r where r.generation = ${GENERATION} and r.grain = 'all' and r.period = s.period
    order by r.starts ${direction} limit 1)`
  const text = `
    with ${FRESH},
    wanted as (
      select s.period, d.starts::date as starts
      from unnest($3::text[], $4::date[], $5::date[]) as s (period, first, last)
      cross join lateral generate_series(
        greatest(s.first, ${edge('asc')})::timestamp, least(s.last, ${edge('desc')})::timestamp,
        case s.period when 'month' then interval '1 month' else interval '1 day' end) as d (starts)),
    found as (
      select ${groups}, sum(r.${prefix}_price)::bigint as price, sum(r.${prefix}_tax)::bigint as tax,
        sum(r.${prefix}_quantity)::bigint as quantity, sum(r.${prefix}_orders)::bigint as orders
      from wanted w cross join lateral (
        select * from sales_rollups
        where generation = ${GENERATION} and grain = $2 and period = w.period and starts = w.starts and ${filters.where()}
        offset 0) r
      group by ${groupNumbers(query.groupBy.length + 1)} having sum(r.${prefix}_facts) > 0)
    ${listed(read, `limit $${params.length}`)}`
  return { text, params }
}

const groupNumbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join(', ')

/**
 * Sums of rows. By sale day an order counts in a group while it has units left there. By booked day it counts where it
 * came to have some, and is subtracted where it came to have none, so all its rows are looked at.
 */
function factStatement(read: SalesRead) {
  const { query } = read
  const { dayOf, kind, groupBy } = query
  const params: SqlParam[] = [SALES_REPORT]
  const filters = conditions(params)
  addFilters(filters, read)
  filters.add('shipping_country = ?', query.shippingCountry)
  filters.add('shipping_region = ?', query.shippingRegion)
  filters.add('kind = ?', kind)
  const range = conditions(params)
  range.add(`${dayOf} >= ?`, query.from)
  range.add(`${dayOf} <= ?`, query.to)
  params.push(read.rowsMax + 1)

  const by = dimensionsOf(dayOf)
  const columns = groupBy.filter((name) => !isDay(name))
  const cell = columns.map((name) => `${by[name]} as ${name}`)
  const days = groupBy.filter(isDay)
  const isFlow = dayOf === 'booked_day' && kind === undefined
  const orders = isFlow
    ? `count(*) filter (where units > 0 and units - quantity <= 0)
        - count(*) filter (where units <= 0 and units - quantity > 0)`
    : `count(${kind === undefined ? '*) filter (where quantity > 0' : 'distinct order_id'})`
  // Of an order that has a row in the range, the rows before it too.
  const scope = isFlow
    ? `(shard, order_id) in (
        select shard, order_id from daily_sales_report_gen where generation = ${GENERATION} and ${filters.where()} and ${range.where()})`
    : range.where()
  const keys = [...cell, 'currency', 'shard', 'order_id', ...(isFlow ? ['event_no'] : []), `${dayOf}`]
  const running = `sum(quantity) over (
    partition by ${[...columns, 'shard', 'order_id'].join(', ')} order by event_no) as units`
  const text = `
    with ${FRESH},
    summed as (
      select ${keys.join(', ')}, sum(price) as price, sum(tax) as tax, sum(quantity) as quantity
      from daily_sales_report_gen where generation = ${GENERATION} and ${filters.where()} and ${scope}
      group by ${groupNumbers(keys.length)}),
    counted as (select *${isFlow ? `, ${running}` : ''} from summed),
    found as (
      select ${[...columns, ...days.map((name) => `${by[name]} as ${name}`), 'currency'].join(', ')},
        sum(price)::bigint as price, sum(tax)::bigint as tax, sum(quantity)::bigint as quantity, (${orders})::bigint as orders
      from counted where ${range.where()} group by ${groupNumbers(groupBy.length + 1)})
    ${listed(read, `limit $${params.length}`)}`
  return { text, params }
}

export function openSalesReportStore(sql: SqlClient): SalesReportStore {
  return {
    ...createSalesReader(sql, {
      statementOf: (read) => (read.plan.source === 'facts' ? factStatement(read) : rollupStatement(read, read.plan)),
      refuseArchived,
    }),
    ...openFactReader(sql),
    ...createArchive(sql),
    extend: (nowMs) => extendPartitions(sql, nowMs),
    rebuildMonth: (month, onProgress) => rebuildMonth(sql, month, onProgress),
  }
}
