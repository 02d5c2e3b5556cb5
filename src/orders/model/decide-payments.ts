import { AppError } from '../../core/errors.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import type { OrderCommand } from './decide.ts'
import { checkTransition, refundDue, saleOf } from './decision.ts'
import type { OrderEvent } from './events.ts'
import { amountDueOf, type OrderState } from './order.ts'

type Command<T extends OrderCommand['type']> = OrderCommand & { readonly type: T }

function checkCurrency(order: OrderState, currency: string): void {
  if (order.currency === currency) return
  throw new AppError('currency_mismatch', `The order is in ${order.currency}, the payment in ${currency}`, {
    data: { order_currency: order.currency, payment_currency: currency },
  })
}

const occurred = (at: string | undefined) => (at === undefined ? {} : { occurred_at: at })

export function decidePayment(
  order: OrderState,
  { paymentIntentId, captured, currency, occurredAt }: Command<'RecordPayment'>,
  bookedDay: string,
): OrderEvent | undefined {
  checkCurrency(order, currency)
  const before = order.payments.find((payment) => payment.paymentIntentId === paymentIntentId)?.captured ?? 0n
  // A repeat, or an older figure that was overtaken.
  if (captured <= before) return undefined
  const amount = captured - before
  const details = {
    payment_intent_id: paymentIntentId,
    captured: fromMinor(captured),
    amount: fromMinor(amount),
    ...refundDue(order, { paid: amount }),
    ...occurred(occurredAt),
  }
  if (order.status === 'CANCELLED') return { type: 'PAYMENT_AFTER_CANCELLATION', details }
  if (order.status === 'PENDING' && amount >= amountDueOf(order)) {
    return { type: 'ORDER_PAID', details: { ...details, ...saleOf(order, bookedDay) } }
  }
  return { type: 'PAYMENT_RECEIVED', details }
}

export function decideRefund(
  order: OrderState,
  { paymentIntentId, refunded, currency, occurredAt }: Command<'RecordRefund'>,
): OrderEvent | undefined {
  checkCurrency(order, currency)
  const payment = order.payments.find((other) => other.paymentIntentId === paymentIntentId)
  if (refunded <= (payment?.refunded ?? 0n)) return undefined
  if (payment === undefined || refunded > payment.captured) {
    const captured = formatMinor(payment?.captured ?? 0n, order.currency)
    throw new AppError(
      'order_amount_mismatch',
      `Payment ${paymentIntentId} has brought ${captured} to this order, so no more can be refunded`,
    )
  }
  const amount = fromMinor(refunded - payment.refunded)
  return {
    type: 'REFUND_RECORDED',
    details: { payment_intent_id: paymentIntentId, refunded: fromMinor(refunded), amount, ...occurred(occurredAt) },
  }
}

export function decideSettling(order: OrderState, bookedDay: string): OrderEvent | undefined {
  if (order.status === 'PAID') return undefined
  checkTransition(order.status, 'PAID')
  const left = amountDueOf(order)
  if (left > 0n) {
    throw new AppError('order_not_paid', `The order has ${formatMinor(left, order.currency)} left to pay`, {
      data: { amount_due: fromMinor(left), currency: order.currency },
    })
  }
  return { type: 'ORDER_PAID', details: saleOf(order, bookedDay) }
}
