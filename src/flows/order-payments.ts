import type { CommandContext } from '../core/command.ts'
import { isAppError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { LogEvent, LogStore } from '../log/port.ts'
import type { Subscription } from '../log/subscriber.ts'
import type { Orders } from '../orders/orders.ts'
import type { Payments } from '../payments/payments.ts'
import type { Payment } from '../payments/schemas.ts'

/** Written into histories as the actor of what a flow does. */
const ACTOR = 'flow:order-payments'

export interface OrderPaymentsDeps {
  readonly orders: Pick<Orders, 'get' | 'recordPayment' | 'recordRefund'>
  readonly payments: Pick<Payments, 'get' | 'listByOrder' | 'void' | 'refund'>
  readonly orderLog: LogStore<unknown>
  readonly paymentLog: LogStore<unknown>
  readonly logger: Logger
}

/**
 * Where orders and payments meet. A payment captured in full makes its order PAID, and what is refunded is told to it. A
 * cancelled order gives its money back, whichever came first: what is only authorized is voided, what was captured is
 * refunded. Both logs are followed at least once, and every command carries a key made from what caused it, so each
 * effect happens once.
 */
export function orderPaymentSubscriptions(deps: OrderPaymentsDeps): Subscription<unknown>[] {
  return [
    {
      name: 'flow_payments_to_orders',
      store: deps.paymentLog,
      types: ['AUTHORIZED', 'PARTIALLY_AUTHORIZED', 'CAPTURED', 'REFUNDED', 'OUTCOME_CORRECTED'],
      handle: (event) => unlessRefused(deps, event, onPaymentMoved),
    },
    {
      name: 'flow_orders_to_payments',
      store: deps.orderLog,
      types: ['ORDER_CANCELLED'],
      handle: (event) => unlessRefused(deps, event, onOrderCancelled),
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
    if (!isAppError(error) || error.status >= 500 || error.code === 'idempotency_key_in_use') throw error
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
  const context = { actor: ACTOR }
  if (payment.captured > 0) await deps.orders.recordPayment({ ...fact, captured: payment.captured }, context)
  if (payment.refunded > 0) await deps.orders.recordRefund({ ...fact, refunded: payment.refunded }, context)
  const order = await deps.orders.get(payment.order_id)
  if (order.status === 'CANCELLED') await giveBack(deps, payment)
}

async function onOrderCancelled(deps: OrderPaymentsDeps, event: LogEvent): Promise<void> {
  for (const payment of await deps.payments.listByOrder(event.streamId)) await giveBack(deps, payment)
}

async function giveBack(deps: OrderPaymentsDeps, payment: Payment): Promise<void> {
  const id = payment.payment_intent_id
  const context = (what: string): CommandContext => ({
    actor: ACTOR,
    idempotencyKey: `${what}:${id}:${payment.captured}`,
  })
  const left = payment.captured - payment.refunded - payment.refund_pending
  try {
    if (left > 0) await deps.payments.refund(id, { reason: 'order cancelled' }, context('refund'))
    else if (payment.captured === 0 && payment.authorized > 0) await deps.payments.void(id, {}, context('void'))
  } catch (error) {
    // Somebody else gave it back, or is about to: the state says so, and there is nothing left to do.
    if (!isAppError(error, 'illegal_payment_state') && !isAppError(error, 'amount_exceeds_refundable')) throw error
    deps.logger.info({ payment_intent_id: id, code: error.code }, `${id} needs nothing from its cancelled order`)
  }
}
