import { expect } from 'vitest'
import type { ErrorCode } from '../../src/core/errors.ts'
import type { PaymentCommand } from '../../src/payments/model/commands.ts'
import { decide } from '../../src/payments/model/decide.ts'
import type { EventPayloads, PaymentEvent } from '../../src/payments/model/events.ts'
import { fold } from '../../src/payments/model/evolve.ts'
import type { PaymentState } from '../../src/payments/model/state.ts'
import type { ProcessorOutcome } from '../../src/payments/processing/processor.ts'

export const AT = Date.UTC(2026, 0, 1)
export const stateOf = (events: readonly PaymentEvent[]): PaymentState =>
  fold(events.map((event) => ({ ...event, timestampMs: AT })))

/** Given these events, when that is asked for, then these events come of it, or it is refused. */
export function given(...history: PaymentEvent[][]) {
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

export const initiated = (
  capture_method: 'automatic' | 'manual' = 'manual',
  more: Partial<EventPayloads['INITIATED']> = {},
): PaymentEvent[] => [
  {
    type: 'INITIATED',
    payload: {
      ...{ amount: 10_000, currency: 'USD', payment_method: { type: 'card', token: 'tok_ok' }, capture_method },
      ...{ route: ['sandbox'], ...more },
    },
  },
]
export const asked = (op_id: string, processor = 'sandbox'): PaymentEvent[] => [
  { type: 'AUTHORIZATION_REQUESTED', payload: { op_id, amount: 10_000, processor } },
]
export const authorized = (amount = 10_000): PaymentEvent[] => [
  ...asked('op_a'),
  {
    type: amount < 10_000 ? 'PARTIALLY_AUTHORIZED' : 'AUTHORIZED',
    payload: { op_id: 'op_a', amount, reference: 'ch_1' },
  },
]
export const capturing = (op_id: string, amount: number): PaymentEvent[] => [
  { type: 'CAPTURE_REQUESTED', payload: { op_id, amount } },
]
export const captured = (op_id: string, amount: number): PaymentEvent[] => [
  ...capturing(op_id, amount),
  { type: 'CAPTURED', payload: { op_id, amount, reference: `cp_${op_id}` } },
]
export const refunding = (op_id: string, amount: number): PaymentEvent[] => [
  { type: 'REFUND_REQUESTED', payload: { op_id, amount } },
]
export const succeeded = (amount: bigint, currency = 'USD'): ProcessorOutcome => ({
  kind: 'succeeded',
  amount,
  currency,
  reference: 'ref',
})
export const failed: ProcessorOutcome = { kind: 'failed', code: 'no', message: 'No' }
export const outcome = (opId: string, outcome: ProcessorOutcome): PaymentCommand => ({
  type: 'RecordOutcome',
  opId,
  outcome,
})
export const unknown: ProcessorOutcome = { kind: 'unknown', detail: 'timed out' }
