import { fromMinor } from '../../core/money.ts'
import {
  commandOf,
  type Dispute,
  expiresAtMs,
  isInDoubt,
  type Operation,
  operationInDoubt,
  type PaymentError,
  type PaymentState,
  statusOf,
} from '../model/state.ts'
import type { OperationRow, StoredEvent } from '../ports/store.ts'
import type { CustomerTransaction, ListedPayment } from '../ports/views.ts'
import type { OpenedData } from '../privacy/personal-data.ts'
import {
  type OperationDocument,
  type Payment,
  type PaymentEventDocument,
  TRANSACTION_TYPE_OF,
  type Transaction,
} from '../schemas.ts'
import type { PaymentSummary } from './list-schemas.ts'

const time = (ms: number): string => new Date(ms).toISOString()

const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : time(ms))

/** The part of a command that is still in doubt: the operation it began, or one that follows from it. */
export function doubtOf(state: PaymentState, opId: string): Operation | undefined {
  const command = commandOf(opId)
  for (const operation of state.operations.values())
    if (commandOf(operation.opId) === command && isInDoubt(operation)) return operation
  return undefined
}

/** Billing details as they could be decrypted. */
export type Billing = Pick<Payment, 'billing_details' | 'personal_data'>
export const NO_BILLING: Billing = { billing_details: null }

export function toBilling(opened: OpenedData): Billing {
  return opened.kind === 'open'
    ? { billing_details: opened.data as Payment['billing_details'] }
    : { billing_details: null, personal_data: opened.kind }
}

/**
 * A payment as callers see it. With `opId` it is the answer to the command of that operation, and shows only its doubt.
 */
export function toPayment(paymentIntentId: string, state: PaymentState, billing: Billing, opId?: string): Payment {
  const pending = opId === undefined ? operationInDoubt(state) : doubtOf(state, opId)
  const { lastError, action } = state
  return {
    payment_intent_id: paymentIntentId,
    status: statusOf(state),
    version: state.version,
    amount: fromMinor(state.amount),
    currency: state.currency,
    authorized: fromMinor(state.authorized),
    capture_pending: fromMinor(state.capturePending),
    captured: fromMinor(state.captured),
    refund_pending: fromMinor(state.refundPending),
    refunded: fromMinor(state.refunded),
    disputed: fromMinor(state.disputed),
    customer_id: state.customerId ?? null,
    order_id: state.orderId ?? null,
    payment_method: { ...state.paymentMethod },
    capture_method: state.captureMethod,
    processor: state.processor,
    route: [...state.route],
    authorized_until: timeOrNull(expiresAtMs(state)),
    ...billing,
    metadata: { ...state.metadata },
    disputes: [...state.disputes.values()].map(toDispute),
    created_at: time(state.createdAtMs),
    updated_at: time(state.updatedAtMs),
    ...(lastError === undefined ? {} : { last_error: toError(lastError) }),
    ...(action === undefined ? {} : { next_action: { ...action } }),
    ...(pending === undefined ? {} : { pending_operation: toPending(pending) }),
  }
}

/** A payment in a list: nothing personal is decrypted for it. */
export function toSummary({ paymentIntentId, state }: ListedPayment): PaymentSummary {
  const { billing_details: _details, ...summary } = toPayment(paymentIntentId, state, NO_BILLING)
  return summary
}

function toError({ code, message, opId, advice }: PaymentError): NonNullable<Payment['last_error']> {
  return { code, message, op_id: opId, ...(advice === undefined ? {} : { advice }) }
}

function toDispute(dispute: Dispute): Payment['disputes'][number] {
  return {
    dispute_id: dispute.disputeId,
    amount: fromMinor(dispute.amount),
    reason: dispute.reason,
    status: dispute.status,
    evidence_due_by: timeOrNull(dispute.evidenceDueMs),
    opened_at: time(dispute.openedAtMs),
    updated_at: time(dispute.updatedAtMs),
  }
}

export function toOperation(row: OperationRow): OperationDocument {
  return {
    op_id: row.opId,
    payment_intent_id: row.paymentIntentId,
    kind: row.kind,
    amount: fromMinor(row.amount),
    processor: row.processor,
    status: row.status,
    reference: row.reference ?? null,
    attempts: row.attempts,
    requested_at: time(row.requestedAtMs),
    next_check_at: timeOrNull(row.nextCheckAtMs),
  }
}

function toPending(operation: Operation): NonNullable<Payment['pending_operation']> {
  return {
    op_id: operation.opId,
    kind: operation.kind,
    amount: fromMinor(operation.amount),
    status: operation.status as 'requested' | 'unknown' | 'review',
    requested_at: time(operation.requestedAtMs),
  }
}

export function toEventDocument(event: StoredEvent): PaymentEventDocument {
  return {
    event_id: event.eventId.toString(),
    payment_intent_id: event.paymentIntentId,
    version: event.version,
    event_type: event.type,
    timestamp: time(event.timestampMs),
    actor: event.actor,
    op_id: event.opId ?? null,
    payload: { ...event.payload },
    schema_version: event.schemaVersion,
    hash: Buffer.from(event.hash).toString('hex'),
  }
}

export function toTransaction(transaction: CustomerTransaction): Transaction {
  return {
    payment_intent_id: transaction.paymentIntentId,
    version: transaction.version,
    type: TRANSACTION_TYPE_OF[transaction.type] ?? 'correction',
    amount: fromMinor(transaction.amount),
    currency: transaction.currency,
    order_id: transaction.orderId ?? null,
    timestamp: time(transaction.timestampMs),
  }
}
