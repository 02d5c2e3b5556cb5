-- The catalogue, stock, customers, and orders with their history.
-- There are no foreign keys: a stream lives in one shard of a cluster, the catalogue elsewhere, and each placement checks
-- the version of what it refers to. Money is in minor units.

create table products (
  product_id text primary key,
  sku text not null unique,
  name text not null,
  category text not null,
  price bigint not null check (price >= 0),
  currency text not null,
  -- Prices in other currencies, {"EUR": 1800}.
  prices jsonb not null,
  active boolean not null,
  version int not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index products_by_category on products (category, product_id);

-- Every price a product has had, by currency; version is that of the product from which on it held. No price: from
-- then on it was not sold in this currency.
create table product_prices (
  product_id text not null,
  version int not null,
  currency text not null,
  price bigint check (price >= 0),
  valid_from timestamptz not null,
  actor text not null,
  primary key (product_id, version, currency)
);
create trigger product_prices_append_only before update or delete on product_prices
  for each row execute function refuse_change();
create trigger product_prices_keep before truncate on product_prices execute function refuse_change();

create table locations (
  location_id text primary key,
  name text not null,
  priority int not null,
  active boolean not null,
  created_at timestamptz not null
);
insert into locations (location_id, name, priority, active, created_at) values ('main', 'Main', 0, true, now());

-- Narrow rows with room beside them: a hot product's row is rewritten with each batch of orders.
create table stock_levels (
  product_id text not null,
  location_id text not null,
  on_hand bigint not null,
  reserved bigint not null,
  updated_at timestamptz not null,
  primary key (product_id, location_id),
  check (reserved >= 0 and reserved <= on_hand)
) with (fillfactor = 50);

-- Why stock_levels is what it is: their sums are equal. The source of a move is an order (with its version), a cart
-- hold (1 when it took the units, 2 when it gave them back or an order took them over), or an adjustment by hand (an id
-- of its own, version 0).
create table stock_moves (
  product_id text not null,
  location_id text not null,
  source_id bigint not null,
  version int not null,
  kind text not null check (kind in ('adjust', 'hold', 'unhold', 'reserve', 'release', 'ship', 'return')),
  on_hand_delta bigint not null,
  reserved_delta bigint not null,
  actor text not null,
  moved_at timestamptz not null,
  primary key (product_id, source_id, version, location_id)
);
create trigger stock_moves_append_only before update or delete on stock_moves
  for each row execute function refuse_change();
create trigger stock_moves_keep before truncate on stock_moves execute function refuse_change();

-- Cart holds: units that are reserved until they are ordered, given back, or the time is over.
create table stock_reservations (
  reservation_id bigint primary key,
  status text not null check (status in ('held', 'ordered', 'released', 'expired')),
  order_id bigint,
  actor text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  check ((order_id is not null) = (status = 'ordered'))
) with (fillfactor = 85);
create index stock_reservations_due on stock_reservations (status, expires_at);

create table stock_reservation_items (
  reservation_id bigint not null,
  product_id text not null,
  location_id text not null,
  quantity bigint not null check (quantity > 0),
  primary key (reservation_id, product_id, location_id)
);

-- A row outlives the person it names: erasing empties name and e-mail, and orders keep their customer_id.
create table customers (
  customer_id text primary key,
  name text,
  email text,
  guest boolean not null,
  version int not null,
  created_at timestamptz not null,
  erased_at timestamptz
);

create table addresses (
  customer_id text not null,
  address_id text not null,
  name text,
  line1 text,
  line2 text,
  city text not null,
  region text,
  postal_code text,
  country text not null,
  created_at timestamptz not null,
  primary key (customer_id, address_id)
);

-- The shard is part of order_id too (see core/ids.ts). order_number is the caller's name of an order, unique in its
-- shard: an import takes shard = hash of the number. name, address and billing are snapshots of the moment of the order.
-- Totals are those of everything that was bought; cancelled_total and returned_total (gross) say what was taken back.
create table orders (
  shard smallint not null,
  order_id bigint not null,
  order_number text not null,
  customer_id text not null,
  customer_name text,
  order_date timestamptz not null,
  time_zone text not null,
  business_day date not null,
  status text not null check (status in ('PENDING', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
  payment_status text not null check (payment_status in
    ('unpaid', 'partially_paid', 'paid', 'refund_due', 'partially_refunded', 'refunded')),
  fulfillment_status text not null check (fulfillment_status in
    ('unfulfilled', 'partially_shipped', 'shipped', 'delivered', 'partially_returned', 'returned', 'cancelled')),
  currency text not null,
  prices_include_tax boolean not null,
  subtotal bigint not null check (subtotal >= 0),
  discount_total bigint not null check (discount_total >= 0),
  shipping_total bigint not null check (shipping_total >= 0),
  shipping_tax bigint not null check (shipping_tax >= 0),
  tax_total bigint not null check (tax_total >= 0),
  total_price bigint not null,
  cancelled_total bigint not null check (cancelled_total >= 0),
  returned_total bigint not null check (returned_total >= 0),
  shipping_taken_back boolean not null,
  paid_total bigint not null,
  refunded_total bigint not null,
  -- Of refunded_total, what was not due: given back as a courtesy.
  goodwill_total bigint not null default 0 check (goodwill_total >= 0 and goodwill_total <= refunded_total),
  adjustments jsonb not null,
  tax_rules jsonb not null,
  shipping_address_id text,
  shipping_address jsonb not null,
  shipping_country text not null,
  shipping_region text,
  shipping_city text not null,
  billing jsonb,
  gift jsonb,
  note text,
  metadata jsonb not null,
  origin text not null check (origin in ('api', 'import')),
  version int not null check (version > 0),
  -- The hash of the last entry of the order's history.
  history_hash bytea not null,
  updated_at timestamptz not null,
  primary key (shard, order_id),
  unique (shard, order_number),
  check (total_price = subtotal + shipping_total + tax_total),
  check (cancelled_total + returned_total <= total_price),
  check (refunded_total >= 0 and refunded_total <= paid_total),
  check ((status = 'CANCELLED') = (fulfillment_status = 'cancelled')),
  -- Whatever a program does: nothing leaves the house that is not paid.
  constraint orders_paid_before_shipped
    check (status not in ('SHIPPED', 'DELIVERED')
      or paid_total - refunded_total + goodwill_total >= total_price - cancelled_total - returned_total)
) with (fillfactor = 85);
create index orders_by_customer on orders (customer_id, order_id);
create index orders_by_status on orders (status, order_id);

-- What was bought is never changed; the quantities at the end tell what became of it.
create table order_line_items (
  shard smallint not null,
  order_id bigint not null,
  line_no int not null check (line_no > 0),
  line_item_id text not null generated always as (order_id::text || '-' || line_no::text) stored,
  product_id text not null,
  location_id text not null,
  sku text not null,
  product_name text not null,
  product_category text not null,
  quantity int not null check (quantity > 0),
  price_at_time_of_purchase bigint not null check (price_at_time_of_purchase >= 0),
  discount bigint not null check (discount >= 0),
  tax_included bigint not null check (tax_included >= 0),
  amount bigint not null check (amount >= 0),
  tax bigint not null check (tax >= tax_included),
  quantity_shipped int not null default 0,
  quantity_cancelled int not null default 0,
  quantity_returned int not null default 0,
  primary key (shard, order_id, line_no),
  check (amount = price_at_time_of_purchase * quantity - discount - tax_included),
  check (quantity_shipped >= 0 and quantity_cancelled >= 0 and quantity_shipped + quantity_cancelled <= quantity),
  check (quantity_returned >= 0 and quantity_returned <= quantity_shipped)
) with (fillfactor = 85);

create table order_shipments (
  shard smallint not null,
  order_id bigint not null,
  shipment_no int not null check (shipment_no > 0),
  -- [{"line_no": 1, "quantity": 2}]
  lines jsonb not null,
  carrier text,
  tracking_number text,
  tracking_url text,
  shipped_at timestamptz not null,
  delivered_at timestamptz,
  primary key (shard, order_id, shipment_no)
);

-- The addresses that an order had before: each until the change that made version until_version.
create table order_addresses (
  shard smallint not null,
  order_id bigint not null,
  until_version int not null,
  shipping_address_id text,
  shipping_address jsonb not null,
  primary key (shard, order_id, until_version)
);

-- The log of orders. version = orders.version after the event, so it is dense, and no two writers can make the same one.
-- hash binds each entry to the one before (orders/model/chain.ts).
create table order_history (
  shard smallint not null,
  event_id bigint not null,
  order_id bigint not null,
  version int not null,
  timestamp timestamptz not null,
  event_type text not null,
  actor text not null,
  request_id text,
  details jsonb not null,
  hash bytea not null,
  primary key (shard, event_id),
  unique (shard, order_id, version)
);
create trigger order_history_append_only before update or delete on order_history
  for each row execute function refuse_change();
create trigger order_history_keep before truncate on order_history execute function refuse_change();

-- What each payment has brought to an order so far.
create table order_payments (
  shard smallint not null,
  order_id bigint not null,
  payment_intent_id text not null,
  captured bigint not null,
  refunded bigint not null,
  primary key (shard, order_id, payment_intent_id),
  check (refunded >= 0 and refunded <= captured)
);

-- The five legal edges. A change that is no row here is refused, whoever asks.
create table order_transitions (
  from_status text not null,
  to_status text not null,
  primary key (from_status, to_status)
);
insert into order_transitions (from_status, to_status) values
  ('PENDING', 'PAID'), ('PENDING', 'CANCELLED'), ('PAID', 'SHIPPED'), ('PAID', 'CANCELLED'), ('SHIPPED', 'DELIVERED');

create function guard_order_status() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    raise exception 'an order starts as PENDING, not as %', new.status using errcode = 'restrict_violation';
  end if;
  if not exists (select 1 from order_transitions t where t.from_status = old.status and t.to_status = new.status) then
    raise exception 'order % can''t go from % to %', new.order_id, old.status, new.status
      using errcode = 'restrict_violation';
  end if;
  if new.status = 'PAID' and new.paid_total - new.refunded_total + new.goodwill_total
      < new.total_price - new.cancelled_total - new.returned_total then
    raise exception 'order % can''t become PAID with something left to pay', new.order_id
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger orders_start before insert on orders for each row
  when (new.status <> 'PENDING' and new.origin <> 'import') execute function guard_order_status();
create trigger orders_transition before update on orders for each row
  when (new.status <> old.status) execute function guard_order_status();

-- Nor can units leave an order that is not paid, or is cancelled.
create function guard_shipped_units() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from orders o
    where o.shard = new.shard and o.order_id = new.order_id and o.status in ('PAID', 'SHIPPED')
      and o.paid_total - o.refunded_total + o.goodwill_total
        >= o.total_price - o.cancelled_total - o.returned_total) then
    raise exception 'line % of order % can''t be shipped before the order is paid', new.line_no, new.order_id
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger order_line_items_shipped before update on order_line_items for each row
  when (new.quantity_shipped > old.quantity_shipped) execute function guard_shipped_units();
