import { fromMinor } from '../../core/money.ts'
import type {
  Customer,
  ImportedCustomer,
  ImportedOrder,
  ImportedProduct,
  OrderImportStore,
  Origin,
  Product,
} from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import { IMPORTED_STATE, linesOf, STATE_COLUMNS } from '../sql/order-columns.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { EMPTIED } from './customer-erase.ts'
import { LINE, ORDER } from './order-columns.ts'

// What is new only: an import never changes what is there unless asked. Each statement goes in key order, as every other.
const PRODUCTS = `
with req as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::jsonb[],
    $8::boolean[])
  as t (product_id, sku, name, category, price, currency, prices, active)),
fresh as (
  insert into products (product_id, sku, name, category, price, currency, prices, active, version, created_at,
    updated_at)
  select product_id, sku, name, category, price, currency, prices, active, 1, $9, $9 from req
  order by product_id on conflict do nothing returning product_id, price, currency, prices),
priced as (
  insert into product_prices (product_id, version, currency, price, valid_from, actor)
  select product_id, 1, currency, price, $9::timestamptz, $10 from fresh
  union all
  select product_id, 1, each.key, each.value::bigint, $9, $10 from fresh cross join jsonb_each_text(prices) as each),
level as (
  select l.* from unnest($11::text[], $12::text[], $13::bigint[], $14::bigint[])
    as l (product_id, location_id, on_hand, source_id) join fresh using (product_id)),
levelled as (
  insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at)
  select product_id, location_id, on_hand, 0, $9 from level order by product_id, location_id),
moved as (
  insert into stock_moves
    (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
  select product_id, location_id, source_id, 0, 'adjust', on_hand, 0, $10, $9 from level where on_hand > 0)
select product_id from fresh`

const KNOWN_PRODUCTS = 'select product_id from products where product_id = any($1::text[])'

const CUSTOMERS = `
insert into customers (customer_id, name, email, guest, version, created_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::int[], $6::timestamptz[])
  as t (customer_id, name, email, guest, version, created_at)
order by customer_id on conflict do nothing returning customer_id`

const CHANGE_CUSTOMERS = `
with locked as (
  select customer_id from customers where customer_id = any($1::text[]) order by customer_id for update)
update customers c set name = t.name, email = t.email, version = c.version + 1
from unnest($1::text[], $2::text[], $3::text[]) as t (customer_id, name, email)
where c.customer_id = t.customer_id and c.erased_at is null and (select count(*) from locked) > 0
  and (c.name, c.email) is distinct from (t.name, t.email)
returning c.customer_id`

// Not for a customer who was erased: his addresses stay gone. The lock keeps him from being erased meanwhile.
const ADDRESSES = `
with present as (
  select customer_id from customers where customer_id = any($1::text[]) and erased_at is null
  order by customer_id for share)
insert into addresses (customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at)
select t.* from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::timestamptz[])
  as t (customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at)
join present on present.customer_id = t.customer_id
order by t.customer_id, t.address_id on conflict do nothing`

const ERASED = 'select customer_id from customers where customer_id = any($1::text[]) and erased_at is not null'

const KNOWN_ORDERS = `
select order_number from orders
where (shard, order_number) in (select * from unnest($1::smallint[], $2::text[]))`

/** The columns of an order as the file has them; of an erased customer without what is personal. */
const FORGOTTEN = ORDER.names
  .split(', ')
  .map((name) => {
    const emptied = EMPTIED[name]
    return emptied === undefined ? `r.${name}` : `case when e.customer_id is null then r.${name} else ${emptied} end`
  })
  .join(', ')

const EACH = ORDER.next(2)
const LINES = EACH + 4

/**
 * One batch of imported orders of one shard. An order whose number is known is left alone. What is personal is left out
 * where the customer has been erased: a file may be older than his wish.
 */
const ORDERS = `
with req as (
  select * from unnest(${ORDER.arrays(2)}, $${EACH}::int[], $${EACH + 1}::text[], $${EACH + 2}::jsonb[])
  as t (${ORDER.names}, item, actor, details)),
known as (
  select r.item from req r join orders o on o.shard = $1 and o.order_number = r.order_number),
erased as (
  select customer_id from customers
  where customer_id in (select customer_id from req) and erased_at is not null),
ordered as (
  insert into orders (shard, ${ORDER.names}, ${STATE_COLUMNS})
  select $1, ${FORGOTTEN}, ${IMPORTED_STATE}
  from req r left join erased e on e.customer_id = r.customer_id
  where item not in (select item from known) order by r.order_id
  on conflict do nothing returning order_id),
go as (
  select *, row_number() over (order by item) as place from req
  where order_id in (select order_id from ordered)),
lined as (
  insert into order_line_items (shard, ${LINE.names}, quantity_shipped)
  select $1, ${LINE.names}, quantity
  from unnest(${LINE.arrays(LINES)}, $${EACH + 3}::int[]) as l (${LINE.names}, item)
  where item in (select item from go) order by order_id, line_no returning 1),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from go)
  where shard = $1 and log = 'orders' and exists (select 1 from go) and (select count(*) from lined) >= 0
  returning last_event_id - (select count(*) from go) as base),
history as (
  insert into order_history
    (shard, event_id, order_id, version, timestamp, event_type, actor, request_id, details, hash)
  select $1, head.base + g.place, g.order_id, 1, g.updated_at, 'ORDER_IMPORTED', g.actor, null, g.details,
    g.history_hash
  from go g cross join head)
select g.item, 'imported' as outcome from go g cross join head
union all select item, 'known' from known`

function orderParams(shard: number, orders: readonly ImportedOrder[]): SqlParam[] {
  const lines = linesOf(orders)
  return [
    shard,
    ...ORDER.params(orders),
    orders.map((_, item) => item),
    orders.map(({ event }) => event.actor),
    orders.map(({ event }) => event.event.details),
    lines.map((line) => line.item),
    ...LINE.params(lines),
  ]
}

const outcomesOf = <Outcome>(ids: readonly string[], outcomes: ReadonlyMap<string, Outcome>, otherwise: Outcome) =>
  ids.map((id) => outcomes.get(id) ?? otherwise)

export function openOrderImportStore(sql: SqlClient, { ids }: Pick<PortContext, 'ids'>): OrderImportStore {
  async function importProducts(products: readonly ImportedProduct[], { actor, atMs }: Origin) {
    const each = <T extends SqlParam>(pick: (product: Product) => T) => products.map(({ product }) => pick(product))
    const levels = products.flatMap(({ product: { productId }, stock }) =>
      [...stock].map(([locationId, onHand]) => ({ productId, locationId, onHand })),
    )
    const productIds = each((product) => product.productId)
    const added = await sql.query<{ product_id: string }>(PRODUCTS, [
      productIds,
      each((product) => product.sku),
      each((product) => product.name),
      each((product) => product.category),
      each((product) => product.price),
      each((product) => product.currency),
      each((product) =>
        Object.fromEntries(Object.entries(product.prices).map(([code, price]) => [code, fromMinor(price)])),
      ),
      each((product) => product.active),
      new Date(atMs),
      actor,
      levels.map((level) => level.productId),
      levels.map((level) => level.locationId),
      levels.map((level) => level.onHand),
      levels.map(() => ids.next(0)),
    ])
    const outcomes = new Map<string, 'added' | 'known'>()
    if (added.length < products.length) {
      // A second statement: what came in between is not seen by the first.
      const known = await sql.query<{ product_id: string }>(KNOWN_PRODUCTS, [productIds])
      for (const row of known) outcomes.set(row.product_id, 'known')
    }
    for (const row of added) outcomes.set(row.product_id, 'added')
    return outcomesOf<'added' | 'known' | 'sku_taken'>(productIds, outcomes, 'sku_taken')
  }

  async function importCustomers(customers: readonly ImportedCustomer[], { update }: { update: boolean }) {
    const each = <T extends SqlParam>(pick: (customer: Customer) => T) =>
      customers.map(({ customer }) => pick(customer))
    const addresses = customers.flatMap((customer) => customer.addresses)
    const customerIds = each((customer) => customer.customerId)
    const outcomes = new Map<string, 'added' | 'changed' | 'erased'>()
    await sql.transaction(async (tx) => {
      outcomes.clear()
      const added = await tx.query<{ customer_id: string }>(CUSTOMERS, [
        customerIds,
        each((customer) => customer.name),
        each((customer) => customer.email),
        each((customer) => customer.guest),
        each((customer) => customer.version),
        each((customer) => new Date(customer.createdAtMs)),
      ])
      for (const row of added) outcomes.set(row.customer_id, 'added')
      const rest = customers.map(({ customer }) => customer).filter(({ customerId }) => !outcomes.has(customerId))
      if (rest.length > 0) {
        const restIds = rest.map((customer) => customer.customerId)
        if (update) {
          const names = [rest.map((customer) => customer.name), rest.map((customer) => customer.email)]
          const changed = await tx.query<{ customer_id: string }>(CHANGE_CUSTOMERS, [restIds, ...names])
          for (const row of changed) outcomes.set(row.customer_id, 'changed')
        }
        const erased = await tx.query<{ customer_id: string }>(ERASED, [restIds])
        for (const row of erased) outcomes.set(row.customer_id, 'erased')
      }
      if (addresses.length === 0) return
      await tx.query(ADDRESSES, [
        addresses.map((address) => address.customerId),
        addresses.map((address) => address.addressId),
        addresses.map((address) => address.name),
        addresses.map((address) => address.line1),
        addresses.map((address) => address.line2),
        addresses.map((address) => address.city),
        addresses.map((address) => address.region),
        addresses.map((address) => address.postal_code),
        addresses.map((address) => address.country),
        addresses.map((address) => new Date(address.createdAtMs)),
      ])
    })
    return outcomesOf<'added' | 'known' | 'changed' | 'erased'>(customerIds, outcomes, 'known')
  }

  return {
    importProducts,
    importCustomers,
    async knownOrders(orders) {
      const columns = [orders.map((order) => order.shard), orders.map((order) => order.orderNumber)]
      const rows = await sql.query<{ order_number: string }>(KNOWN_ORDERS, columns)
      return new Set(rows.map((row) => row.order_number))
    },
    async importOrders(orders) {
      const outcomes = new Map<ImportedOrder, 'imported' | 'known'>()
      const shards = [...new Set(orders.map((order) => order.shard))]
      await Promise.all(
        shards.map(async (shard) => {
          const batch = orders.filter((order) => order.shard === shard)
          const rows = await sql.query<{ item: number; outcome: 'imported' | 'known' }>(
            ORDERS,
            orderParams(shard, batch),
          )
          for (const row of rows) outcomes.set(batch[row.item]!, row.outcome)
        }),
      )
      return orders.map((order) => outcomes.get(order) ?? 'id_taken')
    },
  }
}
