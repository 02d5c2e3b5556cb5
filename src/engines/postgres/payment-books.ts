import type { LedgerBalance, LedgerEntry, PaymentBooks, PaymentDay } from '../../payments/ports/views.ts'
import type { SqlClient } from '../sql/sql.ts'

const BALANCES = `
select account, currency, sum(debit)::bigint as debit, sum(credit)::bigint as credit from ledger_balances
where $1::text is null or currency = $1 group by account, currency order by account, currency`

const ENTRIES = `
select shard, event_id as "eventId", line, payment_intent_id as "paymentIntentId", account, currency, amount, timestamp
from ledger_entries
where ($1::text is null or account = $1) and ($2::text is null or payment_intent_id = $2)
  and ($3::timestamptz is null or (timestamp, shard, event_id, line) < ($3, $4, $5, $6))
order by timestamp desc, shard desc, event_id desc, line desc limit $7`

const DAYS = `
select day::text, currency, processor, sum(created)::int as created, sum(authorized)::int as authorized,
  sum(declined)::int as declined, sum(captures)::int as captures, sum(captured_amount)::bigint as "capturedAmount",
  sum(refunds)::int as refunds, sum(refunded_amount)::bigint as "refundedAmount", sum(disputes)::int as disputes,
  sum(disputed_amount)::bigint as "disputedAmount"
from payment_daily where day >= $1::date and day <= $2::date
group by payment_daily.day, currency, processor order by payment_daily.day, currency, processor`

export function openPaymentBooks(sql: SqlClient): PaymentBooks {
  return {
    balances: (currency) => sql.query<LedgerBalance>(BALANCES, [currency ?? null]),
    async entries({ account, paymentIntentId }, before, limit) {
      const from =
        before === undefined
          ? [null, 0, 0n, 0]
          : [new Date(before.timestampMs), before.shard, before.eventId, before.line]
      const rows = await sql.query<Omit<LedgerEntry, 'timestampMs'> & { timestamp: Date }>(ENTRIES, [
        account ?? null,
        paymentIntentId ?? null,
        ...from,
        limit,
      ])
      return rows.map(({ timestamp, ...row }) => ({ ...row, timestampMs: timestamp.getTime() }))
    },
    days: (from, to) => sql.query<PaymentDay>(DAYS, [from, to]),
  }
}
