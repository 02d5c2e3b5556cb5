import type { OrderSample } from './orders-fanfold.ts'
import { ADDRESS, CUSTOMERS, HOT_PRODUCT, LINES, PRICE, PRODUCTS, type Stocked } from './orders-shop.ts'
import { query } from './postgres.ts'

/** Columns as Fanfold's tables have them, without checks and triggers; history is numbered by a sequence. */
const TABLES = `
create table shop_products (
  product_id text primary key, sku text not null unique, name text not null, category text not null,
  price bigint not null, currency text not null);
create table shop_customers (customer_id text primary key, name text not null, email text not null);
create table shop_stock_levels (
  product_id text not null, location_id text not null, on_hand bigint not null, reserved bigint not null,
  updated_at timestamptz not null, check (reserved >= 0 and reserved <= on_hand)) with (fillfactor = 50);
create table shop_stock_moves (
  product_id text not null, location_id text not null, source_id bigint not null, version int not null,
  kind text not null, on_hand_delta bigint not null, reserved_delta bigint not null, actor text not null,
  moved_at timestamptz not null);
create table shop_idempotency_keys (
  shard smallint not null, scope text not null, key text not null, fingerprint bytea not null, operation_id text,
  response_status smallint, response_body json, created_at timestamptz not null);
create sequence shop_order_ids;
create table shop_orders (
  shard smallint not null, order_id bigint not null, order_number text not null, customer_id text not null,
  customer_name text, order_date timestamptz not null, time_zone text not null, business_day date not null,
  status text not null, payment_status text not null, fulfillment_status text not null, currency text not null,
  subtotal bigint not null, discount_total bigint not null default 0, shipping_total bigint not null default 0,
  shipping_tax bigint not null default 0, tax_total bigint not null default 0, total_price bigint not null,
  cancelled_total bigint not null default 0, returned_total bigint not null default 0,
  paid_total bigint not null default 0, refunded_total bigint not null default 0,
  goodwill_total bigint not null default 0, adjustments jsonb not null default '[]',
  tax_rules jsonb not null default '[]', shipping_address jsonb not null, shipping_country text not null,
  shipping_region text, shipping_city text not null, metadata jsonb not null default '{}',
  origin text not null default 'api', version int not null default 1, history_hash bytea not null,
  updated_at timestamptz not null) with (fillfactor = 85);
create table shop_order_line_items (
  shard smallint not null, order_id bigint not null, line_no int not null,
  line_item_id text not null generated always as (order_id::text || '-' || line_no::text) stored,
  product_id text not null, location_id text not null, sku text not null, product_name text not null,
  product_category text not null, quantity int not null, price_at_time_of_purchase bigint not null,
  discount bigint not null default 0, tax_included bigint not null default 0, amount bigint not null,
  tax bigint not null default 0, quantity_shipped int not null default 0, quantity_cancelled int not null default 0,
  quantity_returned int not null default 0) with (fillfactor = 85);
create table shop_order_history (
  shard smallint not null, event_id bigserial, order_id bigint not null, version int not null,
  timestamp timestamptz not null, event_type text not null, actor text not null, request_id text,
  details jsonb not null, hash bytea not null);`

const INDEXED = ['stock_levels', 'stock_moves', 'idempotency_keys', 'orders', 'order_line_items', 'order_history']

const INDEXES = (table: string) =>
  `select indexdef from pg_indexes where schemaname = 'public' and tablename = '${table}'`

/** The indexes of Fanfold's tables, for ours here; one on a column that is missing here is an error. */
async function indexesLike(ourUrl: string): Promise<string[]> {
  const all: string[] = []
  for (const table of INDEXED) {
    const rows = await query(ourUrl, INDEXES(table))
    if (rows.length === 0) throw new Error(`no index on ${table}`)
    for (const { indexdef } of rows) {
      all.push(String(indexdef).replace(/ INDEX (\S+) ON (?:ONLY )?public\.(\S+) /, ' INDEX shop_$1 ON shop_$2 '))
    }
  }
  return all
}

const FILL_CUSTOMERS = `
insert into shop_customers select 'c' || lpad(n::text, 5, '0'), 'Ada Lovelace', 'ada' || n || '@example.com'
from generate_series(0, ${CUSTOMERS - 1}) n`

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

function fillProducts(stocked: readonly Stocked[]): string[] {
  const values = stocked.map(({ product, units }) => `('${product}', ${units})`).join(', ')
  return [
    `insert into shop_products select p, 'SKU-' || p, 'Product ' || p, 'Category ' || n % 10, ${PRICE}, 'USD'
     from (values ${values}) as v (p, n)`,
    `insert into shop_stock_levels select p, 'main', n, 0, now() from (values ${values}) as v (p, n)`,
  ]
}

const KEY_COLUMNS = '(shard, scope, key, fingerprint, operation_id, response_status, response_body, created_at)'
const ORDER_COLUMNS = `(shard, order_id, order_number, customer_id, customer_name, order_date, time_zone, business_day,
  status, payment_status, fulfillment_status, currency, subtotal, total_price, shipping_address, shipping_country,
  shipping_region, shipping_city, history_hash, updated_at)`
const LINE_COLUMNS = `(shard, order_id, line_no, product_id, location_id, sku, product_name, product_category, quantity,
  price_at_time_of_purchase, amount)`
const HISTORY_COLUMNS = '(shard, order_id, version, timestamp, event_type, actor, details, hash)'
const PLACE_NAMES = `'${ADDRESS.country}', '${ADDRESS.region}', '${ADDRESS.city}'`

/** The statements of the transaction that is written by hand, in their order; begin and commit come to them. */
export const PLAIN = {
  customer: 'select name from shop_customers where customer_id = $1',
  products: `select product_id, sku, name, category, price, currency, nextval('shop_order_ids') as order_id
    from shop_products where product_id = any($1)`,
  key: `insert into shop_idempotency_keys ${KEY_COLUMNS} values (0, 'PlaceOrder', $1, $2, $3, 201, $4, now())`,
  /** Once for each product. */
  stock: `update shop_stock_levels set reserved = reserved + $2, updated_at = now()
    where product_id = $1 and location_id = 'main' and on_hand - reserved >= $2`,
  moves: `insert into shop_stock_moves select p, 'main', $1, 1, 'reserve', 0, q, 'api', now()
    from unnest($2::text[], $3::int[]) as t (p, q)`,
  order: `insert into shop_orders ${ORDER_COLUMNS}
    values (0, $1::bigint, $1::bigint::text, $2, $3, now(), 'UTC', current_date, 'PENDING', 'unpaid', 'unfulfilled',
      $4, $5, $5, $6, ${PLACE_NAMES}, $7, now())`,
  lines: `insert into shop_order_line_items ${LINE_COLUMNS}
    select 0, $1, n, p, 'main', sku, name, category, q, price, price * q
    from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bigint[]) with ordinality
      as t (p, sku, name, category, q, price, n)`,
  history: `insert into shop_order_history ${HISTORY_COLUMNS} values (0, $1, 1, now(), 'ORDER_CREATED', 'api', $2, $3)`,
} as const

/** Two statements that sell what somebody else has sold meanwhile, which is how it is often done. */
export const NAIVE = {
  read: `select reserved, on_hand from shop_stock_levels where product_id = $1 and location_id = 'main'`,
  write: `update shop_stock_levels set reserved = $2, updated_at = now()
    where product_id = $1 and location_id = 'main'`,
} as const

/** The whole order in one call: what a server can do that commits each order by itself. */
function placeFunction({ response, details }: OrderSample): string {
  return `
create function place_order(p_key text, p_customer text, p_products text[]) returns bigint language plpgsql as $body$
declare
  id bigint := nextval('shop_order_ids');
  hash bytea := sha256(p_key::bytea);
  buyer text;
  wanted text;
  total bigint;
begin
  insert into shop_idempotency_keys ${KEY_COLUMNS}
    values (0, 'PlaceOrder', p_key, hash, id::text, 201, ${literal(response)}, now());
  select name into strict buyer from shop_customers where customer_id = p_customer;
  foreach wanted in array p_products loop
    update shop_stock_levels set reserved = reserved + 1, updated_at = now()
    where product_id = wanted and location_id = 'main' and on_hand - reserved >= 1;
    if not found then raise exception 'sold out'; end if;
  end loop;
  insert into shop_stock_moves select p, 'main', id, 1, 'reserve', 0, 1, 'api', now() from unnest(p_products) p;
  insert into shop_order_line_items ${LINE_COLUMNS}
    select 0, id, t.n, t.p, 'main', s.sku, s.name, s.category, 1, s.price, s.price
    from unnest(p_products) with ordinality as t (p, n) join shop_products s on s.product_id = t.p;
  select sum(price) into total from shop_products where product_id = any(p_products);
  insert into shop_orders ${ORDER_COLUMNS}
    values (0, id, id::text, p_customer, buyer, now(), 'UTC', current_date, 'PENDING', 'unpaid', 'unfulfilled', 'USD',
      total, total, ${literal(JSON.stringify(ADDRESS))}, ${PLACE_NAMES}, hash, now());
  insert into shop_order_history ${HISTORY_COLUMNS}
    values (0, id, 1, now(), 'ORDER_CREATED', 'api', ${literal(details)}, hash);
  return id;
end $body$`
}

/** Makes and fills the tables in an empty database, with the indexes of the one at `ourUrl`. */
export async function preparePlainShop(
  url: string,
  ourUrl: string,
  stocked: readonly Stocked[],
  sample: OrderSample,
): Promise<void> {
  const fill = [FILL_CUSTOMERS, ...fillProducts(stocked)]
  await query(url, TABLES, ...(await indexesLike(ourUrl)), placeFunction(sample), ...fill, 'vacuum analyze')
}

const KEY_AND_CUSTOMER = ['\\set n random(1, 9000000000000000)', `\\set c random(0, ${CUSTOMERS - 1})`]
const call = (products: string) =>
  `select place_order(:n::text, 'c' || lpad(:c::text, 5, '0'), array[${products}]::text[]);\n`

/** For pgbench: an order of a product from each part of the catalogue. */
export function placeScript(): string {
  const part = PRODUCTS / LINES
  const lines = Array.from({ length: LINES }, (_, line) => line)
  return [
    ...KEY_AND_CUSTOMER,
    ...lines.map((line) => `\\set p${line} random(${line * part}, ${(line + 1) * part - 1})`),
    call(lines.map((line) => `'p' || lpad(:p${line}::text, 5, '0')`).join(', ')),
  ].join('\n')
}

/** For pgbench: an order of the product that everybody wants. */
export function hotScript(): string {
  return [...KEY_AND_CUSTOMER, call(`'${HOT_PRODUCT}'`)].join('\n')
}
