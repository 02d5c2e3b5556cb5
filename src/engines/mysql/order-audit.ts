import type { AuditCheck, AuditDifference, AuditedOrder, AuditView, HistoryEntry } from '../../orders/ports.ts'
import { HISTORY_COLUMNS, type HistoryRow, toHistoryEntry } from '../sql/order-rows.ts'
import type { SqlRunner } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { type CheckText, ORDER_CHECKS } from './order-audit-checks.ts'
import { ordersOf, pageOf } from './order-list.ts'
import { type MysqlOrderRow, toSortedOrder } from './order-rows.ts'
import { LIVE, REPORT_CHECKS } from './report-audit-checks.ts'

const LAG = `
with ${LIVE}
select cast(coalesce(sum(g.last_event_id - live.last_event_id), 0) as signed) as lag_events
from log_head g join live on live.shard = g.shard where g.log = 'orders'`

const ARCHIVED = `select date_format(month, '%Y-%m') as month from archived_months order by month`

const ORDERS = ordersOf(pageOf('o.order_id > ?', 'asc'), 'asc')

const HISTORIES = `
select order_id, ${HISTORY_COLUMNS} from order_history force index (order_history_version_key)
where (shard, order_id) in (?) order by order_id, version`

const SNAPSHOT = [
  'set session transaction isolation level repeatable read',
  'start transaction with consistent snapshot, read only',
]

function checkOf(sql: SqlRunner, { name, about, pairs }: CheckText): AuditCheck {
  return {
    name,
    about,
    async run(limit) {
      const [row] = await sql.query<{ compared: bigint; differing: string | bigint | null }>(
        `${pairs} select count(*) as compared, sum(not (expected <=> actual)) as differing from pair`,
      )
      const compared = Number(row?.compared ?? 0n)
      if (Number(row?.differing ?? 0) === 0) return { compared, differences: [] }
      const differences = await sql.query<AuditDifference>(
        `${pairs}
        select subject, expected, actual from pair where not (expected <=> actual) order by subject limit ?`,
        [limit],
      )
      return {
        compared,
        differences: differences.map(({ subject, expected, actual }) => ({ subject, expected, actual })),
      }
    },
  }
}

async function readOrders(sql: SqlRunner, after: bigint, limit: number): Promise<AuditedOrder[]> {
  const rows = await sql.query<MysqlOrderRow & { shard: number }>(ORDERS, [after, limit])
  if (rows.length === 0) return []
  const entries = await sql.query<HistoryRow & { order_id: bigint }>(HISTORIES, [
    rows.map((row) => [row.shard, row.order_id]),
  ])
  const histories = new Map<bigint, HistoryEntry[]>(rows.map((row) => [row.order_id, []]))
  for (const row of entries) histories.get(row.order_id)?.push(toHistoryEntry(row))
  return rows.map((row) => {
    const { orderId, state, historyHash } = toSortedOrder(row)
    return { orderId, state, historyHash, history: histories.get(orderId) ?? [] }
  })
}

/** What can be compared inside a transaction. */
export async function auditOrdersIn(sql: SqlRunner): Promise<AuditView> {
  const [row] = await sql.query<{ lag_events: bigint }>(LAG)
  const archived = await sql.query<{ month: string }>(ARCHIVED)
  return {
    lag: row?.lag_events ?? 0n,
    archivedMonths: archived.map(({ month }) => month),
    checks: [...REPORT_CHECKS, ...ORDER_CHECKS].map((check) => checkOf(sql, check)),
    orders: (after, limit) => readOrders(sql, after, limit),
  }
}

/** Everything in one snapshot, however long the comparisons take; a snapshot holds nobody up. */
export function auditOrders<T>(sql: MysqlClient, work: (view: AuditView) => Promise<T>): Promise<T> {
  return sql.session(async (run) => {
    for (const text of [`set session ${sql.profile.noTimeLimit}`, ...SNAPSHOT]) await run(text)
    const query: SqlRunner['query'] = async <Row extends object>(text: string, params?: Parameters<typeof run>[1]) =>
      (await run(text, params)).rows as Row[]
    return work(await auditOrdersIn({ query }))
  })
}
