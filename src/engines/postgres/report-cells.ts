import { FIGURE_COLUMNS } from '../sql/report-tables.ts'

const BY_EVENT = `
by_event as (
  select case grouping(product_category, shipping_city, product_id)
      when 1 then 'category_city' when 3 then 'category' when 5 then 'city' when 6 then 'product' else 'all' end as grain,
    order_id, event_no, coalesce(product_category, '') as product_category, coalesce(shipping_city, '') as shipping_city,
    coalesce(product_id, '') as product_id, min(sale_day) as sale_day, min(booked_day) as booked_day,
    min(currency) as currency, count(price) as facts, sum(quantity) as quantity, sum(price)::bigint as price,
    sum(tax)::bigint as tax
  from units
  group by order_id, event_no,
    grouping sets ((), (product_category), (shipping_city), (product_category, shipping_city), (product_id)))`

const BY_CELL = `
by_day as (
  select grain, product_category, shipping_city, product_id, currency, sale_day, booked_day, sum(facts)::bigint as facts,
    sum(price)::bigint as price, sum(tax)::bigint as tax, sum(quantity)::bigint as quantity, sum(orders)::bigint as orders
  from deltas group by 1, 2, 3, 4, 5, 6, 7),
cells as (
  select d.grain, p.period, p.starts, d.product_category, d.shipping_city, d.product_id, d.currency,
    sum(p.sold * d.facts)::bigint as sale_facts, sum(p.sold * d.price)::bigint as sale_price,
    sum(p.sold * d.tax)::bigint as sale_tax, sum(p.sold * d.quantity)::bigint as sale_quantity,
    sum(p.sold * d.orders)::bigint as sale_orders, sum(p.booked * d.facts)::bigint as booked_facts,
    sum(p.booked * d.price)::bigint as booked_price, sum(p.booked * d.tax)::bigint as booked_tax,
    sum(p.booked * d.quantity)::bigint as booked_quantity, sum(p.booked * d.orders)::bigint as booked_orders
  from by_day d
  cross join lateral (
    select date_trunc('month', sale_day)::date as sale_month, date_trunc('month', booked_day)::date as booked_month) m
  cross join lateral (values
    ('lifetime', date '0001-01-01', 1, 1),
    ('month', m.sale_month, 1, (m.sale_month = m.booked_month)::int),
    ('month', case when m.sale_month <> m.booked_month then m.booked_month end, 0, 1),
    ('day', d.sale_day, 1, (d.sale_day = d.booked_day)::int),
    ('day', case when d.sale_day <> d.booked_day then d.booked_day end, 0, 1)) p (period, starts, sold, booked)
  where p.starts is not null
  group by 1, 2, 3, 4, 5, 6, 7)`

/**
 * Sums of facts by cell of the rollups, as SQL. It stands behind a CTE `moved` with facts that came: `order_id, event_no,
 * product_category, shipping_city, product_id, quantity, sale_day, booked_day, currency, price, tax`.
 *
 * An order counts in a cell while it has units there: of each event, whether it made the sum positive, or took it to
 * nothing. So counts can be added like amounts: a day's orders are those that came less those that went.
 */
const cells = (units: string, deltas: string) => `
units as (${units}),
${BY_EVENT},
deltas as (${deltas}),
${BY_CELL}`

const MOVED = `
  select order_id, event_no, product_category, shipping_city, product_id, quantity, sale_day, booked_day, currency, price,
    tax
  from moved`

const DELTAS = `
  grain, product_category, shipping_city, product_id, currency, sale_day, booked_day, facts, price, tax, quantity`

/** Behind a CTE `known` too: the units that the same orders had before, with the columns up to `quantity`. */
export const CELLS = cells(
  `${MOVED}
  union all
  select order_id, event_no, product_category, shipping_city, product_id, quantity, null, null, null, null, null
  from known`,
  `
  select ${DELTAS}, (units > 0)::int - (units - quantity > 0)::int as orders
  from (
    select *, sum(quantity) over (
      partition by grain, order_id, product_category, shipping_city, product_id order by event_no)::bigint as units
    from by_event) e
  where facts > 0`,
)

/** The same for orders of which nothing was booked before: one event of each. */
export const CELLS_OF_SALES = cells(MOVED, `select ${DELTAS}, (quantity > 0)::int as orders from by_event`)

/** Adds the cells to the rollups of generation `$1` and shard `$2`, in the order of their key. */
export const ADD_CELLS = `
insert into sales_rollups as r (generation, grain, period, starts, product_category, shipping_city, product_id, currency,
  shard, ${FIGURE_COLUMNS.join(', ')})
select $1, grain, period, starts, product_category, shipping_city, product_id, currency, $2, ${FIGURE_COLUMNS.join(', ')}
from cells
order by grain collate "C", period collate "C", starts, product_category, shipping_city, product_id, currency collate "C"
on conflict (generation, grain, period, starts, product_category, shipping_city, product_id, currency, shard)
do update set ${FIGURE_COLUMNS.map((column) => `${column} = r.${column} + excluded.${column}`).join(', ')}`
