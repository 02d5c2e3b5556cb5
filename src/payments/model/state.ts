import { assert } from '../../core/errors.ts'
import type { CaptureMethod, OperationKind, PaymentMethod, RecordedEvent, RequiredAction } from './events.ts'

/**
 * What a payment's events add up to. A state is never stored as the truth: it is always the fold of the events, and
 * whatever keeps a copy (head row, view) is checked against it.
 */
export type OperationStatus = 'requested' | 'unknown' | 'review' | 'action_required' | 'succeeded' | 'failed'

/** One call to a processor. Amounts in minor units. */
export interface Operation {
  readonly opId: string
  readonly kind: OperationKind
  /** What was asked for. */
  readonly amount: bigint
  /** What it has moved, as far as it counts in the sums of the payment; 0 until it succeeds. */
  readonly settled: bigint
  readonly status: OperationStatus
  readonly reference?: string
  readonly requestedAtMs: number
}

/** How far the authorization has come; what money did after that is told by the amounts. */
export type Phase = 'initiated' | 'authorizing' | 'requires_action' | 'declined' | 'authorized' | 'voided' | 'expired'

export interface PaymentError {
  readonly code: string
  readonly message: string
  readonly opId: string
}

export interface PaymentState {
  /** Number of events; 0 before the first. */
  readonly version: number
  readonly phase: Phase
  readonly amount: bigint
  readonly currency: string
  readonly authorized: bigint
  readonly capturePending: bigint
  readonly captured: bigint
  readonly refundPending: bigint
  readonly refunded: bigint
  readonly customerId: string | undefined
  readonly orderId: string | undefined
  readonly paymentMethod: PaymentMethod
  readonly captureMethod: CaptureMethod
  readonly processor: string
  /** What the processor calls the authorization; captures, voids and refunds name it. */
  readonly reference: string | undefined
  readonly action: RequiredAction | undefined
  readonly lastError: PaymentError | undefined
  readonly operations: ReadonlyMap<string, Operation>
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
  customerId: undefined,
  orderId: undefined,
  paymentMethod: { type: '', token: '' },
  captureMethod: 'automatic',
  processor: '',
  reference: undefined,
  action: undefined,
  lastError: undefined,
  operations: new Map(),
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
/** What can still be refunded: captured, and neither refunded nor reserved by a refund under way. */
export const refundableOf = (state: PaymentState): bigint => state.captured - state.refunded - state.refundPending

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

type Draft = { -readonly [Name in keyof PaymentState]: PaymentState[Name] } & { operations: Map<string, Operation> }

function request(draft: Draft, kind: OperationKind, event: { op_id: string; amount: number }, atMs: number): bigint {
  const amount = BigInt(event.amount)
  const opId = event.op_id
  draft.operations.set(opId, { opId, kind, amount, settled: 0n, status: 'requested', requestedAtMs: atMs })
  return amount
}

function operationOf(draft: Draft, opId: string): Operation {
  const operation = draft.operations.get(opId)
  assert(operation !== undefined, `an event tells of operation ${opId}, which was never requested`)
  return operation
}

/** Notes how far an operation has come; answers it as it was before. */
function note(draft: Draft, opId: string, status: OperationStatus, reference?: string, settled = 0n): Operation {
  const operation = operationOf(draft, opId)
  draft.operations.set(opId, { ...operation, status, settled, ...(reference === undefined ? {} : { reference }) })
  return operation
}

function succeed(draft: Draft, event: { op_id: string; amount: number; reference: string }): Operation {
  draft.lastError = undefined
  return note(draft, event.op_id, 'succeeded', event.reference, BigInt(event.amount))
}

function fail(draft: Draft, event: { op_id: string; code: string; message: string }): Operation {
  draft.lastError = { code: event.code, message: event.message, opId: event.op_id }
  return note(draft, event.op_id, 'failed')
}

function authorize(draft: Draft, event: { op_id: string; amount: number; reference: string }): void {
  succeed(draft, event)
  draft.phase = 'authorized'
  draft.authorized = BigInt(event.amount)
  draft.reference = event.reference
  draft.action = undefined
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Takes back what was authorized and can still be captured, as far as there is so much; what was captured stays. */
function release(draft: Draft, phase: 'voided' | 'expired', amount: bigint): bigint {
  const released = smaller(amount, capturableOf(draft))
  draft.authorized -= released
  if (draft.authorized === 0n) draft.phase = phase
  return released
}

/**
 * A failure that turns out to be a success: the money has moved, and counts. A part that no longer fits, because the
 * payment has gone on meanwhile, is told by the event and the payment's error; a person must give it back.
 */
function correct(draft: Draft, event: { op_id: string; amount: number; reference: string }): void {
  const { kind } = operationOf(draft, event.op_id)
  if (kind === 'authorize' && draft.phase === 'declined') {
    authorize(draft, event)
    return
  }
  const amount = BigInt(event.amount)
  const counted = countCorrection(draft, kind, amount)
  succeed(draft, event)
  note(draft, event.op_id, 'succeeded', event.reference, counted)
  if (counted === amount) return
  const message = `The processor has done this ${kind} after all, and ${amount - counted} of it don't fit the payment`
  draft.lastError = { code: 'unexpected_success', message, opId: event.op_id }
}

function countCorrection(draft: Draft, kind: OperationKind, amount: bigint): bigint {
  switch (kind) {
    case 'authorize':
      return 0n
    case 'capture': {
      draft.captured += amount
      const needed = draft.captured + draft.capturePending
      if (needed > draft.authorized) draft.authorized = needed
      draft.phase = 'authorized'
      return amount
    }
    case 'void':
      return release(draft, 'voided', amount)
    case 'refund': {
      const counted = smaller(amount, refundableOf(draft))
      draft.refunded += counted
      return counted
    }
    default:
      return kind satisfies never
  }
}

function apply(draft: Draft, event: RecordedEvent): void {
  const { type, payload, timestampMs } = event
  draft.version += 1
  draft.updatedAtMs = timestampMs
  switch (type) {
    case 'INITIATED':
      draft.createdAtMs = timestampMs
      draft.amount = BigInt(payload.amount)
      draft.currency = payload.currency
      draft.customerId = payload.customer_id
      draft.orderId = payload.order_id
      draft.paymentMethod = payload.payment_method
      draft.captureMethod = payload.capture_method
      draft.processor = payload.processor
      return
    case 'AUTHORIZATION_REQUESTED':
      request(draft, 'authorize', payload, timestampMs)
      draft.phase = 'authorizing'
      draft.paymentMethod = payload.payment_method ?? draft.paymentMethod
      return
    case 'AUTHORIZED':
    case 'PARTIALLY_AUTHORIZED':
      authorize(draft, payload)
      return
    case 'ACTION_REQUIRED':
      note(draft, payload.op_id, 'action_required', payload.reference)
      draft.phase = 'requires_action'
      draft.action = payload.action
      return
    case 'DECLINED':
      fail(draft, payload)
      draft.phase = 'declined'
      draft.action = undefined
      return
    case 'CAPTURE_REQUESTED':
      draft.capturePending += request(draft, 'capture', payload, timestampMs)
      return
    case 'CAPTURED':
      draft.capturePending -= succeed(draft, payload).amount
      draft.captured += BigInt(payload.amount)
      return
    case 'CAPTURE_FAILED':
      draft.capturePending -= fail(draft, payload).amount
      return
    case 'VOID_REQUESTED':
      request(draft, 'void', payload, timestampMs)
      return
    case 'VOIDED':
      if (payload.op_id !== undefined)
        note(draft, payload.op_id, 'succeeded', payload.reference, BigInt(payload.amount))
      release(draft, 'voided', BigInt(payload.amount))
      return
    case 'VOID_FAILED':
      fail(draft, payload)
      return
    case 'REFUND_REQUESTED':
      draft.refundPending += request(draft, 'refund', payload, timestampMs)
      return
    case 'REFUNDED':
      draft.refundPending -= succeed(draft, payload).amount
      draft.refunded += BigInt(payload.amount)
      return
    case 'REFUND_FAILED':
      draft.refundPending -= fail(draft, payload).amount
      return
    case 'REFUND_REVERSED':
      draft.refunded -= fail(draft, payload).settled
      return
    case 'AUTHORIZATION_EXPIRED':
      release(draft, 'expired', BigInt(payload.amount))
      return
    case 'OUTCOME_UNKNOWN':
      note(draft, payload.op_id, payload.review ? 'review' : 'unknown', payload.reference)
      return
    case 'OUTCOME_CORRECTED':
      correct(draft, payload)
      return
    default:
      event satisfies never
  }
}

/** The state after one more event. Pure: the state given stays as it is. */
export function evolve(state: PaymentState, event: RecordedEvent): PaymentState {
  return fold([event], state)
}

/** The state after all of `events`, in order, starting from `from`. */
export function fold(events: Iterable<RecordedEvent>, from: PaymentState = initialState): PaymentState {
  const draft: Draft = { ...from, operations: new Map(from.operations) }
  for (const event of events) apply(draft, event)
  return draft
}
