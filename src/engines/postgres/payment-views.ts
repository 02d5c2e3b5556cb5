import { shardOfPrefixedId } from '../../core/ids.ts'
import type { EventType } from '../../payments/events.ts'
import type { CustomerTransaction, PaymentViews, ViewedPayment } from '../../payments/ports.ts'
import { stateFromJson } from '../../payments/state-json.ts'
import type { SqlClient } from '../sql/sql.ts'

// Head and view in one statement, so that a view that lags is recognised.
const VIEWED = `
select h.payment_intent_id, h.version as head_version, v.state
from payment_intents h left join payment_view v on v.shard = h.shard and v.payment_intent_id = h.payment_intent_id`
const FIND = `${VIEWED} where h.shard = $1 and h.payment_intent_id = $2`
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
  return {
    async find(paymentIntentId) {
      const shard = shardOfPrefixedId('pi', paymentIntentId)
      if (shard === undefined) return undefined
      const [row] = await sql.query<ViewedRow>(FIND, [shard, paymentIntentId])
      return row === undefined ? undefined : toViewed(row)
    },
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
