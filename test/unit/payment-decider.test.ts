import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/core/errors.ts'
import type { PaymentCommand } from '../../src/payments/model/commands.ts'
import { decide } from '../../src/payments/model/decide.ts'
import type { PaymentEvent } from '../../src/payments/model/events.ts'
import { evolve, fold } from '../../src/payments/model/evolve.ts'
import { captureAfter, initialState, type PaymentState, statusOf } from '../../src/payments/model/state.ts'
import { readEvent } from '../../src/payments/model/upcast.ts'
import type { ProcessorOutcome } from '../../src/payments/processing/processor.ts'

const AT = Date.UTC(2026, 0, 1)
const stateOf = (events: readonly PaymentEvent[]): PaymentState =>
  fold(events.map((event) => ({ ...event, timestampMs: AT })))

function given(...history: PaymentEvent[][]) {
  const state = stateOf(history.flat())
  return {
    when(command: PaymentCommand) {
      const decided = () => decide(command, state)
      return {
        events(...expected: PaymentEvent[]) {
          expect(decided()).toEqual(expected)
          return stateOf([...history.flat(), ...expected])
        },
        refused(code: ErrorCode, data?: Record<string, unknown>) {
          expect(decided).toThrow(expect.objectContaining({ code, ...(data === undefined ? {} : { data }) }))
        },
      }
    },
  }
}

const initiated = (capture_method: 'automatic' | 'manual' = 'manual'): PaymentEvent[] => [
  {
    type: 'INITIATED',
    payload: {
      amount: 10_000,
      currency: 'USD',
      payment_method: { type: 'card', token: 'tok_ok' },
      capture_method,
      route: ['sandbox'],
    },
  },
]
const asked = (op_id: string): PaymentEvent[] => [
  { type: 'AUTHORIZATION_REQUESTED', payload: { op_id, amount: 10_000 } },
]
const authorized = (amount = 10_000): PaymentEvent[] => [
  ...asked('op_a'),
  {
    type: amount < 10_000 ? 'PARTIALLY_AUTHORIZED' : 'AUTHORIZED',
    payload: { op_id: 'op_a', amount, reference: 'ch_1' },
  },
]
const capturing = (op_id: string, amount: number): PaymentEvent[] => [
  { type: 'CAPTURE_REQUESTED', payload: { op_id, amount } },
]
const captured = (op_id: string, amount: number): PaymentEvent[] => [
  ...capturing(op_id, amount),
  { type: 'CAPTURED', payload: { op_id, amount, reference: `cp_${op_id}` } },
]
const refunding = (op_id: string, amount: number): PaymentEvent[] => [
  { type: 'REFUND_REQUESTED', payload: { op_id, amount } },
]
const succeeded = (amount: bigint, currency = 'USD'): ProcessorOutcome => ({
  kind: 'succeeded',
  amount,
  currency,
  reference: 'ref',
})
const failed: ProcessorOutcome = { kind: 'failed', code: 'no', message: 'No' }
const outcome = (opId: string, outcome: ProcessorOutcome): PaymentCommand => ({ type: 'RecordOutcome', opId, outcome })
const unknown: ProcessorOutcome = { kind: 'unknown', detail: 'timed out' }

describe('authorizing', () => {
  it('asks for the whole amount', () => {
    given(initiated())
      .when({ type: 'AuthorizePayment', opId: 'op_a' })
      .events(...asked('op_a'))
  })

  it('may be tried again with another method after a decline', () => {
    const declined: PaymentEvent[] = [
      { type: 'DECLINED', payload: { op_id: 'op_a', amount: 10_000, code: 'no', message: 'No' } },
    ]
    const paymentMethod = { type: 'card', token: 'tok_other' }
    const after = given(initiated(), asked('op_a'), declined)
      .when({ type: 'AuthorizePayment', opId: 'op_b', paymentMethod })
      .events({
        type: 'AUTHORIZATION_REQUESTED',
        payload: { op_id: 'op_b', amount: 10_000, payment_method: paymentMethod },
      })
    expect(after.paymentMethod).toEqual(paymentMethod)
  })

  it('is refused while one is under way, and once it is authorized', () => {
    given(initiated(), asked('op_a')).when({ type: 'AuthorizePayment', opId: 'op_b' }).refused('illegal_payment_state')
    given(initiated(), authorized()).when({ type: 'AuthorizePayment', opId: 'op_b' }).refused('illegal_payment_state')
  })

  it('goes on to capture when the payment is captured automatically', () => {
    given(initiated('automatic'), asked('op_a'))
      .when(outcome('op_a', succeeded(10_000n)))
      .events(
        { type: 'AUTHORIZED', payload: { op_id: 'op_a', amount: 10_000, reference: 'ref' } },
        { type: 'CAPTURE_REQUESTED', payload: { op_id: captureAfter('op_a'), amount: 10_000 } },
      )
  })

  it('does not capture a part by itself', () => {
    const after = given(initiated('automatic'), asked('op_a'))
      .when(outcome('op_a', succeeded(4_000n)))
      .events({ type: 'PARTIALLY_AUTHORIZED', payload: { op_id: 'op_a', amount: 4_000, reference: 'ref' } })
    expect(statusOf(after)).toBe('authorized')
  })

  it('calls a person when the processor reports another currency or more than was asked for', () => {
    for (const strange of [succeeded(10_000n, 'EUR'), succeeded(10_001n)]) {
      const events = decide(outcome('op_a', strange), stateOf([...initiated(), ...asked('op_a')]))
      expect(events).toMatchObject([{ type: 'OUTCOME_UNKNOWN', payload: { review: true } }])
    }
  })
})

describe('capturing', () => {
  it('takes all that is left unless an amount is given', () => {
    given(initiated(), authorized(), captured('op_1', 3_000))
      .when({ type: 'CapturePayment', opId: 'op_2' })
      .events(...capturing('op_2', 7_000))
  })

  it('counts what captures under way have reserved', () => {
    given(initiated(), authorized(), capturing('op_1', 6_000))
      .when({ type: 'CapturePayment', opId: 'op_2', amount: 4_001n })
      .refused('amount_exceeds_capturable', { capturable: 4_000 })
  })

  it('gives a reservation back when it fails', () => {
    const after = given(initiated(), authorized(), capturing('op_1', 6_000))
      .when(outcome('op_1', failed))
      .events({ type: 'CAPTURE_FAILED', payload: { op_id: 'op_1', amount: 6_000, code: 'no', message: 'No' } })
    expect(after).toMatchObject({ capturePending: 0n, captured: 0n, lastError: { code: 'no' } })
    expect(statusOf(after)).toBe('authorized')
  })

  it('is refused before there is an authorization, and while a void is under way', () => {
    given(initiated()).when({ type: 'CapturePayment', opId: 'op_1' }).refused('illegal_payment_state')
    given(initiated(), authorized(), [{ type: 'VOID_REQUESTED', payload: { op_id: 'op_v', amount: 10_000 } }])
      .when({ type: 'CapturePayment', opId: 'op_1', amount: 1n })
      .refused('illegal_payment_state')
  })
})

describe('voiding', () => {
  it('gives back what was not captured, and what was captured stays', () => {
    const after = given(initiated(), authorized(), captured('op_1', 3_000), [
      { type: 'VOID_REQUESTED', payload: { op_id: 'op_v', amount: 7_000 } },
    ])
      .when(outcome('op_v', succeeded(7_000n)))
      .events({ type: 'VOIDED', payload: { op_id: 'op_v', amount: 7_000, reference: 'ref' } })
    expect(after).toMatchObject({ authorized: 3_000n, captured: 3_000n })
    expect(statusOf(after)).toBe('captured')
  })

  it('needs no processor when nothing was authorized', () => {
    const after = given(initiated())
      .when({ type: 'VoidPayment', opId: 'op_v' })
      .events({ type: 'VOIDED', payload: { amount: 0 } })
    expect(statusOf(after)).toBe('voided')
  })

  it('is refused while a capture is under way, and when all is captured', () => {
    given(initiated(), authorized(), capturing('op_1', 1))
      .when({ type: 'VoidPayment', opId: 'op_v' })
      .refused('illegal_payment_state')
    given(initiated(), authorized(), captured('op_1', 10_000))
      .when({ type: 'VoidPayment', opId: 'op_v' })
      .refused('illegal_payment_state')
  })
})

describe('refunding', () => {
  it('never gives back more than was captured', () => {
    given(initiated(), authorized(), captured('op_1', 5_000), refunding('op_r', 3_000))
      .when({ type: 'RefundPayment', opId: 'op_s', amount: 2_001n })
      .refused('amount_exceeds_refundable', { refundable: 2_000 })
  })

  it('is refused before anything is captured', () => {
    given(initiated(), authorized()).when({ type: 'RefundPayment', opId: 'op_r' }).refused('illegal_payment_state')
  })

  it('makes a payment refunded when all that was captured is back', () => {
    const after = given(initiated(), authorized(), captured('op_1', 5_000), refunding('op_r', 5_000))
      .when(outcome('op_r', succeeded(5_000n)))
      .events({ type: 'REFUNDED', payload: { op_id: 'op_r', amount: 5_000, reference: 'ref' } })
    expect(statusOf(after)).toBe('refunded')
  })

  it('can be reversed later, and then the money is captured again', () => {
    const refunded: PaymentEvent[] = [
      ...refunding('op_r', 5_000),
      { type: 'REFUNDED', payload: { op_id: 'op_r', amount: 5_000, reference: 'rf' } },
    ]
    const after = given(initiated(), authorized(), captured('op_1', 5_000), refunded)
      .when(outcome('op_r', failed))
      .events({ type: 'REFUND_REVERSED', payload: { op_id: 'op_r', amount: 5_000, code: 'no', message: 'No' } })
    expect(after.refunded).toBe(0n)
  })
})

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
      .events({ type: 'OUTCOME_CORRECTED', payload: { op_id: 'op_1', amount: 6_000, reference: 'ref' } })
    expect(after).toMatchObject({ captured: 6_000n, lastError: undefined })
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
      .events({ type: 'OUTCOME_CORRECTED', payload: { op_id: 'op_r', amount: 5_000, reference: 'ref' } })
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

describe('reading', () => {
  const stored = { payload: initiated()[0]!.payload as unknown as Record<string, unknown>, timestampMs: AT }

  it('refuses an event of a version it does not know, loudly', () => {
    expect(() => readEvent({ ...stored, type: 'INITIATED', schemaVersion: 2 })).toThrow(
      expect.objectContaining({ code: 'unknown_event_version' }),
    )
    expect(() => readEvent({ ...stored, type: 'TELEPORTED', schemaVersion: 1 })).toThrow(
      expect.objectContaining({ code: 'unknown_event_version' }),
    )
  })

  it('evolves without touching the state it is given', () => {
    const before = stateOf(initiated())
    const copy = structuredClone(before)
    evolve(before, { ...asked('op_a')[0]!, timestampMs: AT })
    expect(before).toEqual(copy)
    expect(initialState.operations.size).toBe(0)
  })
})
