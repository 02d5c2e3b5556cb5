import { openOrders } from '../src/standalone/orders.ts'
import { ADDRESS, CUSTOMERS, customerId, LINES, PRICE, productId, type Stocked } from './orders-shop.ts'

/** What Fanfold stores with one order, as JSON, so that others store as much. */
export interface OrderSample {
  /** Kept with the idempotency key. */
  readonly response: string
  /** Of the entry in the history. */
  readonly details: string
}

/** Fills a database of Fanfold, and places one order of three lines. */
export async function prepareFanfold(database: string, stocked: readonly Stocked[]): Promise<OrderSample> {
  await using fanfold = await openOrders({ database, workers: false })
  const { orders } = fanfold
  const created = [
    ...Array.from({ length: CUSTOMERS }, (_, number) =>
      orders.createCustomer({
        customer_id: customerId(number),
        name: 'Ada Lovelace',
        email: `ada${number}@example.com`,
      }),
    ),
    ...stocked.map(({ product, units }, number) =>
      orders.createProduct({
        product_id: product,
        sku: `SKU-${product}`,
        name: `Product ${product}`,
        category: `Category ${number % 10}`,
        price: PRICE,
        currency: 'USD',
        stock: units,
      }),
    ),
  ]
  await Promise.all(created)
  const order = await orders.place({
    customer_id: customerId(0),
    shipping_address: ADDRESS,
    items: Array.from({ length: LINES }, (_, line) => ({ product_id: productId(line), quantity: 1 })),
  })
  const { items } = await orders.history(order.order_id)
  return { response: JSON.stringify(order), details: JSON.stringify(items[0]!.details) }
}
