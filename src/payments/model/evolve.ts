import { assert } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { DeclineAdvice, EventPayloads, OperationKind, RecordedEvent } from './events.ts'
import {
  capturableOf,
  type Dispute,
  type DisputeStatus,
  initialState,
  isFinished,
  type Operation,
  type OperationStatus,
  type PaymentState,
} from './state.ts'

type Draft = { -readonly [Name in keyof PaymentState]: PaymentState[Name] } & {
  operations: Map<string, Operation>
}

type Request = Pick<Operation, 'final' | 'disputeId' | 'personal'>

function request(
  draft: Draft,
  kind: OperationKind,
  event: { readonly op_id: string; readonly amount: number },
  requestedAtMs: number,
  more: Request = {},
): bigint {
  const amount = BigInt(event.amount)
  const opId = event.op_id
  const { processor } = draft
  draft.operations.set(opId, {
    opId,
    kind,
    amount,
    settled: 0n,
    status: 'requested',
    processor,
    requestedAtMs,
    ...more,
  })
  return amount
}

/** Notes how far an operation has come; answers it as it was before. Finished ones lie in the order in which they ended. */
function note(draft: Draft, opId: string, status: OperationStatus, reference?: string, settled = 0n): Operation {
  const operation = draft.operations.get(opId)
  assert(operation !== undefined, `an event tells of operation ${opId}, which was never requested`)
  if (status === 'succeeded' || status === 'failed') draft.operations.delete(opId)
  draft.operations.set(opId, { ...operation, status, settled, ...(reference === undefined ? {} : { reference }) })
  return operation
}

/** The same for one that was finished before, and may be forgotten. */
function noteAgain(draft: Draft, opId: string, status: OperationStatus, reference?: string, settled = 0n): void {
  if (draft.operations.has(opId)) note(draft, opId, status, reference, settled)
}

function succeed(draft: Draft, event: { op_id: string; amount: number; reference: string }): Operation {
  draft.lastError = undefined
  return note(draft, event.op_id, 'succeeded', event.reference, BigInt(event.amount))
}

type Failure = { op_id: string; code: string; message: string; advice?: DeclineAdvice }

function errorOf({ code, message, op_id: opId, advice }: Failure): PaymentState['lastError'] {
  return { code, message, opId, ...(advice === undefined ? {} : { advice }) }
}

function fail(draft: Draft, event: Failure): Operation {
  draft.lastError = errorOf(event)
  return note(draft, event.op_id, 'failed')
}

function holdUntil(draft: Draft, { expires_at: until }: { readonly expires_at?: string }): void {
  if (until !== undefined) draft.authorizedUntilMs = Date.parse(until)
}

function authorize(draft: Draft, event: EventPayloads['AUTHORIZED']): void {
  draft.phase = 'authorized'
  draft.authorized = BigInt(event.amount)
  draft.reference = event.reference
  draft.action = undefined
  draft.authorizedUntilMs = undefined
  holdUntil(draft, event)
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Takes back what was authorized and can still be captured, as far as there is so much; what was captured stays. */
function release(draft: Draft, phase: 'voided' | 'expired', amount: bigint): bigint {
  const released = smaller(amount, capturableOf(draft))
  draft.authorized -= released
  if (draft.authorized === 0n) {
    draft.phase = phase
    draft.action = undefined
  }
  return released
}

function voided(draft: Draft, { op_id: opId, amount, reference }: EventPayloads['VOIDED']): void {
  if (opId !== undefined) note(draft, opId, 'succeeded', reference, BigInt(amount))
  // An authorization that waited for the payer has ended with it.
  for (const operation of draft.operations.values())
    if (operation.status === 'action_required') note(draft, operation.opId, 'failed')
  release(draft, 'voided', BigInt(amount))
}

/**
 * A failure that turns out to be a success: the money has moved, and counts. A part that no longer fits, because the
 * payment has gone on meanwhile, is told by the event and the payment's error; a person must give it back.
 */
function correct(draft: Draft, event: EventPayloads['OUTCOME_CORRECTED']): void {
  const kind = event.kind ?? draft.operations.get(event.op_id)?.kind
  assert(kind !== undefined, `a correction tells of operation ${event.op_id}, which was never requested`)
  const amount = BigInt(event.amount)
  const counted = countCorrection(draft, kind, event)
  draft.lastError = undefined
  noteAgain(draft, event.op_id, 'succeeded', event.reference, counted)
  if (counted === amount) return
  const message = `The processor has done this ${kind} after all, and ${amount - counted} of it don't fit the payment`
  draft.lastError = { code: 'unexpected_success', message, opId: event.op_id }
}

function isVoidedThere(draft: Draft, reference: string): boolean {
  if (reference !== draft.reference) return false
  for (const { kind, status } of draft.operations.values()) if (kind === 'void' && status === 'succeeded') return true
  return false
}

/** What of a corrected operation counts in the sums of the payment. */
function countCorrection(draft: Draft, kind: OperationKind, event: EventPayloads['OUTCOME_CORRECTED']): bigint {
  const amount = BigInt(event.amount)
  switch (kind) {
    case 'authorize':
      if (draft.phase !== 'declined' && (draft.phase !== 'voided' || draft.authorized > 0n)) return 0n
      // What a void at the processor has ended while it waited for the payer is free again, whenever it is heard of.
      if (draft.phase === 'voided' && isVoidedThere(draft, event.reference)) return amount
      // It may have failed over since: captures must go to where the money is.
      draft.processor = draft.operations.get(event.op_id)?.processor ?? draft.processor
      authorize(draft, event)
      return amount
    case 'increment':
      if (draft.phase !== 'authorized') return 0n
      draft.authorized += amount
      return amount
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
      const counted = smaller(amount, draft.captured - draft.refunded - draft.refundPending)
      draft.refunded += counted
      return counted
    }
    case 'evidence':
      return amount
    default:
      return kind satisfies never
  }
}

const holdsMoney = (status: DisputeStatus): boolean => status !== 'won'

/** A dispute with a new status; its amount counts as long as it is not won. */
function putDispute(draft: Draft, dispute: Dispute): void {
  const before = draft.disputes.get(dispute.disputeId)
  if (before !== undefined && holdsMoney(before.status)) draft.disputed -= before.amount
  if (holdsMoney(dispute.status)) draft.disputed += dispute.amount
  // A map of its own: few payments have disputes, and all others are spared the copy.
  draft.disputes = new Map(draft.disputes).set(dispute.disputeId, dispute)
}

function moveDispute(draft: Draft, disputeId: string, status: DisputeStatus, atMs: number): void {
  const dispute = draft.disputes.get(disputeId)
  assert(dispute !== undefined, `an event tells of dispute ${disputeId}, which was never opened`)
  putDispute(draft, { ...dispute, status, updatedAtMs: atMs })
}

function openDispute(draft: Draft, payload: EventPayloads['DISPUTE_OPENED'], atMs: number): void {
  const { dispute_id: disputeId, amount, reason, reference, evidence_due_by: due } = payload
  putDispute(draft, {
    ...{ disputeId, amount: BigInt(amount), reason, reference, status: 'needs_response' },
    ...{ evidenceDueMs: due === undefined ? undefined : Date.parse(due), openedAtMs: atMs, updatedAtMs: atMs },
  })
}

function initiate(draft: Draft, payload: EventPayloads['INITIATED'], atMs: number): void {
  draft.createdAtMs = atMs
  draft.amount = BigInt(payload.amount)
  draft.currency = payload.currency
  draft.customerId = payload.customer_id
  draft.orderId = payload.order_id
  draft.paymentMethod = payload.payment_method
  draft.captureMethod = payload.capture_method
  draft.route = payload.route
  draft.processor = payload.route[0] ?? ''
  draft.metadata = payload.metadata
  draft.personal = payload.personal
}

function requestAuthorization(draft: Draft, payload: EventPayloads['AUTHORIZATION_REQUESTED'], atMs: number): void {
  draft.processor = payload.processor ?? draft.route[0] ?? ''
  draft.phase = 'authorizing'
  draft.paymentMethod = payload.payment_method ?? draft.paymentMethod
  request(draft, 'authorize', payload, atMs)
}

function apply(draft: Draft, event: RecordedEvent): void {
  const { type, payload, timestampMs } = event
  draft.version += 1
  draft.updatedAtMs = timestampMs
  switch (type) {
    case 'INITIATED':
      initiate(draft, payload, timestampMs)
      return
    case 'AUTHORIZATION_REQUESTED':
      requestAuthorization(draft, payload, timestampMs)
      return
    case 'AUTHORIZED':
    case 'PARTIALLY_AUTHORIZED':
      succeed(draft, payload)
      authorize(draft, payload)
      return
    case 'ACTION_REQUIRED':
      note(draft, payload.op_id, 'action_required', payload.reference)
      draft.phase = 'requires_action'
      draft.reference = payload.reference
      draft.action = payload.action
      return
    case 'DECLINED':
      fail(draft, payload)
      draft.phase = 'declined'
      draft.action = undefined
      return
    case 'INCREMENT_REQUESTED':
      request(draft, 'increment', payload, timestampMs)
      return
    case 'INCREMENTED':
      succeed(draft, payload)
      draft.authorized += BigInt(payload.amount)
      holdUntil(draft, payload)
      return
    case 'CAPTURE_REQUESTED':
      draft.capturePending += request(draft, 'capture', payload, timestampMs, payload.final ? { final: true } : {})
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
      voided(draft, payload)
      return
    case 'INCREMENT_DECLINED':
    case 'VOID_FAILED':
    case 'EVIDENCE_FAILED':
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
      draft.lastError = errorOf(payload)
      noteAgain(draft, payload.op_id, 'failed', undefined, BigInt(payload.amount))
      draft.refunded -= BigInt(payload.amount)
      return
    case 'AUTHORIZATION_EXPIRED':
      release(draft, 'expired', BigInt(payload.amount))
      return
    case 'DISPUTE_OPENED':
      openDispute(draft, payload, timestampMs)
      return
    case 'EVIDENCE_REQUESTED': {
      const { dispute_id: disputeId, personal } = payload
      request(draft, 'evidence', payload, timestampMs, { disputeId, personal })
      return
    }
    case 'EVIDENCE_SUBMITTED':
      succeed(draft, payload)
      // The processor may have closed it meanwhile.
      if (draft.disputes.get(payload.dispute_id)?.status === 'needs_response')
        moveDispute(draft, payload.dispute_id, 'under_review', timestampMs)
      return
    case 'DISPUTE_WON':
      moveDispute(draft, payload.dispute_id, 'won', timestampMs)
      return
    case 'DISPUTE_LOST':
      moveDispute(draft, payload.dispute_id, 'lost', timestampMs)
      return
    case 'OUTCOME_UNKNOWN':
      note(draft, payload.op_id, payload.review ? 'review' : 'unknown', payload.reference)
      return
    case 'REVIEW_RESOLVED':
      note(draft, payload.op_id, 'unknown')
      return
    case 'OUTCOME_CORRECTED':
      correct(draft, payload)
      return
    default:
      event satisfies never
  }
}

/** Of the operations that are finished only the newest stay, so that a state stays small however long its history. */
function forget(draft: Draft, keep: number): void {
  let finished = 0
  for (const operation of draft.operations.values()) if (isFinished(operation)) finished += 1
  for (const operation of draft.operations.values()) {
    if (finished <= keep) return
    if (!isFinished(operation)) continue
    draft.operations.delete(operation.opId)
    finished -= 1
  }
}

/** The state after one more event. Pure: the state given stays as it is. */
export function evolve(state: PaymentState, event: RecordedEvent): PaymentState {
  return fold([event], state)
}

/**
 * The state after all of `events`, in order, starting from `from`. `keep` is how many finished operations it remembers;
 * with another number than usual it is not the state of a payment, but fit for checking each operation.
 */
export function fold(
  events: Iterable<RecordedEvent>,
  from: PaymentState = initialState,
  keep: number = LIMITS.paymentOperationsKept,
): PaymentState {
  const draft: Draft = { ...from, operations: new Map(from.operations) }
  for (const event of events) {
    apply(draft, event)
    if (draft.operations.size > keep) forget(draft, keep)
  }
  return draft
}
