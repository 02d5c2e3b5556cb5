import { AppError } from '../../core/errors.ts'
import { fromMinor } from '../../core/money.ts'
import type { DisputeFact } from '../processing/processor.ts'
import type { Command } from './commands.ts'
import type { PaymentEvent } from './events.ts'
import { illegal, openOf } from './refusals.ts'
import type { PaymentState } from './state.ts'

function opened(fact: DisputeFact, state: PaymentState): PaymentEvent {
  if (fact.currency !== state.currency) {
    throw new AppError(
      'currency_mismatch',
      `Dispute ${fact.disputeId} is in ${fact.currency}, the payment in ${state.currency}`,
    )
  }
  const { disputeId, amount, reason, reference, evidenceDueMs } = fact
  const due = evidenceDueMs === undefined ? {} : { evidence_due_by: new Date(evidenceDueMs).toISOString() }
  return {
    type: 'DISPUTE_OPENED',
    payload: { dispute_id: disputeId, amount: fromMinor(amount), reason, reference, ...due },
  }
}

export function openDispute({ fact }: Command<'OpenDispute'>, state: PaymentState): PaymentEvent[] {
  return state.disputes.has(fact.disputeId) ? [] : [opened(fact, state)]
}

/** A close may come before the opening. A second one with another end is a fact too: the later word counts. */
export function closeDispute({ fact }: Command<'CloseDispute'>, state: PaymentState): PaymentEvent[] {
  const known = state.disputes.get(fact.disputeId)
  if (known?.status === fact.status) return []
  const amount = known?.amount ?? fact.amount
  const type = fact.status === 'won' ? 'DISPUTE_WON' : 'DISPUTE_LOST'
  const closed: PaymentEvent = { type, payload: { dispute_id: fact.disputeId, amount: fromMinor(amount) } }
  return known === undefined ? [opened(fact, state), closed] : [closed]
}

export function submitEvidence(
  { opId, disputeId, evidence }: Command<'SubmitEvidence'>,
  state: PaymentState,
): PaymentEvent[] {
  const dispute = state.disputes.get(disputeId)
  if (dispute === undefined) throw new AppError('dispute_not_found', `The payment has no dispute ${disputeId}`)
  const deed = 'given evidence for'
  if (dispute.status !== 'needs_response') throw illegal(state, deed, `the dispute is ${dispute.status}`)
  const open = openOf(state, ['evidence'])
  if (open?.disputeId === disputeId) throw illegal(state, deed, `evidence ${open.opId} is under way`)
  return [
    {
      type: 'EVIDENCE_REQUESTED',
      payload: { op_id: opId, dispute_id: disputeId, amount: 0, personal: evidence },
    },
  ]
}
