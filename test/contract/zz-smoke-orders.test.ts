import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'
import { openOrderPorts } from '../../src/engines/postgres/order-ports.ts'
import { createOrders, type Orders } from '../../src/orders/orders.ts'
import { foldAll } from '../../src/log/fold.ts'
import { silentLogger } from '../../src/core/logger.ts'
for (const engine of sqlEngines()) describe(engine.name, () => {
  let db: TestDatabase; let orders: Orders; let ports: any
  beforeAll(async () => { db = await engine.create(); ports = await openOrderPorts(db.sql, db.context); orders = createOrders({ ports, ids: db.context.ids, clock: db.context.clock, timeZone: 'America/New_York' }) })
  afterAll(() => db.drop())
  it('smoke', async () => {
    await orders.createProduct({ product_id: 'a', sku: 'a', name: 'A', category: 'E', price: 100, currency: 'USD', stock: 5 }, {idempotencyKey: 'x'})
    await orders.createCustomer({ customer_id: 'ada', name: 'Ada' })
    const o = await orders.place({ customer_id: 'ada', shipping_address: { line1: 'x', city: 'NY', country: 'US' }, items: [{ product_id: 'a', quantity: 2 }, { product_id: 'a', quantity: 1 }] }, { idempotencyKey: 'k' })

    const again = await orders.place({ customer_id: 'ada', shipping_address: { line1: 'x', city: 'NY', country: 'US' }, items: [{ product_id: 'a', quantity: 2 }, { product_id: 'a', quantity: 1 }] }, { idempotencyKey: 'k' })
    expect(again).toEqual(o)
    await expect(orders.ship(o.order_id)).rejects.toMatchObject({ code: 'illegal_transition' })
    const paid = await orders.recordPayment({ order_id: o.order_id, payment_intent_id: 'pi_1', captured: 300, currency: 'USD' })
    expect(paid.status).toBe('PAID')
    await orders.ship(o.order_id); 
    const d = await orders.deliver(o.order_id)
    expect(d.status).toBe('DELIVERED')
    const n = await foldAll({ store: ports.log, logger: silentLogger }, ports.projections[0])
    console.log(n, await orders.salesReport({ group_by: 'day,category,city' }), await db.sql.query('select * from daily_sales_report'))
    console.log(JSON.stringify(await orders.verify(), null, 1), await orders.getStock('a'))
    console.log(JSON.stringify(await orders.history(o.order_id)))
    console.log(await orders.get(o.order_id, { asOf: '2' }))
  })
})
