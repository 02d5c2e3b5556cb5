import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { orderPaymentSubscriptions } from '../../src/flows/order-payments.ts'
import { createPlacing } from '../../src/orders/placing/placing.ts'
import { createSources } from '../../src/orders/placing/sources.ts'
import { startServer, type TestServer } from '../setup/http.ts'
import { createMysqlDatabase, mysqlServer } from '../setup/mysql.ts'
import { openOrderBench, orderEngines, SOMEWHERE } from '../setup/orders.ts'

let next = 0
const once = () => ({ idempotencyKey: `flow-${next++}` })

const mariadbUrl = mysqlServer()
/** Where orders are; payments are beside them, or apart. */
const PLACES = [
  { where: 'in one database', engine: 'pglite', create: async () => undefined },
  ...(mariadbUrl === undefined
    ? []
    : [{ where: 'in two databases', engine: 'mariadb', create: () => createMysqlDatabase(mariadbUrl) }]),
]

describe.for(PLACES)('orders and payments $where ($engine)', ({ engine, create }) => {
  let server: TestServer
  let database: { url: string; drop(): Promise<void> } | undefined
  beforeAll(async () => {
    database = await create()
    server = await startServer(database === undefined ? {} : { orders: database.url })
    const { orders } = server.fanfold
    await orders.createProduct({
      ...{ product_id: 'p', sku: 'P', name: 'Pen', category: 'Office', price: 1_000, currency: 'USD', stock: 1_000 },
    })
    await orders.createCustomer({ customer_id: 'c', name: 'Cy' })
  })
  afterAll(async () => {
    await server.close()
    await database?.drop()
  })

  const place = (quantity = 2) =>
    server.fanfold.orders.place(
      {
        customer_id: 'c',
        shipping_address: { line1: '1 Main', city: 'Oslo', country: 'NO' },
        items: [{ product_id: 'p', quantity }],
      },
      once(),
    )

  const pay = async (order_id: string, token = 'tok_ok', capture_method: 'automatic' | 'manual' = 'automatic') => {
    const { payments } = server.fanfold
    const body = {
      amount: 2_000,
      currency: 'USD',
      customer_id: 'c',
      order_id,
      payment_method: { token },
      capture_method,
    }
    const { payment_intent_id } = await payments.create(body, once())
    return payments.authorize(payment_intent_id, {}, once())
  }

  const settled = async (order_id: string) => {
    await server.fanfold.caughtUp()
    const order = await server.fanfold.orders.get(order_id)
    const types = (await server.fanfold.orders.history(order_id)).items.map((event) => event.event_type)
    return { order, types }
  }

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

  it('cancelling an order ends a payment that waits for its buyer, before or after', async () => {
    const { orders, payments } = server.fanfold
    const [first, second] = [(await place()).order_id, (await place()).order_id]
    const waiting = await pay(first, 'tok_requires_action')
    expect(waiting.status).toBe('requires_action')
    await orders.cancel(first, {}, once())
    await settled(first)
    expect((await payments.get(waiting.payment_intent_id)).status).toBe('voided')
    const body = { amount: 2_000, currency: 'USD', order_id: second, payment_method: { token: 'tok_requires_action' } }
    const { payment_intent_id } = await payments.create(body, once())
    await orders.cancel(second, {}, once())
    await settled(second)
    await payments.authorize(payment_intent_id, {}, once())
    await settled(second)
    expect((await payments.get(payment_intent_id)).status).toBe('voided')
  })

  it('tells loudly of a refund that failed or came back, and leaves the order as it is', async () => {
    const { order_id } = await place()
    const { orders, payments } = server.fanfold
    const payment = await pay(order_id, 'tok_refund_fails')
    await settled(order_id)
    await orders.cancel(order_id, {}, once())
    const { order } = await settled(order_id)
    expect(order).toMatchObject({ status: 'CANCELLED', refunded_total: 0, refund_due: 2_000 })
    const told: object[] = []
    const [onPayments] = orderPaymentSubscriptions({
      ...{ orders, payments, orderLog: undefined as never, paymentLog: undefined as never },
      logger: { error: (fields: object, words: string) => told.push({ ...fields, words }) } as never,
    })
    const { items } = await payments.events(payment.payment_intent_id, { limit: 100 })
    const failed = items.find((event) => event.event_type === 'REFUND_FAILED')!
    const { event_type: type, payload } = failed
    const event = { streamId: payment.payment_intent_id, type, payload, timestampMs: 0 }
    await onPayments!.handle(event as never)
    await onPayments!.handle({ ...event, type: 'REFUND_REVERSED' } as never)
    expect(told).toMatchObject([
      { order_id, amount: 2_000, words: expect.stringContaining('failed') },
      { order_id, amount: 2_000, words: expect.stringContaining('came back') },
    ])
    expect(await orders.get(order_id)).toEqual(order)
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

  describe('gives back what is due', () => {
    const item = (quantity: number) => [{ line_no: 1, quantity }]
    const intend = async (order_id: string, amount: number) => {
      const body = { amount, currency: 'USD', order_id, payment_method: { token: 'tok_ok' } }
      return (await server.fanfold.payments.create(body, once())).payment_intent_id
    }
    const payWith = (id: string) => server.fanfold.payments.authorize(id, {}, once())
    const refunded = async (...ids: string[]) =>
      Promise.all(ids.map(async (id) => (await server.fanfold.payments.get(id)).refunded))
    /** The flow as another process runs it. */
    const flow = () => {
      const { orders, payments } = server.fanfold
      const silent = { info: () => undefined } as never
      const logs = { orderLog: undefined as never, paymentLog: undefined as never }
      return orderPaymentSubscriptions({ orders, payments, logger: silent, ...logs })[1]!
    }
    /** The events of an order as its log hands them out. */
    const eventsOf = async (order_id: string) =>
      (await server.fanfold.orders.history(order_id)).items.map((entry) => ({
        ...{ streamId: order_id, type: entry.event_type, version: entry.version, payload: entry.details },
      })) as never[]

    it('for units that were cancelled or returned, to the cent', async () => {
      const { order_id } = await place()
      const { payment_intent_id } = await pay(order_id)
      await settled(order_id)
      const { orders } = server.fanfold
      await orders.ship(order_id, { items: item(1) }, once())
      await orders.cancel(order_id, { items: item(1) }, once())
      expect((await settled(order_id)).order).toMatchObject({ payment_status: 'paid', refunded_total: 1_000 })
      await orders.returnItems(order_id, { items: item(1) }, once())
      expect((await settled(order_id)).order).toMatchObject({ payment_status: 'refunded', refund_due: 0 })
      expect(await refunded(payment_intent_id)).toEqual([2_000])
    })

    it('from the newest payment first, and of more than one when it must', async () => {
      const { order_id } = await place()
      const first = (await pay(order_id)).payment_intent_id
      await settled(order_id)
      const { orders } = server.fanfold
      await orders.edit(order_id, { add_items: [{ product_id: 'p', quantity: 1 }] }, once())
      const second = await intend(order_id, 1_000)
      await payWith(second)
      await settled(order_id)
      await orders.ship(order_id, {}, once())
      await orders.returnItems(order_id, { items: [{ line_no: 2, quantity: 1 }] }, once())
      await settled(order_id)
      expect(await refunded(first, second)).toEqual([0, 1_000])
      await orders.returnItems(order_id, { items: item(1) }, once())
      expect((await settled(order_id)).order).toMatchObject({ refund_due: 0, refunded_total: 2_000 })
      expect(await refunded(first, second)).toEqual([1_000, 1_000])

      const other = (await place()).order_id
      const whole = (await pay(other)).payment_intent_id
      await settled(other)
      await orders.edit(other, { add_items: [{ product_id: 'p', quantity: 1 }] }, once())
      const rest = await intend(other, 1_000)
      await payWith(rest)
      await settled(other)
      await orders.cancel(other, {}, once())
      expect((await settled(other)).order).toMatchObject({ refund_due: 0, refunded_total: 3_000 })
      expect(await refunded(whole, rest)).toEqual([2_000, 1_000])
    })

    it('when an edit makes a paid order cheaper, which has to be paid again when it gets dearer', async () => {
      const { order_id } = await place()
      await pay(order_id)
      await settled(order_id)
      const { orders } = server.fanfold
      await orders.edit(order_id, { remove_items: item(1) }, once())
      expect((await settled(order_id)).order).toMatchObject({ payment_status: 'paid', refunded_total: 1_000 })
      const dearer = await orders.edit(order_id, { add_items: [{ product_id: 'p', quantity: 1 }] }, once())
      expect(dearer).toMatchObject({ amount_due: 1_000, payment_status: 'partially_paid' })
      await payWith(await intend(order_id, 1_000))
      expect((await settled(order_id)).order).toMatchObject({ amount_due: 0, payment_status: 'paid' })
    })

    it('of a payment that came twice', async () => {
      const { order_id } = await place()
      const [first, second] = [await intend(order_id, 2_000), await intend(order_id, 2_000)]
      await payWith(first)
      await settled(order_id)
      await payWith(second)
      expect((await settled(order_id)).order).toMatchObject({ status: 'PAID', payment_status: 'paid' })
      expect(await refunded(first, second)).toEqual([0, 2_000])
    })

    it('once, however often and by however many an event is handled', async () => {
      const { orders } = server.fanfold
      for (let round = 0; round < 5; round++) {
        const { order_id } = await place(4)
        const payment_intent_id = await intend(order_id, 4_000)
        await payWith(payment_intent_id)
        await settled(order_id)
        await orders.ship(order_id, {}, once())
        await orders.returnItems(order_id, { items: item(1), restock: false }, once())
        await orders.returnItems(order_id, { items: item(1), restock: false }, once())
        const events = await eventsOf(order_id)
        const processes = Array.from({ length: 4 }, flow)
        const settling = processes.map((one, n) =>
          Promise.allSettled((n % 2 === 0 ? events : events.toReversed()).map((event) => one.handle(event))),
        )
        await Promise.all(settling)
        // Whoever lost too many races throws and has the event delivered again; here all have come to an end.
        for (const event of events) await flow().handle(event)
        const { order } = await settled(order_id)
        expect(order).toMatchObject({ payment_status: 'paid', refund_due: 0, refunded_total: 2_000 })
        expect(await refunded(payment_intent_id)).toEqual([2_000])
      }
    })
  })

  it('an order that costs nothing is settled also when whoever placed it stopped half-way', async () => {
    const bench = await openOrderBench(orderEngines().find(({ name }) => name === engine)!)
    await bench.product('sample', 5, { price: 0 })
    const { ports } = bench
    const { clock, ids } = bench.database.context
    const sources = createSources(ports, clock)
    const placeOnly = createPlacing({
      ...{ orders: ports.orders, stock: ports.stock, sources, ids, clock },
      timeZone: 'UTC',
    })
    const request = { customer_id: 'ada', shipping_address: SOMEWHERE, items: [{ product_id: 'sample', quantity: 1 }] }
    const [first, second] = [await placeOnly(request), await placeOnly(request)]
    await bench.orders.cancel(second.order_id)
    const [, onOrders] = orderPaymentSubscriptions({
      ...{ orders: bench.orders, payments: undefined as never, logger: silentLogger },
      ...{ orderLog: undefined as never, paymentLog: undefined as never },
    })
    for (const { order_id: streamId } of [first, second, first]) {
      await onOrders!.handle({ streamId, type: 'ORDER_CREATED', version: 1, payload: { total_price: 0 } } as never)
    }
    const statuses = [first, second].map(async ({ order_id }) => (await bench.orders.get(order_id)).status)
    expect(await Promise.all(statuses)).toEqual(['PAID', 'CANCELLED'])
    await bench.close()
  })

  it('ends with clean books', async () => {
    await server.fanfold.caughtUp()
    expect(await server.fanfold.orders.verifyOrders()).toMatchObject({ ok: true, problems: [] })
    expect(await server.fanfold.verifyPayments()).toMatchObject({ ok: true })
  })
})
