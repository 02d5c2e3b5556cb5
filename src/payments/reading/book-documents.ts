import { assert } from '../../core/errors.ts'
import { fromMinor } from '../../core/money.ts'
import type { DisputeRow, LedgerBalance, LedgerEntry } from '../ports/views.ts'
import { accountRule } from '../read-model/accounts.ts'
import type { DisputeDocument, LedgerAccount, LedgerEntryDocument } from './book-schemas.ts'

const time = (ms: number): string => new Date(ms).toISOString()

export function toDisputeDocument(row: DisputeRow): DisputeDocument {
  return {
    payment_intent_id: row.paymentIntentId,
    dispute_id: row.disputeId,
    amount: fromMinor(row.amount),
    currency: row.currency,
    reason: row.reason,
    status: row.status,
    evidence_due_by: row.evidenceDueMs === undefined ? null : time(row.evidenceDueMs),
    opened_at: time(row.openedAtMs),
    updated_at: time(row.updatedAtMs),
    processor: row.processor,
    customer_id: row.customerId ?? null,
    order_id: row.orderId ?? null,
  }
}

export function toLedgerAccount({ account, currency, debit, credit }: LedgerBalance): LedgerAccount {
  const rule = accountRule(account)
  assert(rule !== undefined, `account ${account} is not in the chart`)
  return {
    ...{ account, kind: rule.kind, about: rule.about, currency },
    ...{ debit: fromMinor(debit), credit: fromMinor(credit), balance: fromMinor(debit - credit) },
  }
}

export function toLedgerEntry(entry: LedgerEntry): LedgerEntryDocument {
  const { paymentIntentId, shard, eventId, line, account, currency, amount, timestampMs } = entry
  return {
    ...{ payment_intent_id: paymentIntentId, shard, event_id: eventId.toString(), line, account, currency },
    ...{ amount: fromMinor(amount), timestamp: time(timestampMs) },
  }
}
