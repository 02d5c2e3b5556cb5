import type { AuditCheck, AuditDifference, AuditedOrder, AuditView, HistoryEntry } from '../../orders/ports.ts'
import { HISTORY_COLUMNS, type HistoryRow, type OrderRow, toHistoryEntry, toOrder } from '../sql/order-rows.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'
import { type CheckText, ORDER_CHECKS } from './order-audit-checks.ts'
import { mergedPage } from './order-list.ts'
import { ORDER_COLUMNS } from './order-rows.ts'
import { LIVE, REPORT_CHECKS } from './report-audit-checks.ts'

const LAG = `
with ${LIVE}
select coalesce(sum(g.last_event_id - live.last_event_id), 0)::bigint as lag
from log_head g join live on live.shard = g.shard where g.log = 'orders'`

const ARCHIVED = `select to_char(month, 'YYYY-MM') as month from archived_months order by month`

const ORDERS = `
with page as materialized (${mergedPage('o.order_id > $1', 'asc', '$2')})
select o.shard, ${ORDER_COLUMNS} from page join orders o on o.shard = page.shard and o.order_id = page.order_id
order by o.order_id`

const HISTORIES = `
select order_id, ${HISTORY_COLUMNS}
from order_history where (shard, order_id) in (select * from unnest($1::smallint[], $2::bigint[]))
order by order_id, version`

interface PairRow extends AuditDifference {
  compared: bigint
}

function checkOf(tx: SqlTx, { name, about, pairs }: CheckText): AuditCheck {
  return {
    name,
    about,
    async run(limit) {
      const rows = await tx.query<PairRow | { compared: bigint; subject: null }>(
        `${pairs}
        select n.compared, d.* from (select count(*) as compared from pair) n
        left join lateral (
          select subject, expected, actual from pair where expected is distinct from actual order by subject limit $1) d
          on true`,
        [limit],
      )
      const differences = rows
        .filter((row) => row.subject !== null)
        .map(({ subject, expected, actual }) => ({ subject, expected, actual }))
      return { compared: Number(rows[0]?.compared ?? 0n), differences }
    },
  }
}

async function readOrders(tx: SqlTx, after: bigint, limit: number): Promise<AuditedOrder[]> {
  const rows = await tx.query<OrderRow & { shard: number }>(ORDERS, [after, limit])
  const ids = rows.map((row) => row.order_id)
  const entries = await tx.query<HistoryRow & { order_id: bigint }>(HISTORIES, [rows.map((row) => row.shard), ids])
  const histories = new Map<bigint, HistoryEntry[]>(ids.map((id) => [id, []]))
  for (const row of entries) histories.get(row.order_id)?.push(toHistoryEntry(row))
  return rows.map((row) => {
    const { orderId, state, historyHash } = toOrder(row)
    return { orderId, state, historyHash, history: histories.get(orderId) ?? [] }
  })
}

/** What can be compared inside a transaction. */
export async function auditOrdersIn(tx: SqlTx): Promise<AuditView> {
  const [row] = await tx.query<{ lag: bigint }>(LAG)
  const archived = await tx.query<{ month: string }>(ARCHIVED)
  return {
    lag: row?.lag ?? 0n,
    archivedMonths: archived.map(({ month }) => month),
    checks: [...REPORT_CHECKS, ...ORDER_CHECKS].map((check) => checkOf(tx, check)),
    orders: (after, limit) => readOrders(tx, after, limit),
  }
}

/** Everything in one snapshot, however long the comparisons take. */
export function auditOrders<T>(sql: SqlClient, work: (view: AuditView) => Promise<T>): Promise<T> {
  return sql.transaction(async (tx) => work(await auditOrdersIn(tx)), { snapshot: true, unlimited: true })
}
