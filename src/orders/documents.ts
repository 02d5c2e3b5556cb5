import { fromMinor } from '../core/money.ts'
import type { OrderEvent, OrderState } from './order.ts'
import type {
  Address,
  Customer,
  HistoryEntry,
  Order,
  OrderLine,
  Product,
  ProductPrice,
  StockLevel,
  StoredAddress,
} from './ports.ts'
import type {
  AddressDocument,
  CustomerDocument,
  HistoryDocument,
  OrderDocument,
  OrderItem,
  PriceDocument,
  ProductDocument,
  StockDocument,
} from './schemas.ts'

/** Stored things as the documents of the API. */
const iso = (ms: number) => new Date(ms).toISOString()

export function productDocument(product: Product): ProductDocument {
  return {
    product_id: product.productId,
    sku: product.sku,
    name: product.name,
    category: product.category,
    price: fromMinor(product.price),
    currency: product.currency,
    active: product.active,
    version: product.version,
    created_at: iso(product.createdAtMs),
    updated_at: iso(product.updatedAtMs),
  }
}

export function priceDocument(price: ProductPrice): PriceDocument {
  return {
    price: fromMinor(price.price),
    currency: price.currency,
    valid_from: iso(price.validFromMs),
    product_version: price.version,
    actor: price.actor,
  }
}

export function stockDocument(level: StockLevel): StockDocument {
  return {
    product_id: level.productId,
    on_hand: level.onHand,
    reserved: level.reserved,
    available: level.onHand - level.reserved,
  }
}

export function customerDocument(customer: Customer): CustomerDocument {
  return {
    customer_id: customer.customerId,
    name: customer.name ?? '',
    ...(customer.email === undefined ? {} : { email: customer.email }),
    version: customer.version,
    created_at: iso(customer.createdAtMs),
  }
}

/** The members of an address that are there, in one order. */
export function addressOf(address: Address): Address {
  const { name, line1, line2, city, region, postal_code, country } = address
  return {
    ...(name === undefined ? {} : { name }),
    ...(line1 === undefined ? {} : { line1 }),
    ...(line2 === undefined ? {} : { line2 }),
    city,
    ...(region === undefined ? {} : { region }),
    ...(postal_code === undefined ? {} : { postal_code }),
    country,
  }
}

export function addressDocument(address: StoredAddress): AddressDocument {
  return {
    address_id: address.addressId,
    customer_id: address.customerId,
    ...addressOf(address),
    created_at: iso(address.createdAtMs),
  }
}

function orderItem(orderId: bigint, line: OrderLine): OrderItem {
  return {
    line_item_id: `${orderId}-${line.lineNo}`,
    product_id: line.productId,
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

/** `state` may be one of the past: what was bought never changes, so only the state differs. */
export function orderDocument(
  order: Order,
  state: OrderState = order.state,
  updatedAtMs = order.updatedAtMs,
): OrderDocument {
  const quantities = new Map(state.lines.map((line) => [line.lineNo, line]))
  return {
    order_id: String(order.orderId),
    order_number: order.orderNumber,
    customer_id: order.customerId,
    status: state.status,
    payment_status: state.paymentStatus,
    fulfillment_status: state.fulfillmentStatus,
    currency: order.currency,
    subtotal: fromMinor(order.subtotal),
    shipping_total: fromMinor(order.shippingTotal),
    tax_total: fromMinor(order.taxTotal),
    total_price: fromMinor(order.totalPrice),
    paid_total: fromMinor(state.paidTotal),
    refunded_total: fromMinor(state.refundedTotal),
    items: order.lines.map((line) => {
      const { shipped, cancelled, returned } = quantities.get(line.lineNo) ?? line
      return orderItem(order.orderId, { ...line, shipped, cancelled, returned })
    }),
    ...(order.shippingAddressId === undefined ? {} : { shipping_address_id: order.shippingAddressId }),
    shipping_address: addressOf(order.shippingAddress),
    metadata: order.metadata as Record<string, string>,
    origin: order.origin,
    order_date: iso(order.orderDateMs),
    business_day: order.businessDay,
    time_zone: order.timeZone,
    version: state.version,
    updated_at: iso(updatedAtMs),
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
  }
}

/** An event of the log as the rules see it. The database holds what this program wrote, so it is not checked again. */
export function orderEvent(type: string, details: unknown): OrderEvent {
  return { type, details } as OrderEvent
}
