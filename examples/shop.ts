import { randomUUID } from 'node:crypto'
import { createFanfold, isAppError } from 'fanfold'

/** A product is sold, paid and shipped; answers the status of the order and the revenue of its city. */
export async function main(database = 'pglite:memory'): Promise<{ status: string; revenue: number; refused: string }> {
  await using fanfold = await createFanfold({ database, storeTimeZone: 'America/New_York' })
  const { orders, payments } = fanfold
  const once = () => ({ idempotencyKey: randomUUID() })

  await orders.createProduct({
    ...{ product_id: 'camera', sku: 'CAM-1', name: 'Camera', category: 'Electronics' },
    ...{ price: 49_900, currency: 'USD', stock: 3 },
  })
  await orders.createCustomer({ customer_id: 'ada', name: 'Ada Lovelace' })

  const shipping_address = { line1: '1 Main Street', city: 'New York', country: 'US' }
  const order = await orders.place(
    { customer_id: 'ada', shipping_address, items: [{ product_id: 'camera', quantity: 2 }] },
    once(),
  )

  // Refusals are exact, and nothing is half done: two of three cameras are taken.
  let refused = ''
  try {
    await orders.place({ customer_id: 'ada', shipping_address, items: [{ product_id: 'camera', quantity: 2 }] }, once())
  } catch (error) {
    if (!isAppError(error, 'insufficient_stock')) throw error
    refused = error.code
  }

  const payment = await payments.create(
    {
      ...{ amount: order.total_price, currency: order.currency, customer_id: 'ada', order_id: order.order_id },
      payment_method: { token: 'tok_ok' },
    },
    once(),
  )
  await payments.authorize(payment.payment_intent_id, {}, once())

  // A payment captured in full makes its order PAID, a moment later.
  await fanfold.caughtUp()
  await orders.ship(order.order_id, {}, once())
  const delivered = await orders.deliver(order.order_id, {}, once())
  await fanfold.caughtUp()

  const report = await orders.salesReport({ product_category: 'Electronics', shipping_city: 'New York' })
  return { status: delivered.status, revenue: report.total.price, refused }
}

if (process.argv[1] === import.meta.filename) console.log(await main())
