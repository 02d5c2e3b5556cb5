import { AppError } from '../core/errors.ts'
import { formatMinor, fromMinor } from '../core/money.ts'
import {
  type Booking,
  type Leg,
  type LineQuantity,
  type LineState,
  type OrderEvent,
  type OrderState,
  type OrderStatus,
  TRANSITIONS,
} from './order.ts'

/** What can be asked of an order that exists. Amounts in minor units. */
export type OrderCommand =
  | { readonly type: 'Ship' }
  | { readonly type: 'Deliver' }
  | { readonly type: 'Cancel'; readonly reason?: string | undefined }
  /** A fact of the payment model: this payment has captured so much of the order, in all. */
  | {
      readonly type: 'RecordPayment'
      readonly paymentIntentId: string
      readonly captured: bigint
      readonly currency: string
      readonly occurredAt?: string | undefined
    }
  /** A fact of the payment model: so much of this payment was given back, in all. */
  | {
      readonly type: 'RecordRefund'
      readonly paymentIntentId: string
      readonly refunded: bigint
      readonly currency: string
      readonly occurredAt?: string | undefined
    }

/** What a change does to the stock of a product; `onHand` and `reserved` are differences. */
export interface StockMove {
  readonly productId: string
  readonly kind: 'release' | 'ship'
  readonly onHand: number
  readonly reserved: number
}

export interface Decision {
  readonly event: OrderEvent
  /** One per product, sorted by product. */
  readonly stock: readonly StockMove[]
}

/** A line's units that are neither cancelled nor on their way. */
const openUnits = (line: LineState) => line.quantity - line.cancelled - line.shipped

/** Refuses an edge that is not one of the five. */
export function checkTransition(from: OrderStatus, to: OrderStatus): void {
  if (TRANSITIONS[from].includes(to)) return
  const legal = TRANSITIONS[from].length === 0 ? 'nothing' : TRANSITIONS[from].join(' or ')
  throw new AppError(
    'illegal_transition',
    `An order that is ${from} can't become ${to}; from ${from} it can become ${legal}`,
    {
      data: { status: from, wanted: to },
    },
  )
}

/** Everything an order is worth in the report, as legs of one sign. A sale is booked when the order is paid. */
function legsOf(order: OrderState, kind: Leg['kind']): Leg[] {
  const sign = kind === 'sale' ? 1 : -1
  return order.lines.map((line) => ({
    line_no: line.lineNo,
    kind,
    quantity: sign * line.quantity,
    amount: sign * fromMinor(line.amount),
    tax: sign * fromMinor(line.tax),
  }))
}

export function bookingOf(order: OrderState, kind: Leg['kind'], bookedDay: string): Booking {
  return { booked_day: bookedDay, ship_to: order.place, legs: legsOf(order, kind) }
}

function stockOf(order: OrderState, kind: StockMove['kind']): StockMove[] {
  // Imported orders were never reserved here.
  if (order.origin === 'import') return []
  const units = new Map<string, number>()
  for (const line of order.lines) units.set(line.productId, (units.get(line.productId) ?? 0) + openUnits(line))
  return [...units]
    .filter(([, quantity]) => quantity > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([productId, quantity]) => ({
      productId,
      kind,
      onHand: kind === 'ship' ? -quantity : 0,
      reserved: -quantity,
    }))
}

function openLines(order: OrderState): LineQuantity[] {
  return order.lines
    .filter((line) => openUnits(line) > 0)
    .map((line) => ({ line_no: line.lineNo, quantity: openUnits(line) }))
}

function checkCurrency(order: OrderState, currency: string): void {
  if (order.currency === currency) return
  throw new AppError('currency_mismatch', `The order is in ${order.currency}, the payment in ${currency}`, {
    data: { order_currency: order.currency, payment_currency: currency },
  })
}

function positive(amount: bigint): number | undefined {
  return amount > 0n ? fromMinor(amount) : undefined
}

function decidePayment(
  order: OrderState,
  command: OrderCommand & { type: 'RecordPayment' },
  bookedDay: string,
): OrderEvent | undefined {
  checkCurrency(order, command.currency)
  const { paymentIntentId, captured } = command
  const before = order.payments.find((payment) => payment.paymentIntentId === paymentIntentId)?.captured ?? 0n
  // A repeat, or an older figure that was overtaken.
  if (captured <= before) return undefined
  const amount = captured - before
  const paidTotal = order.paidTotal + amount
  const owed = order.status === 'CANCELLED' ? 0n : order.totalPrice
  const refundDue = positive(paidTotal - order.refundedTotal - owed)
  const details = {
    payment_intent_id: paymentIntentId,
    captured: fromMinor(captured),
    amount: fromMinor(amount),
    ...(refundDue === undefined ? {} : { refund_due: refundDue }),
    ...(command.occurredAt === undefined ? {} : { occurred_at: command.occurredAt }),
  }
  if (order.status === 'CANCELLED') return { type: 'PAYMENT_AFTER_CANCELLATION', details }
  if (order.status === 'PENDING' && paidTotal >= order.totalPrice) {
    return { type: 'ORDER_PAID', details: { ...details, ...bookingOf(order, 'sale', bookedDay) } }
  }
  return { type: 'PAYMENT_RECEIVED', details }
}

function decideRefund(order: OrderState, command: OrderCommand & { type: 'RecordRefund' }): OrderEvent | undefined {
  checkCurrency(order, command.currency)
  const { paymentIntentId, refunded } = command
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
    details: {
      payment_intent_id: paymentIntentId,
      refunded: fromMinor(refunded),
      amount,
      ...(command.occurredAt === undefined ? {} : { occurred_at: command.occurredAt }),
    },
  }
}

function decideCancel(order: OrderState, reason: string | undefined, bookedDay: string): OrderEvent {
  checkTransition(order.status, 'CANCELLED')
  const refundDue = positive(order.paidTotal - order.refundedTotal)
  return {
    type: 'ORDER_CANCELLED',
    details: {
      ...(reason === undefined ? {} : { reason }),
      lines: openLines(order),
      ...(refundDue === undefined ? {} : { refund_due: refundDue }),
      // An order that was never paid is in no report, so there is nothing to take back.
      ...(order.status === 'PAID' ? bookingOf(order, 'cancel', bookedDay) : {}),
    },
  }
}

/**
 * What a command means for an order in this state: one event and its effect on the stock, `undefined` when a fact is
 * known already, or a refusal (`illegal_transition`, `currency_mismatch`, `order_amount_mismatch`). `bookedDay` is the
 * day of the store on which it happens.
 */
export function decide(command: OrderCommand, order: OrderState, bookedDay: string): Decision | undefined {
  switch (command.type) {
    case 'Ship':
      checkTransition(order.status, 'SHIPPED')
      return { event: { type: 'ORDER_SHIPPED', details: { lines: openLines(order) } }, stock: stockOf(order, 'ship') }
    case 'Deliver':
      checkTransition(order.status, 'DELIVERED')
      return { event: { type: 'ORDER_DELIVERED', details: {} }, stock: [] }
    case 'Cancel':
      return { event: decideCancel(order, command.reason, bookedDay), stock: stockOf(order, 'release') }
    case 'RecordPayment': {
      const event = decidePayment(order, command, bookedDay)
      return event === undefined ? undefined : { event, stock: [] }
    }
    case 'RecordRefund': {
      const event = decideRefund(order, command)
      return event === undefined ? undefined : { event, stock: [] }
    }
  }
}
