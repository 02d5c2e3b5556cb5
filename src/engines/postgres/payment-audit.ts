import { stateFromJson } from '../../payments/model/state-json.ts'
import type { AuditedPayment, PaymentAudit, ShardCount } from '../../payments/ports/audit.ts'
import type { SqlClient } from '../sql/sql.ts'
import {
  EVENT_COLUMNS,
  type EventRow,
  OPERATION_COLUMNS,
  type OperationSqlRow,
  toOperation,
  toStoredEvent,
} from './payment-rows.ts'
import { type TransactionRow, toTransactionRow } from './payment-views.ts'

const HEADS = `
select shard, payment_intent_id, version, status, amount, currency, authorized, capture_pending, captured, refund_pending,
  refunded, disputed, customer_id, order_id, hash
from payment_intents where (shard, payment_intent_id) > ($1, $2) order by shard, payment_intent_id limit $3`

const PAGE = '(shard, payment_intent_id) in (select * from unnest($1::smallint[], $2::text[]))'
const EVENTS = `select ${EVENT_COLUMNS} from payment_events where ${PAGE} order by shard, payment_intent_id, version`
const OPERATIONS = `select ${OPERATION_COLUMNS} from payment_operations where payment_intent_id = any($1) order by op_id`
const VIEWS = `select payment_intent_id, state from payment_view where ${PAGE}`
const TRANSACTIONS = `
select timestamp, payment_intent_id, version, event_type, amount, currency, order_id
from customer_transactions where payment_intent_id = any($1) order by payment_intent_id, version`

const CHECKPOINTS = `
select c.shard, p.name, c.last_event_id from projections p
join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
where p.name = 'payment_view'`

const COUNTS = `
select h.shard, h.last_event_id as head, count(e.event_id) as events, coalesce(min(e.event_id), 0) as first,
  coalesce(max(e.event_id), 0) as last
from log_head h left join payment_events e on e.shard = h.shard
where h.log = 'payments' group by h.shard, h.last_event_id order by h.shard`

const ORPHANS = `
select distinct e.payment_intent_id from payment_events e
where not exists (select 1 from payment_intents h where h.shard = e.shard and h.payment_intent_id = e.payment_intent_id)
order by 1 limit $1`

interface HeadRow {
  shard: number
  payment_intent_id: string
  version: number
  status: string
  amount: bigint
  currency: string
  authorized: bigint
  capture_pending: bigint
  captured: bigint
  refund_pending: bigint
  refunded: bigint
  disputed: bigint
  customer_id: string | null
  order_id: string | null
  hash: Uint8Array
}

function toHead(row: HeadRow): AuditedPayment['head'] {
  return {
    version: row.version,
    status: row.status,
    amount: row.amount,
    currency: row.currency,
    authorized: row.authorized,
    capturePending: row.capture_pending,
    captured: row.captured,
    refundPending: row.refund_pending,
    refunded: row.refunded,
    disputed: row.disputed,
    customerId: row.customer_id ?? undefined,
    orderId: row.order_id ?? undefined,
    hash: row.hash,
  }
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

export function openPaymentAudit(sql: SqlClient): PaymentAudit {
  return {
    page: (after, limit) =>
      sql.transaction(
        async (tx) => {
          const heads = await tx.query<HeadRow>(HEADS, [after?.shard ?? -1, after?.paymentIntentId ?? '', limit])
          const ids = heads.map((head) => head.payment_intent_id)
          const page = [heads.map((head) => head.shard), ids]
          const events = groupBy(
            (await tx.query<EventRow>(EVENTS, page)).map(toStoredEvent),
            (event) => event.paymentIntentId,
          )
          const operations = groupBy(
            (await tx.query<OperationSqlRow>(OPERATIONS, [ids])).map(toOperation),
            (operation) => operation.paymentIntentId,
          )
          const viewRows = await tx.query<{ payment_intent_id: string; state: Record<string, unknown> }>(VIEWS, page)
          const views = new Map(viewRows.map((row) => [row.payment_intent_id, stateFromJson(row.state)]))
          const transactions = groupBy(
            (await tx.query<TransactionRow>(TRANSACTIONS, [ids])).map(toTransactionRow),
            (transaction) => transaction.paymentIntentId,
          )
          const checkpoints = await tx.query<{ shard: number; name: string; last_event_id: bigint }>(CHECKPOINTS)
          const checkpoint = (shard: number, name: string) =>
            checkpoints.find((row) => row.shard === shard && row.name === name)?.last_event_id ?? 0n
          return heads.map(
            (head): AuditedPayment => ({
              shard: head.shard,
              paymentIntentId: head.payment_intent_id,
              head: toHead(head),
              events: events.get(head.payment_intent_id) ?? [],
              operations: operations.get(head.payment_intent_id) ?? [],
              view: views.get(head.payment_intent_id),
              transactions: transactions.get(head.payment_intent_id) ?? [],
              checkpoints: {
                view: checkpoint(head.shard, 'payment_view'),
                transactions: checkpoint(head.shard, 'payment_view'),
              },
            }),
          )
        },
        { snapshot: true },
      ),
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
