import { assert } from '../core/errors.ts'

/**
 * The order as a pure state machine: what it is, and how each event of its history changes it. Its state is always the
 * fold of its history; the tables hold the same for queries, and `verify orders` compares the two.
 */
export const ORDER_STATUSES = ['PENDING', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED'] as const
export type OrderStatus = (typeof ORDER_STATUSES)[number]

/** The five legal edges; the database holds the same in `order_transitions`. */
export const TRANSITIONS: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  PENDING: ['PAID', 'CANCELLED'],
  PAID: ['SHIPPED', 'CANCELLED'],
  SHIPPED: ['DELIVERED'],
  DELIVERED: [],
  CANCELLED: [],
}

/** `refund_due`: money is held for a cancelled order, or more than the order costs. */
export const PAYMENT_STATUSES = [
  'unpaid',
  'partially_paid',
  'paid',
  'refund_due',
  'partially_refunded',
  'refunded',
] as const
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]

export const FULFILLMENT_STATUSES = ['unfulfilled', 'shipped', 'delivered', 'cancelled'] as const
export type FulfillmentStatus = (typeof FULFILLMENT_STATUSES)[number]

export type OrderOrigin = 'api' | 'import'

/** Where a sale counts in the report. It is no personal data, so it may stand in the history. */
export interface Place {
  readonly country: string
  readonly region?: string
  readonly city: string
}

export interface LineState {
  readonly lineNo: number
  readonly productId: string
  readonly quantity: number
  /** What the whole line costs after its discount, without tax. */
  readonly amount: bigint
  readonly tax: bigint
  readonly shipped: number
  readonly cancelled: number
  readonly returned: number
}

/** What one payment has brought so far. */
export interface OrderPayment {
  readonly paymentIntentId: string
  readonly captured: bigint
  readonly refunded: bigint
}

export interface OrderState {
  readonly version: number
  readonly status: OrderStatus
  readonly paymentStatus: PaymentStatus
  readonly fulfillmentStatus: FulfillmentStatus
  readonly origin: OrderOrigin
  readonly currency: string
  readonly totalPrice: bigint
  readonly paidTotal: bigint
  readonly refundedTotal: bigint
  readonly place: Place
  readonly lines: readonly LineState[]
  /** Sorted by `paymentIntentId`. */
  readonly payments: readonly OrderPayment[]
}

/** One signed amount of an event that moves money. The report books each as one row. */
export interface Leg {
  readonly line_no: number
  readonly kind: 'sale' | 'cancel'
  readonly quantity: number
  readonly amount: number
  readonly tax: number
}

/** The legs of an event, the day they are booked on, and where the goods go. */
export interface Booking {
  readonly booked_day: string
  readonly ship_to: Place
  readonly legs: readonly Leg[]
}

export interface CreatedLine {
  readonly line_no: number
  readonly product_id: string
  readonly quantity: number
  readonly price: number
  readonly discount: number
  readonly amount: number
  readonly tax: number
}

export interface CreatedDetails {
  readonly order_number: string
  readonly currency: string
  readonly total_price: number
  readonly ship_to: Place
  readonly lines: readonly CreatedLine[]
}

export interface PaymentDetails {
  readonly payment_intent_id: string
  /** Captured by this payment so far. */
  readonly captured: number
  /** What this event added. */
  readonly amount: number
  /** Held without being owed; absent when nothing is. */
  readonly refund_due?: number
  /** When the payment model saw it (RFC 3339), where it told. */
  readonly occurred_at?: string
}

/** An entry of the history, as the rules see it. Amounts are JSON integers in minor units. */
export type OrderEvent =
  | { readonly type: 'ORDER_CREATED'; readonly details: CreatedDetails }
  | { readonly type: 'ORDER_IMPORTED'; readonly details: CreatedDetails & Booking }
  | { readonly type: 'PAYMENT_RECEIVED'; readonly details: PaymentDetails }
  | { readonly type: 'ORDER_PAID'; readonly details: PaymentDetails & Booking }
  | { readonly type: 'PAYMENT_AFTER_CANCELLATION'; readonly details: PaymentDetails }
  | {
      readonly type: 'REFUND_RECORDED'
      readonly details: {
        readonly payment_intent_id: string
        readonly refunded: number
        readonly amount: number
        readonly occurred_at?: string
      }
    }
  | { readonly type: 'ORDER_SHIPPED'; readonly details: { readonly lines: readonly LineQuantity[] } }
  | { readonly type: 'ORDER_DELIVERED'; readonly details: Readonly<Record<string, never>> }
  | {
      readonly type: 'ORDER_CANCELLED'
      readonly details: {
        readonly reason?: string
        readonly lines: readonly LineQuantity[]
        readonly refund_due?: number
      } & Partial<Booking>
    }
export type OrderEventType = OrderEvent['type']

export interface LineQuantity {
  readonly line_no: number
  readonly quantity: number
}

/** What the money says about an order. */
export function paymentStatusOf(
  order: Pick<OrderState, 'status' | 'totalPrice' | 'paidTotal' | 'refundedTotal'>,
): PaymentStatus {
  const held = order.paidTotal - order.refundedTotal
  const owed = order.status === 'CANCELLED' ? 0n : order.totalPrice
  if (order.paidTotal === 0n) return 'unpaid'
  if (held > owed) return 'refund_due'
  if (held === 0n) return 'refunded'
  if (order.refundedTotal > 0n && held < owed) return 'partially_refunded'
  return held < owed ? 'partially_paid' : 'paid'
}

function start(origin: OrderOrigin, details: CreatedDetails): OrderState {
  const imported = origin === 'import'
  const totalPrice = BigInt(details.total_price)
  return {
    version: 1,
    origin,
    // What is imported was paid and delivered elsewhere, long ago.
    status: imported ? 'DELIVERED' : 'PENDING',
    paymentStatus: imported ? 'paid' : 'unpaid',
    fulfillmentStatus: imported ? 'delivered' : 'unfulfilled',
    currency: details.currency,
    totalPrice,
    paidTotal: imported ? totalPrice : 0n,
    refundedTotal: 0n,
    place: details.ship_to,
    lines: details.lines.map((line) => ({
      lineNo: line.line_no,
      productId: line.product_id,
      quantity: line.quantity,
      amount: BigInt(line.amount),
      tax: BigInt(line.tax),
      shipped: imported ? line.quantity : 0,
      cancelled: 0,
      returned: 0,
    })),
    payments: [],
  }
}

function withPayment(order: OrderState, id: string, change: Partial<OrderPayment>): readonly OrderPayment[] {
  const known = order.payments.find((payment) => payment.paymentIntentId === id)
  const payment = { paymentIntentId: id, captured: 0n, refunded: 0n, ...known, ...change }
  return [...order.payments.filter((other) => other !== known), payment].sort((a, b) =>
    a.paymentIntentId < b.paymentIntentId ? -1 : 1,
  )
}

function withQuantities(
  order: OrderState,
  quantities: readonly LineQuantity[],
  field: 'shipped' | 'cancelled',
): readonly LineState[] {
  const byLine = new Map(quantities.map((item) => [item.line_no, item.quantity]))
  return order.lines.map((line) => {
    const quantity = byLine.get(line.lineNo)
    return quantity === undefined ? line : { ...line, [field]: line[field] + quantity }
  })
}

function apply(order: OrderState, event: OrderEvent): OrderState {
  switch (event.type) {
    case 'PAYMENT_RECEIVED':
    case 'PAYMENT_AFTER_CANCELLATION':
    case 'ORDER_PAID': {
      const { payment_intent_id: id, captured, amount } = event.details
      return {
        ...order,
        status: event.type === 'ORDER_PAID' ? 'PAID' : order.status,
        paidTotal: order.paidTotal + BigInt(amount),
        payments: withPayment(order, id, { captured: BigInt(captured) }),
      }
    }
    case 'REFUND_RECORDED': {
      const { payment_intent_id: id, refunded, amount } = event.details
      return {
        ...order,
        refundedTotal: order.refundedTotal + BigInt(amount),
        payments: withPayment(order, id, { refunded: BigInt(refunded) }),
      }
    }
    case 'ORDER_SHIPPED':
      return {
        ...order,
        status: 'SHIPPED',
        fulfillmentStatus: 'shipped',
        lines: withQuantities(order, event.details.lines, 'shipped'),
      }
    case 'ORDER_DELIVERED':
      return { ...order, status: 'DELIVERED', fulfillmentStatus: 'delivered' }
    case 'ORDER_CANCELLED':
      return {
        ...order,
        status: 'CANCELLED',
        fulfillmentStatus: 'cancelled',
        lines: withQuantities(order, event.details.lines, 'cancelled'),
      }
    default:
      throw new Error(`an order can't ${event.type} twice`)
  }
}

/** The state after one more event; the first event is that of the order's making. */
export function evolve(order: OrderState | undefined, event: OrderEvent): OrderState {
  if (order === undefined) {
    assert(
      event.type === 'ORDER_CREATED' || event.type === 'ORDER_IMPORTED',
      `a history can't begin with ${event.type}`,
    )
    return start(event.type === 'ORDER_IMPORTED' ? 'import' : 'api', event.details)
  }
  const next = apply(order, event)
  return { ...next, version: order.version + 1, paymentStatus: paymentStatusOf(next) }
}

/** The state after a whole history; `undefined` of an empty one. */
export function replay(events: Iterable<OrderEvent>): OrderState | undefined {
  let state: OrderState | undefined
  for (const event of events) state = evolve(state, event)
  return state
}
