import type { Clock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openOrderPorts } from '../../src/engines/postgres/order-ports.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { foldAll } from '../../src/log/fold.ts'
import { createOrders, type Orders } from '../../src/orders/orders.ts'
import type { OrderPorts } from '../../src/orders/ports.ts'
import type { OrderDocument, PlaceOrder } from '../../src/orders/schemas.ts'
import type { SqlEngineUnderTest, TestDatabase } from './sql.ts'

export const SOMEWHERE = { name: 'Ada L.', line1: '1 Main Street', city: 'New York', region: 'NY', country: 'US' }

export interface OrderBench {
  readonly orders: Orders
  readonly ports: OrderPorts
  readonly database: TestDatabase
  /** A product with this id, 10.00 USD unless told. */
  product(id: string, stock: number, more?: { price?: number; currency?: string; category?: string }): Promise<void>
  /** Places an order of customer `ada`. */
  place(items: PlaceOrder['items'], more?: Partial<PlaceOrder>, key?: string): Promise<OrderDocument>
  /** Records a payment of the whole order. */
  pay(order: OrderDocument): Promise<OrderDocument>
  /** Another process on the same database: on a server with connections of its own, always with its own batches. */
  another(options?: { clock?: Clock }): Promise<{ readonly orders: Orders; close(): Promise<void> }>
  /** Folds everything into the report. */
  fold(): Promise<void>
  /** The same database under a store of another time zone. */
  reopen(timeZone: string): { orders: Orders }
  close(): Promise<void>
}

export async function openOrderBench(
  engine: SqlEngineUnderTest,
  options: { clock?: Clock; timeZone?: string } = {},
): Promise<OrderBench> {
  const database = await engine.create()
  const context = { ...database.context, clock: options.clock ?? database.context.clock }
  const ports = await openOrderPorts(database.sql, context)
  const orders = createOrders({ ports, ids: context.ids, clock: context.clock, timeZone: options.timeZone ?? 'UTC' })
  await orders.createCustomer({ customer_id: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' })
  return {
    orders,
    ports,
    database,
    async product(id, stock, { price = 1000, currency = 'USD', category = 'Electronics' } = {}) {
      await orders.createProduct({
        product_id: id,
        sku: `sku-${id}`,
        name: `Name of ${id}`,
        category,
        price,
        currency,
        stock,
      })
    },
    place: (items, more = {}, key) =>
      orders.place(
        { customer_id: 'ada', shipping_address: SOMEWHERE, items, ...more },
        key === undefined ? {} : { idempotencyKey: key },
      ),
    pay: (order) =>
      orders.recordPayment({
        order_id: order.order_id,
        payment_intent_id: `pi_${order.order_id}`,
        captured: order.total_price,
        currency: order.currency,
      }),
    async another({ clock = context.clock } = {}) {
      const own = engine.name === 'postgres'
      const profile = PROFILES.postgres
      const sql = own
        ? await openPg(new URL(database.url), profile, { poolSize: 6, logger: silentLogger })
        : database.sql
      const ids = createIdMaker({ node: 2, clock })
      const theirs = await openOrderPorts(sql, { ...context, clock, ids })
      return {
        orders: createOrders({ ports: theirs, ids, clock, timeZone: options.timeZone ?? 'UTC' }),
        close: async () => void (own && (await sql.close())),
      }
    },
    async fold() {
      for (const projection of ports.projections) await foldAll({ store: ports.log, logger: silentLogger }, projection)
    },
    reopen: (timeZone) => ({ orders: createOrders({ ports, ids: context.ids, clock: context.clock, timeZone }) }),
    close: () => database.drop(),
  }
}
