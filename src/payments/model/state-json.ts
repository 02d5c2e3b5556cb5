import { fromMinor } from '../../core/money.ts'
import type { Dispute, Operation, PaymentState } from './state.ts'

const AMOUNTS = ['amount', 'authorized', 'capturePending', 'captured', 'refundPending', 'refunded', 'disputed'] as const
type Amounts = Record<(typeof AMOUNTS)[number], number>

/** A state as plain JSON, for read models and snapshots; {@link stateFromJson} is its inverse. */
export function stateToJson(state: PaymentState): Record<string, unknown> {
  return {
    ...state,
    ...Object.fromEntries(AMOUNTS.map((name) => [name, fromMinor(state[name])])),
    operations: [...state.operations.values()].map((operation) => ({
      ...operation,
      amount: fromMinor(operation.amount),
      settled: fromMinor(operation.settled),
    })),
    disputes: [...state.disputes.values()].map((dispute) => ({ ...dispute, amount: fromMinor(dispute.amount) })),
  }
}

type WithNumbers<T, Name extends string> = Omit<T, Name> & { readonly [Amount in Name]: number }
type StateJson = Omit<PaymentState, keyof Amounts | 'operations' | 'disputes'> &
  Amounts & {
    readonly operations: readonly WithNumbers<Operation, 'amount' | 'settled'>[]
    readonly disputes: readonly WithNumbers<Dispute, 'amount'>[]
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
    disputed: BigInt(stored.disputed),
    customerId: stored.customerId,
    orderId: stored.orderId,
    paymentMethod: stored.paymentMethod,
    captureMethod: stored.captureMethod,
    route: stored.route,
    processor: stored.processor,
    metadata: stored.metadata,
    personal: stored.personal,
    reference: stored.reference,
    authorizedUntilMs: stored.authorizedUntilMs,
    action: stored.action,
    lastError: stored.lastError,
    operations: new Map(
      stored.operations.map((operation) => [
        operation.opId,
        { ...operation, amount: BigInt(operation.amount), settled: BigInt(operation.settled) },
      ]),
    ),
    disputes: new Map(
      stored.disputes.map((dispute) => [
        dispute.disputeId,
        { ...dispute, amount: BigInt(dispute.amount), evidenceDueMs: dispute.evidenceDueMs },
      ]),
    ),
    createdAtMs: stored.createdAtMs,
    updatedAtMs: stored.updatedAtMs,
  }
}
