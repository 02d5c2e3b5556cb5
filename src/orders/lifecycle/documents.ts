import { fromMinor } from '../../core/money.ts'
import { addressOf } from '../catalogue/documents.ts'
import { totalsOf } from '../model/amounts.ts'
import type { LineQuantity } from '../model/events.ts'
import { amountDueOf, owedOf, refundDueOf, trackingOf } from '../model/order.ts'
import type { HistoryEntry, Order, OrderLine } from '../ports.ts'
import type { HistoryDocument, OrderDocument, OrderItem } from './schemas.ts'

const iso = (ms: number) => new Date(ms).toISOString()

/** The id of a line, as people are shown it. */
export const lineItemId = (orderId: bigint, lineNo: number) => `${orderId}-${lineNo}`

function orderItem(orderId: bigint, line: OrderLine): OrderItem {
  return {
    line_no: line.lineNo,
    line_item_id: lineItemId(orderId, line.lineNo),
    product_id: line.productId,
    location_id: line.locationId,
    sku: line.sku,
    product_name: line.productName,
    product_category: line.productCategory,
    quantity: line.quantity,
    price_at_time_of_purchase: fromMinor(line.price),
    discount: fromMinor(line.discount),
    amount: fromMinor(line.amount),
    tax: fromMinor(line.tax),
    quantity_shipped: line.shipped,
    quantity_cancelled: line.cancelled,
    quantity_returned: line.returned,
  }
}

function shipmentsOf({ orderId, state, shipmentTimes }: Order): OrderDocument['shipments'] {
  const named = (item: LineQuantity) => ({ ...item, line_item_id: lineItemId(orderId, item.line_no) })
  return state.shipments.map((shipment, index) => {
    const { shippedAtMs, deliveredAtMs } = shipmentTimes[index]!
    return {
      shipment_no: shipment.shipmentNo,
      status: shipment.delivered ? 'delivered' : 'shipped',
      items: shipment.lines.map(named),
      ...trackingOf(shipment),
      shipped_at: iso(shippedAtMs),
      ...(deliveredAtMs === undefined ? {} : { delivered_at: iso(deliveredAtMs) }),
    }
  })
}

function totalsShown({ state }: Order) {
  const totals = totalsOf(state)
  return {
    subtotal: fromMinor(totals.subtotal),
    discount_total: fromMinor(totals.discountTotal),
    shipping_total: fromMinor(totals.shippingTotal),
    tax_total: fromMinor(totals.taxTotal),
    total_price: fromMinor(state.totalPrice),
    cancelled_total: fromMinor(state.cancelledTotal),
    returned_total: fromMinor(state.returnedTotal),
    owed_total: fromMinor(owedOf(state)),
    paid_total: fromMinor(state.paidTotal),
    refunded_total: fromMinor(state.refundedTotal),
    amount_due: fromMinor(amountDueOf(state)),
    refund_due: fromMinor(refundDueOf(state)),
  }
}

export function orderDocument(order: Order): OrderDocument {
  const { state } = order
  return {
    order_id: String(order.orderId),
    order_number: order.orderNumber,
    customer_id: order.customerId,
    status: state.status,
    payment_status: state.paymentStatus,
    fulfillment_status: state.fulfillmentStatus,
    currency: state.currency,
    prices_include_tax: order.pricesIncludeTax,
    ...totalsShown(order),
    items: order.lines.map((line) => orderItem(order.orderId, line)),
    adjustments: [...order.adjustments],
    shipments: shipmentsOf(order),
    payments: state.payments.map(({ paymentIntentId, captured, refunded }) => ({
      payment_intent_id: paymentIntentId,
      captured: fromMinor(captured),
      refunded: fromMinor(refunded),
    })),
    ...(order.shippingAddressId === undefined ? {} : { shipping_address_id: order.shippingAddressId }),
    shipping_address: addressOf(order.shippingAddress),
    ...(order.billing === undefined ? {} : { billing: { ...order.billing } }),
    ...(order.gift === undefined ? {} : { gift: order.gift }),
    ...(order.note === undefined ? {} : { note: order.note }),
    metadata: order.metadata as Record<string, string>,
    origin: order.origin,
    order_date: iso(order.orderDateMs),
    business_day: order.businessDay,
    time_zone: order.timeZone,
    version: state.version,
    updated_at: iso(order.updatedAtMs),
  }
}

export function historyDocument(entry: HistoryEntry): HistoryDocument {
  return {
    version: entry.version,
    event_id: String(entry.eventId),
    event_type: entry.event.type,
    timestamp: iso(entry.atMs),
    actor: entry.actor,
    ...(entry.requestId === undefined ? {} : { request_id: entry.requestId }),
    details: entry.event.details as Record<string, unknown>,
    hash: Buffer.from(entry.hash).toString('hex'),
  }
}
