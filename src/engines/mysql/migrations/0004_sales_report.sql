-- The sales report: facts, rollups of them, and what is archived.

-- What the history says the report has to hold: every leg beside what it was sold as, to whom, and where it went. All that
-- is joined was fixed when the order was made, so a rebuild makes the same rows. A leg without its order or line comes out
-- with nulls, which the facts refuse.
create or replace view sales_legs as
select h.shard, h.event_id, h.order_id, h.version as event_no, leg.line_no, leg.leg, leg.kind,
  cast(json_value(h.details, '$.booked_day') as date) as booked_day, o.business_day as sale_day, o.order_date,
  o.customer_name,
  case when leg.line_no = 0 then 'shipping' else l.product_id end as product_id,
  case when leg.line_no = 0 then 'Shipping' else l.product_name end as product_name,
  case when leg.line_no = 0 then 'Shipping' else l.product_category end as product_category,
  leg.quantity, leg.amount as price, leg.tax, o.currency,
  coalesce(leg.country, json_value(h.details, '$.ship_to.country') collate utf8mb4_bin) as shipping_country,
  case when leg.country is null then json_value(h.details, '$.ship_to.region') collate utf8mb4_bin
    else leg.region end as shipping_region,
  coalesce(leg.city, json_value(h.details, '$.ship_to.city') collate utf8mb4_bin) as shipping_city
from order_history h
join json_table(h.details, '$.legs[*]' columns (
  leg for ordinality,
  line_no int path '$.line_no',
  kind varchar(16) character set utf8mb4 collate utf8mb4_bin path '$.kind',
  quantity int path '$.quantity',
  amount bigint path '$.amount',
  tax bigint path '$.tax',
  country varchar(200) character set utf8mb4 collate utf8mb4_bin path '$.place.country',
  region varchar(200) character set utf8mb4 collate utf8mb4_bin path '$.place.region',
  city varchar(200) character set utf8mb4 collate utf8mb4_bin path '$.place.city')) as leg
left join orders o on o.shard = h.shard and o.order_id = h.order_id
left join order_line_items l on l.shard = h.shard and l.order_id = h.order_id and l.line_no = leg.line_no;

-- One row per amount that was booked, signed, never changed. price is the amount of the row. No partitions: the key begins
-- with shard and order_id, which is made in the order of time, so that the rows of a month lie together as it is.
create table if not exists daily_sales_report_gen (
  generation int not null,
  shard smallint not null,
  booked_day date not null,
  order_id bigint not null,
  event_no int not null,
  line_no int not null,
  leg int not null,
  kind varchar(16) not null,
  sale_day date not null,
  order_date datetime(6) not null,
  customer_name varchar(200),
  product_id varchar(64) not null,
  product_name varchar(200) not null,
  product_category varchar(200) not null,
  quantity int not null,
  price bigint not null,
  tax bigint not null,
  currency varchar(3) not null,
  shipping_country varchar(200) not null,
  shipping_region varchar(200),
  shipping_city varchar(200) not null,
  -- An order has one sale_day, so without it the key would be as unique.
  primary key (shard, order_id, event_no, line_no, leg, generation, sale_day),
  key daily_sales_report_category_city
    (generation, product_category, shipping_city, sale_day, price, quantity, tax, currency),
  key daily_sales_report_days (generation, sale_day),
  key daily_sales_report_booked (generation, booked_day),
  constraint daily_sales_report_kind_check check (kind in ('sale', 'cancel', 'return', 'edit', 'move'))
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create or replace view daily_sales_report as
select booked_day, order_id, event_no, line_no, leg, kind, sale_day, order_date, customer_name, product_id, product_name,
  product_category, quantity, price, tax, currency, shipping_country, shipping_region, shipping_city
from daily_sales_report_gen
where generation = (select live_generation from projections where name = 'daily_sales_report');

-- Sums of the facts, written with them: for each grain, over all time, by month and by day. product_category,
-- shipping_city and product_id are '' where the grain does not tell them apart. starts is the first day of the period.
-- A row has the sums of the facts whose sale_day lies in the period, and of those whose booked_day does. orders counts
-- +1 when an order comes to have units in the cell, and -1 when it has none left. Rows of different shards are never
-- written by one statement, so that shards do not wait for each other.
create table if not exists sales_rollups (
  generation int not null,
  grain varchar(16) not null,
  period varchar(10) not null,
  starts date not null,
  product_category varchar(200) not null,
  shipping_city varchar(200) not null,
  product_id varchar(64) not null,
  currency varchar(3) not null,
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
  primary key (generation, grain, period, starts, product_category, shipping_city, product_id, currency, shard),
  constraint sales_rollups_grain_check check (grain in ('all', 'category', 'city', 'category_city', 'product')),
  constraint sales_rollups_period_check check (period in ('lifetime', 'month', 'day'))
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Months whose facts were taken out of a generation of the report, into tables of their own; rollups keep their sums.
-- booked_from and booked_to are the first and last booked_day in them.
create table if not exists daily_sales_report_archives (
  month date not null primary key,
  table_name varchar(64) not null,
  generation int not null,
  facts bigint not null,
  booked_from date not null,
  booked_to date not null,
  archived_at datetime(6) not null
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- A report that was built anew has the facts of all months again.
create or replace view archived_months as
select a.* from daily_sales_report_archives a
join projections p on p.name = 'daily_sales_report' and p.live_generation = a.generation;
