import { assert } from '../../core/errors.ts'
import type { Minor } from '../../core/money.ts'
import { openUnits, type Worth } from './amounts.ts'
import type { CreatedDetails, CreatedLine, LineQuantity, OrderEvent, Place, Tracking } from './events.ts'
import type { FulfillmentStatus, OrderOrigin, OrderStatus, PaymentStatus } from './statuses.ts'

/**
 * The order as a pure state machine: what it is, and how each event of its history changes it. Its state is always the
 * fold of its history; the tables hold the same for queries, and `verify orders` compares the two.
 */
export interface LineState {
  readonly lineNo: number
  readonly productId: string
  /** Where its units are reserved, and where they come back to. */
  readonly locationId: string
  readonly quantity: number
  readonly price: Minor
  readonly discount: Minor
  /** Tax inside the price; 0 when it comes on top. */
  readonly taxIncluded: Minor
  /** `price * quantity - discount - taxIncluded`: what the whole line brings, net of tax. */
  readonly amount: Minor
  readonly tax: Minor
  readonly shipped: number
  readonly cancelled: number
  readonly returned: number
}

/** What one payment has brought so far. */
export interface OrderPayment {
  readonly paymentIntentId: string
  readonly captured: Minor
  readonly refunded: Minor
}

export interface Shipment extends Tracking {
  readonly shipmentNo: number
  readonly lines: readonly LineQuantity[]
  readonly delivered: boolean
}

export interface OrderState {
  readonly version: number
  readonly status: OrderStatus
  readonly paymentStatus: PaymentStatus
  readonly fulfillmentStatus: FulfillmentStatus
  readonly origin: OrderOrigin
  readonly currency: string
  /** Everything that was bought, with tax and shipping. */
  readonly totalPrice: Minor
  /** Of that, what was taken back before and after it was shipped; gross. */
  readonly cancelledTotal: Minor
  readonly returnedTotal: Minor
  readonly paidTotal: Minor
  readonly refundedTotal: Minor
  /** Of what was given back, what was not due: a courtesy to the buyer, which leaves the goods paid. */
  readonly goodwillTotal: Minor
  readonly place: Place
  readonly shipping: Worth & { readonly takenBack: boolean }
  readonly lines: readonly LineState[]
  /** Ascending by `shipmentNo`. */
  readonly shipments: readonly Shipment[]
  /** Sorted by `paymentIntentId`. */
  readonly payments: readonly OrderPayment[]
}

type Figures = Pick<
  OrderState,
  'totalPrice' | 'cancelledTotal' | 'returnedTotal' | 'paidTotal' | 'refundedTotal' | 'goodwillTotal'
>

/** What the order costs after everything that was taken back. */
export const owedOf = (order: Figures): Minor => order.totalPrice - order.cancelledTotal - order.returnedTotal

/** What has been paid and not given back. */
export const heldOf = (order: Figures): Minor => order.paidTotal - order.refundedTotal

const positive = (value: Minor): Minor => (value > 0n ? value : 0n)

/** What is left to pay. What was given back as a courtesy is not asked for again. */
export const amountDueOf = (order: Figures): Minor => positive(owedOf(order) - heldOf(order) - order.goodwillTotal)

/** What is held without being owed. */
export const refundDueOf = (order: Figures): Minor => positive(heldOf(order) - owedOf(order))

/** What the money says about an order. */
export function paymentStatusOf(order: Figures): PaymentStatus {
  const [held, owed] = [heldOf(order), owedOf(order)]
  if (order.paidTotal === 0n) return 'unpaid'
  if (held > owed) return 'refund_due'
  if (amountDueOf(order) > 0n) return held === 0n ? 'unpaid' : 'partially_paid'
  if (held === 0n) return 'refunded'
  return held < owed ? 'partially_refunded' : 'paid'
}

/** What the goods say about an order. */
export function fulfillmentStatusOf(order: Pick<OrderState, 'status' | 'lines'>): FulfillmentStatus {
  if (order.status === 'CANCELLED') return 'cancelled'
  const sum = (pick: (line: LineState) => number) => order.lines.reduce((total, line) => total + pick(line), 0)
  const [shipped, returned] = [sum((line) => line.shipped), sum((line) => line.returned)]
  const open = sum(openUnits)
  if (shipped === 0) return 'unfulfilled'
  if (returned > 0) return returned === shipped && open === 0 ? 'returned' : 'partially_returned'
  if (order.status === 'DELIVERED') return 'delivered'
  return open > 0 ? 'partially_shipped' : 'shipped'
}

function boughtLine(line: CreatedLine, shipped: number): LineState {
  return {
    lineNo: line.line_no,
    productId: line.product_id,
    locationId: line.location_id,
    quantity: line.quantity,
    price: BigInt(line.price),
    discount: BigInt(line.discount),
    taxIncluded: BigInt(line.tax_included),
    amount: BigInt(line.amount),
    tax: BigInt(line.tax),
    shipped,
    cancelled: 0,
    returned: 0,
  }
}

function start(origin: OrderOrigin, details: CreatedDetails): OrderState {
  const imported = origin === 'import'
  const totalPrice = BigInt(details.total_price)
  return {
    version: 1,
    origin,
    // What is imported was paid and delivered elsewhere, long ago.
    status: imported ? 'DELIVERED' : 'PENDING',
    paymentStatus: imported && totalPrice > 0n ? 'paid' : 'unpaid',
    fulfillmentStatus: imported ? 'delivered' : 'unfulfilled',
    currency: details.currency,
    totalPrice,
    cancelledTotal: 0n,
    returnedTotal: 0n,
    paidTotal: imported ? totalPrice : 0n,
    refundedTotal: 0n,
    goodwillTotal: 0n,
    place: details.ship_to,
    shipping: { amount: BigInt(details.shipping), tax: BigInt(details.shipping_tax), takenBack: false },
    lines: details.lines.map((line) => boughtLine(line, imported ? line.quantity : 0)),
    shipments: [],
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
  lines: readonly LineState[],
  quantities: readonly LineQuantity[],
  field: 'shipped' | 'cancelled' | 'returned',
): readonly LineState[] {
  const byLine = new Map(quantities.map((item) => [item.line_no, item.quantity]))
  return lines.map((line) => {
    const quantity = byLine.get(line.lineNo)
    return quantity === undefined ? line : { ...line, [field]: line[field] + quantity }
  })
}

function withShipping(order: OrderState, takenBack: true | undefined): OrderState['shipping'] {
  return takenBack === undefined ? order.shipping : { ...order.shipping, takenBack }
}

function withShipment(order: OrderState, shipmentNo: number, change: Partial<Shipment>): readonly Shipment[] {
  return order.shipments.map((shipment) => (shipment.shipmentNo === shipmentNo ? { ...shipment, ...change } : shipment))
}

export function trackingOf({ carrier, tracking_number, tracking_url }: Tracking): Tracking {
  return {
    ...(carrier === undefined ? {} : { carrier }),
    ...(tracking_number === undefined ? {} : { tracking_number }),
    ...(tracking_url === undefined ? {} : { tracking_url }),
  }
}

function apply(order: OrderState, event: OrderEvent): OrderState {
  switch (event.type) {
    case 'PAYMENT_RECEIVED':
    case 'PAYMENT_AFTER_CANCELLATION':
    case 'ORDER_PAID': {
      const status = event.type === 'ORDER_PAID' ? 'PAID' : order.status
      if (event.details.payment_intent_id === undefined) return { ...order, status }
      const { payment_intent_id: id, captured, amount } = event.details
      return {
        ...order,
        status,
        paidTotal: order.paidTotal + BigInt(amount),
        payments: withPayment(order, id, { captured: BigInt(captured) }),
      }
    }
    case 'REFUND_RECORDED': {
      const { payment_intent_id: id, refunded, amount } = event.details
      // Before an order is paid, what goes back is its payment and no courtesy.
      const goodwill = order.status === 'PENDING' ? 0n : positive(BigInt(amount) - refundDueOf(order))
      return {
        ...order,
        refundedTotal: order.refundedTotal + BigInt(amount),
        goodwillTotal: order.goodwillTotal + goodwill,
        payments: withPayment(order, id, { refunded: BigInt(refunded) }),
      }
    }
    case 'ITEMS_SHIPPED':
    case 'ORDER_SHIPPED': {
      const { shipment_no: shipmentNo, lines } = event.details
      return {
        ...order,
        status: event.type === 'ORDER_SHIPPED' ? 'SHIPPED' : order.status,
        lines: withQuantities(order.lines, lines, 'shipped'),
        shipments: [...order.shipments, { shipmentNo, lines, ...trackingOf(event.details), delivered: false }],
      }
    }
    case 'TRACKING_CHANGED':
      return { ...order, shipments: withShipment(order, event.details.shipment_no, trackingOf(event.details)) }
    case 'SHIPMENT_DELIVERED':
      return { ...order, shipments: withShipment(order, event.details.shipment_no, { delivered: true }) }
    case 'ORDER_DELIVERED':
      return {
        ...order,
        status: 'DELIVERED',
        shipments: order.shipments.map((shipment) => ({ ...shipment, delivered: true })),
      }
    case 'ITEMS_CANCELLED':
    case 'ORDER_CANCELLED': {
      const { lines, taken_back, shipping_taken_back } = event.details
      return {
        ...order,
        status: event.type === 'ORDER_CANCELLED' ? 'CANCELLED' : (event.details.status ?? order.status),
        cancelledTotal: order.cancelledTotal + BigInt(taken_back),
        shipping: withShipping(order, shipping_taken_back),
        lines: withQuantities(order.lines, lines, 'cancelled'),
      }
    }
    case 'ITEMS_RETURNED': {
      const { lines, taken_back, shipping_taken_back } = event.details
      return {
        ...order,
        returnedTotal: order.returnedTotal + BigInt(taken_back),
        shipping: withShipping(order, shipping_taken_back),
        lines: withQuantities(order.lines, lines, 'returned'),
      }
    }
    case 'ORDER_EDITED': {
      const { added, lines, taken_back, total_price, status } = event.details
      return {
        ...order,
        status: status ?? order.status,
        totalPrice: BigInt(total_price),
        cancelledTotal: order.cancelledTotal + BigInt(taken_back),
        lines: [...withQuantities(order.lines, lines, 'cancelled'), ...added.map((line) => boughtLine(line, 0))],
      }
    }
    case 'SHIPPING_ADDRESS_CHANGED':
      return { ...order, place: event.details.ship_to }
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
  return {
    ...next,
    version: order.version + 1,
    paymentStatus: paymentStatusOf(next),
    fulfillmentStatus: fulfillmentStatusOf(next),
  }
}

/** The state after a whole history; `undefined` of an empty one. */
export function replay(events: Iterable<OrderEvent>): OrderState | undefined {
  let state: OrderState | undefined
  for (const event of events) state = evolve(state, event)
  return state
}
