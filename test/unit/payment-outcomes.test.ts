import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import type { PaymentCommand } from '../../src/payments/model/commands.ts'
import type { PaymentEvent, ReviewDecision } from '../../src/payments/model/events.ts'
import type { Operation } from '../../src/payments/model/state.ts'
import type { ProcessorOutcome } from '../../src/payments/processing/processor.ts'
import {
  AT,
  asked,
  authorized,
  captured,
  capturing,
  failed,
  given,
  initiated,
  outcome,
  refunding,
  stateOf,
  succeeded,
  unknown,
} from '../setup/payment-histories.ts'

describe('outcomes', () => {
  const doubt: PaymentEvent = { type: 'OUTCOME_UNKNOWN', payload: { op_id: 'op_1', detail: 'timed out' } }

  it('an unclear answer is a doubt, never a failure, and is told once', () => {
    const after = given(initiated(), authorized(), capturing('op_1', 6_000))
      .when(outcome('op_1', unknown))
      .events(doubt)
    expect(after.capturePending).toBe(6_000n)
    given(initiated(), authorized(), capturing('op_1', 6_000), [doubt]).when(outcome('op_1', unknown)).events()
  })

  it('the first outcome stands: telling it again changes nothing', () => {
    given(initiated(), authorized(), captured('op_1', 6_000))
      .when(outcome('op_1', succeeded(6_000n)))
      .events()
    given(initiated(), authorized(), captured('op_1', 6_000)).when(outcome('op_1', failed)).events()
  })

  it('a failure that turns out to be a success is corrected, and the money counts', () => {
    const failure: PaymentEvent = {
      type: 'CAPTURE_FAILED',
      payload: { op_id: 'op_1', amount: 6_000, code: 'no', message: 'No' },
    }
    const after = given(initiated(), authorized(), capturing('op_1', 6_000), [failure])
      .when(outcome('op_1', succeeded(6_000n)))
      .events({
        type: 'OUTCOME_CORRECTED',
        payload: { op_id: 'op_1', amount: 6_000, reference: 'ref', kind: 'capture' },
      })
    expect(after).toMatchObject({ captured: 6_000n, lastError: undefined })
  })

  it('an authorization that a void has ended while it waited for the payer is free again, whenever it is heard of', () => {
    const action = { type: 'redirect' }
    const history: PaymentEvent[][] = [
      initiated(),
      asked('op_a'),
      [{ type: 'ACTION_REQUIRED', payload: { op_id: 'op_a', amount: 10_000, reference: 'ref', action } }],
      [{ type: 'VOID_REQUESTED', payload: { op_id: 'op_v', amount: 0 } }],
      [{ type: 'VOIDED', payload: { op_id: 'op_v', amount: 0, reference: 'vd_1' } }],
    ]
    const corrected = { op_id: 'op_a', amount: 10_000, reference: 'ref', kind: 'authorize' } as const
    const after = given(...history)
      .when(outcome('op_a', succeeded(10_000n)))
      .events({ type: 'OUTCOME_CORRECTED', payload: corrected })
    expect(after).toMatchObject({ phase: 'voided', authorized: 0n, lastError: undefined })
  })

  it('an authorization that was declined here, and voided here only, holds money when it turns out to have succeeded', () => {
    const declined: PaymentEvent = {
      type: 'DECLINED',
      payload: { op_id: 'op_a', amount: 10_000, code: 'no', message: 'No' },
    }
    const corrected = { op_id: 'op_a', amount: 10_000, reference: 'ref', kind: 'authorize' } as const
    const after = given(initiated(), asked('op_a'), [declined], [{ type: 'VOIDED', payload: { amount: 0 } }])
      .when(outcome('op_a', succeeded(10_000n)))
      .events({ type: 'OUTCOME_CORRECTED', payload: corrected })
    expect(after).toMatchObject({ phase: 'authorized', authorized: 10_000n })
  })

  it('counts of a late success only what still fits, and says what does not', () => {
    const failure: PaymentEvent = {
      type: 'REFUND_FAILED',
      payload: { op_id: 'op_r', amount: 5_000, code: 'no', message: 'No' },
    }
    const corrected = given(
      initiated(),
      authorized(),
      captured('op_1', 5_000),
      refunding('op_r', 5_000),
      [failure],
      refunding('op_s', 3_000),
    )
      .when(outcome('op_r', succeeded(5_000n)))
      .events({
        type: 'OUTCOME_CORRECTED',
        payload: { op_id: 'op_r', amount: 5_000, reference: 'ref', kind: 'refund' },
      })
    expect(corrected).toMatchObject({
      refunded: 2_000n,
      refundPending: 3_000n,
      lastError: { code: 'unexpected_success' },
    })
  })

  it('ends a doubt with what the processor says', () => {
    given(initiated(), authorized(), capturing('op_1', 6_000), [doubt])
      .when(outcome('op_1', succeeded(6_000n)))
      .events({ type: 'CAPTURED', payload: { op_id: 'op_1', amount: 6_000, reference: 'ref' } })
  })
})

describe('an authorization that the processor turned away', () => {
  const turnedAway: ProcessorOutcome = { ...failed, failover: true } as ProcessorOutcome
  const tokens = { second: 'tok_2', third: 'tok_3' }
  const route = { route: ['sandbox', 'other', 'second', 'third'] }
  const initiatedWith = (more: object) => initiated('automatic', { ...route, ...more })
  const knownToMore = { payment_method: { type: 'card', token: 'tok_ok', tokens } }
  const decline = (op_id: string): PaymentEvent => ({
    type: 'DECLINED',
    payload: { op_id, amount: 10_000, code: 'no', message: 'No' },
  })

  it('goes to the next processor of the route that knows the payment method, as an operation of its own', () => {
    const after = given(initiatedWith(knownToMore), asked('op_a'))
      .when(outcome('op_a', turnedAway))
      .events(decline('op_a'), ...asked('op_a_2', 'second'))
    expect(after).toMatchObject({ processor: 'second', phase: 'authorizing' })
    given(initiatedWith(knownToMore), asked('op_a'), [decline('op_a')], asked('op_a_2', 'second'))
      .when(outcome('op_a_2', turnedAway))
      .events(decline('op_a_2'), ...asked('op_a_3', 'third'))
    const last = [decline('op_a'), ...asked('op_a_2', 'second'), decline('op_a_2'), ...asked('op_a_3', 'third')]
    given(initiatedWith(knownToMore), asked('op_a'), last).when(outcome('op_a_3', turnedAway)).events(decline('op_a_3'))
  })

  it('is captured by itself at the processor that took it', () => {
    given(initiatedWith(knownToMore), asked('op_a'), [decline('op_a')], asked('op_a_2', 'second'))
      .when(outcome('op_a_2', succeeded(10_000n)))
      .events(
        { type: 'AUTHORIZED', payload: { op_id: 'op_a_2', amount: 10_000, reference: 'ref' } },
        { type: 'CAPTURE_REQUESTED', payload: { op_id: 'op_a_2_capture', amount: 10_000 } },
      )
  })

  it('stays where it is when nothing is proven, when the payer was declined, and when nobody else knows the method', () => {
    for (const [more, said] of [
      [knownToMore, failed],
      [{}, turnedAway],
    ] as const) {
      given(initiatedWith(more), asked('op_a')).when(outcome('op_a', said)).events(decline('op_a'))
    }
    given(initiatedWith(knownToMore), asked('op_a'))
      .when(outcome('op_a', unknown))
      .events({ type: 'OUTCOME_UNKNOWN', payload: { op_id: 'op_a', detail: 'timed out' } })
  })

  it('keeps the advice of a decline', () => {
    const after = given(initiated(), asked('op_a'))
      .when(outcome('op_a', { ...failed, advice: 'do_not_retry' } as ProcessorOutcome))
      .events({
        type: 'DECLINED',
        payload: { op_id: 'op_a', amount: 10_000, code: 'no', message: 'No', advice: 'do_not_retry' },
      })
    expect(after.lastError).toMatchObject({ advice: 'do_not_retry' })
  })
})

describe('what a person decides about an operation in review', () => {
  const review: PaymentEvent = {
    type: 'OUTCOME_UNKNOWN',
    payload: { op_id: 'op_1', detail: 'nobody knows', reference: 'cp_9', review: true },
  }
  const inReview = [initiated(), authorized(), capturing('op_1', 6_000), [review]]
  const resolve = (decision: ReviewDecision, more: object = {}): PaymentCommand => ({
    ...{ type: 'ResolveReview', opId: 'op_1', decision, note: 'seen in the dashboard', ...more },
  })
  const resolved = (decision: ReviewDecision): PaymentEvent => ({
    type: 'REVIEW_RESOLVED',
    payload: { op_id: 'op_1', decision, note: 'seen in the dashboard' },
  })

  it('is recorded, with the outcome that follows from it', () => {
    const done = given(...inReview)
      .when(resolve('succeeded'))
      .events(resolved('succeeded'), { type: 'CAPTURED', payload: { op_id: 'op_1', amount: 6_000, reference: 'cp_9' } })
    expect(done).toMatchObject({ captured: 6_000n, capturePending: 0n })
    const not = given(...inReview)
      .when(resolve('failed'))
      .events(resolved('failed'), {
        type: 'CAPTURE_FAILED',
        payload: { op_id: 'op_1', amount: 6_000, code: 'resolved_by_operator', message: 'seen in the dashboard' },
      })
    expect(not).toMatchObject({ captured: 0n, capturePending: 0n })
    const again = given(...inReview)
      .when(resolve('ask_again'))
      .events(resolved('ask_again'))
    expect(again.operations.get('op_1')).toMatchObject({ status: 'unknown' })
  })

  it('must fit the operation, and is asked for no other', () => {
    given(...inReview)
      .when(resolve('succeeded', { amount: 5_999n }))
      .refused('illegal_payment_state')
    given(initiated(), authorized(), capturing('op_1', 6_000))
      .when(resolve('succeeded'))
      .refused('operation_not_in_review')
    given(initiated(), authorized(), captured('op_1', 6_000)).when(resolve('failed')).refused('operation_not_in_review')
  })

  it('does not stop the processor from proving it wrong later', () => {
    const failure: PaymentEvent = {
      type: 'CAPTURE_FAILED',
      payload: { op_id: 'op_1', amount: 6_000, code: 'resolved_by_operator', message: 'seen in the dashboard' },
    }
    const after = given(...inReview, [resolved('failed'), failure])
      .when(outcome('op_1', succeeded(6_000n)))
      .events({
        type: 'OUTCOME_CORRECTED',
        payload: { op_id: 'op_1', amount: 6_000, reference: 'ref', kind: 'capture' },
      })
    expect(after).toMatchObject({ captured: 6_000n })
  })
})

describe('facts about operations that the state has forgotten', () => {
  const many = LIMITS.paymentOperationsKept + 30
  const small = (n: number): PaymentEvent[] => [
    ...refunding(`op_s${n}`, 1),
    { type: 'REFUNDED', payload: { op_id: `op_s${n}`, amount: 1, reference: `rf_${n}` } },
  ]
  const long = Array.from({ length: many }, (_, n) => small(n))
  const failure: PaymentEvent = {
    type: 'REFUND_FAILED',
    payload: { op_id: 'op_f', amount: 100, code: 'no', message: 'No' },
  }
  const history = [
    ...[initiated(), authorized(), captured('op_1', 10_000), refunding('op_r', 300)],
    [{ type: 'REFUNDED', payload: { op_id: 'op_r', amount: 300, reference: 'rf' } } satisfies PaymentEvent],
    ...[refunding('op_f', 100), [failure], ...long],
  ]
  const row = (opId: string, amount: bigint, status: 'succeeded' | 'failed', settled: bigint): Operation => ({
    ...{ opId, kind: 'refund', amount, settled, status, processor: 'sandbox', requestedAtMs: AT },
  })

  it('count as they do for the newest', () => {
    const state = stateOf(history.flat())
    expect([state.operations.has('op_r'), state.operations.has('op_f')]).toEqual([false, false])
    expect(state.operations.size).toBe(LIMITS.paymentOperationsKept)
    const before = BigInt(300 + many)
    const reversed = given(...history)
      .when({ ...outcome('op_r', failed), operation: row('op_r', 300n, 'succeeded', 300n) } as PaymentCommand)
      .events({ type: 'REFUND_REVERSED', payload: { op_id: 'op_r', amount: 300, code: 'no', message: 'No' } })
    expect(reversed.refunded).toBe(before - 300n)
    const corrected = given(...history)
      .when({ ...outcome('op_f', succeeded(100n)), operation: row('op_f', 100n, 'failed', 0n) } as PaymentCommand)
      .events({ type: 'OUTCOME_CORRECTED', payload: { op_id: 'op_f', amount: 100, reference: 'ref', kind: 'refund' } })
    expect(corrected.refunded).toBe(before + 100n)
  })

  it('change nothing when they tell what is known', () => {
    given(...history)
      .when({ ...outcome('op_r', succeeded(300n)), operation: row('op_r', 300n, 'succeeded', 300n) } as PaymentCommand)
      .events()
    // It came back, and its row says so: the old news of its success says nothing new.
    given(...history)
      .when({ ...outcome('op_r', succeeded(300n)), operation: row('op_r', 300n, 'failed', 300n) } as PaymentCommand)
      .events()
  })

  it('never forget what is open', () => {
    const open = stateOf([
      ...initiated(),
      ...authorized(),
      ...captured('op_1', 9_000),
      ...capturing('op_o', 5),
      ...long.flat(),
    ])
    expect(open.operations.get('op_o')).toMatchObject({ status: 'requested' })
    expect(open.capturePending).toBe(5n)
  })
})
