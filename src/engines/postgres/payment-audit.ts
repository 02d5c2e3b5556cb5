import { shardOfPrefixedId } from '../../core/ids.ts'
import { stateFromJson } from '../../payments/model/state-json.ts'
import type {
  AuditedPayment,
  AuditedSnapshot,
  AuditedView,
  PaymentAudit,
  PaymentColumns,
  ShardCount,
} from '../../payments/ports/audit.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'
import { checkpointsOf, readBooks, setAsideOf } from './payment-audit-books.ts'
import { type LedgerEntryRow, toLedgerEntry } from './payment-books.ts'
import {
  EVENT_COLUMNS,
  type EventRow,
  OPERATION_COLUMNS,
  type OperationSqlRow,
  toOperation,
  toStoredEvent,
} from './payment-rows.ts'
import {
  DISPUTE_COLUMNS,
  type DisputeSqlRow,
  type TransactionRow,
  toDispute,
  toTransactionRow,
} from './payment-views.ts'

const HEAD = `
select shard, payment_intent_id, version, status, amount, currency, authorized, capture_pending, captured, refund_pending,
  refunded, disputed, customer_id, order_id, hash
from payment_intents`
const HEADS = `${HEAD} where (shard, payment_intent_id) > ($1, $2) order by shard, payment_intent_id limit $3`
const ONE_HEAD = `${HEAD} where shard = $1 and payment_intent_id = $2`

const PAGE = '(shard, payment_intent_id) in (select * from unnest($1::smallint[], $2::text[]))'
const EVENTS = `select ${EVENT_COLUMNS} from payment_events where ${PAGE} order by shard, payment_intent_id, version`
const OPERATIONS = `select ${OPERATION_COLUMNS} from payment_operations where payment_intent_id = any($1) order by op_id`
const VIEWS = `
select payment_intent_id, version, status, currency, amount, authorized, captured, refunded, disputed, customer_id, order_id,
  processor, in_review, needs_response, state
from payment_view where ${PAGE}`
const TRANSACTIONS = `
select timestamp, payment_intent_id, version, event_type, amount, currency, order_id
from customer_transactions where payment_intent_id = any($1) order by payment_intent_id, version`
const ENTRIES = `
select shard, event_id as "eventId", line, payment_intent_id as "paymentIntentId", account, currency, amount, timestamp
from ledger_entries where payment_intent_id = any($1) order by payment_intent_id, event_id, line`
const DISPUTES = `select ${DISPUTE_COLUMNS} from payment_disputes d where ${PAGE} order by payment_intent_id, dispute_id`
const SNAPSHOTS = `
select payment_intent_id, version, state_version, event_hash, state
from payment_snapshots where ${PAGE} order by shard, payment_intent_id, version`

const COUNTS = `
select h.shard, h.last_event_id as head, count(e.event_id) as events, coalesce(min(e.event_id), 0) as first,
  coalesce(max(e.event_id), 0) as last
from log_head h left join payment_events e on e.shard = h.shard
where h.log = 'payments' group by h.shard, h.last_event_id order by h.shard`

const ORPHANS = `
select distinct r.payment_intent_id from (
  select shard, payment_intent_id from payment_events
  union all select shard, payment_intent_id from payment_view
  union all select shard, payment_intent_id from ledger_entries
  union all select shard, payment_intent_id from payment_disputes) r
where not exists (select 1 from payment_intents h where h.shard = r.shard and h.payment_intent_id = r.payment_intent_id)
order by 1 limit $1`

/** What head and view have in common. */
interface ColumnsRow {
  payment_intent_id: string
  version: number
  status: string
  amount: bigint
  currency: string
  authorized: bigint
  captured: bigint
  refunded: bigint
  disputed: bigint
  customer_id: string | null
  order_id: string | null
}

interface HeadRow extends ColumnsRow {
  shard: number
  capture_pending: bigint
  refund_pending: bigint
  hash: Uint8Array
}

interface ViewRow extends ColumnsRow {
  processor: string
  in_review: boolean
  needs_response: boolean
  state: Record<string, unknown>
}

interface SnapshotRow {
  payment_intent_id: string
  version: number
  state_version: number
  event_hash: Uint8Array
  state: Record<string, unknown>
}

function toColumns(row: ColumnsRow): PaymentColumns {
  const { version, status, amount, currency, authorized, captured, refunded, disputed } = row
  return {
    ...{ version, status, amount, currency, authorized, captured, refunded, disputed },
    ...{ customerId: row.customer_id ?? undefined, orderId: row.order_id ?? undefined },
  }
}

const toHead = (row: HeadRow): AuditedPayment['head'] => {
  return { ...toColumns(row), capturePending: row.capture_pending, refundPending: row.refund_pending, hash: row.hash }
}

const toView = (row: ViewRow): AuditedView => {
  const { processor, in_review: inReview, needs_response: needsResponse } = row
  return { ...toColumns(row), processor, inReview, needsResponse, state: stateFromJson(row.state) }
}

const toSnapshot = (row: SnapshotRow): AuditedSnapshot => {
  return { version: row.version, stateVersion: row.state_version, hash: row.event_hash, state: row.state }
}

function groupBy<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row))
    if (group === undefined) groups.set(keyOf(row), [row])
    else group.push(row)
  }
  return groups
}

const ofPayment = (row: { paymentIntentId: string }) => row.paymentIntentId

/** Payments with everything that belongs to them, all within one view of the database. */
async function readOf(tx: SqlTx, heads: readonly HeadRow[]): Promise<AuditedPayment[]> {
  const ids = heads.map((head) => head.payment_intent_id)
  const page = [heads.map((head) => head.shard), ids]
  const events = groupBy((await tx.query<EventRow>(EVENTS, page)).map(toStoredEvent), ofPayment)
  const operations = groupBy((await tx.query<OperationSqlRow>(OPERATIONS, [ids])).map(toOperation), ofPayment)
  const views = new Map((await tx.query<ViewRow>(VIEWS, page)).map((row) => [row.payment_intent_id, toView(row)]))
  const transactions = groupBy((await tx.query<TransactionRow>(TRANSACTIONS, [ids])).map(toTransactionRow), ofPayment)
  const entries = groupBy((await tx.query<LedgerEntryRow>(ENTRIES, [ids])).map(toLedgerEntry), ofPayment)
  const disputes = groupBy((await tx.query<DisputeSqlRow>(DISPUTES, page)).map(toDispute), ofPayment)
  const snapshots = groupBy(await tx.query<SnapshotRow>(SNAPSHOTS, page), (row) => row.payment_intent_id)
  const checkpoints = await checkpointsOf(tx)
  const setAside = await setAsideOf(tx)
  return heads.map((head): AuditedPayment => {
    const { shard, payment_intent_id: id } = head
    return {
      ...{ shard, paymentIntentId: id, head: toHead(head), view: views.get(id), setAside: setAside.get(id) },
      ...{ events: events.get(id) ?? [], operations: operations.get(id) ?? [] },
      ...{ transactions: transactions.get(id) ?? [], entries: entries.get(id) ?? [], disputes: disputes.get(id) ?? [] },
      ...{ snapshots: (snapshots.get(id) ?? []).map(toSnapshot), checkpoint: checkpoints.get(shard) ?? 0n },
    }
  })
}

const SNAPSHOT = { snapshot: true } as const

export function openPaymentAudit(sql: SqlClient): PaymentAudit {
  return {
    page: ({ shard, paymentIntentId } = { shard: -1, paymentIntentId: '' }, limit) =>
      sql.transaction(
        async (tx) => readOf(tx, await tx.query<HeadRow>(HEADS, [shard, paymentIntentId, limit])),
        SNAPSHOT,
      ),
    async find(paymentIntentId) {
      const shard = shardOfPrefixedId('pi', paymentIntentId)
      if (shard === undefined) return undefined
      const [found] = await sql.transaction(
        async (tx) => readOf(tx, await tx.query<HeadRow>(ONE_HEAD, [shard, paymentIntentId])),
        SNAPSHOT,
      )
      return found
    },
    books: () => sql.transaction(readBooks, SNAPSHOT),
    async counts() {
      const rows = await sql.query<{ shard: number; head: bigint; events: bigint; first: bigint; last: bigint }>(COUNTS)
      return rows.map(
        (row): ShardCount => ({
          shard: row.shard,
          head: row.head,
          events: row.events,
          firstEventId: row.first,
          lastEventId: row.last,
        }),
      )
    },
    async orphans(limit) {
      const rows = await sql.query<{ payment_intent_id: string }>(ORPHANS, [limit])
      return rows.map((row) => row.payment_intent_id)
    },
  }
}
