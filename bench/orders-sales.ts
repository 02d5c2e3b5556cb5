import pg from 'pg'

/**
 * A shop with much history, made in the database: orders with three lines each, in 10 categories and 200 cities after
 * Zipf's law; paid, and not yet in the report.
 */
export const CATEGORIES = 10
export const CITIES = 200
const PRODUCTS = 3_000
const CUSTOMERS = 1_000
export const LINES = 3

/** The rank of a draw after Zipf's law with exponent 1, from 1 to `ranks`: the inverse of its continuous form. */
const zipf = (ranks: number) => `least(${ranks}, floor(power(${ranks} + 1, random())))::int`

const ID_EPOCH_MS = 1_259_625_600_000

const CATALOGUE = `
insert into products (product_id, sku, name, category, price, currency, prices, active, version, created_at, updated_at)
select 'p' || n, 'p' || n, 'Product ' || n, 'Category ' || 1 + n % ${CATEGORIES}, 1000, 'USD', '{}', true, 1, now(), now()
from generate_series(0, ${PRODUCTS - 1}) as n on conflict do nothing;
insert into customers (customer_id, name, email, guest, version, created_at)
select 'c' || n, 'Customer ' || n, null, false, 1, now() from generate_series(0, ${CUSTOMERS - 1}) as n
on conflict do nothing`

export interface OrdersToAdd {
  readonly count: number
  /** When the first is made, and how long after each the next, in seconds from midnight of today. */
  readonly fromSeconds: number
  readonly stepSeconds: number
}

const ORDERS = ({ count, fromSeconds, stepSeconds }: OrdersToAdd) => `
create temporary table made as
select n, shard, ((extract(epoch from at) * 1000)::bigint - ${ID_EPOCH_MS}) * 4194304 + shard * 4096 as order_id, at,
  at::date as day, 'City ' || ${zipf(CITIES)} as city, row_number() over (partition by shard order by n) as place
from (
  select n, (n % (select count(*) from log_head where log = 'orders'))::smallint as shard,
    date_trunc('day', now()) + make_interval(secs => ${fromSeconds} + n * ${stepSeconds}) as at
  from generate_series(0, ${count - 1}) as n) m`

const LINES_OF = `
create temporary table made_lines as
select m.shard, m.order_id, l.line_no, 'p' || d.rank as product_id, 'Category ' || 1 + d.rank % ${CATEGORIES} as category,
  d.quantity
from made m cross join generate_series(1, ${LINES}) as l (line_no)
cross join lateral (
  -- About the order and line, so that each draws for itself.
  select (${zipf(CATEGORIES)} - 1 + ${CATEGORIES} * floor(random() * ${PRODUCTS / CATEGORIES})::int) as rank,
    1 + floor(random() * 3)::int as quantity where m.order_id + l.line_no > 0 offset 0) d`

const STORE = `
insert into orders (shard, order_id, order_number, customer_id, customer_name, order_date, time_zone, business_day, status,
  payment_status, fulfillment_status, currency, prices_include_tax, subtotal, discount_total, shipping_total, shipping_tax,
  tax_total, total_price, cancelled_total, returned_total, shipping_taken_back, paid_total, refunded_total, adjustments,
  tax_rules, shipping_address, shipping_country, shipping_region, shipping_city, metadata, origin, version, history_hash,
  updated_at)
select shard, order_id, order_id::text, 'c' || n % ${CUSTOMERS}, 'Customer ' || n % ${CUSTOMERS}, at, 'UTC', day, 'DELIVERED',
  'paid', 'delivered', 'USD', false, total, 0, 0, 0, 0, total, 0, 0, false, total, 0, '[]', '[]',
  jsonb_build_object('city', city, 'region', 'NY', 'country', 'US'), 'US', 'NY', city, '{}', 'import', 1, '\\x00', at
from made join (
  select shard, order_id, sum(quantity) * 1000 as total from made_lines group by 1, 2) l using (shard, order_id);
insert into order_line_items (shard, order_id, line_no, product_id, location_id, sku, product_name, product_category,
  quantity, price_at_time_of_purchase, discount, tax_included, amount, tax, quantity_shipped)
select shard, order_id, line_no, product_id, 'main', product_id, 'Product ' || product_id, category, quantity, 1000, 0, 0,
  quantity * 1000, 0, quantity
from made_lines;
insert into order_history (shard, event_id, order_id, version, timestamp, event_type, actor, details, hash)
select m.shard, g.last_event_id + m.place, m.order_id, 1, m.at, 'ORDER_IMPORTED', 'bench',
  jsonb_build_object('order_number', m.order_id::text, 'currency', 'USD', 'total_price', l.total, 'shipping', 0,
    'shipping_tax', 0, 'booked_day', m.day, 'lines', l.lines, 'legs', l.legs,
    'ship_to', jsonb_build_object('city', m.city, 'region', 'NY', 'country', 'US')), '\\x00'
from made m join log_head g on g.log = 'orders' and g.shard = m.shard
join (
  select shard, order_id, sum(quantity) * 1000 as total,
    jsonb_agg(jsonb_build_object('line_no', line_no, 'product_id', product_id, 'location_id', 'main', 'quantity', quantity,
      'price', 1000, 'discount', 0, 'tax_included', 0, 'amount', quantity * 1000, 'tax', 0) order by line_no) as lines,
    jsonb_agg(jsonb_build_object('line_no', line_no, 'kind', 'sale', 'quantity', quantity, 'amount', quantity * 1000,
      'tax', 0) order by line_no) as legs
  from made_lines group by 1, 2) l on l.shard = m.shard and l.order_id = m.order_id;
update log_head g set last_event_id = g.last_event_id + m.made
from (select shard, count(*) as made from made group by shard) m where g.log = 'orders' and g.shard = m.shard;
drop table made, made_lines`

/** Orders of one round of statements, so that its working tables stay small. */
const ROUND = 100_000

/** Adds orders to a migrated database. No two may have the same time. */
export async function addOrders(url: string, { count, fromSeconds, stepSeconds }: OrdersToAdd): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`set work_mem = '64MB'; set jit = off; set timezone = 'UTC'; ${CATALOGUE}`)
    for (let done = 0; done < count; done += ROUND) {
      const round = { count: Math.min(ROUND, count - done), fromSeconds: fromSeconds + done * stepSeconds, stepSeconds }
      await client.query(`${ORDERS(round)}; ${LINES_OF}; analyze made; ${STORE}`)
    }
  } finally {
    await client.end()
  }
}

/** A history of so many lines over so many days, up to midnight. */
export function addHistory(url: string, lines: number, days: number): Promise<void> {
  const count = Math.ceil(lines / LINES)
  return addOrders(url, { count, fromSeconds: -days * 86_400, stepSeconds: (days * 86_400) / count })
}
