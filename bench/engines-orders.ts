import { systemClock } from '../src/core/clock.ts'
import { createIdMaker } from '../src/core/ids.ts'
import { createOrders } from '../src/orders/orders.ts'
import { closedLoop } from './closed-loop.ts'
import type { Case } from './engines.ts'
import { ADDRESS, customerId, LINES, PRICE, productId } from './orders-shop.ts'

const CLIENTS = 64
const PRODUCTS = 500
const STOCK = 1_000_000

/** Orders of three lines, with stock, history and key. */
export const orderPlacements: Case = async (engine) => {
  if (!engine.serves('orders')) return undefined
  const ports = await engine.open('orders')
  const ids = createIdMaker({ node: 2, clock: systemClock })
  const orders = createOrders({ ports, ids, clock: systemClock, timeZone: 'UTC' })
  await orders.createCustomer({ customer_id: customerId(0), name: 'Ada Lovelace', email: 'ada@example.com' })
  for (let at = 0; at < PRODUCTS; at += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => productId(at + n)).map((product) =>
        orders.createProduct({
          ...{ product_id: product, sku: `SKU-${product}`, name: `Product ${product}`, category: 'Toys' },
          ...{ price: PRICE, currency: 'USD', stock: STOCK },
        }),
      ),
    )
  }
  let next = 0
  return {
    name: engine.name,
    unit: 'orders',
    run: (seconds) =>
      closedLoop(CLIENTS, seconds, async () => {
        const n = next++
        await orders.place(
          {
            customer_id: customerId(0),
            shipping_address: ADDRESS,
            items: Array.from({ length: LINES }, (_, line) => ({
              product_id: productId((n * LINES + line) % PRODUCTS),
              quantity: 1,
            })),
          },
          { idempotencyKey: `bench-${n}` },
        )
      }),
  }
}
