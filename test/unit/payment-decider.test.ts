import { describe, expect, it } from 'vitest'
import { decide } from '../../src/payments/model/decide.ts'
import { EVENT_VERSIONS, type PaymentEvent } from '../../src/payments/model/events.ts'
import { evolve } from '../../src/payments/model/evolve.ts'
import { captureAfter, initialState, statusOf } from '../../src/payments/model/state.ts'
import { readEvent } from '../../src/payments/model/upcast.ts'
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
} from '../setup/payment-histories.ts'

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
        payload: { op_id: 'op_b', amount: 10_000, processor: 'sandbox', payment_method: paymentMethod },
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
  it('says when it is the last one, and then releases the rest', () => {
    const final: PaymentEvent[] = [
      { type: 'CAPTURE_REQUESTED', payload: { op_id: 'op_1', amount: 6_000, final: true } },
    ]
    given(initiated(), authorized())
      .when({ type: 'CapturePayment', opId: 'op_1', amount: 6_000n, final: true })
      .events(...final)
    const after = given(initiated(), authorized(), final)
      .when(outcome('op_1', succeeded(6_000n)))
      .events(
        { type: 'CAPTURED', payload: { op_id: 'op_1', amount: 6_000, reference: 'ref' } },
        { type: 'VOIDED', payload: { amount: 4_000 } },
      )
    expect(after).toMatchObject({ authorized: 6_000n, captured: 6_000n })
    expect(statusOf(after)).toBe('captured')
  })

  it('keeps the rest when the final capture fails, and releases nothing when it takes all', () => {
    const final = (amount: number): PaymentEvent[] => [
      { type: 'CAPTURE_REQUESTED', payload: { op_id: 'op_1', amount, final: true } },
    ]
    const after = given(initiated(), authorized(), final(6_000))
      .when(outcome('op_1', failed))
      .events({ type: 'CAPTURE_FAILED', payload: { op_id: 'op_1', amount: 6_000, code: 'no', message: 'No' } })
    expect(after).toMatchObject({ authorized: 10_000n, capturePending: 0n })
    given(initiated(), authorized(), final(10_000))
      .when(outcome('op_1', succeeded(10_000n)))
      .events({ type: 'CAPTURED', payload: { op_id: 'op_1', amount: 10_000, reference: 'ref' } })
  })

  it('is refused beside a final capture under way, and a final one beside any', () => {
    const final: PaymentEvent[] = [{ type: 'CAPTURE_REQUESTED', payload: { op_id: 'op_1', amount: 1, final: true } }]
    given(initiated(), authorized(), final)
      .when({ type: 'CapturePayment', opId: 'op_2', amount: 1n })
      .refused('illegal_payment_state')
    given(initiated(), authorized(), capturing('op_1', 1))
      .when({ type: 'CapturePayment', opId: 'op_2', amount: 1n, final: true })
      .refused('illegal_payment_state')
  })

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

describe('incrementing', () => {
  const adding: PaymentEvent[] = [{ type: 'INCREMENT_REQUESTED', payload: { op_id: 'op_i', amount: 500 } }]

  it('adds to what can be captured once the processor has agreed, and not before', () => {
    given(initiated(), authorized())
      .when({ type: 'IncrementAuthorization', opId: 'op_i', amount: 500n })
      .events(...adding)
    const after = given(initiated(), authorized(), adding)
      .when(outcome('op_i', succeeded(500n)))
      .events({ type: 'INCREMENTED', payload: { op_id: 'op_i', amount: 500, reference: 'ref' } })
    expect(after).toMatchObject({ amount: 10_000n, authorized: 10_500n })
    expect(stateOf([...initiated(), ...authorized(), ...adding]).authorized).toBe(10_000n)
  })

  it('leaves everything as it was when it is declined', () => {
    const after = given(initiated(), authorized(), adding)
      .when(outcome('op_i', failed))
      .events({ type: 'INCREMENT_DECLINED', payload: { op_id: 'op_i', amount: 500, code: 'no', message: 'No' } })
    expect(after).toMatchObject({ authorized: 10_000n, lastError: { code: 'no' } })
    expect(statusOf(after)).toBe('authorized')
  })

  it('is refused before an authorization, after a full capture, beside other operations, and for an order', () => {
    const command = { type: 'IncrementAuthorization', opId: 'op_j', amount: 1n } as const
    given(initiated()).when(command).refused('illegal_payment_state')
    given(initiated(), authorized(), captured('op_1', 10_000)).when(command).refused('illegal_payment_state')
    given(initiated(), authorized(), adding).when(command).refused('illegal_payment_state')
    given(initiated(), authorized(), capturing('op_1', 1)).when(command).refused('illegal_payment_state')
    given(initiated('manual', { order_id: '7' }), authorized())
      .when(command)
      .refused('illegal_payment_state')
  })

  it('keeps captures and voids away while it is under way', () => {
    given(initiated(), authorized(), adding)
      .when({ type: 'CapturePayment', opId: 'op_1', amount: 1n })
      .refused('illegal_payment_state')
    given(initiated(), authorized(), adding)
      .when({ type: 'VoidPayment', opId: 'op_v' })
      .refused('illegal_payment_state')
  })
})

describe('expiring', () => {
  const until: PaymentEvent[] = [
    ...asked('op_a'),
    {
      type: 'AUTHORIZED',
      payload: { op_id: 'op_a', amount: 10_000, reference: 'ch_1', expires_at: new Date(AT + 1_000).toISOString() },
    },
  ]

  it('releases what was not captured, once its time is over', () => {
    given(initiated(), until)
      .when({ type: 'ExpireAuthorization', nowMs: AT + 999 })
      .events()
    const after = given(initiated(), until, captured('op_1', 4_000))
      .when({ type: 'ExpireAuthorization', nowMs: AT + 1_000 })
      .events({ type: 'AUTHORIZATION_EXPIRED', payload: { amount: 6_000 } })
    expect(after).toMatchObject({ authorized: 4_000n })
    expect(statusOf(after)).toBe('captured')
    const unused = given(initiated(), until)
      .when({ type: 'ExpireAuthorization', nowMs: AT + 1_000 })
      .events({ type: 'AUTHORIZATION_EXPIRED', payload: { amount: 10_000 } })
    expect(statusOf(unused)).toBe('expired')
  })

  it('waits for what is under way, and ends nothing that has no end', () => {
    given(initiated(), until, capturing('op_1', 1))
      .when({ type: 'ExpireAuthorization', nowMs: AT + 9_000 })
      .events()
    given(initiated(), authorized())
      .when({ type: 'ExpireAuthorization', nowMs: AT + 9_000 })
      .events()
    given(initiated(), until, captured('op_1', 10_000))
      .when({ type: 'ExpireAuthorization', nowMs: AT + 9_000 })
      .events()
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

describe('reading', () => {
  const stored = { payload: initiated()[0]!.payload as unknown as Record<string, unknown>, timestampMs: AT }

  it('refuses an event of a version it does not know, loudly', () => {
    expect(() => readEvent({ ...stored, type: 'INITIATED', schemaVersion: EVENT_VERSIONS.INITIATED + 1 })).toThrow(
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
