import { createFanfold } from '../../src/app/fanfold.ts'
import { isAppError } from '../../src/core/errors.ts'
import { failureKind } from '../../src/core/retry.ts'
import { seededRandom } from '../setup/random.ts'
import { tell } from '../setup/tell.ts'

/** An acknowledged command: which log it wrote to, and the order or payment that it made. */
export interface ShoppingNews {
  readonly log: 'orders' | 'payments'
  readonly id: string
}

const CUSTOMERS_AT_ONCE = 12

/** Places, cancels and pays orders at random through the services themselves, with workers, until killed. */
export async function main(url: string, name: string, seed: string): Promise<void> {
  const random = seededRandom(Number(seed))
  const { orders, payments } = await createFanfold({ database: url, migrate: false, poolSize: 6 })
  let count = 0
  const once = () => ({ idempotencyKey: `${name}-${++count}` })
  const shipping_address = { line1: '1 Main Street', city: 'Oslo', country: 'NO' }

  async function shop(): Promise<void> {
    const items = [{ product_id: `p${random.int(3)}`, quantity: 1 + random.int(2) }]
    const order = await orders.place({ customer_id: 'c', shipping_address, items }, once())
    tell({ log: 'orders', id: order.order_id } satisfies ShoppingNews)
    if (random.int(4) === 0) return void (await orders.cancel(order.order_id, {}, once()))
    const payment = await payments.create(
      {
        ...{ amount: order.total_price, currency: order.currency, customer_id: 'c', order_id: order.order_id },
        payment_method: { token: random.pick(['tok_ok', 'tok_ok', 'tok_declined', 'tok_timeout_charged']) },
      },
      once(),
    )
    tell({ log: 'payments', id: payment.payment_intent_id } satisfies ShoppingNews)
    await payments.authorize(payment.payment_intent_id, {}, once())
  }

  await Promise.all(
    Array.from({ length: CUSTOMERS_AT_ONCE }, async () => {
      for (;;) {
        try {
          await shop()
        } catch (error) {
          // The test cuts connections and other shoppers race for the same orders; anything else is a fault.
          if (failureKind(error) === 'permanent' && !isAppError(error)) throw error
        }
      }
    }),
  )
}
