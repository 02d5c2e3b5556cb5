// Places orders through the library: the full command path, with an idempotency key each.
import { randomUUID } from 'node:crypto'
import { AppError } from '../../src/core/errors.ts'
import { openOrders } from '../../src/standalone/orders.ts'
import { serveBuyers } from '../orders-buyers.ts'
import { ADDRESS, anyCustomer } from '../orders-shop.ts'

export interface FanfoldOptions {
  readonly database: string
}

await serveBuyers<FanfoldOptions>(async ({ database }) => {
  const { orders, close } = await openOrders({ database, workers: false })
  return {
    async buy(lines) {
      const items = lines.map(({ product, quantity }) => ({ product_id: product, quantity }))
      const order = { customer_id: anyCustomer(), shipping_address: ADDRESS, items }
      try {
        await orders.place(order, { idempotencyKey: randomUUID() })
        return true
      } catch (error) {
        if (error instanceof AppError && error.code === 'insufficient_stock') return false
        throw error
      }
    },
    close,
  }
})
