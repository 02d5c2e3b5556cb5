-- The sales report: facts, rollups of them, and what is archived.

-- What the history says the report has to hold: every leg beside what it was sold as, to whom, and where it went. All that
-- is joined was fixed when the order was made, so a rebuild makes the same rows. A leg without its order or line comes out
-- with nulls, which the facts refuse. The subqueries keep the look-ups by key, whatever the planner thinks of the legs.
create view sales_legs as
select h.shard, h.event_id, h.order_id, h.version as event_no, leg.line_no, leg.ordinality::int as leg, leg.kind,
  (h.details->>'booked_day')::date as booked_day, o.business_day as sale_day, o.order_date, o.customer_name,
  case when leg.line_no = 0 then 'shipping' else l.product_id end collate "C" as product_id,
  case when leg.line_no = 0 then 'Shipping' else l.product_name end as product_name,
  case when leg.line_no = 0 then 'Shipping' else l.product_category end collate "C" as product_category,
  leg.quantity, leg.amount as price, leg.tax, o.currency,
  coalesce(leg.place, h.details->'ship_to')->>'country' as shipping_country,
  coalesce(leg.place, h.details->'ship_to')->>'region' as shipping_region,
  (coalesce(leg.place, h.details->'ship_to')->>'city') collate "C" as shipping_city
from order_history h
cross join lateral rows from (
  jsonb_to_recordset(h.details->'legs')
    as (line_no int, kind text, quantity int, amount bigint, tax bigint, place jsonb)
) with ordinality as leg (line_no, kind, quantity, amount, tax, place, ordinality)
left join lateral (
  select o.business_day, o.order_date, o.customer_name, o.currency from orders o
  where o.shard = h.shard and o.order_id = h.order_id offset 0) o on true
left join lateral (
  select l.product_id, l.product_name, l.product_category from order_line_items l
  where l.shard = h.shard and l.order_id = h.order_id and l.line_no = leg.line_no offset 0) l on true;

-- One row per amount that was booked, signed, never changed. price is the amount of the row. Partitions hold one month of
-- sale_day each, and the default what has none yet (see report-partitions.ts).
create table daily_sales_report_gen (
  generation int not null,
  shard smallint not null,
  booked_day date not null,
  order_id bigint not null,
  event_no int not null,
  line_no int not null,
  leg int not null,
  kind text not null check (kind in ('sale', 'cancel', 'return', 'edit', 'move')),
  sale_day date not null,
  order_date timestamptz not null,
  customer_name text,
  product_id text collate "C" not null,
  product_name text not null,
  product_category text collate "C" not null,
  quantity int not null,
  price bigint not null,
  tax bigint not null,
  currency text not null,
  shipping_country text not null,
  shipping_region text,
  shipping_city text collate "C" not null,
  -- An order has one sale_day, so without it the key would be as unique.
  primary key (shard, order_id, event_no, line_no, leg, generation, sale_day)
) partition by range (sale_day);
create table daily_sales_report_gen_default partition of daily_sales_report_gen default;
create index daily_sales_report_category_city on daily_sales_report_gen
  (generation, product_category, shipping_city, sale_day) include (price, quantity, tax, currency);
create index daily_sales_report_days on daily_sales_report_gen using brin (sale_day, booked_day)
  with (autosummarize = on);

create view daily_sales_report as
select booked_day, order_id, event_no, line_no, leg, kind, sale_day, order_date, customer_name, product_id, product_name,
  product_category, quantity, price, tax, currency, shipping_country, shipping_region, shipping_city
from daily_sales_report_gen
where generation = (select live_generation from projections where name = 'daily_sales_report');

-- Sums of the facts, written with them: for each grain, over all time, by month and by day. product_category,
-- shipping_city and product_id are '' where the grain does not tell them apart. starts is the first day of the period.
-- A row has the sums of the facts whose sale_day lies in the period, and of those whose booked_day does. orders counts
-- +1 when an order comes to have units in the cell, and -1 when it has none left. Rows of different shards are never
-- written by one statement, so that shards do not wait for each other.
create table sales_rollups (
  generation int not null,
  grain text collate "C" not null check (grain in ('all', 'category', 'city', 'category_city', 'product')),
  period text collate "C" not null check (period in ('lifetime', 'month', 'day')),
  starts date not null,
  product_category text collate "C" not null,
  shipping_city text collate "C" not null,
  product_id text collate "C" not null,
  currency text collate "C" not null,
  shard smallint not null,
  sale_facts bigint not null,
  sale_price bigint not null,
  sale_tax bigint not null,
  sale_quantity bigint not null,
  sale_orders bigint not null,
  booked_facts bigint not null,
  booked_price bigint not null,
  booked_tax bigint not null,
  booked_quantity bigint not null,
  booked_orders bigint not null,
  primary key (generation, grain, period, starts, product_category, shipping_city, product_id, currency, shard)
) with (fillfactor = 70);

-- Months whose facts were taken out of a generation of the report, into tables of their own; rollups keep their sums.
-- booked_from and booked_to are the first and last booked_day in them.
create table daily_sales_report_archives (
  month date primary key,
  table_name text not null,
  generation int not null,
  facts bigint not null,
  booked_from date not null,
  booked_to date not null,
  archived_at timestamptz not null
);

-- A report that was built anew has the facts of all months again.
create view archived_months as
select a.* from daily_sales_report_archives a
join projections p on p.name = 'daily_sales_report' and p.live_generation = a.generation;
