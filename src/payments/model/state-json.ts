import { fromMinor } from '../../core/money.ts'
import { type Dispute, initialState, type Operation, type PaymentState } from './state.ts'

type Numbers<T, Name extends keyof T> = Omit<T, Name> & { readonly [Amount in Name]: number }
type OperationJson = Omit<Operation, 'amount' | 'settled' | 'processor'> & {
  readonly amount: number
  readonly settled?: number | undefined
  readonly processor?: string | undefined
}
type DisputeJson = Numbers<Dispute, 'amount'>

type Amount = 'amount' | 'authorized' | 'capturePending' | 'captured' | 'refundPending' | 'refunded' | 'disputed'
type StateJson = Partial<Omit<PaymentState, Amount | 'operations' | 'disputes'>> & {
  readonly [Name in Amount]?: number | undefined
} & { readonly operations?: readonly OperationJson[]; readonly disputes?: readonly DisputeJson[] }

const unless0 = (amount: bigint): number | undefined => (amount === 0n ? undefined : fromMinor(amount))
const unless = <T>(value: T, usual: T): T | undefined => (value === usual ? undefined : value)

/**
 * A state as plain JSON, for read models and snapshots; {@link stateFromJson} is its inverse. There are very many of
 * these, so what is as usual is left out: amounts of 0, and the processor where it is the first of the route, or that of
 * the payment.
 */
export function stateToJson(state: PaymentState): Record<string, unknown> {
  const { operations, disputes } = state
  return {
    version: state.version,
    phase: state.phase,
    amount: fromMinor(state.amount),
    currency: state.currency,
    authorized: unless0(state.authorized),
    capturePending: unless0(state.capturePending),
    captured: unless0(state.captured),
    refundPending: unless0(state.refundPending),
    refunded: unless0(state.refunded),
    disputed: unless0(state.disputed),
    customerId: state.customerId,
    orderId: state.orderId,
    paymentMethod: state.paymentMethod,
    captureMethod: unless(state.captureMethod, initialState.captureMethod),
    route: state.route,
    processor: unless(state.processor, state.route[0]),
    metadata: state.metadata,
    personal: state.personal,
    reference: state.reference,
    authorizedUntilMs: state.authorizedUntilMs,
    action: state.action,
    lastError: state.lastError,
    operations:
      operations.size === 0
        ? undefined
        : Array.from(operations.values(), (operation) => ({
            ...operation,
            amount: fromMinor(operation.amount),
            settled: unless0(operation.settled),
            processor: unless(operation.processor, state.processor),
          })),
    disputes:
      disputes.size === 0
        ? undefined
        : Array.from(disputes.values(), (dispute) => ({ ...dispute, amount: fromMinor(dispute.amount) })),
    createdAtMs: state.createdAtMs,
    updatedAtMs: unless(state.updatedAtMs, state.createdAtMs),
  }
}

const amountOf = (amount: number | undefined): bigint => (amount === undefined ? 0n : BigInt(amount))

function operationsOf({ operations = [] }: StateJson, processor: string): PaymentState['operations'] {
  return new Map(
    operations.map((operation) => {
      const { amount, settled, processor: named = processor } = operation
      return [operation.opId, { ...operation, amount: BigInt(amount), settled: amountOf(settled), processor: named }]
    }),
  )
}

function disputesOf({ disputes = [] }: StateJson): PaymentState['disputes'] {
  return new Map(
    disputes.map((dispute) => {
      const { disputeId, amount, evidenceDueMs } = dispute
      return [disputeId, { ...dispute, amount: BigInt(amount), evidenceDueMs }]
    }),
  )
}

export function stateFromJson(json: Readonly<Record<string, unknown>>): PaymentState {
  const stored = json as StateJson
  const { route = [], createdAtMs = 0 } = stored
  const { processor = route[0] ?? '' } = stored
  return {
    version: stored.version ?? 0,
    phase: stored.phase ?? initialState.phase,
    amount: amountOf(stored.amount),
    currency: stored.currency ?? '',
    authorized: amountOf(stored.authorized),
    capturePending: amountOf(stored.capturePending),
    captured: amountOf(stored.captured),
    refundPending: amountOf(stored.refundPending),
    refunded: amountOf(stored.refunded),
    disputed: amountOf(stored.disputed),
    customerId: stored.customerId,
    orderId: stored.orderId,
    paymentMethod: stored.paymentMethod ?? initialState.paymentMethod,
    captureMethod: stored.captureMethod ?? initialState.captureMethod,
    route,
    processor,
    metadata: stored.metadata,
    personal: stored.personal,
    reference: stored.reference,
    authorizedUntilMs: stored.authorizedUntilMs,
    action: stored.action,
    lastError: stored.lastError,
    operations: operationsOf(stored, processor),
    disputes: disputesOf(stored),
    createdAtMs,
    updatedAtMs: stored.updatedAtMs ?? createdAtMs,
  }
}
