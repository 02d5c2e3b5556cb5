import { fromMinor } from '../../core/money.ts'
import { captureAfter } from '../model/decide.ts'
import type { CustomerTransaction, StoredEvent } from '../ports/ports.ts'
import { type Payment, type PaymentEventDocument, TRANSACTION_TYPE_OF, type Transaction } from '../schemas.ts'
import { isInDoubt, type Operation, operationInDoubt, type PaymentState, statusOf } from '../model/state.ts'

const time = (ms: number): string => new Date(ms).toISOString()

/** The part of a command that is still in doubt: the operation it began, or the capture that follows it. */
export function doubtOf(state: PaymentState, opId: string): Operation | undefined {
  for (const id of [opId, captureAfter(opId)]) {
    const operation = state.operations.get(id)
    if (operation !== undefined && isInDoubt(operation)) return operation
  }
  return undefined
}

/**
 * A payment as callers see it. With `opId` it is the answer to the command of that operation, and shows only its doubt.
 */
export function toPayment(paymentIntentId: string, state: PaymentState, opId?: string): Payment {
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
    customer_id: state.customerId ?? null,
    order_id: state.orderId ?? null,
    payment_method: { ...state.paymentMethod },
    capture_method: state.captureMethod,
    processor: state.processor,
    created_at: time(state.createdAtMs),
    updated_at: time(state.updatedAtMs),
    ...(lastError === undefined
      ? {}
      : { last_error: { code: lastError.code, message: lastError.message, op_id: lastError.opId } }),
    ...(action === undefined ? {} : { next_action: { ...action } }),
    ...(pending === undefined ? {} : { pending_operation: toPending(pending) }),
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
