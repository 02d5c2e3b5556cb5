import { describe, expect, it } from 'vitest'
import type { PaymentCommand } from '../../src/payments/model/commands.ts'
import type { PaymentEvent } from '../../src/payments/model/events.ts'
import { refundableOf } from '../../src/payments/model/state.ts'
import type { DisputeFact } from '../../src/payments/processing/processor.ts'
import {
  AT,
  authorized,
  captured,
  failed,
  given,
  initiated,
  outcome,
  refunding,
  stateOf,
  succeeded,
} from '../setup/payment-histories.ts'

const fact = (status: DisputeFact['status'], more: Partial<DisputeFact> = {}): DisputeFact => ({
  ...{ disputeId: 'dp_1', paymentIntentId: 'pi_1', amount: 4_000n, currency: 'USD', reason: 'fraudulent' },
  ...{ reference: 'ch_1', status, evidenceDueMs: AT + 1_000, ...more },
})
const open = (more: Partial<DisputeFact> = {}): PaymentCommand => ({ type: 'OpenDispute', fact: fact('open', more) })
const close = (status: 'won' | 'lost', more: Partial<DisputeFact> = {}): PaymentCommand => ({
  ...{ type: 'CloseDispute', fact: fact(status, more) },
})
const opened: PaymentEvent = {
  type: 'DISPUTE_OPENED',
  payload: {
    ...{ dispute_id: 'dp_1', amount: 4_000, reason: 'fraudulent', reference: 'ch_1' },
    evidence_due_by: new Date(AT + 1_000).toISOString(),
  },
}
const won: PaymentEvent = { type: 'DISPUTE_WON', payload: { dispute_id: 'dp_1', amount: 4_000 } }
const lost: PaymentEvent = { type: 'DISPUTE_LOST', payload: { dispute_id: 'dp_1', amount: 4_000 } }
const paid = [initiated(), authorized(), captured('op_1', 5_000)]
const sealed = { key_id: 'k', data: 'AA==' }
const submitted: PaymentEvent[] = [
  { type: 'EVIDENCE_REQUESTED', payload: { op_id: 'op_e', dispute_id: 'dp_1', amount: 0, personal: sealed } },
]

describe('disputes', () => {
  it('hold money back from refunds while they are open or lost, and give it free when they are won', () => {
    const state = given(...paid)
      .when(open())
      .events(opened)
    expect([state.disputed, refundableOf(state)]).toEqual([4_000n, 1_000n])
    given(...paid, [opened])
      .when({ type: 'RefundPayment', opId: 'op_r', amount: 1_001n })
      .refused('amount_exceeds_refundable', { refundable: 1_000 })
    given(...paid, [opened])
      .when({ type: 'RefundPayment', opId: 'op_r' })
      .events(...refunding('op_r', 1_000))
    expect(
      refundableOf(
        given(...paid, [opened])
          .when(close('won'))
          .events(won),
      ),
    ).toBe(5_000n)
    expect(
      refundableOf(
        given(...paid, [opened])
          .when(close('lost'))
          .events(lost),
      ),
    ).toBe(1_000n)
  })

  it('are told of once, however often they are told', () => {
    given(...paid, [opened])
      .when(open())
      .events()
    given(...paid, [opened, lost])
      .when(close('lost'))
      .events()
    given(...paid, [opened, lost])
      .when(open())
      .events()
  })

  it('may end before they begin, and then begin with their end', () => {
    const after = given(...paid)
      .when(close('lost'))
      .events(opened, lost)
    expect(after.disputes.get('dp_1')).toMatchObject({ status: 'lost' })
    given(...paid, [opened, lost])
      .when(open())
      .events()
  })

  it('can be decided otherwise later: the last word counts', () => {
    const state = given(...paid, [opened, lost])
      .when(close('won'))
      .events(won)
    expect([state.disputed, refundableOf(state)]).toEqual([0n, 5_000n])
    const back = given(...paid, [opened, lost, won])
      .when(close('lost'))
      .events(lost)
    expect(back.disputed).toBe(4_000n)
  })

  it('are counted one by one, also beyond what is left of the payment', () => {
    const state = given(...paid, [opened])
      .when(open({ disputeId: 'dp_2', amount: 5_000n }))
      .events({ ...opened, payload: { ...opened.payload, dispute_id: 'dp_2', amount: 5_000 } } as PaymentEvent)
    expect([state.disputed, refundableOf(state)]).toEqual([9_000n, 0n])
    given(...paid, [opened])
      .when({ type: 'RefundPayment', opId: 'op_r', amount: 2_000n })
      .refused('amount_exceeds_refundable')
  })

  it('in another currency than the payment are refused loudly', () => {
    given(...paid)
      .when(open({ currency: 'EUR' }))
      .refused('currency_mismatch')
  })
})

describe('evidence', () => {
  const submit = (disputeId = 'dp_1'): PaymentCommand => ({
    ...{ type: 'SubmitEvidence', opId: 'op_e', disputeId, evidence: sealed },
  })

  it('is an operation that moves no money; when it is taken, the dispute is under review', () => {
    given(...paid, [opened])
      .when(submit())
      .events(...submitted)
    const after = given(...paid, [opened], submitted)
      .when(outcome('op_e', succeeded(0n)))
      .events({
        type: 'EVIDENCE_SUBMITTED',
        payload: { op_id: 'op_e', amount: 0, reference: 'ref', dispute_id: 'dp_1' },
      })
    expect(after.disputes.get('dp_1')).toMatchObject({ status: 'under_review' })
    expect(after.disputed).toBe(4_000n)
  })

  it('may be given again when it was refused, and not while one is under way', () => {
    const refusal: PaymentEvent = {
      type: 'EVIDENCE_FAILED',
      payload: { op_id: 'op_e', amount: 0, code: 'no', message: 'No', dispute_id: 'dp_1' },
    }
    const after = given(...paid, [opened], submitted)
      .when(outcome('op_e', failed))
      .events(refusal)
    expect(after.disputes.get('dp_1')).toMatchObject({ status: 'needs_response' })
    const again: PaymentCommand = { type: 'SubmitEvidence', opId: 'op_f', disputeId: 'dp_1', evidence: sealed }
    given(...paid, [opened], submitted)
      .when(again)
      .refused('illegal_payment_state')
    given(...paid, [opened], submitted, [refusal])
      .when(again)
      .events({
        type: 'EVIDENCE_REQUESTED',
        payload: { op_id: 'op_f', dispute_id: 'dp_1', amount: 0, personal: sealed },
      })
  })

  it('is refused for a dispute that is not, or is over', () => {
    given(...paid)
      .when(submit())
      .refused('dispute_not_found')
    given(...paid, [opened, lost])
      .when(submit())
      .refused('illegal_payment_state')
  })

  it('that is taken after the end does not open the dispute again', () => {
    const state = stateOf([
      ...paid.flat(),
      ...[opened, ...submitted, lost],
      { type: 'EVIDENCE_SUBMITTED', payload: { op_id: 'op_e', amount: 0, reference: 'ref', dispute_id: 'dp_1' } },
    ])
    expect(state.disputes.get('dp_1')).toMatchObject({ status: 'lost' })
  })
})
