import type { IdempotencyKey } from '../core/command.ts'
import { composeId } from '../core/ids.ts'
import { evolve, type OrderEvent } from '../orders/order.ts'
import type {
  Customer,
  Order,
  OrderChange,
  OrderHeader,
  OrderPorts,
  Origin,
  Placement,
  PricedLine,
  Product,
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
  version: 1,
  createdAtMs: AT_MS,
  ...more,
})

export const aLine = (lineNo: number, product: Product, quantity: number): PricedLine => ({
  lineNo,
  productId: product.productId,
  productVersion: product.version,
  sku: product.sku,
  productName: product.name,
  productCategory: product.category,
  quantity,
  price: product.price,
  discount: 0n,
  amount: product.price * BigInt(quantity),
  tax: 0n,
})

let made = 0
/** A new id of a shard, larger than those before. */
export function anOrderId(shard: number): bigint {
  made += 1
  return composeId({ timestampMs: AT_MS + made, route: shard, node: 2, sequence: 0 })
}

export function aHeader(shard: number, customer: Customer, lines: readonly PricedLine[]): OrderHeader {
  const orderId = anOrderId(shard)
  const subtotal = lines.reduce((sum, line) => sum + line.amount, 0n)
  return {
    orderId,
    orderNumber: String(orderId),
    customerId: customer.customerId,
    customerName: customer.name,
    orderDateMs: AT_MS,
    timeZone: 'UTC',
    businessDay: '2026-01-31',
    currency: 'USD',
    subtotal,
    shippingTotal: 0n,
    taxTotal: 0n,
    totalPrice: subtotal,
    shippingAddressId: undefined,
    shippingAddress: { name: 'Ada', line1: '1 "Main" Street', city: 'New York', region: 'NY', country: 'US' },
    billing: undefined,
    metadata: { note: 'a \\ b' },
    origin: 'api',
  }
}

export function createdEvent(
  header: OrderHeader,
  lines: readonly PricedLine[],
): OrderEvent & { type: 'ORDER_CREATED' } {
  return {
    type: 'ORDER_CREATED',
    details: {
      order_number: header.orderNumber,
      currency: header.currency,
      total_price: Number(header.totalPrice),
      ship_to: { country: 'US', region: 'NY', city: 'New York' },
      lines: lines.map((line) => ({
        line_no: line.lineNo,
        product_id: line.productId,
        quantity: line.quantity,
        price: Number(line.price),
        discount: Number(line.discount),
        amount: Number(line.amount),
        tax: Number(line.tax),
      })),
    },
  }
}

export const aNewEvent = (event: OrderEvent) => ({ event, atMs: AT_MS, actor: 'test', requestId: 'req-1' })

export function aPlacement(
  ports: OrderPorts,
  customer: Customer,
  lines: readonly PricedLine[],
  key?: IdempotencyKey,
): Placement {
  const shard = ports.orders.shardFor(key)
  const header = aHeader(shard, customer, lines)
  const event = createdEvent(header, lines)
  return {
    shard,
    header,
    customerVersion: customer.version,
    lines,
    state: evolve(undefined, event),
    event: aNewEvent(event),
    answer: key === undefined ? undefined : { key, status: 201, body: { order_id: String(header.orderId) } },
  }
}

/** A change of an order by one event, whether or not the rules would allow it. */
export function aChange(
  { orderId, state }: Pick<Order, 'orderId' | 'state'>,
  event: OrderEvent,
  more: Partial<Pick<OrderChange, 'stock' | 'answer'>> = {},
): OrderChange {
  return {
    orderId,
    before: state,
    after: evolve(state, event),
    stock: [],
    event: aNewEvent(event),
    answer: undefined,
    ...more,
  }
}
