import { decomposeId } from '../../core/ids.ts'
import type {
  FulfillmentStatus,
  LineState,
  OrderOrigin,
  OrderStatus,
  PaymentStatus,
  Place,
} from '../../orders/order.ts'
import type { Address, HistoryEntry, Order, OrderLine } from '../../orders/ports.ts'

/** Reading orders: each with its lines and payments by one statement, so that they belong together. */
const LINES = `
(select jsonb_agg(jsonb_build_array(l.line_no, l.product_id, l.sku, l.product_name, l.product_category, l.quantity,
    l.price_at_time_of_purchase, l.discount, l.amount, l.tax, l.quantity_shipped, l.quantity_cancelled,
    l.quantity_returned) order by l.line_no)
 from order_line_items l where l.shard = o.shard and l.order_id = o.order_id) as lines`

const PAYMENTS = `
(select jsonb_agg(jsonb_build_array(p.payment_intent_id, p.captured, p.refunded)
    order by p.payment_intent_id collate "C")
 from order_payments p where p.shard = o.shard and p.order_id = o.order_id) as payments`

export const ORDER_COLUMNS = `
o.order_id, o.order_number, o.customer_id, o.customer_name, o.order_date, o.time_zone, o.business_day, o.status,
o.payment_status, o.fulfillment_status, o.currency, o.subtotal, o.shipping_total, o.tax_total, o.total_price,
o.paid_total, o.refunded_total, o.shipping_address_id, o.shipping_address, o.shipping_country, o.shipping_region,
o.shipping_city,
o.billing, o.metadata, o.origin, o.version, o.updated_at,${LINES},${PAYMENTS}`

type LineRow = [number, string, string, string, string, ...amounts: number[]]

export interface OrderRow {
  order_id: bigint
  order_number: string
  customer_id: string
  customer_name: string | null
  order_date: Date
  time_zone: string
  business_day: string
  status: OrderStatus
  payment_status: PaymentStatus
  fulfillment_status: FulfillmentStatus
  currency: string
  subtotal: bigint
  shipping_total: bigint
  tax_total: bigint
  total_price: bigint
  paid_total: bigint
  refunded_total: bigint
  shipping_address_id: string | null
  shipping_address: Address
  shipping_country: string
  shipping_region: string | null
  shipping_city: string
  billing: Record<string, unknown> | null
  metadata: Record<string, unknown>
  origin: OrderOrigin
  version: number
  updated_at: Date
  lines: LineRow[] | null
  payments: [string, number, number][] | null
}

function toLine(row: LineRow): OrderLine {
  const [lineNo, productId, sku, productName, productCategory, quantity, price, discount, amount, tax, ...became] = row
  const [shipped, cancelled, returned] = became
  return {
    lineNo,
    productId,
    sku,
    productName,
    productCategory,
    quantity: quantity!,
    price: BigInt(price!),
    discount: BigInt(discount!),
    amount: BigInt(amount!),
    tax: BigInt(tax!),
    shipped: shipped!,
    cancelled: cancelled!,
    returned: returned!,
  }
}

function toLineState(line: OrderLine): LineState {
  const { lineNo, productId, quantity, amount, tax, shipped, cancelled, returned } = line
  return { lineNo, productId, quantity, amount, tax, shipped, cancelled, returned }
}

export function toOrder(row: OrderRow): Order {
  const lines = (row.lines ?? []).map(toLine)
  const region = row.shipping_region
  const place: Place = {
    country: row.shipping_country,
    ...(region === null ? {} : { region }),
    city: row.shipping_city,
  }
  return {
    orderId: row.order_id,
    orderNumber: row.order_number,
    customerId: row.customer_id,
    customerName: row.customer_name ?? undefined,
    orderDateMs: row.order_date.getTime(),
    timeZone: row.time_zone,
    businessDay: row.business_day,
    currency: row.currency,
    subtotal: row.subtotal,
    shippingTotal: row.shipping_total,
    taxTotal: row.tax_total,
    totalPrice: row.total_price,
    shippingAddressId: row.shipping_address_id ?? undefined,
    shippingAddress: row.shipping_address,
    billing: row.billing ?? undefined,
    metadata: row.metadata,
    origin: row.origin,
    lines,
    updatedAtMs: row.updated_at.getTime(),
    state: {
      version: row.version,
      status: row.status,
      paymentStatus: row.payment_status,
      fulfillmentStatus: row.fulfillment_status,
      origin: row.origin,
      currency: row.currency,
      totalPrice: row.total_price,
      paidTotal: row.paid_total,
      refundedTotal: row.refunded_total,
      place,
      lines: lines.map(toLineState),
      payments: (row.payments ?? []).map(([paymentIntentId, captured, refunded]) => ({
        paymentIntentId,
        captured: BigInt(captured),
        refunded: BigInt(refunded),
      })),
    },
  }
}

export interface HistoryRow {
  shard: number
  event_id: bigint
  version: number
  timestamp: Date
  event_type: string
  actor: string
  request_id: string | null
  details: Record<string, unknown>
}

export const HISTORY_COLUMNS = 'shard, event_id, version, timestamp, event_type, actor, request_id, details'

export function toHistoryEntry(row: HistoryRow): HistoryEntry {
  return {
    shard: row.shard,
    eventId: row.event_id,
    version: row.version,
    atMs: row.timestamp.getTime(),
    actor: row.actor,
    requestId: row.request_id ?? undefined,
    // The table holds what this program wrote.
    event: { type: row.event_type, details: row.details } as unknown as HistoryEntry['event'],
  }
}

/** The shard that an order's id names; no such shard, no such order. */
export const shardOfOrder = (orderId: bigint): number => decomposeId(orderId).route
