import type {
  CaptureMethod,
  DeclineAdvice,
  OperationKind,
  PaymentMethod,
  RequiredAction,
  SealedData,
} from './events.ts'

/**
 * What a payment's events add up to. A state is never stored as the truth: it is always the fold of the events, and
 * whatever keeps a copy (head row, view, snapshot) is checked against it.
 */
export const OPERATION_STATUSES = ['requested', 'unknown', 'review', 'action_required', 'succeeded', 'failed'] as const
export type OperationStatus = (typeof OPERATION_STATUSES)[number]

/** One call to a processor. Amounts in minor units. */
export interface Operation {
  readonly opId: string
  readonly kind: OperationKind
  /** What was asked for. */
  readonly amount: bigint
  /** What it has moved, as far as it counted in the sums of the payment; 0 unless it succeeded, if only for a time. */
  readonly settled: bigint
  readonly status: OperationStatus
  readonly processor: string
  readonly reference?: string
  /** Of a capture: what is not captured then is released. */
  readonly final?: true
  /** What the operation is about, besides the payment. */
  readonly disputeId?: string
  /** Of evidence: what is to be sent. */
  readonly personal?: SealedData
  readonly requestedAtMs: number
}

export const DISPUTE_STATUSES = ['needs_response', 'under_review', 'won', 'lost'] as const
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number]

/** Money that the payer's bank asks back. It is gone while the dispute is open, and when it is lost. */
export interface Dispute {
  readonly disputeId: string
  /** Minor units. */
  readonly amount: bigint
  readonly reason: string
  readonly reference: string
  readonly status: DisputeStatus
  readonly evidenceDueMs: number | undefined
  readonly openedAtMs: number
  readonly updatedAtMs: number
}

/** How far the authorization has come; what money did after that is told by the amounts. */
export type Phase = 'initiated' | 'authorizing' | 'requires_action' | 'declined' | 'authorized' | 'voided' | 'expired'

export interface PaymentError {
  readonly code: string
  readonly message: string
  readonly opId: string
  readonly advice?: DeclineAdvice
}

/** Raise it when the shape of a state or the meaning of a fold changes: older snapshots are then left aside. */
export const STATE_VERSION = 2

export interface PaymentState {
  /** Number of events; 0 before the first. */
  readonly version: number
  readonly phase: Phase
  /** What was to be paid; increments raise `authorized` above it. */
  readonly amount: bigint
  readonly currency: string
  readonly authorized: bigint
  readonly capturePending: bigint
  readonly captured: bigint
  readonly refundPending: bigint
  readonly refunded: bigint
  /** What disputes hold back that are open or lost. */
  readonly disputed: bigint
  readonly customerId: string | undefined
  readonly orderId: string | undefined
  readonly paymentMethod: PaymentMethod
  readonly captureMethod: CaptureMethod
  /** Processors, in the order in which they are tried. */
  readonly route: readonly string[]
  /** The one that was asked last; the first of the route before that. */
  readonly processor: string
  readonly metadata: Readonly<Record<string, string>> | undefined
  /** Billing details, encrypted. */
  readonly personal: SealedData | undefined
  /** What the processor calls the authorization; captures, voids and refunds name it. */
  readonly reference: string | undefined
  /** Until when the processor holds the authorization, where it says so. */
  readonly authorizedUntilMs: number | undefined
  readonly action: RequiredAction | undefined
  readonly lastError: PaymentError | undefined
  /** Those that are open, and the newest that are finished; older ones are in the events only. */
  readonly operations: ReadonlyMap<string, Operation>
  readonly disputes: ReadonlyMap<string, Dispute>
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const initialState: PaymentState = {
  version: 0,
  phase: 'initiated',
  amount: 0n,
  currency: '',
  authorized: 0n,
  capturePending: 0n,
  captured: 0n,
  refundPending: 0n,
  refunded: 0n,
  disputed: 0n,
  customerId: undefined,
  orderId: undefined,
  paymentMethod: { type: '', token: '' },
  captureMethod: 'automatic',
  route: [],
  processor: '',
  metadata: undefined,
  personal: undefined,
  reference: undefined,
  authorizedUntilMs: undefined,
  action: undefined,
  lastError: undefined,
  operations: new Map(),
  disputes: new Map(),
  createdAtMs: 0,
  updatedAtMs: 0,
}

export const PAYMENT_STATUSES = [
  'initiated',
  'authorizing',
  'requires_action',
  'declined',
  'authorized',
  'partially_captured',
  'captured',
  'partially_refunded',
  'refunded',
  'voided',
  'expired',
] as const
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]

/** The headline of a payment. It tells what is settled; an operation under way does not change it. */
export function statusOf(state: PaymentState): PaymentStatus {
  if (state.phase !== 'authorized') return state.phase
  if (state.refunded > 0n) return state.refunded === state.captured ? 'refunded' : 'partially_refunded'
  if (state.captured > 0n) return state.captured === state.authorized ? 'captured' : 'partially_captured'
  return 'authorized'
}

/** What can still be captured: authorized, and neither captured nor reserved by a capture under way. */
export const capturableOf = (state: PaymentState): bigint => state.authorized - state.captured - state.capturePending
/** What can still be refunded: captured, and neither refunded, nor reserved by a refund under way, nor held by a dispute. */
export function refundableOf({ captured, refunded, refundPending, disputed }: PaymentState): bigint {
  const left = captured - refunded - refundPending - disputed
  return left > 0n ? left : 0n
}
/** When the worker ends the authorization; `undefined` when nothing is left to end. */
export function expiresAtMs(state: PaymentState): number | undefined {
  const isHeld = state.phase === 'authorized' && state.authorized > state.captured
  return isHeld ? state.authorizedUntilMs : undefined
}

export const isFinished = (operation: Operation): boolean =>
  operation.status === 'succeeded' || operation.status === 'failed'
/** Whether nobody knows yet how it ended. An operation that waits for the customer is not in doubt. */
export const isInDoubt = (operation: Operation): boolean =>
  operation.status === 'requested' || operation.status === 'unknown' || operation.status === 'review'

/** The oldest operation in doubt. */
export function operationInDoubt(state: PaymentState): Operation | undefined {
  for (const operation of state.operations.values()) if (isInDoubt(operation)) return operation
  return undefined
}

/** Whether only a person can find out how one of its operations ended. */
export const waitsInReview = ({ operations }: PaymentState): boolean =>
  [...operations.values()].some(({ status }) => status === 'review')

/** Whether a dispute asks for evidence. */
export const needsResponse = ({ disputes }: PaymentState): boolean =>
  [...disputes.values()].some(({ status }) => status === 'needs_response')

/** The command that an operation belongs to: what follows from an operation by itself has its id and a suffix. */
export const commandOf = (opId: string): string => /^op_[^_]+/.exec(opId)?.[0] ?? opId
/** The capture that follows an authorization with `capture_method: automatic`; the same id whoever asks. */
export const captureAfter = (authorizeOpId: string): string => `${authorizeOpId}_capture`
/** The authorization at the next processor of the route, after one that proved that nothing was charged. */
export function failoverAfter(authorizeOpId: string): string {
  const [, base = authorizeOpId, times = '1'] = /^(op_[^_]+)(?:_(\d+))?$/.exec(authorizeOpId) ?? []
  return `${base}_${Number(times) + 1}`
}
