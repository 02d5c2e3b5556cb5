import type { RecordedEvent } from '../model/events.ts'
import type { PaymentState } from '../model/state.ts'
import { type AccountName, DISPUTE_ACCOUNT, processorAccount } from './accounts.ts'

/** One line of a posting, in minor units: debits are positive, credits negative. */
export interface Posting {
  readonly account: string
  readonly amount: bigint
}

const NOTHING: readonly Posting[] = []

/** What a processor gave back with a corrected refund beyond what counts in the sums of the payment. */
function excessOf(event: RecordedEvent, before: PaymentState, refunded: bigint): bigint {
  if (event.type !== 'OUTCOME_CORRECTED') return 0n
  const kind = event.payload.kind ?? before.operations.get(event.payload.op_id)?.kind
  return kind === 'refund' ? BigInt(event.payload.amount) - refunded : 0n
}

/**
 * The double entry of an event, from what it changed: the lines add up to 0. Empty when no money moved. That a payment
 * which has captured never changes its processor is a rule of the model; so `after.processor` has the money.
 */
export function postingsOf(event: RecordedEvent, before: PaymentState, after: PaymentState): readonly Posting[] {
  const captured = after.captured - before.captured
  const refunded = after.refunded - before.refunded
  const excess = excessOf(event, before, refunded)
  if (captured === 0n && refunded === 0n && excess === 0n && after.disputes === before.disputes) return NOTHING
  const lines: Posting[] = []
  const fullName = (account: AccountName) => (account === 'processor' ? processorAccount(after.processor) : account)
  function move(amount: bigint, from: AccountName, to: AccountName): void {
    if (amount === 0n || from === to) return
    lines.push({ account: fullName(to), amount }, { account: fullName(from), amount: -amount })
  }
  move(captured, 'sales', 'processor')
  move(refunded, 'processor', 'refunds')
  move(excess, 'processor', 'refunds_excess')
  for (const [id, { status, amount }] of after.disputes) {
    const was = before.disputes.get(id)
    if (was?.status !== status)
      move(amount, was === undefined ? 'processor' : DISPUTE_ACCOUNT[was.status], DISPUTE_ACCOUNT[status])
  }
  return lines
}
