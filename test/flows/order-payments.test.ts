import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { orderPaymentSubscriptions } from '../../src/flows/order-payments.ts'
import { startServer, type TestServer } from '../setup/http.ts'

let server: TestServer
let next = 0
const once = () => ({ idempotencyKey: `flow-${next++}` })

beforeAll(async () => {
  server = await startServer()
  const { orders } = server.fanfold
  await orders.createProduct({
    ...{ product_id: 'p', sku: 'P', name: 'Pen', category: 'Office', price: 1_000, currency: 'USD', stock: 1_000 },
  })
  await orders.createCustomer({ customer_id: 'c', name: 'Cy' })
})
afterAll(() => server.close())

const place = () =>
  server.fanfold.orders.place(
    {
      customer_id: 'c',
      shipping_address: { line1: '1 Main', city: 'Oslo', country: 'NO' },
      items: [{ product_id: 'p', quantity: 2 }],
    },
    once(),
  )

const pay = async (order_id: string, token = 'tok_ok', capture_method: 'automatic' | 'manual' = 'automatic') => {
  const { payments } = server.fanfold
  const body = { amount: 2_000, currency: 'USD', customer_id: 'c', order_id, payment_method: { token }, capture_method }
  const { payment_intent_id } = await payments.create(body, once())
  return payments.authorize(payment_intent_id, {}, once())
}

const settled = async (order_id: string) => {
  await server.fanfold.caughtUp()
  const order = await server.fanfold.orders.get(order_id)
  const types = (await server.fanfold.orders.history(order_id)).items.map((event) => event.event_type)
  return { order, types }
}

describe('orders and payments', () => {
  it('a payment captured in full makes its order PAID exactly once', async () => {
    const { order_id } = await place()
    await pay(order_id)
    const { order, types } = await settled(order_id)
    expect(order.status).toBe('PAID')
    expect(types.filter((type) => type === 'ORDER_PAID')).toHaveLength(1)
  })

  it('an order whose payment is only authorized stays PENDING until the capture', async () => {
    const { order_id } = await place()
    const payment = await pay(order_id, 'tok_ok', 'manual')
    expect((await settled(order_id)).order.status).toBe('PENDING')
    await server.fanfold.payments.capture(payment.payment_intent_id, {}, once())
    expect((await settled(order_id)).order.status).toBe('PAID')
  })

  it('a declined payment leaves the order PENDING, and another one can pay it', async () => {
    const { order_id } = await place()
    await pay(order_id, 'tok_declined')
    expect((await settled(order_id)).order.status).toBe('PENDING')
    await pay(order_id)
    expect((await settled(order_id)).order.status).toBe('PAID')
  })

  it('cancelling an order voids what is only authorized', async () => {
    const { order_id } = await place()
    const payment = await pay(order_id, 'tok_ok', 'manual')
    await server.fanfold.orders.cancel(order_id, {}, once())
    await settled(order_id)
    expect((await server.fanfold.payments.get(payment.payment_intent_id)).status).toBe('voided')
  })

  it('cancelling a paid order refunds it, and the order knows', async () => {
    const { order_id } = await place()
    const payment = await pay(order_id)
    await settled(order_id)
    await server.fanfold.orders.cancel(order_id, {}, once())
    const { order } = await settled(order_id)
    expect((await server.fanfold.payments.get(payment.payment_intent_id)).status).toBe('refunded')
    expect([order.status, order.payment_status]).toEqual(['CANCELLED', 'refunded'])
  })

  it('money that arrives for a cancelled order goes back', async () => {
    const { order_id } = await place()
    const { payments, orders } = server.fanfold
    const body = { amount: 2_000, currency: 'USD', order_id, payment_method: { token: 'tok_ok' } }
    const payment = await payments.create(body, once())
    await orders.cancel(order_id, {}, once())
    await payments.authorize(payment.payment_intent_id, {}, once())
    await settled(order_id)
    expect((await payments.get(payment.payment_intent_id)).status).toBe('refunded')
  })

  it('changes nothing when every event is delivered again', async () => {
    const { order_id } = await place()
    const payment = await pay(order_id)
    await settled(order_id)
    const { orders, payments } = server.fanfold
    const before = [await orders.get(order_id), await payments.get(payment.payment_intent_id)]
    const silent = { info: () => undefined } as never
    const [onPayments] = orderPaymentSubscriptions({
      ...{ orders, payments, logger: silent },
      ...{ orderLog: undefined as never, paymentLog: undefined as never },
    })
    const event = { streamId: payment.payment_intent_id, type: 'CAPTURED', timestampMs: Date.now() } as never
    await onPayments!.handle(event)
    await onPayments!.handle(event)
    expect([await orders.get(order_id), await payments.get(payment.payment_intent_id)]).toEqual(before)
  })

  it('ends with clean books', async () => {
    await server.fanfold.caughtUp()
    expect(await server.fanfold.orders.verifyOrders()).toMatchObject({ ok: true, problems: [] })
    expect(await server.fanfold.verifyPayments()).toMatchObject({ ok: true })
  })
})
