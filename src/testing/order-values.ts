import type { IdempotencyKey } from '../core/command.ts'
import { composeId } from '../core/ids.ts'
import { createdLine } from '../orders/lifecycle/edit.ts'
import { historyHash } from '../orders/model/chain.ts'
import type { OrderEvent } from '../orders/model/events.ts'
import { evolve } from '../orders/model/order.ts'
import {
  type Customer,
  MAIN_LOCATION,
  type NewEvent,
  type Order,
  type OrderChange,
  type OrderHeader,
  type OrderPorts,
  type Origin,
  type Placement,
  type PricedLine,
  type Product,
} from '../orders/ports.ts'

/** Things for the suites of the order stores. They take place at one moment. */
export const AT_MS = Date.UTC(2026, 0, 31, 12)

export const byTest = (key?: IdempotencyKey): Origin => ({ actor: 'test', atMs: AT_MS, key })

export const aKey = (key: string, byte = 1): IdempotencyKey => ({
  scope: 'test',
  key,
  fingerprint: new Uint8Array(32).fill(byte),
})

export const aProduct = (productId: string, more: Partial<Product> = {}): Product => ({
  productId,
  sku: `sku-${productId}`,
  name: `Name of ${productId}`,
  category: 'Electronics',
  price: 1_000n,
  currency: 'USD',
  prices: {},
  active: true,
  version: 1,
  createdAtMs: AT_MS,
  updatedAtMs: AT_MS,
  ...more,
})

export const aCustomer = (customerId: string, more: Partial<Customer> = {}): Customer => ({
  customerId,
  name: `Name of ${customerId}`,
  email: `${customerId}@example.com`,
  guest: false,
  version: 1,
  createdAtMs: AT_MS,
  ...more,
})

export const aLine = (lineNo: number, product: Product, quantity: number): PricedLine => ({
  lineNo,
  productId: product.productId,
  locationId: MAIN_LOCATION,
  productVersion: product.version,
  sku: product.sku,
  productName: product.name,
  productCategory: product.category,
  quantity,
  price: product.price,
  discount: 0n,
  taxIncluded: 0n,
  amount: product.price * BigInt(quantity),
  tax: 0n,
})

let made = 0
/** A new id of a shard, larger than those before. */
export function anOrderId(shard: number): bigint {
  made += 1
  return composeId({ timestampMs: AT_MS + made, route: shard, node: 2, sequence: 0 })
}

export function aHeader(shard: number, customer: Customer): OrderHeader {
  const orderId = anOrderId(shard)
  return {
    orderId,
    orderNumber: String(orderId),
    customerId: customer.customerId,
    customerName: customer.name,
    orderDateMs: AT_MS,
    timeZone: 'UTC',
    businessDay: '2026-01-31',
    pricesIncludeTax: false,
    adjustments: [],
    taxRules: [],
    shippingAddressId: undefined,
    shippingAddress: { name: 'Ada', line1: '1 "Main" Street', city: 'New York', region: 'NY', country: 'US' },
    billing: undefined,
    gift: undefined,
    note: undefined,
    metadata: { note: 'a \\ b' },
    origin: 'api',
  }
}

export function createdEvent(
  header: OrderHeader,
  lines: readonly PricedLine[],
  shipping = 0n,
): OrderEvent & { type: 'ORDER_CREATED' } {
  const total = lines.reduce((sum, line) => sum + line.amount + line.tax, shipping)
  return {
    type: 'ORDER_CREATED',
    details: {
      order_number: header.orderNumber,
      currency: 'USD',
      total_price: Number(total),
      shipping: Number(shipping),
      shipping_tax: 0,
      ship_to: { country: 'US', region: 'NY', city: 'New York' },
      lines: lines.map(createdLine),
    },
  }
}

/** An event as the next entry of a history. */
export function aNewEvent(
  orderId: bigint,
  version: number,
  event: OrderEvent,
  previous?: { readonly hash: Uint8Array; readonly atMs: number },
): NewEvent {
  const entry = { event, atMs: previous?.atMs ?? AT_MS, actor: 'test', requestId: 'req-1' }
  return { ...entry, hash: historyHash({ ...entry, orderId, version }, previous?.hash) }
}

export function aPlacement(
  ports: OrderPorts,
  customer: Customer,
  lines: readonly PricedLine[],
  key?: IdempotencyKey,
  more: Partial<Pick<Placement, 'buyer' | 'reservationId'>> = {},
): Placement {
  const shard = ports.orders.shardFor(key)
  const header = aHeader(shard, customer)
  const event = createdEvent(header, lines)
  return {
    shard,
    header,
    buyer: { version: customer.version },
    reservationId: undefined,
    lines,
    state: evolve(undefined, event),
    event: aNewEvent(header.orderId, 1, event),
    answer: key === undefined ? undefined : { key, status: 201, body: { order_id: String(header.orderId) } },
    ...more,
  }
}

/** A change of an order by one event, whether or not the rules would allow it. */
export function aChange(
  { orderId, state, updatedAtMs, historyHash: hash }: Pick<Order, 'orderId' | 'state' | 'updatedAtMs' | 'historyHash'>,
  event: OrderEvent,
  more: Partial<OrderChange> = {},
): OrderChange {
  const after = evolve(state, event)
  return {
    orderId,
    before: state,
    beforeAtMs: updatedAtMs,
    after,
    stock: [],
    addedLines: [],
    event: aNewEvent(orderId, after.version, event, { hash, atMs: updatedAtMs }),
    answer: undefined,
    ...more,
  }
}
