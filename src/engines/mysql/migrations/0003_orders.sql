-- The catalogue, stock, customers, and orders with their history.
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
  `lines` json not null,
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
      signal sqlstate '45000' set message_text = 'an order can\'t go from this status to that one';
    end if;
    if new.status = 'PAID' and new.paid_total - new.refunded_total + new.goodwill_total
        < new.total_price - new.cancelled_total - new.returned_total then
      signal sqlstate '45000' set message_text = 'an order can\'t become PAID with something left to pay';
    end if;
  end if;

-- Nor can units leave an order that is not paid, or is cancelled.
drop trigger if exists order_line_items_shipped;
create trigger order_line_items_shipped before update on order_line_items for each row
  if new.quantity_shipped > old.quantity_shipped and not exists (select 1 from orders o
    where o.shard = new.shard and o.order_id = new.order_id and o.status in ('PAID', 'SHIPPED')
      and o.paid_total - o.refunded_total + o.goodwill_total
        >= o.total_price - o.cancelled_total - o.returned_total) then
    signal sqlstate '45000' set message_text = 'a line can\'t be shipped before the order is paid';
  end if;
