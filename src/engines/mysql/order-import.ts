import { LIMITS } from '../../core/limits.ts'
import { fromMinor } from '../../core/money.ts'
import { retry } from '../../core/retry.ts'
import type {
  ImportedCustomer,
  ImportedOrder,
  ImportedProduct,
  OrderImportStore,
  Origin,
  Product,
  StoredAddress,
} from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import type { ColumnList } from '../sql/column-list.ts'
import { linesOf, type NewLine } from '../sql/order-columns.ts'
import { sqlState, UNIQUE_VIOLATION } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import type { Statement } from './literals.ts'
import { NEW_LINE_LIST, NEW_ORDER_LIST } from './order-columns.ts'
import { appendEvents } from './order-history.ts'
import { rowsTable } from './rows.ts'
import { namesOf, valuesOf } from './values.ts'

/**
 * What is new only: an import never changes what is there unless asked. A transaction looks what is there, then inserts
 * the rest in one more round trip. Who inserted the same in between makes it fail as a whole; then it looks again.
 */
function untilNew<T>(work: () => Promise<T>): Promise<T> {
  return retry(
    {
      tries: LIMITS.transactionTriesMax,
      backoff: { firstMs: 2, maxMs: 200 },
      retryable: (error) => sqlState(error) === UNIQUE_VIOLATION,
    },
    work,
  )
}

const given = (list: readonly string[]): readonly (string | null)[] => (list.length === 0 ? [null] : list)

const insertOf = <Source>(table: string, list: ColumnList<Source>, sources: readonly Source[]): Statement[] =>
  sources.length === 0
    ? []
    : [{ text: `insert into ${table} (${namesOf(list)}) values ?`, params: [valuesOf(list, sources)] }]

const byId =
  <Item>(idOf: (item: Item) => string | bigint) =>
  (a: Item, b: Item) =>
    idOf(a) < idOf(b) ? -1 : 1

const KNOWN_PRODUCTS = 'select product_id from products where product_id in (?)'
const TAKEN_SKUS = 'select sku from products where sku in (?)'

interface NewProduct {
  readonly product: Product
  readonly at: Date
}

const PRODUCT_LIST: ColumnList<NewProduct> = [
  ['product_id', 'text', ({ product }) => product.productId],
  ['sku', 'text', ({ product }) => product.sku],
  ['name', 'text', ({ product }) => product.name],
  ['category', 'text', ({ product }) => product.category],
  ['price', 'bigint', ({ product }) => product.price],
  ['currency', 'text', ({ product }) => product.currency],
  ['prices', 'jsonb', ({ product }) => minorOf(product)],
  ['active', 'boolean', ({ product }) => product.active],
  ['version', 'int', () => 1],
  ['created_at', 'timestamptz', ({ at }) => at],
  ['updated_at', 'timestamptz', ({ at }) => at],
]

const minorOf = ({ prices }: Product) =>
  Object.fromEntries(Object.entries(prices).map(([code, price]) => [code, fromMinor(price)]))

const PRICES = 'insert into product_prices (product_id, version, currency, price, valid_from, actor) values ?'
const LEVELS = 'insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at) values ?'
const MOVES = `
insert into stock_moves
  (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at) values ?`

const values = (text: string, rows: readonly (readonly unknown[])[]): Statement[] =>
  rows.length === 0 ? [] : [{ text, params: [rows as object[]] }]

/** New products, each with its first prices, levels of stock and moves. */
function productStatements(fresh: readonly ImportedProduct[], { actor, atMs }: Origin, nextId: () => bigint) {
  const at = new Date(atMs)
  const levels = fresh
    .flatMap(({ product, stock }) =>
      [...stock].map(([location, onHand]) => [product.productId, location, onHand] as const),
    )
    .sort(byId(([product, location]) => `${product}\0${location}`))
  const prices = fresh.flatMap(({ product }) =>
    [[product.currency, product.price] as const, ...Object.entries(product.prices)].map(([currency, price]) => [
      ...[product.productId, 1, currency, price],
      ...[at, actor],
    ]),
  )
  const moves = levels
    .filter(([, , onHand]) => onHand > 0)
    .map(([product, location, onHand]) => [product, location, nextId(), 0, 'adjust', onHand, 0, actor, at])
  return [
    ...insertOf(
      'products',
      PRODUCT_LIST,
      fresh.map(({ product }) => ({ product, at })),
    ),
    ...values(PRICES, prices),
    ...values(
      LEVELS,
      levels.map(([product, location, onHand]) => [product, location, onHand, 0, at]),
    ),
    ...values(MOVES, moves),
  ]
}

// Held, so that a customer is not erased meanwhile, or changed by two at a time.
const HOLD_CUSTOMERS = `
select customer_id, name, email, erased_at from customers force index (primary)
where customer_id in (?) order by customer_id`

interface CustomerRow {
  customer_id: string
  name: string | null
  email: string | null
  erased_at: Date | null
}

const CUSTOMER_LIST: ColumnList<ImportedCustomer['customer']> = [
  ['customer_id', 'text', (customer) => customer.customerId],
  ['name', 'text', (customer) => customer.name],
  ['email', 'text', (customer) => customer.email],
  ['guest', 'boolean', (customer) => customer.guest],
  ['version', 'int', (customer) => customer.version],
  ['created_at', 'timestamptz', (customer) => new Date(customer.createdAtMs)],
]

const CHANGED = rowsTable<ImportedCustomer['customer']>([
  ['customer_id', 'varchar(64)', (customer) => customer.customerId],
  ['name', 'text', (customer) => customer.name],
  ['email', 'text', (customer) => customer.email],
])

const CHANGE_CUSTOMERS = `
update ${CHANGED.table('t')} straight_join customers c on c.customer_id = t.customer_id
set c.name = t.name, c.email = t.email, c.version = c.version + 1`

const ADDRESS_LIST: ColumnList<StoredAddress> = [
  ['customer_id', 'text', (address) => address.customerId],
  ['address_id', 'text', (address) => address.addressId],
  ['name', 'text', (address) => address.name],
  ['line1', 'text', (address) => address.line1],
  ['line2', 'text', (address) => address.line2],
  ['city', 'text', (address) => address.city],
  ['region', 'text', (address) => address.region],
  ['postal_code', 'text', (address) => address.postal_code],
  ['country', 'text', (address) => address.country],
  ['created_at', 'timestamptz', (address) => new Date(address.createdAtMs)],
]

const ADDRESSES = `
insert into addresses (${namesOf(ADDRESS_LIST)}) values ? on duplicate key update address_id = addresses.address_id`

type CustomerOutcome = 'added' | 'known' | 'changed' | 'erased'

/** What becomes of each customer, by what is there. */
function customerOutcomes(customers: readonly ImportedCustomer[], there: readonly CustomerRow[], update: boolean) {
  const rows = new Map(there.map((row) => [row.customer_id, row]))
  return customers.map(({ customer: { customerId, name, email } }): CustomerOutcome => {
    const row = rows.get(customerId)
    if (row === undefined) return 'added'
    if (row.erased_at !== null) return 'erased'
    const isSame = (row.name ?? undefined) === name && (row.email ?? undefined) === email
    return update && !isSame ? 'changed' : 'known'
  })
}

const HOLD_ERASED = `
select customer_id, erased_at is not null as is_erased from customers force index (primary)
where customer_id in (?) order by customer_id lock in share mode`
const KNOWN_ORDERS = 'select order_number from orders where shard = ? and order_number in (?)'
const TAKEN_IDS = 'select order_id from orders where shard = ? and order_id in (?)'

/** The order as the file has it, without what is personal. */
function forgotten(order: ImportedOrder): ImportedOrder {
  const { customerName: _, billing: __, gift: ___, note: ____, ...header } = order.header
  const { name: _name, line1, line2, postal_code, ...place } = order.header.shippingAddress
  const emptied = { customerName: undefined, billing: undefined, gift: undefined, note: undefined, metadata: {} }
  return { ...order, header: { ...header, ...emptied, shippingAddress: place as typeof order.header.shippingAddress } }
}

const IMPORTED_LINE_LIST: ColumnList<NewLine> = [...NEW_LINE_LIST, ['quantity_shipped', 'int', (line) => line.quantity]]

type OrderOutcome = 'imported' | 'known' | 'id_taken'

/** One batch of one shard: what is new whole, in one transaction of two round trips. */
function importShard(sql: MysqlClient, shard: number, batch: readonly ImportedOrder[]): Promise<OrderOutcome[]> {
  return untilNew(() =>
    sql.transaction(async (tx) => {
      const answers = await tx.batch([
        { text: HOLD_ERASED, params: [[...new Set(batch.map(({ header }) => header.customerId))]] },
        { text: KNOWN_ORDERS, params: [shard, batch.map(({ header }) => header.orderNumber)] },
        { text: TAKEN_IDS, params: [shard, batch.map(({ header }) => header.orderId)] },
      ])
      const [customers, numbers, ids] = answers.map(({ rows }) => rows) as [
        { customer_id: string; is_erased: number }[],
        { order_number: string }[],
        { order_id: bigint }[],
      ]
      const erased = new Set(customers.filter((row) => Number(row.is_erased) === 1).map((row) => row.customer_id))
      const known = new Set(numbers.map((row) => row.order_number))
      const usedNumbers = new Set(known)
      const usedIds = new Set(ids.map((row) => row.order_id))
      const fresh = batch
        .filter(({ header: { orderNumber, orderId } }) => {
          if (usedNumbers.has(orderNumber) || usedIds.has(orderId)) return false
          usedNumbers.add(orderNumber)
          usedIds.add(orderId)
          return true
        })
        .sort(byId(({ header }) => header.orderId))
      if (fresh.length > 0) {
        const stored = fresh.map((order) => (erased.has(order.header.customerId) ? forgotten(order) : order))
        const events = fresh.map(({ event, header }) => ({ ...event, shard, orderId: header.orderId, version: 1 }))
        await tx.last([
          ...insertOf('orders', NEW_ORDER_LIST, stored),
          ...insertOf('order_line_items', IMPORTED_LINE_LIST, linesOf(fresh)),
          ...appendEvents(events).statements,
        ])
      }
      const imported = new Set(fresh)
      return batch.map((order): OrderOutcome => {
        if (imported.has(order)) return 'imported'
        return known.has(order.header.orderNumber) ? 'known' : 'id_taken'
      })
    }),
  )
}

export function openOrderImportStore(sql: MysqlClient, { ids }: Pick<PortContext, 'ids'>): OrderImportStore {
  return {
    importProducts(products, origin) {
      const productIds = products.map(({ product }) => product.productId)
      return untilNew(() =>
        sql.transaction(async (tx) => {
          const [known, taken] = await tx.batch([
            { text: KNOWN_PRODUCTS, params: [given(productIds)] },
            { text: TAKEN_SKUS, params: [given(products.map(({ product }) => product.sku))] },
          ])
          const there = new Set((known!.rows as { product_id: string }[]).map((row) => row.product_id))
          const usedIds = new Set(there)
          const usedSkus = new Set((taken!.rows as { sku: string }[]).map((row) => row.sku))
          const fresh = [...products].sort(byId(({ product }) => product.productId)).filter(({ product }) => {
            if (usedIds.has(product.productId) || usedSkus.has(product.sku)) return false
            usedIds.add(product.productId)
            usedSkus.add(product.sku)
            return true
          })
          if (fresh.length > 0) await tx.last(productStatements(fresh, origin, () => ids.next(0)))
          const added = new Set(fresh.map(({ product }) => product.productId))
          return productIds.map((id) => (added.has(id) ? 'added' : there.has(id) ? 'known' : 'sku_taken'))
        }),
      )
    },

    importCustomers(customers, { update }) {
      const hold = `${HOLD_CUSTOMERS} ${update ? 'for update' : 'lock in share mode'}`
      return untilNew(() =>
        sql.transaction(async (tx) => {
          const customerIds = customers.map(({ customer }) => customer.customerId)
          const there = await tx.query<CustomerRow>(hold, [given(customerIds)])
          const outcomes = customerOutcomes(customers, there, update)
          const those = (outcome: CustomerOutcome) =>
            customers
              .filter((_, index) => outcomes[index] === outcome)
              .map(({ customer }) => customer)
              .sort(byId(({ customerId }) => customerId))
          const changed = those('changed')
          const addresses = customers
            .filter((_, index) => outcomes[index] !== 'erased')
            .flatMap((each) => each.addresses)
          const statements: Statement[] = [
            ...insertOf('customers', CUSTOMER_LIST, those('added')),
            ...(changed.length === 0 ? [] : [{ text: CHANGE_CUSTOMERS, params: [CHANGED.param(changed)] }]),
            ...(addresses.length === 0 ? [] : [{ text: ADDRESSES, params: [valuesOf(ADDRESS_LIST, addresses)] }]),
          ]
          if (statements.length > 0) await tx.last(statements)
          return outcomes
        }),
      )
    },

    async knownOrders(orders) {
      const shards = [...new Set(orders.map((order) => order.shard))]
      if (shards.length === 0) return new Set()
      const numbersOf = (shard: number) =>
        orders.filter((order) => order.shard === shard).map((order) => order.orderNumber)
      // By shard: a list of pairs would not be looked up in the index.
      const text = shards.map(() => KNOWN_ORDERS).join(' union all ')
      const params = shards.flatMap((shard) => [shard, numbersOf(shard)])
      const rows = await sql.query<{ order_number: string }>(text, params)
      return new Set(rows.map((row) => row.order_number))
    },

    async importOrders(orders) {
      const outcomes = new Map<ImportedOrder, OrderOutcome>()
      const shards = [...new Set(orders.map((order) => order.shard))]
      await Promise.all(
        shards.map(async (shard) => {
          const batch = orders.filter((order) => order.shard === shard)
          const results = await importShard(sql, shard, batch)
          for (const [index, order] of batch.entries()) outcomes.set(order, results[index]!)
        }),
      )
      return orders.map((order) => outcomes.get(order) ?? 'id_taken')
    },
  }
}
