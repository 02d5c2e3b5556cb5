import type { CommandContext } from '../core/command.ts'
import { type AppError, isAppError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { LogEvent, LogStore } from '../log/port.ts'
import type { Subscription } from '../log/subscriber.ts'
import type { Orders } from '../orders/orders.ts'
import type { OrderDocument } from '../orders/schemas.ts'
import type { Payments } from '../payments/payments.ts'
import type { Payment } from '../payments/schemas.ts'

/** Written into histories as the actor of what a flow does. */
const ACTOR = 'flow:order-payments'

export interface OrderPaymentsDeps {
  readonly orders: Pick<Orders, 'get' | 'recordPayment' | 'recordRefund' | 'settle'>
  readonly payments: Pick<Payments, 'get' | 'listByOrder' | 'void' | 'refund'>
  readonly orderLog: LogStore<unknown>
  readonly paymentLog: LogStore<unknown>
  readonly logger: Logger
}

/**
 * Where orders and payments meet. A payment captured in full makes its order PAID, and what is refunded is told to it. An
 * order that holds more than it costs, after a cancellation, a return, an edit or a payment too much, gives the rest
 * back; what is only authorized for a cancelled order is voided. An order that costs nothing is settled. Both logs are
 * followed at least once, and every command carries a key made from what caused it, so each effect happens once.
 */
export function orderPaymentSubscriptions(deps: OrderPaymentsDeps): Subscription<unknown>[] {
  return [
    {
      name: 'flow_payments_to_orders',
      store: deps.paymentLog,
      types: [
        'ACTION_REQUIRED',
        'AUTHORIZED',
        'PARTIALLY_AUTHORIZED',
        'CAPTURED',
        'REFUNDED',
        'REFUND_FAILED',
        'REFUND_REVERSED',
        'OUTCOME_CORRECTED',
      ],
      handle: (event) => unlessRefused(deps, event, onPaymentMoved),
    },
    {
      name: 'flow_orders_to_payments',
      store: deps.orderLog,
      types: [
        'ORDER_CREATED',
        'ORDER_PAID',
        'PAYMENT_RECEIVED',
        'PAYMENT_AFTER_CANCELLATION',
        'ITEMS_CANCELLED',
        'ORDER_CANCELLED',
        'ITEMS_RETURNED',
        'ORDER_EDITED',
      ],
      handle: (event) => unlessRefused(deps, event, onOrderMoved),
    },
  ]
}

/**
 * A refusal by the rules is the same the next time: it is told loudly, and the events behind it go on. Whatever may pass
 * (a database that is away, a lost race) is thrown, and the event comes again.
 */
async function unlessRefused(
  deps: OrderPaymentsDeps,
  event: LogEvent,
  handle: (deps: OrderPaymentsDeps, event: LogEvent) => Promise<void>,
): Promise<void> {
  try {
    await handle(deps, event)
  } catch (error) {
    const passes = ['idempotency_key_in_use', 'version_mismatch']
    if (!isAppError(error) || error.status >= 500 || passes.includes(error.code)) throw error
    const fields = { err: error, stream: event.streamId, event_id: String(event.eventId), event_type: event.type }
    deps.logger.error(fields, `${ACTOR}: ${event.type} of ${event.streamId} is refused: ${error.message}`)
  }
}

async function onPaymentMoved(deps: OrderPaymentsDeps, event: LogEvent): Promise<void> {
  const payment = await deps.payments.get(event.streamId)
  if (payment.order_id === null) return
  const fact = {
    order_id: payment.order_id,
    payment_intent_id: payment.payment_intent_id,
    currency: payment.currency,
    occurred_at: new Date(event.timestampMs).toISOString(),
  }
  if (event.type === 'REFUND_FAILED' || event.type === 'REFUND_REVERSED') return tellRefund(deps, event, payment)
  const context = { actor: ACTOR }
  if (payment.captured > 0) await deps.orders.recordPayment({ ...fact, captured: payment.captured }, context)
  if (payment.refunded > 0) await deps.orders.recordRefund({ ...fact, refunded: payment.refunded }, context)
  const order = await deps.orders.get(payment.order_id)
  if (order.status === 'CANCELLED') await voidRest(deps, payment)
}

/**
 * Money that an order was to give back is still here. What the order says stays: it is what the buyer was promised. To try
 * again, or another way, is for a person: the same refund would fail the same way.
 */
function tellRefund({ logger }: OrderPaymentsDeps, event: LogEvent, payment: Payment): void {
  const { order_id: order, payment_intent_id: id } = payment
  const fields = { order_id: order, payment_intent_id: id, event_type: event.type, amount: event.payload['amount'] }
  const what = event.type === 'REFUND_FAILED' ? 'failed' : 'came back'
  logger.error(fields, `order ${order} needs a person: a refund of ${id} ${what}`)
}

async function onOrderMoved(deps: OrderPaymentsDeps, event: LogEvent): Promise<void> {
  const { type, payload, streamId } = event
  if (type === 'ORDER_CREATED') {
    if (payload['total_price'] === 0) await settle(deps, streamId)
    return
  }
  if (type === 'ORDER_CANCELLED') {
    for (const payment of await deps.payments.listByOrder(streamId)) await voidRest(deps, payment)
  }
  if (payload['refund_due'] !== undefined) await giveBack(deps, event)
}

/** An order that costs nothing is settled by whoever placed it; this is for him who stopped in between. */
async function settle({ orders }: OrderPaymentsDeps, orderId: string): Promise<void> {
  const { status, amount_due: due } = await orders.get(orderId)
  if (status !== 'PENDING' || due > 0) return
  try {
    await orders.settle(orderId, { actor: ACTOR })
  } catch (error) {
    // Cancelled, or edited, a moment ago.
    if (!isAppError(error, 'illegal_transition') && !isAppError(error, 'order_not_paid')) throw error
  }
}

/** Somebody else did it, or is about to: the state says so, and there is nothing left to do. */
function isDone(error: unknown): error is AppError {
  return (
    isAppError(error, 'illegal_payment_state') ||
    isAppError(error, 'amount_exceeds_refundable') ||
    isAppError(error, 'idempotency_key_reused')
  )
}

async function unlessDone(deps: OrderPaymentsDeps, payment: Payment, run: () => Promise<Payment>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!isDone(error)) throw error
    const { payment_intent_id: id } = payment
    deps.logger.info({ payment_intent_id: id, code: error.code }, `${id} needs nothing from its order`)
  }
}

/** Voids what is set aside for a cancelled order and was not captured, and what still waits for the buyer. */
async function voidRest(deps: OrderPaymentsDeps, payment: Payment): Promise<void> {
  const { payment_intent_id: id, status, authorized, captured, capture_pending: pending } = payment
  if (authorized <= captured + pending && status !== 'requires_action') return
  const context = { actor: ACTOR, idempotencyKey: `void:${id}:${status}:${authorized}:${captured}` }
  await unlessDone(deps, payment, () => deps.payments.void(id, {}, context))
}

/** What the order holds without owing it, less what refunds that it does not know yet have asked for. */
function dueOf(order: OrderDocument, payments: readonly Payment[]): number {
  const known = new Map(order.payments.map((payment) => [payment.payment_intent_id, payment.refunded]))
  const asked = payments.map(
    ({ payment_intent_id: id, refunded, refund_pending: pending }) => refunded + pending - (known.get(id) ?? 0),
  )
  return order.refund_due - asked.reduce((sum, amount) => sum + Math.max(0, amount), 0)
}

/** Races with other refunds of the same order that are tried again at once; later ones wait for the next delivery. */
const TRIES = 5

/**
 * Gives back what is due, from the newest payment backwards. Who refunds names the version of the payment that he has
 * seen, and everybody begins with the same payment, so of two that found the same amount due one has to look again; and
 * a redelivery finds what was asked for, or its key used.
 */
async function giveBack(deps: OrderPaymentsDeps, event: LogEvent): Promise<void> {
  const asked = new Set<string>()
  for (let tries = 1; ; ) {
    // First the order: what is refunded between the two looks is subtracted by the second.
    const order = await deps.orders.get(event.streamId)
    const payments = await deps.payments.listByOrder(event.streamId)
    const due = dueOf(order, payments)
    const counted = new Map(order.payments.map((payment) => [payment.payment_intent_id, payment.captured]))
    const left = ({ payment_intent_id: id, captured, refunded, refund_pending: pending }: Payment) =>
      Math.min(captured, counted.get(id) ?? 0) - refunded - pending
    const payment = payments.findLast((one) => !asked.has(one.payment_intent_id) && left(one) > 0)
    if (due <= 0 || payment === undefined) return
    const { payment_intent_id: id, version } = payment
    const context: CommandContext = {
      actor: ACTOR,
      idempotencyKey: `refund:${event.streamId}:${event.version}:${id}`,
      expectedVersion: version,
    }
    const input = { amount: Math.min(due, left(payment)), reason: reasonOf(event.type) }
    try {
      await unlessDone(deps, payment, () => deps.payments.refund(id, input, context))
      asked.add(id)
    } catch (error) {
      if (!isAppError(error, 'version_mismatch') || tries === TRIES) throw error
      tries += 1
    }
  }
}

function reasonOf(eventType: string): string {
  switch (eventType) {
    case 'ORDER_CANCELLED':
    case 'PAYMENT_AFTER_CANCELLATION':
      return 'order cancelled'
    case 'ITEMS_CANCELLED':
      return 'items cancelled'
    case 'ITEMS_RETURNED':
      return 'items returned'
    case 'ORDER_EDITED':
      return 'order edited'
    default:
      return 'paid too much'
  }
}
