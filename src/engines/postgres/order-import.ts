import type { ImportedCatalogue, ImportedOrder, Origin } from '../../orders/ports.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { LOCATION } from './catalogue-store.ts'

// What is new only: an import never changes what is there. Each statement goes in key order, as every other does.
const PRODUCTS = `
with fresh as (
  insert into products (product_id, sku, name, category, price, currency, active, version, created_at, updated_at)
  select product_id, sku, name, category, price, currency, true, 1, $8, $8
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
    as t (product_id, sku, name, category, price, currency)
  order by product_id on conflict do nothing returning product_id, price, currency),
priced as (
  insert into product_prices (product_id, version, price, currency, valid_from, actor)
  select product_id, 1, price, currency, $8, $9 from fresh)
insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at)
select product_id, $7, 0, 0, $8 from fresh order by product_id`

const KNOWN_PRODUCTS = 'select product_id from products where product_id = any($1::text[])'

const CUSTOMERS = `
insert into customers (customer_id, name, email, version, created_at)
select customer_id, name, email, 1, $4 from unnest($1::text[], $2::text[], $3::text[]) as t (customer_id, name, email)
order by customer_id on conflict do nothing`

// Not for a customer who was erased: his addresses stay gone.
const ADDRESSES = `
insert into addresses (customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at)
select t.customer_id, t.address_id, t.name, t.line1, t.line2, t.city, t.region, t.postal_code, t.country, $10
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
  as t (customer_id, address_id, name, line1, line2, city, region, postal_code, country)
join customers c on c.customer_id = t.customer_id and c.erased_at is null
order by t.customer_id, t.address_id on conflict do nothing`

/** One batch of imported orders of one shard. An order whose number is known is left alone. */
const ORDERS = `
with req as (
  select * from unnest($2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
    $9::date[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::jsonb[],
    $17::text[], $18::text[], $19::text[], $20::jsonb[], $21::timestamptz[], $22::text[], $23::jsonb[])
  as t (item, order_id, order_number, customer_id, customer_name, order_date, time_zone,
    business_day, currency, subtotal, shipping_total, tax_total, total_price, shipping_address_id, shipping_address,
    country, region, city, metadata, at, actor, details)),
known as (
  select r.item from req r join orders o on o.shard = $1 and o.order_number = r.order_number),
ordered as (
  insert into orders (shard, order_id, order_number, customer_id, customer_name, order_date, time_zone, business_day,
    status, payment_status, fulfillment_status, currency, subtotal, shipping_total, tax_total, total_price, paid_total,
    refunded_total, shipping_address_id, shipping_address, shipping_country, shipping_region, shipping_city, billing,
    metadata, origin, version, updated_at)
  select $1, order_id, order_number, customer_id, customer_name, order_date, time_zone, business_day,
    'DELIVERED', 'paid', 'delivered', currency, subtotal, shipping_total, tax_total, total_price, total_price,
    0, shipping_address_id, shipping_address, country, region, city, null,
    metadata, 'import', 1, at
  from req where item not in (select item from known) order by order_id
  on conflict do nothing returning order_number),
go as (
  select *, row_number() over (order by item) as place from req
  where order_number in (select order_number from ordered)),
lined as (
  insert into order_line_items (shard, order_id, line_no, product_id, sku, product_name, product_category, quantity,
    price_at_time_of_purchase, discount, amount, tax, quantity_shipped)
  select $1, order_id, line_no, product_id, sku, product_name, product_category, quantity, price, discount, amount, tax,
    quantity
  from unnest($24::int[], $25::bigint[], $26::int[], $27::text[], $28::text[], $29::text[], $30::text[], $31::int[],
    $32::bigint[], $33::bigint[], $34::bigint[], $35::bigint[])
    as l (item, order_id, line_no, product_id, sku, product_name, product_category, quantity,
      price, discount, amount, tax)
  where item in (select item from go) order by order_id, line_no returning 1),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from go)
  where shard = $1 and log = 'orders' and exists (select 1 from go) and (select count(*) from lined) >= 0
  returning last_event_id - (select count(*) from go) as base),
history as (
  insert into order_history (shard, event_id, order_id, version, timestamp, event_type, actor, request_id, details)
  select $1, head.base + g.place, g.order_id, 1, g.at, 'ORDER_IMPORTED', g.actor, null, g.details
  from go g cross join head)
select g.item, 'imported' as outcome from go g cross join head
union all select item, 'known' from known`

function paramsOf(shard: number, orders: readonly ImportedOrder[]): SqlParam[] {
  const each = <T extends SqlParam>(pick: (order: ImportedOrder) => T) => orders.map(pick) as SqlParam
  const lines = orders.flatMap(({ header, lines: own }, item) =>
    own.map((line) => ({ ...line, item, orderId: header.orderId })),
  )
  return [
    shard,
    orders.map((_, item) => item),
    each(({ header }) => header.orderId),
    each(({ header }) => header.orderNumber),
    each(({ header }) => header.customerId),
    each(({ header }) => header.customerName),
    each(({ header }) => new Date(header.orderDateMs)),
    each(({ header }) => header.timeZone),
    each(({ header }) => header.businessDay),
    each(({ header }) => header.currency),
    each(({ header }) => header.subtotal),
    each(({ header }) => header.shippingTotal),
    each(({ header }) => header.taxTotal),
    each(({ header }) => header.totalPrice),
    each(({ header }) => header.shippingAddressId),
    each(({ header }) => header.shippingAddress),
    each(({ state }) => state.place.country),
    each(({ state }) => state.place.region),
    each(({ state }) => state.place.city),
    each(({ header }) => header.metadata),
    each(({ event }) => new Date(event.atMs)),
    each(({ event }) => event.actor),
    each(({ event }) => event.event.details),
    lines.map((line) => line.item),
    lines.map((line) => line.orderId),
    lines.map((line) => line.lineNo),
    lines.map((line) => line.productId),
    lines.map((line) => line.sku),
    lines.map((line) => line.productName),
    lines.map((line) => line.productCategory),
    lines.map((line) => line.quantity),
    lines.map((line) => line.price),
    lines.map((line) => line.discount),
    lines.map((line) => line.amount),
    lines.map((line) => line.tax),
  ]
}

export async function importCatalogue(
  sql: SqlClient,
  { products, customers, addresses }: ImportedCatalogue,
  { actor, atMs }: Origin,
): Promise<Set<string>> {
  const at = new Date(atMs)
  await sql.query(PRODUCTS, [
    products.map((product) => product.productId),
    products.map((product) => product.sku),
    products.map((product) => product.name),
    products.map((product) => product.category),
    products.map((product) => product.price),
    products.map((product) => product.currency),
    LOCATION,
    at,
    actor,
  ])
  await sql.query(CUSTOMERS, [
    customers.map((customer) => customer.customerId),
    customers.map((customer) => customer.name),
    customers.map((customer) => customer.email),
    at,
  ])
  await sql.query(ADDRESSES, [
    addresses.map((address) => address.customerId),
    addresses.map((address) => address.addressId),
    addresses.map((address) => address.name),
    addresses.map((address) => address.line1),
    addresses.map((address) => address.line2),
    addresses.map((address) => address.city),
    addresses.map((address) => address.region),
    addresses.map((address) => address.postal_code),
    addresses.map((address) => address.country),
    at,
  ])
  const ids = products.map((product) => product.productId)
  const known = await sql.query<{ product_id: string }>(KNOWN_PRODUCTS, [ids])
  return new Set(known.map((row) => row.product_id))
}

export async function importOrders(
  sql: SqlClient,
  orders: readonly ImportedOrder[],
): Promise<('imported' | 'known' | 'id_taken')[]> {
  const outcomes = new Map<ImportedOrder, 'imported' | 'known'>()
  for (const shard of new Set(orders.map((order) => order.shard))) {
    const batch = orders.filter((order) => order.shard === shard)
    const rows = await sql.query<{ item: number; outcome: 'imported' | 'known' }>(ORDERS, paramsOf(shard, batch))
    for (const row of rows) outcomes.set(batch[row.item]!, row.outcome)
  }
  return orders.map((order) => outcomes.get(order) ?? 'id_taken')
}
