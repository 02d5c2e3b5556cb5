import { shardOfPrefixedId } from '../../core/ids.ts'
import { createLookup } from '../../core/lookup.ts'
import type { EventType } from '../../payments/model/events.ts'
import type { DisputeStatus } from '../../payments/model/state.ts'
import { stateFromJson } from '../../payments/model/state-json.ts'
import type { CustomerTransaction, DisputeRow, PaymentViews, ViewedPayment } from '../../payments/ports/views.ts'
import type { SqlClient } from '../sql/sql.ts'
import { listPayments } from './payment-list.ts'

// Head and view in one statement, so that a view that lags is recognised.
const VIEWED = `
select h.payment_intent_id, h.version as head_version, v.state
from payment_intents h left join payment_view v on v.shard = h.shard and v.payment_intent_id = h.payment_intent_id`
const FIND = `${VIEWED}
where (h.shard, h.payment_intent_id) in (select shard, id from unnest($1::smallint[], $2::text[]) as t (shard, id))`
const FIND_BY_ORDER = `${VIEWED} where h.order_id = $1 order by h.created_at, h.payment_intent_id`

const TRANSACTION_COLUMNS = 'customer_id, timestamp, payment_intent_id, version, event_type, amount, currency, order_id'
const NEWEST = `
select ${TRANSACTION_COLUMNS} from customer_transactions where customer_id = $1
order by timestamp desc, payment_intent_id desc, version desc limit $2`
const OLDER = `
select ${TRANSACTION_COLUMNS} from customer_transactions
where customer_id = $1 and (timestamp, payment_intent_id, version) < ($2, $3, $4)
order by timestamp desc, payment_intent_id desc, version desc limit $5`

export const DISPUTE_COLUMNS = `dispute_id, payment_intent_id, processor, customer_id, order_id, amount, currency, reason, status,
  nullif(evidence_due_by, 'infinity') as evidence_due_by, opened_at, updated_at`
const DISPUTES = `
select ${DISPUTE_COLUMNS}
from payment_disputes d
where status = any($1) and ($2::text is null or processor = $2) and ($3::timestamptz is null or evidence_due_by < $3)
  and (d.evidence_due_by, payment_intent_id, dispute_id) > ($4::timestamptz, $5, $6)
order by d.evidence_due_by, payment_intent_id, dispute_id limit $7`

export interface DisputeSqlRow {
  dispute_id: string
  payment_intent_id: string
  processor: string
  customer_id: string | null
  order_id: string | null
  amount: bigint
  currency: string
  reason: string
  status: string
  evidence_due_by: Date | null
  opened_at: Date
  updated_at: Date
}

export function toDispute(row: DisputeSqlRow): DisputeRow {
  return {
    disputeId: row.dispute_id,
    paymentIntentId: row.payment_intent_id,
    processor: row.processor,
    customerId: row.customer_id ?? undefined,
    orderId: row.order_id ?? undefined,
    amount: row.amount,
    currency: row.currency,
    reason: row.reason,
    status: row.status as DisputeStatus,
    evidenceDueMs: row.evidence_due_by?.getTime(),
    openedAtMs: row.opened_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  }
}

interface ViewedRow {
  payment_intent_id: string
  head_version: number
  state: Record<string, unknown> | null
}

export interface TransactionRow {
  timestamp: Date
  payment_intent_id: string
  version: number
  event_type: string
  amount: bigint
  currency: string
  order_id: string | null
}

function toViewed(row: ViewedRow): ViewedPayment {
  return {
    paymentIntentId: row.payment_intent_id,
    headVersion: row.head_version,
    state: row.state === null ? undefined : stateFromJson(row.state),
  }
}

export function toTransactionRow(row: TransactionRow): CustomerTransaction {
  return {
    paymentIntentId: row.payment_intent_id,
    version: row.version,
    type: row.event_type as EventType,
    amount: row.amount,
    currency: row.currency,
    orderId: row.order_id ?? undefined,
    timestampMs: row.timestamp.getTime(),
  }
}

/** `shards`: those of the log of payments. */
export function openPaymentViews(sql: SqlClient, shards: number): PaymentViews {
  const find = createLookup<string, ViewedPayment>(
    async (ids) => {
      const known = ids.filter((id) => shardOfPrefixedId('pi', id) !== undefined)
      const shards = known.map((id) => shardOfPrefixedId('pi', id))
      return (await sql.query<ViewedRow>(FIND, [shards, known])).map(toViewed)
    },
    (payment) => payment.paymentIntentId,
  )

  return {
    find,
    async findByOrder(orderId) {
      return (await sql.query<ViewedRow>(FIND_BY_ORDER, [orderId])).map(toViewed)
    },
    list: (filter, before, limit) => listPayments(sql, shards, filter, before, limit),
    async transactions(customerId, before, limit) {
      const rows =
        before === undefined
          ? await sql.query<TransactionRow>(NEWEST, [customerId, limit])
          : await sql.query<TransactionRow>(OLDER, [
              customerId,
              new Date(before.timestampMs),
              before.paymentIntentId,
              before.version,
              limit,
            ])
      return rows.map(toTransactionRow)
    },
    async disputes({ statuses, processor, dueBeforeMs }, after, limit) {
      const rows = await sql.query<DisputeSqlRow>(DISPUTES, [
        [...statuses],
        processor ?? null,
        dueBeforeMs === undefined ? null : new Date(dueBeforeMs),
        after === undefined
          ? '-infinity'
          : after.evidenceDueMs === undefined
            ? 'infinity'
            : new Date(after.evidenceDueMs).toISOString(),
        after?.paymentIntentId ?? '',
        after?.disputeId ?? '',
        limit,
      ])
      return rows.map(toDispute)
    },
  }
}
