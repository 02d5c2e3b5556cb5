import { shardOfPrefixedId } from '../../core/ids.ts'
import { createLookup } from '../../core/lookup.ts'
import type { EventType } from '../../payments/model/events.ts'
import type { CustomerTransaction, PaymentViews, ViewedPayment } from '../../payments/ports/ports.ts'
import { stateFromJson } from '../../payments/model/state-json.ts'
import type { SqlClient } from '../sql/sql.ts'

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

export function openPaymentViews(sql: SqlClient): PaymentViews {
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
  }
}
