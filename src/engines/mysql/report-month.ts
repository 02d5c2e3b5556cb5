import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { CELL_KEY, daysOf, FIGURE_COLUMNS, LIVE_GENERATION, SALES_REPORT } from '../sql/report-tables.ts'
import type { MysqlClient, MysqlTx } from './client-mysql2.ts'
import { FIRST_DAY, IN_MONTH } from './report-archive.ts'
import { addCells, cellsOf, type MovedRow } from './report-cells.ts'
import { insertLegs } from './report-projection.ts'

/**
 * One month of the live report anew. While a shard's checkpoint is held nothing is folded into it, so what is read from
 * the history up to there is what the report must hold. First the rows, some orders at a time; then the sums, from the
 * rows, day by day, the months of those days, and all time. So both are right whichever of them was wrong.
 */
const HOLD = `
select generation, last_event_id from projection_checkpoints
where projection = '${SALES_REPORT}' and shard = ? and generation = ${LIVE_GENERATION} and last_event_id >= 0
for update`

const SHARDS = `select shard from log_head where log = 'orders' order by shard`
// Looked at when the checkpoint is held: another generation may have become live before.
const LIVE = `select ${LIVE_GENERATION} as generation`
const IS_ARCHIVED = 'select 1 as archived from archived_months where month = ?'

const OF_MONTH = `shard = ? and business_day >= ? and business_day < ? + interval 1 month and order_id > ?`

const LAST_ORDER = `
select max(order_id) as last, count(*) as orders from (
  select order_id from orders where ${OF_MONTH} order by order_id limit ?) o`

const FACTS_OF_ORDERS = `
from daily_sales_report_gen where generation = ? and shard = ? and ${IN_MONTH} and order_id > ? and order_id <= ?`
const BOOKED_DAYS = `select booked_day, count(*) as facts ${FACTS_OF_ORDERS} group by booked_day`
const REMOVE = `delete ${FACTS_OF_ORDERS}`

const INSERT = insertLegs(`shard = ? and event_id <= ?
  and order_id in (select o.order_id from orders o where ${OF_MONTH.replaceAll(/(shard|business_day|order_id)/g, 'o.$1')}
    and o.order_id <= ?)
  and not exists (
    select 1 from projection_quarantine q
    where q.projection = '${SALES_REPORT}' and q.generation = ? and q.shard = sales_legs.shard
      and q.stream_id = cast(sales_legs.order_id as char) and q.from_event_id <= sales_legs.event_id)`)

/** The tables that may have rows of a day: the report, and archives. */
const ARCHIVES = `
select table_name from archived_months
where (booked_from <= ? and booked_to >= ?) or (month <= ? and month + interval 1 month > ?)`

const ordersOfDay = (tables: readonly string[]) => `
${tables
  .map(
    (table) => `
  select order_id from ${table}
  where generation = ? and sale_day = ? and shard = ? and order_id > ?
  union
  select order_id from ${table}
  where generation = ? and booked_day = ? and shard = ? and order_id > ?`,
  )
  .join('\n  union')}
order by order_id limit ?`

const rowsOfOrders = (table: string) => `
select order_id, event_no, line_no, leg, product_category, shipping_city, product_id, quantity, sale_day, booked_day,
  currency, price, tax
from ${table} where shard = ? and order_id in (?) and generation = ?`

const CLEAR = `
delete from sales_rollups
where generation = ? and grain in ('all', 'category', 'city', 'category_city', 'product') and period = ?
  and starts = ? and shard = ?`

const sumUp = (period: string, of: string, where: string) => `
insert into sales_rollups (generation, shard, ${CELL_KEY.join(', ')}, ${FIGURE_COLUMNS.join(', ')})
select generation, shard, grain, '${period}', ?, product_category, shipping_city, product_id, currency,
  ${FIGURE_COLUMNS.map((column) => `sum(${column})`).join(', ')}
from sales_rollups
where generation = ? and grain in ('all', 'category', 'city', 'category_city', 'product') and period = '${of}'
  and shard = ? ${where}
group by generation, shard, grain, product_category, shipping_city, product_id, currency
having sum(sale_facts) <> 0 or sum(booked_facts) <> 0`

const SUM_MONTH = sumUp('month', 'day', 'and starts >= ? and starts < ? + interval 1 month')
const SUM_LIFETIME = sumUp('lifetime', 'month', '')

const ID_MAX = 2n ** 63n - 1n

interface Held {
  readonly generation: number
  readonly shard: number
  readonly checkpoint: bigint
}

/** Works on a shard while nothing is folded into it. */
function withShard<T>(
  sql: MysqlClient,
  shard: number,
  month: string,
  work: (tx: MysqlTx, held: Held) => Promise<T>,
): Promise<T> {
  return sql.transaction(async (tx) => {
    const [holding, live, archived] = await tx.batch([
      { text: HOLD, params: [shard] },
      { text: LIVE },
      { text: IS_ARCHIVED, params: [month] },
    ])
    const [held] = holding!.rows as { generation: number; last_event_id: bigint }[]
    const [{ generation }] = live!.rows as [{ generation: number | null }]
    if (held === undefined || held.generation !== generation) {
      throw new AppError('report_busy', 'The report was rebuilt meanwhile; nothing is left to do')
    }
    if (archived!.rows.length > 0) throw archivedMonth(month)
    return work(tx, { generation, shard, checkpoint: held.last_event_id })
  })
}

function archivedMonth(month: string): AppError {
  const name = month.slice(0, 7)
  return new AppError('report_archived', `${name} is archived`, { data: { months: [name] } })
}

async function refoldShard(
  sql: MysqlClient,
  shard: number,
  month: string,
  days: Set<string>,
  onFacts: (facts: number) => void,
): Promise<void> {
  let after = 0n
  while (after < ID_MAX) {
    after = await withShard(sql, shard, month, async (tx, { generation, checkpoint }) => {
      const ofMonth = [shard, month, month, after]
      const limit = LIMITS.reportRebuildOrders
      const [chunk] = await tx.query<{ last: bigint | null; orders: bigint }>(LAST_ORDER, [...ofMonth, limit])
      // Behind the last order there may be rows of orders that are none of this month, or none at all.
      const isLast = chunk === undefined || Number(chunk.orders) < limit
      const upTo = isLast ? ID_MAX : chunk.last!
      const facts = [generation, shard, month, month, after, upTo]
      const insert = [generation, shard, checkpoint, ...ofMonth, upTo, generation]
      const [removed, , , added] = await tx.batch([
        { text: BOOKED_DAYS, params: facts },
        { text: REMOVE, params: facts },
        { text: INSERT, params: insert },
        { text: BOOKED_DAYS, params: facts },
      ])
      const found = [...removed!.rows, ...added!.rows] as { booked_day: string; facts: bigint }[]
      for (const { booked_day } of found) days.add(booked_day)
      onFacts((added!.rows as typeof found).reduce((sum, row) => sum + Number(row.facts), 0))
      return upTo
    })
  }
}

type FactRow = MovedRow & { line_no: number; leg: number }

/**
 * Sums a day up from all rows of the orders that have one on it, since an order is counted by what it had before; a
 * bounded number of orders at a time, as sums of orders can be added.
 */
async function sumDay(tx: MysqlTx, { generation, shard }: Held, day: string): Promise<void> {
  const [archives] = await tx.batch([
    { text: ARCHIVES, params: [day, day, day, day] },
    { text: CLEAR, params: [generation, 'day', day, shard] },
  ])
  const archived = (archives!.rows as { table_name: string }[]).map((row) => row.table_name)
  const tables = ['daily_sales_report_gen', ...archived]
  let after = 0n
  for (;;) {
    const ofTable = [generation, day, shard, after, generation, day, shard, after]
    const params = [...tables.flatMap(() => ofTable), LIMITS.reportRebuildOrders]
    const orders = (await tx.query<{ order_id: bigint }>(ordersOfDay(tables), params)).map((row) => row.order_id)
    if (orders.length === 0) return
    // A row on its way into an archive may be seen in both.
    const rows = new Map<string, FactRow>()
    for (const table of tables) {
      for (const row of await tx.query<FactRow>(rowsOfOrders(table), [shard, orders, generation])) {
        rows.set([row.order_id, row.event_no, row.line_no, row.leg].join(), row)
      }
    }
    const cells = cellsOf([...rows.values()]).filter(({ period, starts }) => period === 'day' && starts === day)
    await addCells(tx, generation, shard, cells)
    after = orders.at(-1)!
  }
}

async function sumShard(sql: MysqlClient, shard: number, month: string, days: readonly string[]): Promise<void> {
  for (const day of days) await withShard(sql, shard, month, (tx, held) => sumDay(tx, held, day))
  for (const starts of new Set(days.map((day) => `${day.slice(0, 7)}-01`))) {
    await withShard(sql, shard, month, (tx, { generation }) =>
      tx.last([
        { text: CLEAR, params: [generation, 'month', starts, shard] },
        { text: SUM_MONTH, params: [starts, generation, shard, starts, starts] },
      ]),
    )
  }
  await withShard(sql, shard, month, (tx, { generation }) =>
    tx.last([
      { text: CLEAR, params: [generation, 'lifetime', FIRST_DAY, shard] },
      { text: SUM_LIFETIME, params: [FIRST_DAY, generation, shard] },
    ]),
  )
}

/** See `SalesReportStore.rebuildMonth`. */
export async function rebuildMonth(
  sql: MysqlClient,
  month: string,
  onProgress: (facts: number) => void,
): Promise<number> {
  const first = `${month}-01`
  if ((await sql.query(IS_ARCHIVED, [first])).length > 0) throw archivedMonth(first)
  let facts = 0
  for (const { shard } of await sql.query<{ shard: number }>(SHARDS)) {
    const days = new Set(daysOf(month))
    await refoldShard(sql, shard, first, days, (more) => {
      facts += more
      onProgress(facts)
    })
    await sumShard(sql, shard, first, [...days].sort())
  }
  return facts
}
