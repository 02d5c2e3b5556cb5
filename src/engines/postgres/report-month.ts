import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { CELL_KEY, daysOf, FIGURE_COLUMNS, SALES_REPORT } from '../sql/report-tables.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'
import { CELLS } from './report-cells.ts'
import { FACTS } from './report-partitions.ts'
import { insertLegs } from './report-projection.ts'

/**
 * One month of the live report anew. While a shard's checkpoint is held nothing is folded into it, so what is read from
 * the history up to there is what the report must hold. First the rows, some orders at a time; then the sums, from the
 * rows, day by day, the months of those days, and all time. So both are right whichever of them was wrong.
 */
const HOLD = `
select c.generation, c.last_event_id from projection_checkpoints c
join projections p on p.name = c.projection and p.live_generation = c.generation
where c.projection = '${SALES_REPORT}' and c.shard = $1 and c.last_event_id >= 0 for update of c`

const SHARDS = `select shard from log_head where log = 'orders' order by shard`
const IS_ARCHIVED = 'select 1 as archived from archived_months where month = $1'

const inMonth = (column: string) => `${column} >= $3::date and ${column} < $3::date + interval '1 month'`

const LAST_ORDER = `
select max(order_id) as last, count(*) as orders from (
  select order_id from orders
  where shard = $1 and business_day >= $2::date and business_day < $2::date + interval '1 month' and order_id > $3
  order by order_id limit $4) o`

const REMOVE = `
delete from daily_sales_report_gen
where generation = $1 and shard = $2 and ${inMonth('sale_day')} and order_id > $4 and order_id <= $5
returning booked_day`

const INSERT = `
with added as (${insertLegs(`shard = $2 and event_id <= $6
  and order_id = any(array(
    select order_id from orders
    where shard = $2 and ${inMonth('business_day')} and order_id > $4 and order_id <= $5))
  and not exists (
    select 1 from projection_quarantine q
    where q.projection = '${SALES_REPORT}' and q.generation = $1 and q.shard = $2
      and q.stream_id = order_id::text and q.from_event_id <= event_id)`)})
select booked_day, count(*) as facts from added group by booked_day`

/** Sets the rows of one period to what `cells` says: generation `$1`, shard `$2`. */
const setRollups = (period: string, starts: string) => `
gone as (
  delete from sales_rollups r
  where r.generation = $1 and r.shard = $2 and r.period = '${period}' and ${starts.replaceAll('starts', 'r.starts')}
    and not exists (
      select 1 from cells c where (${CELL_KEY.map((name) => `c.${name}`).join(', ')})
        = (${CELL_KEY.map((name) => `r.${name}`).join(', ')})))
insert into sales_rollups (generation, shard, ${CELL_KEY.join(', ')}, ${FIGURE_COLUMNS.join(', ')})
select $1, $2, ${CELL_KEY.join(', ')}, ${FIGURE_COLUMNS.join(', ')} from cells where period = '${period}' and ${starts}
on conflict (generation, grain, period, starts, product_category, shipping_city, product_id, currency, shard)
do update set ${FIGURE_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ')}`

const ARCHIVES = `
select table_name from archived_months
where $1::date between booked_from and booked_to or month = date_trunc('month', $1::date)::date`

const UNITS = `order_id, event_no, product_category, shipping_city, product_id, quantity, sale_day, booked_day, currency,
  price, tax`

/**
 * From all rows of the orders that have one on that day, since an order is counted by what it had before. Some of them may
 * be in archives.
 */
const sumDay = (tables: readonly string[]) => {
  const each = (select: (table: string) => string) => tables.map(select).join(' union all ')
  return `
with moved as (
  ${each(
    (table) => `select ${UNITS} from ${table} where generation = $1 and shard = $2 and order_id in (
    ${each(
      (other) => `select order_id from ${other}
      where generation = $1 and shard = $2 and (sale_day = $3::date or booked_day = $3::date)`,
    )})`,
  )}),
known as (select * from moved where false),
${CELLS},
${setRollups('day', 'starts = $3::date')}`
}

const summed = (period: string, of: string, starts: string, where: string) => `
with cells as (
  select grain, '${period}' collate "C" as period, ${starts} as starts, product_category, shipping_city, product_id,
    currency, ${FIGURE_COLUMNS.map((column) => `sum(${column})::bigint as ${column}`).join(', ')}
  from sales_rollups where generation = $1 and shard = $2 and period = '${of}' and ${where}
  group by grain, product_category, shipping_city, product_id, currency
  having sum(sale_facts) <> 0 or sum(booked_facts) <> 0),`

const SUM_MONTH = `
${summed('month', 'day', '$3::date', inMonth('starts'))}
${setRollups('month', 'starts = $3::date')}`

const SUM_LIFETIME = `
${summed('lifetime', 'month', `date '0001-01-01'`, 'true')}
${setRollups('lifetime', 'true')}`

const ID_MAX = 2n ** 63n - 1n

/** Works on a shard while nothing is folded into it. */
function withShard<T>(
  sql: SqlClient,
  shard: number,
  work: (tx: SqlTx, generation: number, checkpoint: bigint) => Promise<T>,
): Promise<T> {
  return sql.transaction(async (tx) => {
    const [held] = await tx.query<{ generation: number; last_event_id: bigint }>(HOLD, [shard])
    if (held === undefined) throw new AppError('report_busy', 'The report was rebuilt meanwhile; nothing is left to do')
    return work(tx, held.generation, held.last_event_id)
  })
}

async function refoldShard(
  sql: SqlClient,
  shard: number,
  month: string,
  days: Set<string>,
  onFacts: (facts: number) => void,
): Promise<void> {
  let after = 0n
  while (after < ID_MAX) {
    after = await withShard(sql, shard, async (tx, generation, checkpoint) => {
      const [chunk] = await tx.query<{ last: bigint | null; orders: bigint }>(LAST_ORDER, [
        shard,
        month,
        after,
        LIMITS.reportRebuildOrders,
      ])
      // Behind the last order there may be rows of orders that are none of this month, or none at all.
      const isLast = chunk === undefined || Number(chunk.orders) < LIMITS.reportRebuildOrders
      const upTo = isLast ? ID_MAX : chunk.last!
      const removed = await tx.query<{ booked_day: string }>(REMOVE, [generation, shard, month, after, upTo])
      const params = [generation, shard, month, after, upTo, checkpoint]
      const added = await tx.query<{ booked_day: string; facts: bigint }>(INSERT, params)
      for (const { booked_day } of [...removed, ...added]) days.add(booked_day)
      onFacts(added.reduce((sum, { facts }) => sum + Number(facts), 0))
      return upTo
    })
  }
}

async function sumShard(sql: SqlClient, shard: number, days: readonly string[]): Promise<void> {
  for (const day of days) {
    await withShard(sql, shard, async (tx, generation) => {
      const archives = await tx.query<{ table_name: string }>(ARCHIVES, [day])
      const tables = [FACTS, ...archives.map((row) => row.table_name)]
      await tx.query(sumDay(tables), [generation, shard, day])
    })
  }
  const months = [...new Set(days.map((day) => `${day.slice(0, 7)}-01`))]
  for (const month of months) {
    await withShard(sql, shard, (tx, generation) => tx.query(SUM_MONTH, [generation, shard, month]))
  }
  await withShard(sql, shard, (tx, generation) => tx.query(SUM_LIFETIME, [generation, shard]))
}

/** See `SalesReportStore.rebuildMonth`. */
export async function rebuildMonth(
  sql: SqlClient,
  month: string,
  onProgress: (facts: number) => void,
): Promise<number> {
  const first = `${month}-01`
  if ((await sql.query(IS_ARCHIVED, [first])).length > 0) {
    throw new AppError('report_archived', `${month} is archived`, { data: { months: [month] } })
  }
  let facts = 0
  for (const { shard } of await sql.query<{ shard: number }>(SHARDS)) {
    const days = new Set(daysOf(month))
    await refoldShard(sql, shard, first, days, (more) => {
      facts += more
      onProgress(facts)
    })
    await sumShard(sql, shard, [...days].sort())
  }
  return facts
}
