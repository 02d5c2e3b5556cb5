import { decomposeId } from '../../core/ids.ts'
import type { LineQuantity, OrderEvent, Place } from '../../orders/model/events.ts'
import type { LineState, Shipment } from '../../orders/model/order.ts'
import type { FulfillmentStatus, OrderOrigin, OrderStatus, PaymentStatus } from '../../orders/model/statuses.ts'
import type {
  Address,
  Adjustment,
  FormerAddress,
  Gift,
  HistoryEntry,
  Order,
  OrderLine,
  TaxRule,
} from '../../orders/ports.ts'

type LineRow = [number, string, string, string, string, string, ...figures: number[]]

type ShipmentRow = [
  shipmentNo: number,
  lines: LineQuantity[],
  carrier: string | null,
  trackingNumber: string | null,
  trackingUrl: string | null,
  shippedAtMs: number,
  deliveredAtMs: number | null,
]

/** The columns of {@link OrderRow} that are columns of `orders o`; its parts are read beside them. */
export const ORDER_OWN_COLUMNS = `
o.order_id, o.order_number, o.customer_id, o.customer_name, o.order_date, o.time_zone, o.business_day, o.status,
o.payment_status, o.fulfillment_status, o.currency, o.prices_include_tax, o.shipping_total, o.shipping_tax,
o.total_price, o.cancelled_total, o.returned_total, o.shipping_taken_back, o.paid_total, o.refunded_total,
o.goodwill_total, o.adjustments, o.tax_rules, o.shipping_address_id, o.shipping_address, o.shipping_country,
o.shipping_region, o.shipping_city, o.billing, o.gift, o.note, o.metadata, o.origin, o.version, o.history_hash,
o.updated_at`

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
  prices_include_tax: boolean
  shipping_total: bigint
  shipping_tax: bigint
  total_price: bigint
  cancelled_total: bigint
  returned_total: bigint
  shipping_taken_back: boolean
  paid_total: bigint
  refunded_total: bigint
  goodwill_total: bigint
  adjustments: Adjustment[]
  tax_rules: TaxRule[]
  shipping_address_id: string | null
  shipping_address: Address
  shipping_country: string
  shipping_region: string | null
  shipping_city: string
  billing: Record<string, unknown> | null
  gift: Gift | null
  note: string | null
  metadata: Record<string, unknown>
  origin: OrderOrigin
  version: number
  history_hash: Uint8Array
  updated_at: Date
  lines: LineRow[] | null
  shipments: ShipmentRow[] | null
  payments: [string, number, number][] | null
}

function toLine(row: LineRow): OrderLine {
  const [lineNo, productId, locationId, sku, productName, productCategory, quantity, price, discount, ...rest] = row
  const [taxIncluded, amount, tax, shipped, cancelled, returned] = rest
  return {
    lineNo,
    productId,
    locationId,
    sku,
    productName,
    productCategory,
    quantity: quantity!,
    price: BigInt(price!),
    discount: BigInt(discount!),
    taxIncluded: BigInt(taxIncluded!),
    amount: BigInt(amount!),
    tax: BigInt(tax!),
    shipped: shipped!,
    cancelled: cancelled!,
    returned: returned!,
  }
}

function toLineState({ sku: _, productName: __, productCategory: ___, ...line }: OrderLine): LineState {
  return line
}

function toShipment([shipmentNo, lines, carrier, number, url, , deliveredAtMs]: ShipmentRow): Shipment {
  return {
    shipmentNo,
    lines,
    ...(carrier === null ? {} : { carrier }),
    ...(number === null ? {} : { tracking_number: number }),
    ...(url === null ? {} : { tracking_url: url }),
    delivered: deliveredAtMs !== null,
  }
}

function toState(row: OrderRow, lines: readonly OrderLine[]): Order['state'] {
  const region = row.shipping_region
  const place: Place = {
    country: row.shipping_country,
    ...(region === null ? {} : { region }),
    city: row.shipping_city,
  }
  return {
    version: row.version,
    status: row.status,
    paymentStatus: row.payment_status,
    fulfillmentStatus: row.fulfillment_status,
    origin: row.origin,
    currency: row.currency,
    totalPrice: row.total_price,
    cancelledTotal: row.cancelled_total,
    returnedTotal: row.returned_total,
    paidTotal: row.paid_total,
    refundedTotal: row.refunded_total,
    goodwillTotal: row.goodwill_total,
    place,
    shipping: { amount: row.shipping_total, tax: row.shipping_tax, takenBack: row.shipping_taken_back },
    lines: lines.map(toLineState),
    shipments: (row.shipments ?? []).map(toShipment),
    payments: (row.payments ?? []).map(([paymentIntentId, captured, refunded]) => ({
      paymentIntentId,
      captured: BigInt(captured),
      refunded: BigInt(refunded),
    })),
  }
}

export function toOrder(row: OrderRow): Order {
  const lines = (row.lines ?? []).map(toLine)
  return {
    orderId: row.order_id,
    orderNumber: row.order_number,
    customerId: row.customer_id,
    customerName: row.customer_name ?? undefined,
    orderDateMs: row.order_date.getTime(),
    timeZone: row.time_zone,
    businessDay: row.business_day,
    pricesIncludeTax: row.prices_include_tax,
    adjustments: row.adjustments,
    taxRules: row.tax_rules,
    shippingAddressId: row.shipping_address_id ?? undefined,
    shippingAddress: row.shipping_address,
    billing: row.billing ?? undefined,
    gift: row.gift ?? undefined,
    note: row.note ?? undefined,
    metadata: row.metadata,
    origin: row.origin,
    state: toState(row, lines),
    lines,
    shipmentTimes: (row.shipments ?? []).map(([shipmentNo, , , , , shippedAtMs, deliveredAtMs]) => ({
      shipmentNo,
      shippedAtMs,
      deliveredAtMs: deliveredAtMs ?? undefined,
    })),
    updatedAtMs: row.updated_at.getTime(),
    historyHash: row.history_hash,
  }
}

/** The columns of {@link HistoryRow}. */
export const HISTORY_COLUMNS = 'shard, event_id, version, timestamp, event_type, actor, request_id, details, hash'

export interface HistoryRow {
  shard: number
  event_id: bigint
  version: number
  timestamp: Date
  event_type: string
  actor: string
  request_id: string | null
  details: Record<string, unknown>
  hash: Uint8Array
}

export function toHistoryEntry(row: HistoryRow): HistoryEntry {
  return {
    shard: row.shard,
    eventId: row.event_id,
    version: row.version,
    atMs: row.timestamp.getTime(),
    actor: row.actor,
    requestId: row.request_id ?? undefined,
    // The table holds what this program wrote.
    event: { type: row.event_type, details: row.details } as unknown as OrderEvent,
    hash: row.hash,
  }
}

export interface FormerAddressRow {
  until_version: number
  shipping_address_id: string | null
  shipping_address: Address
}

export function toFormerAddress(row: FormerAddressRow): FormerAddress {
  return {
    untilVersion: row.until_version,
    shippingAddressId: row.shipping_address_id ?? undefined,
    shippingAddress: row.shipping_address,
  }
}

/** The shard that an order's id names; no such shard, no such order. */
export const shardOfOrder = (orderId: bigint): number => decomposeId(orderId).route
