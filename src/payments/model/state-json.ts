import { fromMinor } from '../../core/money.ts'
import type { Operation, PaymentState } from './state.ts'

/** A state as plain JSON, for read models and snapshots; {@link stateFromJson} is its inverse. */
export function stateToJson(state: PaymentState): Record<string, unknown> {
  return {
    ...state,
    amount: fromMinor(state.amount),
    authorized: fromMinor(state.authorized),
    capturePending: fromMinor(state.capturePending),
    captured: fromMinor(state.captured),
    refundPending: fromMinor(state.refundPending),
    refunded: fromMinor(state.refunded),
    operations: [...state.operations.values()].map((operation) => ({
      ...operation,
      amount: fromMinor(operation.amount),
      settled: fromMinor(operation.settled),
    })),
  }
}

type StateJson = Omit<
  PaymentState,
  'amount' | 'authorized' | 'capturePending' | 'captured' | 'refundPending' | 'refunded' | 'operations'
> & {
  readonly amount: number
  readonly authorized: number
  readonly capturePending: number
  readonly captured: number
  readonly refundPending: number
  readonly refunded: number
  readonly operations: readonly (Omit<Operation, 'amount' | 'settled'> & {
    readonly amount: number
    readonly settled: number
  })[]
}

export function stateFromJson(json: Readonly<Record<string, unknown>>): PaymentState {
  const stored = json as unknown as StateJson
  return {
    version: stored.version,
    phase: stored.phase,
    amount: BigInt(stored.amount),
    currency: stored.currency,
    authorized: BigInt(stored.authorized),
    capturePending: BigInt(stored.capturePending),
    captured: BigInt(stored.captured),
    refundPending: BigInt(stored.refundPending),
    refunded: BigInt(stored.refunded),
    customerId: stored.customerId,
    orderId: stored.orderId,
    paymentMethod: stored.paymentMethod,
    captureMethod: stored.captureMethod,
    processor: stored.processor,
    reference: stored.reference,
    action: stored.action,
    lastError: stored.lastError,
    operations: new Map(
      stored.operations.map((operation) => [
        operation.opId,
        { ...operation, amount: BigInt(operation.amount), settled: BigInt(operation.settled) },
      ]),
    ),
    createdAtMs: stored.createdAtMs,
    updatedAtMs: stored.updatedAtMs,
  }
}
