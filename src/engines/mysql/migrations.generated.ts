// Generated from migrations/*.sql by "npm run gen"; do not edit.
import type { Migration } from '../sql/migrate.ts'

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'log_and_keys', sql: `-- Idempotency keys, the log, projections. The statements of a step can be repeated: DDL is no part of a transaction, so a
-- step that was cut off is run again from its start. Texts are compared by their bytes; the program puts the server's name
-- for that in the place of utf8mb4_bin.

-- Scope is the caller (API key). A row is written in the transaction of the command that it guards.
create table if not exists idempotency_keys (
  shard smallint not null,
  scope varchar(255) not null,
  \`key\` varchar(255) not null,
  fingerprint varbinary(64) not null,
  operation_id varchar(255),
  lease_until datetime(6),
  response_status smallint,
  response_body json,
  created_at datetime(6) not null,
  -- Answers that are kept for commands on a customer; erasing him empties them.
  customer_operation varchar(255) generated always as
    (case when operation_id like 'customer:%' then operation_id end) virtual,
  primary key (shard, scope, \`key\`),
  key idempotency_keys_created (created_at),
  key idempotency_keys_customer (customer_operation)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- One row per log and shard: the number of the last event.
create table if not exists log_head (
  shard smallint not null,
  log varchar(16) not null,
  last_event_id bigint not null,
  primary key (shard, log)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- A projection folds one log into a read model. Readers see the rows of its live generation only.
create table if not exists projections (
  name varchar(64) not null primary key,
  log varchar(16) not null,
  version int not null,
  live_generation int not null,
  building_generation int,
  building_version int,
  updated_at datetime(6) not null
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists projection_checkpoints (
  shard smallint not null,
  projection varchar(64) not null,
  generation int not null,
  last_event_id bigint not null,
  updated_at datetime(6) not null,
  primary key (shard, projection, generation)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Streams set aside because one of their events could not be folded; from_event_id is the first one left out.
create table if not exists projection_quarantine (
  shard smallint not null,
  projection varchar(64) not null,
  generation int not null,
  stream_id varchar(255) not null,
  from_event_id bigint not null,
  reason mediumtext not null,
  quarantined_at datetime(6) not null,
  primary key (shard, projection, generation, stream_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
` },
  { version: 2, name: 'follows', sql: `-- The follow graph.

create table if not exists follows (
  follower_id varchar(64) not null,
  followee_id varchar(64) not null,
  since datetime(6) not null,
  primary key (follower_id, followee_id),
  unique key follows_followers (followee_id, follower_id),
  key follows_by_time (followee_id, since desc, follower_id),
  constraint follows_others check (follower_id <> followee_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Ended follows whose earlier posts, up to a moment, stay in the timeline.
create table if not exists kept_follows (
  follower_id varchar(64) not null,
  followee_id varchar(64) not null,
  until datetime(6) not null,
  primary key (follower_id, followee_id),
  key kept_follows_followee (followee_id, until)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Follows whose followee's earlier posts are not in the follower's timeline yet (done_at null), or have got there lately:
-- those are done again when the timelines' store has lost its last writes.
create table if not exists follow_backfills (
  follower_id varchar(64) not null,
  followee_id varchar(64) not null,
  since datetime(6) not null,
  done_at datetime(6),
  primary key (follower_id, followee_id),
  key follow_backfills_due (done_at, since),
  key follow_backfills_followee (followee_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists blocks (
  user_id varchar(64) not null,
  other_id varchar(64) not null,
  since datetime(6) not null,
  primary key (user_id, other_id),
  key blocks_other (other_id, user_id),
  constraint blocks_others check (user_id <> other_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists mutes (
  user_id varchar(64) not null,
  other_id varchar(64) not null,
  since datetime(6) not null,
  primary key (user_id, other_id),
  key mutes_other (other_id, user_id),
  constraint mutes_others check (user_id <> other_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
` },
  { version: 3, name: 'orders', sql: `-- The catalogue, stock, customers, and orders with their history.
-- There are no foreign keys: each placement checks the version of what it refers to. Money is in minor units.

create table if not exists products (
  product_id varchar(64) not null primary key,
  sku varchar(200) not null,
  name varchar(200) not null,
  category varchar(200) not null,
  price bigint not null,
  currency varchar(3) not null,
  -- Prices in other currencies, {"EUR": 1800}.
  prices json not null,
  active boolean not null,
  version int not null,
  created_at datetime(6) not null,
  updated_at datetime(6) not null,
  unique key products_sku_key (sku),
  key products_by_category (category, product_id),
  constraint products_price_check check (price >= 0)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Every price a product has had, by currency; version is that of the product from which on it held. No price: from
-- then on it was not sold in this currency.
create table if not exists product_prices (
  product_id varchar(64) not null,
  version int not null,
  currency varchar(3) not null,
  price bigint,
  valid_from datetime(6) not null,
  actor varchar(255) not null,
  primary key (product_id, version, currency),
  constraint product_prices_price_check check (price >= 0)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
drop trigger if exists product_prices_no_update;
create trigger product_prices_no_update before update on product_prices for each row
  signal sqlstate '45000' set message_text = 'product_prices is append-only: update refused';
drop trigger if exists product_prices_no_delete;
create trigger product_prices_no_delete before delete on product_prices for each row
  signal sqlstate '45000' set message_text = 'product_prices is append-only: delete refused';

create table if not exists locations (
  location_id varchar(64) not null primary key,
  name varchar(200) not null,
  priority int not null,
  active boolean not null,
  created_at datetime(6) not null
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
insert into locations (location_id, name, priority, active, created_at) values ('main', 'Main', 0, true, utc_timestamp(6))
  on duplicate key update location_id = location_id;

-- Narrow rows: a hot product's row is rewritten with each batch of orders.
create table if not exists stock_levels (
  product_id varchar(64) not null,
  location_id varchar(64) not null,
  on_hand bigint not null,
  reserved bigint not null,
  updated_at datetime(6) not null,
  primary key (product_id, location_id),
  constraint stock_levels_check check (reserved >= 0 and reserved <= on_hand)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Why stock_levels is what it is: their sums are equal. The source of a move is an order (with its version), a cart
-- hold (1 when it took the units, 2 when it gave them back or an order took them over), or an adjustment by hand (an id
-- of its own, version 0).
create table if not exists stock_moves (
  product_id varchar(64) not null,
  location_id varchar(64) not null,
  source_id bigint not null,
  version int not null,
  kind varchar(16) not null,
  on_hand_delta bigint not null,
  reserved_delta bigint not null,
  actor varchar(255) not null,
  moved_at datetime(6) not null,
  primary key (product_id, source_id, version, location_id),
  constraint stock_moves_kind_check
    check (kind in ('adjust', 'hold', 'unhold', 'reserve', 'release', 'ship', 'return'))
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
drop trigger if exists stock_moves_no_update;
create trigger stock_moves_no_update before update on stock_moves for each row
  signal sqlstate '45000' set message_text = 'stock_moves is append-only: update refused';
drop trigger if exists stock_moves_no_delete;
create trigger stock_moves_no_delete before delete on stock_moves for each row
  signal sqlstate '45000' set message_text = 'stock_moves is append-only: delete refused';

-- Cart holds: units that are reserved until they are ordered, given back, or the time is over.
create table if not exists stock_reservations (
  reservation_id bigint not null primary key,
  status varchar(16) not null,
  order_id bigint,
  actor varchar(255) not null,
  created_at datetime(6) not null,
  expires_at datetime(6) not null,
  key stock_reservations_due (status, expires_at),
  constraint stock_reservations_status_check check (status in ('held', 'ordered', 'released', 'expired')),
  constraint stock_reservations_check check ((order_id is not null) = (status = 'ordered'))
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists stock_reservation_items (
  reservation_id bigint not null,
  product_id varchar(64) not null,
  location_id varchar(64) not null,
  quantity bigint not null,
  primary key (reservation_id, product_id, location_id),
  constraint stock_reservation_items_check check (quantity > 0)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- A row outlives the person it names: erasing empties name and e-mail, and orders keep their customer_id.
create table if not exists customers (
  customer_id varchar(64) not null primary key,
  name varchar(200),
  email varchar(254),
  guest boolean not null,
  version int not null,
  created_at datetime(6) not null,
  erased_at datetime(6)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists addresses (
  customer_id varchar(64) not null,
  address_id varchar(64) not null,
  name varchar(200),
  line1 varchar(200),
  line2 varchar(200),
  city varchar(200) not null,
  region varchar(200),
  postal_code varchar(200),
  country varchar(200) not null,
  created_at datetime(6) not null,
  primary key (customer_id, address_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- The shard is part of order_id too (see core/ids.ts). order_number is the caller's name of an order, unique in its
-- shard: an import takes shard = hash of the number. name, address and billing are snapshots of the moment of the order.
-- Totals are those of everything that was bought; cancelled_total and returned_total (gross) say what was taken back.
create table if not exists orders (
  shard smallint not null,
  order_id bigint not null,
  order_number varchar(200) not null,
  customer_id varchar(64) not null,
  customer_name varchar(200),
  order_date datetime(6) not null,
  time_zone varchar(64) not null,
  business_day date not null,
  status varchar(16) not null,
  payment_status varchar(24) not null,
  fulfillment_status varchar(24) not null,
  currency varchar(3) not null,
  prices_include_tax boolean not null,
  subtotal bigint not null,
  discount_total bigint not null,
  shipping_total bigint not null,
  shipping_tax bigint not null,
  tax_total bigint not null,
  total_price bigint not null,
  cancelled_total bigint not null,
  returned_total bigint not null,
  shipping_taken_back boolean not null,
  paid_total bigint not null,
  refunded_total bigint not null,
  -- Of refunded_total, what was not due: given back as a courtesy.
  goodwill_total bigint not null default 0,
  adjustments json not null,
  tax_rules json not null,
  shipping_address_id varchar(64),
  shipping_address json not null,
  shipping_country varchar(200) not null,
  shipping_region varchar(200),
  shipping_city varchar(200) not null,
  billing json,
  gift json,
  note varchar(1000),
  metadata json not null,
  origin varchar(8) not null,
  version int not null,
  -- The hash of the last entry of the order's history.
  history_hash varbinary(64) not null,
  updated_at datetime(6) not null,
  primary key (shard, order_id),
  unique key orders_shard_order_number_key (shard, order_number),
  -- All orders in the order of time, of all shards.
  key orders_by_id (order_id),
  key orders_by_customer (customer_id, order_id),
  -- Lists of orders; order_id stands for time.
  key orders_by_status (status, order_id),
  key orders_by_payment_status (payment_status, order_id),
  key orders_by_fulfillment_status (fulfillment_status, order_id),
  constraint orders_status_check check (status in ('PENDING', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
  constraint orders_payment_status_check check (payment_status in
    ('unpaid', 'partially_paid', 'paid', 'refund_due', 'partially_refunded', 'refunded')),
  constraint orders_fulfillment_status_check check (fulfillment_status in
    ('unfulfilled', 'partially_shipped', 'shipped', 'delivered', 'partially_returned', 'returned', 'cancelled')),
  constraint orders_totals_check check (subtotal >= 0 and discount_total >= 0 and shipping_total >= 0
    and shipping_tax >= 0 and tax_total >= 0 and cancelled_total >= 0 and returned_total >= 0),
  constraint orders_goodwill_check check (goodwill_total >= 0 and goodwill_total <= refunded_total),
  constraint orders_origin_check check (origin in ('api', 'import')),
  constraint orders_version_check check (version > 0),
  constraint orders_total_price_check check (total_price = subtotal + shipping_total + tax_total),
  constraint orders_taken_back_check check (cancelled_total + returned_total <= total_price),
  constraint orders_refunded_check check (refunded_total >= 0 and refunded_total <= paid_total),
  constraint orders_cancelled_check check ((status = 'CANCELLED') = (fulfillment_status = 'cancelled')),
  -- Whatever a program does: nothing leaves the house that is not paid.
  constraint orders_paid_before_shipped
    check (status not in ('SHIPPED', 'DELIVERED')
      or paid_total - refunded_total + goodwill_total >= total_price - cancelled_total - returned_total)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- What was bought is never changed; the quantities at the end tell what became of it.
create table if not exists order_line_items (
  shard smallint not null,
  order_id bigint not null,
  line_no int not null,
  line_item_id varchar(40) generated always as (concat(order_id, '-', line_no)) stored,
  product_id varchar(64) not null,
  location_id varchar(64) not null,
  sku varchar(200) not null,
  product_name varchar(200) not null,
  product_category varchar(200) not null,
  quantity int not null,
  price_at_time_of_purchase bigint not null,
  discount bigint not null,
  tax_included bigint not null,
  amount bigint not null,
  tax bigint not null,
  quantity_shipped int not null default 0,
  quantity_cancelled int not null default 0,
  quantity_returned int not null default 0,
  primary key (shard, order_id, line_no),
  constraint order_line_items_signs_check check (line_no > 0 and quantity > 0 and price_at_time_of_purchase >= 0
    and discount >= 0 and tax_included >= 0 and amount >= 0 and tax >= tax_included),
  constraint order_line_items_amount_check
    check (amount = price_at_time_of_purchase * quantity - discount - tax_included),
  constraint order_line_items_quantities_check check (quantity_shipped >= 0 and quantity_cancelled >= 0
    and quantity_shipped + quantity_cancelled <= quantity),
  constraint order_line_items_returned_check check (quantity_returned >= 0 and quantity_returned <= quantity_shipped)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists order_shipments (
  shard smallint not null,
  order_id bigint not null,
  shipment_no int not null,
  -- [{"line_no": 1, "quantity": 2}]
  \`lines\` json not null,
  carrier varchar(200),
  tracking_number varchar(200),
  tracking_url varchar(2048),
  shipped_at datetime(6) not null,
  delivered_at datetime(6),
  primary key (shard, order_id, shipment_no),
  constraint order_shipments_no_check check (shipment_no > 0)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- The addresses that an order had before: each until the change that made version until_version.
create table if not exists order_addresses (
  shard smallint not null,
  order_id bigint not null,
  until_version int not null,
  shipping_address_id varchar(64),
  shipping_address json not null,
  primary key (shard, order_id, until_version)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- The log of orders. version = orders.version after the event, so it is dense, and no two writers can make the same one.
-- hash binds each entry to the one before (orders/model/chain.ts).
create table if not exists order_history (
  shard smallint not null,
  event_id bigint not null,
  order_id bigint not null,
  version int not null,
  timestamp datetime(6) not null,
  event_type varchar(64) not null,
  actor varchar(255) not null,
  request_id varchar(255),
  details json not null,
  hash varbinary(64) not null,
  primary key (shard, event_id),
  unique key order_history_version_key (shard, order_id, version)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
drop trigger if exists order_history_no_update;
create trigger order_history_no_update before update on order_history for each row
  signal sqlstate '45000' set message_text = 'order_history is append-only: update refused';
drop trigger if exists order_history_no_delete;
create trigger order_history_no_delete before delete on order_history for each row
  signal sqlstate '45000' set message_text = 'order_history is append-only: delete refused';

-- What each payment has brought to an order so far.
create table if not exists order_payments (
  shard smallint not null,
  order_id bigint not null,
  payment_intent_id varchar(255) not null,
  captured bigint not null,
  refunded bigint not null,
  primary key (shard, order_id, payment_intent_id),
  constraint order_payments_check check (refunded >= 0 and refunded <= captured)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- The five legal edges. A change that is no row here is refused, whoever asks.
create table if not exists order_transitions (
  from_status varchar(16) not null,
  to_status varchar(16) not null,
  primary key (from_status, to_status)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
insert into order_transitions (from_status, to_status) values
  ('PENDING', 'PAID'), ('PENDING', 'CANCELLED'), ('PAID', 'SHIPPED'), ('PAID', 'CANCELLED'), ('SHIPPED', 'DELIVERED')
  on duplicate key update from_status = from_status;

drop trigger if exists orders_start;
create trigger orders_start before insert on orders for each row
  if new.status <> 'PENDING' and new.origin <> 'import' then
    signal sqlstate '45000' set message_text = 'an order starts as PENDING';
  end if;
drop trigger if exists orders_transition;
create trigger orders_transition before update on orders for each row
  if new.status <> old.status then
    if not exists (select 1 from order_transitions t where t.from_status = old.status and t.to_status = new.status) then
      signal sqlstate '45000' set message_text = 'an order can\\'t go from this status to that one';
    end if;
    if new.status = 'PAID' and new.paid_total - new.refunded_total + new.goodwill_total
        < new.total_price - new.cancelled_total - new.returned_total then
      signal sqlstate '45000' set message_text = 'an order can\\'t become PAID with something left to pay';
    end if;
  end if;

-- Nor can units leave an order that is not paid, or is cancelled.
drop trigger if exists order_line_items_shipped;
create trigger order_line_items_shipped before update on order_line_items for each row
  if new.quantity_shipped > old.quantity_shipped and not exists (select 1 from orders o
    where o.shard = new.shard and o.order_id = new.order_id and o.status in ('PAID', 'SHIPPED')
      and o.paid_total - o.refunded_total + o.goodwill_total
        >= o.total_price - o.cancelled_total - o.returned_total) then
    signal sqlstate '45000' set message_text = 'a line can\\'t be shipped before the order is paid';
  end if;
` },
  { version: 4, name: 'sales_report', sql: `-- The sales report: facts, rollups of them, and what is archived.

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
` },
  { version: 5, name: 'order_search', sql: `-- Words under which orders are found, newest first: a projection of the log of orders, so that placing stays fast.
create table if not exists order_search (
  generation int not null,
  token varchar(255) not null,
  order_id bigint not null,
  shard smallint not null,
  primary key (generation, token, order_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- The same by order: what has to go when the order changes; words is a list of texts.
create table if not exists order_search_words (
  generation int not null,
  order_id bigint not null,
  words json not null,
  primary key (generation, order_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
` },
  { version: 6, name: 'report_facts_lists', sql: `-- Lists of the facts behind a sum of the sales report, by the last day first. Neither server can leave out an index that is
-- there already in the other's words, so each is made unless it is known.
set @make_index = if(
  exists (
    select 1 from information_schema.statistics
    where table_schema = database() and table_name = 'daily_sales_report_gen' and index_name = 'daily_sales_report_cell'),
  'do 0',
  'create index daily_sales_report_cell on daily_sales_report_gen
    (generation, product_category, shipping_city, sale_day)');
prepare make_index from @make_index;
execute make_index;
deallocate prepare make_index;

set @make_index = if(
  exists (
    select 1 from information_schema.statistics
    where table_schema = database() and table_name = 'daily_sales_report_gen' and index_name = 'daily_sales_report_product'),
  'do 0',
  'create index daily_sales_report_product on daily_sales_report_gen (generation, product_id, sale_day)');
prepare make_index from @make_index;
execute make_index;
deallocate prepare make_index;
` },
]
