import type { Clock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { PortContext } from '../../src/engines/engine.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openOrderPorts } from '../../src/engines/postgres/order-ports.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import type { SqlClient, SqlParam } from '../../src/engines/sql/sql.ts'
import { foldAll } from '../../src/log/fold.ts'
import { createOrders, type Orders } from '../../src/orders/orders.ts'
import type { OrderPorts } from '../../src/orders/ports.ts'
import type { OrderDocument, PlaceOrder } from '../../src/orders/schemas.ts'
import { mysqlServer, openMysqlDatabase, openMysqlUrl } from './mysql.ts'
import { sqlEngines, type TestDatabase } from './sql.ts'

/** A database for orders, of any engine that serves them. */
export interface OrderDatabase extends TestDatabase {
  openPorts(context: PortContext): Promise<OrderPorts>
  /** The ports as another process would open them, on connections of its own where there can be any. */
  openElsewhere(context: PortContext): Promise<{ ports: OrderPorts; close(): Promise<void> }>
  /** Looks into the tables, or spoils them: a statement that all engines know, with `?` for values. */
  rows<Row extends object>(text: string, params?: readonly SqlParam[]): Promise<Row[]>
}

export interface OrderEngineUnderTest {
  readonly name: 'pglite' | 'postgres' | 'mariadb'
  /** The rows of the sales report are kept in partitions, a month each. */
  readonly hasPartitions: boolean
  /** A fresh, migrated database. */
  create(): Promise<OrderDatabase>
}

function numbered(text: string): string {
  let n = 0
  return text.replace(/\?/g, () => `$${++n}`)
}

async function elsewhere<Client extends SqlClient>(
  sql: Client,
  open: (sql: Client, context: PortContext) => Promise<OrderPorts>,
  context: PortContext,
) {
  return { ports: await open(sql, context), close: () => sql.close() }
}

const postgresEngines = (): OrderEngineUnderTest[] =>
  sqlEngines().map(({ name, create }) => ({
    name,
    hasPartitions: true,
    async create() {
      const database = await create()
      const { sql, url } = database
      const openOwn = () => openPg(new URL(url), PROFILES.postgres, { poolSize: 6, logger: silentLogger })
      return {
        ...database,
        openPorts: (context) => openOrderPorts(sql, context),
        openElsewhere: async (context) =>
          name === 'postgres'
            ? elsewhere(await openOwn(), openOrderPorts, context)
            : { ports: await openOrderPorts(sql, context), close: async () => undefined },
        rows: (text, params) => sql.query(numbered(text), params),
      }
    },
  }))

/** MariaDB, on a server of the caller's choice. */
export const mysqlOrderEngine = (serverUrl: string): OrderEngineUnderTest => ({
  name: 'mariadb',
  hasPartitions: false,
  async create() {
    const { openOrderPorts: openMysqlOrderPorts } = await import('../../src/engines/mysql/order-ports.ts')
    const database = await openMysqlDatabase(serverUrl)
    const { sql, url } = database
    return {
      ...database,
      openPorts: (context) => openMysqlOrderPorts(sql, context),
      openElsewhere: async (context) => elsewhere(await openMysqlUrl(url, 6), openMysqlOrderPorts, context),
      rows: (text, params) => sql.query(text, params),
    }
  },
})

/** The engines that serve orders and answer. */
export function orderEngines(): OrderEngineUnderTest[] {
  const serverUrl = mysqlServer()
  return [...postgresEngines(), ...(serverUrl === undefined ? [] : [mysqlOrderEngine(serverUrl)])]
}

export const SOMEWHERE = { name: 'Ada L.', line1: '1 Main Street', city: 'New York', region: 'NY', country: 'US' }

export interface OrderBench {
  readonly orders: Orders
  readonly ports: OrderPorts
  readonly database: OrderDatabase
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
  engine: OrderEngineUnderTest,
  options: { clock?: Clock; timeZone?: string } = {},
): Promise<OrderBench> {
  const database = await engine.create()
  const context = { ...database.context, clock: options.clock ?? database.context.clock }
  const ports = await database.openPorts(context)
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
      const ids = createIdMaker({ node: 2, clock })
      const { ports: theirs, close } = await database.openElsewhere({ ...context, clock, ids })
      return {
        orders: createOrders({ ports: theirs, ids, clock, timeZone: options.timeZone ?? 'UTC' }),
        close,
      }
    },
    async fold() {
      for (const projection of ports.projections) await foldAll({ store: ports.log, logger: silentLogger }, projection)
    },
    reopen: (timeZone) => ({ orders: createOrders({ ports, ids: context.ids, clock: context.clock, timeZone }) }),
    close: () => database.drop(),
  }
}
