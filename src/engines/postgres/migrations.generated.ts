// Generated from migrations/*.sql by "npm run gen"; do not edit.
import type { Migration } from '../sql/migrate.ts'

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'foundation', sql: `-- What every model stands on: node ids, API keys, idempotency keys, the log, projections, the queue.

-- One row per running process: the node part of the ids it makes.
create table id_nodes (
  node smallint primary key check (node between 0 and 63),
  owner text not null,
  leased_until timestamptz not null
);

create table api_keys (
  key_id text primary key,
  key_hash bytea not null unique,
  name text not null,
  scopes text[] not null,
  created_at timestamptz not null,
  revoked_at timestamptz
);

-- Scope is the caller (API key). A row is written in the transaction of the command that it guards.
create table idempotency_keys (
  shard smallint not null,
  scope text not null,
  key text not null,
  fingerprint bytea not null,
  operation_id text,
  lease_until timestamptz,
  response_status smallint,
  -- Kept as it was sent: it is only ever handed out again.
  response_body json,
  created_at timestamptz not null,
  primary key (shard, scope, key)
);
-- Rows come in the order of time, so a block range index finds the old ones and costs next to nothing to keep.
create index idempotency_keys_created on idempotency_keys using brin (created_at);

-- One row per log and shard: the number of the last event. Pages stay nearly empty, so that updates stay heap-only.
create table log_head (
  shard smallint not null,
  log text not null,
  last_event_id bigint not null,
  primary key (shard, log)
) with (fillfactor = 10);

-- A projection folds one log into a read model. Readers see the rows of its live generation only.
create table projections (
  name text primary key,
  log text not null,
  version int not null,
  live_generation int not null,
  building_generation int,
  building_version int,
  updated_at timestamptz not null
);

create table projection_checkpoints (
  shard smallint not null,
  projection text not null,
  generation int not null,
  last_event_id bigint not null,
  updated_at timestamptz not null,
  primary key (shard, projection, generation)
) with (fillfactor = 50);

-- Streams set aside because one of their events could not be folded; from_event_id is the first one left out.
create table projection_quarantine (
  shard smallint not null,
  projection text not null,
  generation int not null,
  stream_id text not null,
  from_event_id bigint not null,
  reason text not null,
  quarantined_at timestamptz not null,
  primary key (shard, projection, generation, stream_id)
);

-- Work to do. attempt counts claims, so it also tells an old holder of a message from the present one. visible_at is when
-- it may be claimed: later while it waits for its next try, or while somebody holds it (claimed).
-- payload is json, not jsonb: it is never looked into here, and what was published comes out unchanged.
create table queue_messages (
  message_id bigint primary key,
  topic text not null,
  lane text not null check (lane in ('small', 'bulk')),
  key text not null,
  payload json not null,
  attempt int not null default 0,
  claimed boolean not null default false,
  visible_at timestamptz not null,
  last_error text,
  published_at timestamptz not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
create index queue_messages_due on queue_messages (topic, lane, visible_at, message_id);

create table queue_dead_letters (
  message_id bigint primary key,
  topic text not null,
  lane text not null,
  key text not null,
  payload json not null,
  attempts int not null,
  reason text not null,
  published_at timestamptz not null,
  died_at timestamptz not null
);
create index queue_dead_letters_topic on queue_dead_letters (topic, message_id);

-- Refuses any change of what is written for good; used by the triggers of the event tables.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;
` },
  { version: 2, name: 'social', sql: `-- Users, the follow graph, posts with likes and comments, the ledger of the fan-out, home timelines.
-- Ids that people choose are compared byte by byte ("C"), so that a range of keys means the same everywhere.
-- No foreign keys between users, graph, posts and timelines: each of the four may live on another engine.

create table users (
  user_id text collate "C" primary key,
  -- Null while the user is being erased.
  handle text,
  name text not null,
  created_at timestamptz not null,
  idempotency_scope text,
  idempotency_key text,
  fingerprint bytea,
  notifications_seen_at timestamptz,
  erasing_at timestamptz,
  unique (idempotency_scope, idempotency_key)
);
create unique index users_handle on users (lower(handle));
create index users_erasing on users (erasing_at) where erasing_at is not null;

create table follows (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  since timestamptz not null,
  primary key (follower_id, followee_id),
  check (follower_id <> followee_id)
);
create unique index follows_followers on follows (followee_id, follower_id);
create index follows_by_time on follows (followee_id, since desc, follower_id);

-- Ended follows whose earlier posts, up to a moment, stay in the timeline.
create table kept_follows (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  until timestamptz not null,
  primary key (follower_id, followee_id)
);
create index kept_follows_followee on kept_follows (followee_id, until);

-- Follows whose followee's earlier posts are not in the follower's timeline yet (done_at null), or have got there lately:
-- those are done again when the timelines' store has lost its last writes.
create table follow_backfills (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  since timestamptz not null,
  done_at timestamptz,
  primary key (follower_id, followee_id)
);
create index follow_backfills_pending on follow_backfills (since) where done_at is null;
create index follow_backfills_done on follow_backfills (done_at) where done_at is not null;
create index follow_backfills_followee on follow_backfills (followee_id);

create table blocks (
  user_id text collate "C" not null,
  other_id text collate "C" not null,
  since timestamptz not null,
  primary key (user_id, other_id),
  check (user_id <> other_id)
);
create index blocks_other on blocks (other_id, user_id);

create table mutes (
  user_id text collate "C" not null,
  other_id text collate "C" not null,
  since timestamptz not null,
  primary key (user_id, other_id),
  check (user_id <> other_id)
);
create index mutes_other on mutes (other_id, user_id);

create table posts (
  post_id bigint primary key,
  user_id text collate "C" not null,
  content jsonb not null,
  visibility text not null check (visibility in ('public', 'followers')),
  -- How it reaches the timelines; fixed when it is published.
  mode text not null check (mode in ('push', 'pull')),
  timestamp timestamptz not null,
  like_count bigint not null default 0 check (like_count >= 0),
  comment_count bigint not null default 0 check (comment_count >= 0),
  -- The post that this one passes on: as a repost when it has no content of its own, else as a quote.
  repost_of bigint,
  repost_count bigint not null default 0 check (repost_count >= 0),
  -- Raised by each edit.
  version int not null default 1,
  edited_at timestamptz,
  -- True when post_mentions may have rows for it.
  mentioning boolean not null default false,
  idempotency_key text,
  fingerprint bytea,
  -- A deleted post keeps its row, emptied, so that its idempotency key stays used.
  deleted_at timestamptz,
  -- True while a deleted post still has likes or comments to clear away.
  leftovers boolean not null default false,
  unique (user_id, idempotency_key)
) with (fillfactor = 85);
create index posts_of_author on posts (user_id, post_id desc);
create index posts_of_outbox on posts (user_id, post_id desc) where mode = 'pull';
-- A user reposts a post once.
create unique index posts_reposted_once on posts (user_id, repost_of)
  where repost_of is not null and content = '{}' and deleted_at is null;
create index posts_reposts on posts (repost_of, post_id) where repost_of is not null;
create index posts_leftovers on posts (post_id) where leftovers;

-- What edited posts said before.
create table post_versions (
  post_id bigint not null,
  version int not null,
  content jsonb not null,
  written_at timestamptz not null,
  replaced_at timestamptz not null,
  primary key (post_id, version)
);

create table post_mentions (
  user_id text collate "C" not null,
  post_id bigint not null
);
create unique index post_mentions_of_user on post_mentions (user_id, post_id desc);
create index post_mentions_of_post on post_mentions (post_id);

-- Public posts by hashtag.
create table post_hashtags (
  tag text collate "C" not null,
  post_id bigint not null,
  primary key (tag, post_id)
);
create index post_hashtags_of_post on post_hashtags (post_id);

create table post_likes (
  post_id bigint not null,
  user_id text collate "C" not null,
  since timestamptz not null,
  -- By user first: a hot post then writes all over this index and at the end of the other.
  primary key (user_id, post_id)
);
create index post_likes_by_time on post_likes (post_id, since desc, user_id);

create table comments (
  comment_id bigint primary key,
  post_id bigint not null,
  user_id text collate "C" not null,
  text text not null,
  timestamp timestamptz not null,
  idempotency_key text,
  fingerprint bytea,
  unique (user_id, idempotency_key)
);
create index comments_of_post on comments (post_id, comment_id);
create index comments_of_user on comments (user_id, comment_id);
create index comments_by_time on comments (post_id, timestamp desc, user_id);

-- How many others did something to a post on a UTC day, for the notifications of its author (user_id). Changed only by the
-- statements that write the rows counted, under the lock of the post. A count of 0 says that all was taken back.
create table post_notices (
  post_id bigint not null,
  kind text collate "C" not null check (kind in ('like', 'comment', 'repost')),
  day date not null,
  user_id text collate "C" not null,
  count bigint not null check (count >= 0),
  latest_at timestamptz not null,
  primary key (post_id, kind, day)
) with (fillfactor = 85);
create index post_notices_by_time on post_notices (user_id, latest_at, post_id, kind);

-- The ledger: how far the fan-out of a post has come. followers_scanned = delivered + duplicate + inactive.
create table post_fanouts (
  post_id bigint primary key,
  -- Raised when the fan-out begins anew, after the timelines' store has lost its last writes.
  round int not null default 0,
  planned_chunks int not null default 0,
  planned boolean not null default false,
  planned_up_to text collate "C",
  done_chunks int not null default 0,
  followers_scanned bigint not null default 0,
  delivered bigint not null default 0,
  duplicate bigint not null default 0,
  inactive bigint not null default 0,
  -- When the sweeper looks at it again; each look doubles the wait.
  sweep_at timestamptz not null,
  sweeps int not null default 0,
  done_at timestamptz,
  check (done_chunks <= planned_chunks),
  check (followers_scanned = delivered + duplicate + inactive)
) with (fillfactor = 85);
create index post_fanouts_pending on post_fanouts (sweep_at) where done_at is null;
create index post_fanouts_done on post_fanouts (done_at) where done_at is not null;

-- The chunks that are not done: followers after a key (null: from the start), up to and with another (null: to the end).
create table post_fanout_chunks (
  post_id bigint not null,
  chunk int not null,
  after text collate "C",
  up_to text collate "C",
  primary key (post_id, chunk)
);

-- Authors who have pull posts, which readers merge in.
create table pull_authors (
  user_id text collate "C" primary key,
  since timestamptz(3) not null default clock_timestamp()
);
create index pull_authors_since on pull_authors (since);

-- What the timelines' store last said it was; one row.
create table timeline_incarnation (
  one boolean primary key default true check (one),
  value text not null,
  confirmed_at timestamptz not null
);

-- The timelines that are kept. Whoever has none here is skipped by the fan-out until he reads again.
create table user_feeds (
  user_id text collate "C" primary key,
  -- The transaction that began it: another for each time that it is built.
  epoch bigint not null,
  ready boolean not null,
  -- Entries at or below are not to be read: the page goes on from the posts themselves.
  floor bigint not null,
  -- The newest \`arrived\` of what was cut off; 0 when nothing was.
  cut_arrived bigint not null,
  read_at timestamptz not null
) with (fillfactor = 85);
create index user_feeds_read on user_feeds (read_at);

create table user_feed_timeline (
  user_id text collate "C" not null,
  post_id bigint not null,
  -- The transaction that wrote it (xid8 as a number): what a reader could not see was written by one that was not over.
  arrived bigint not null,
  primary key (user_id, post_id)
);
` },
  { version: 3, name: 'orders', sql: `-- The catalogue, stock, customers, and orders with their history.
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
` },
  { version: 4, name: 'payments', sql: `-- Payments: the events are the truth; the head row is the lock and the limits; the rest is derived or books of calls.

-- Stream head and money limits of one payment. The amounts repeat what the events say, so that no statement whatever,
-- not even one written by hand, can capture more than was authorized or refund more than was captured.
create table payment_intents (
  shard smallint not null,
  payment_intent_id text not null,
  version int not null check (version > 0),
  status text not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  authorized bigint not null,
  capture_pending bigint not null,
  captured bigint not null,
  refund_pending bigint not null,
  refunded bigint not null,
  disputed bigint not null,
  customer_id text,
  order_id text,
  -- When the worker ends what is authorized; whoever is at work on it moves it on.
  expires_at timestamptz,
  -- Hash of the last event.
  hash bytea not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (shard, payment_intent_id),
  constraint payment_intents_not_negative check (
    authorized >= 0 and capture_pending >= 0 and captured >= 0 and refund_pending >= 0 and refunded >= 0
    and disputed >= 0),
  constraint payment_intents_capture_limit check (captured + capture_pending <= authorized),
  constraint payment_intents_refund_limit check (refunded + refund_pending <= captured)
) with (fillfactor = 80);
create index payment_intents_order on payment_intents (order_id) where order_id is not null;
create index payment_intents_expiry on payment_intents (expires_at) where expires_at is not null;

-- The log of payments. A role that writes payments needs: select, insert on payment_events; select, insert, update on
-- payment_intents, payment_operations, idempotency_keys, webhook_inbox, log_head. Nobody needs update or delete here.
create table payment_events (
  shard smallint not null,
  event_id bigint not null,
  payment_intent_id text not null,
  version int not null,
  event_type text not null,
  schema_version smallint not null,
  timestamp timestamptz not null,
  payload jsonb not null,
  op_id text,
  actor text not null,
  prev_hash bytea not null,
  hash bytea not null,
  primary key (shard, payment_intent_id, version),
  unique (shard, event_id)
);
create trigger payment_events_append_only before update or delete or truncate on payment_events
for each statement execute function refuse_change();

-- One row per call to a processor. next_check_at is when the worker looks at it; whoever is at work on it moves it on.
create table payment_operations (
  shard smallint not null,
  op_id text not null,
  payment_intent_id text not null,
  kind text not null,
  amount bigint not null,
  settled bigint not null,
  processor text not null,
  status text not null,
  reference text,
  dispute_id text,
  attempts int not null,
  requested_at timestamptz not null,
  next_check_at timestamptz,
  key_shard smallint,
  key_scope text,
  key text,
  key_op_id text,
  primary key (shard, op_id)
) with (fillfactor = 80);
create index payment_operations_due on payment_operations (next_check_at);
create index payment_operations_payment on payment_operations (payment_intent_id);
create index payment_operations_open on payment_operations (status, op_id) where status not in ('succeeded', 'failed');

-- What processors tell of their own accord, stored before it is applied. It waits while next_attempt_at is set; without
-- applied_at then, it was given up on.
create table webhook_inbox (
  processor text not null,
  event_id text not null,
  event_type text not null,
  subject jsonb,
  -- Encrypted, and forgotten after some days.
  body text,
  received_at timestamptz not null,
  attempts int not null,
  next_attempt_at timestamptz,
  applied_at timestamptz,
  last_error text,
  primary key (processor, event_id)
);
create index webhook_inbox_due on webhook_inbox (next_attempt_at) where next_attempt_at is not null;
create index webhook_inbox_received on webhook_inbox (received_at, processor, event_id);
create index webhook_inbox_bodies on webhook_inbox (received_at) where body is not null and next_attempt_at is null;

-- Keys of persons, each encrypted under a master key that is not here. Destroying one erases what is under it.
create table personal_keys (
  key_id text primary key,
  subject text not null,
  master_key_id text not null,
  wrapped bytea,
  created_at timestamptz not null,
  destroyed_at timestamptz
);
create unique index personal_keys_living on personal_keys (subject) where destroyed_at is null;

-- Read models: one projection, payment_view, folds them all.
create table payment_view_gen (
  generation int not null,
  shard smallint not null,
  payment_intent_id text not null,
  version int not null,
  status text not null,
  currency text not null,
  amount bigint not null,
  authorized bigint not null,
  captured bigint not null,
  refunded bigint not null,
  disputed bigint not null,
  customer_id text,
  order_id text,
  processor text not null,
  -- Only programs look into it, so it is kept as it comes.
  state json not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (generation, shard, payment_intent_id)
) with (fillfactor = 80);

create view payment_view as
select shard, payment_intent_id, version, status, currency, amount, authorized, captured, refunded, disputed, customer_id,
  order_id, processor, state, created_at, updated_at
from payment_view_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- Amounts are in minor units and not signed: the type tells the direction.
create table customer_transactions_gen (
  generation int not null,
  customer_id text not null,
  timestamp timestamptz not null,
  payment_intent_id text not null,
  version int not null,
  event_type text not null,
  amount bigint not null,
  currency text not null,
  order_id text,
  primary key (generation, customer_id, timestamp, payment_intent_id, version)
);
create index customer_transactions_payment on customer_transactions_gen (generation, payment_intent_id, version);

create view customer_transactions as
select customer_id, timestamp, payment_intent_id, version, event_type, amount, currency, order_id
from customer_transactions_gen
where generation = (select live_generation from projections where name = 'payment_view');

create table payment_disputes_gen (
  generation int not null,
  shard smallint not null,
  payment_intent_id text not null,
  dispute_id text not null,
  processor text not null,
  customer_id text,
  order_id text,
  amount bigint not null,
  currency text not null,
  reason text not null,
  status text not null,
  -- infinity where the processor named no time, so that those come last.
  evidence_due_by timestamptz not null,
  opened_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (generation, shard, payment_intent_id, dispute_id)
) with (fillfactor = 80);
create index payment_disputes_due on payment_disputes_gen (
  generation, status, evidence_due_by, payment_intent_id, dispute_id);

create view payment_disputes as
select shard, payment_intent_id, dispute_id, processor, customer_id, order_id, amount, currency, reason, status,
  evidence_due_by, opened_at, updated_at
from payment_disputes_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- Double entry: debits are positive, credits negative, and the lines of one event add up to 0.
create table ledger_entries_gen (
  generation int not null,
  shard smallint not null,
  event_id bigint not null,
  line smallint not null,
  payment_intent_id text not null,
  account text not null,
  currency text not null,
  amount bigint not null,
  timestamp timestamptz not null,
  primary key (generation, payment_intent_id, event_id, line)
);
create index ledger_entries_account on ledger_entries_gen (generation, account, timestamp, shard, event_id, line);

create view ledger_entries as
select shard, event_id, line, payment_intent_id, account, currency, amount, timestamp
from ledger_entries_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- One row per shard, so that shards are folded side by side; whoever reads adds them up.
create table ledger_balances_gen (
  generation int not null,
  shard smallint not null,
  account text not null,
  currency text not null,
  debit numeric(38) not null,
  credit numeric(38) not null,
  primary key (generation, shard, account, currency)
) with (fillfactor = 80);

create view ledger_balances as
select shard, account, currency, debit, credit
from ledger_balances_gen
where generation = (select live_generation from projections where name = 'payment_view');

create table payment_daily_gen (
  generation int not null,
  shard smallint not null,
  day date not null,
  currency text not null,
  processor text not null,
  created bigint not null,
  authorized bigint not null,
  declined bigint not null,
  captures bigint not null,
  captured_amount numeric(38) not null,
  refunds bigint not null,
  refunded_amount numeric(38) not null,
  disputes bigint not null,
  disputed_amount numeric(38) not null,
  primary key (generation, shard, day, currency, processor)
) with (fillfactor = 80);

create view payment_daily as
select shard, day, currency, processor, created, authorized, declined, captures, captured_amount, refunds, refunded_amount,
  disputes, disputed_amount
from payment_daily_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- States on the way: they spare the fold of a long history, and nothing else.
create table payment_snapshots_gen (
  generation int not null,
  shard smallint not null,
  payment_intent_id text not null,
  version int not null,
  state_version int not null,
  event_hash bytea not null,
  state jsonb not null,
  primary key (generation, shard, payment_intent_id, version)
);

create view payment_snapshots as
select shard, payment_intent_id, version, state_version, event_hash, state
from payment_snapshots_gen
where generation = (select live_generation from projections where name = 'payment_snapshots');

-- Sandbox processors: books of their own, as if they lay in another house.
create table sandbox_keys (
  processor text not null,
  key text not null,
  expires_at timestamptz not null,
  primary key (processor, key)
);

create table sandbox_charges (
  reference text primary key,
  processor text not null,
  key text not null,
  payment_intent_id text not null,
  token text not null,
  currency text not null,
  status text not null,
  requested bigint not null,
  authorized bigint not null,
  captured bigint not null,
  refunded bigint not null,
  expires_at timestamptz,
  dispute jsonb
);

create table sandbox_entries (
  entry_id bigint primary key,
  processor text not null,
  key text not null,
  kind text not null,
  reference text not null,
  charge text,
  payment_intent_id text not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  code text,
  message text,
  expires_at timestamptz,
  created_at timestamptz not null
);
create index sandbox_entries_key on sandbox_entries (key, entry_id);

-- What a sandbox will do of its own accord, and tell by webhook.
create table sandbox_dues (
  processor text not null,
  due_id text not null,
  due_at timestamptz not null,
  deed jsonb not null,
  -- Order of deeds that are due at the same time.
  number bigint generated always as identity,
  primary key (processor, due_id)
);
create index sandbox_dues_due on sandbox_dues (processor, due_at, number);
` },
  { version: 5, name: 'webhooks_out', sql: `-- Webhooks to others: endpoints, and what is or was to be delivered to each.

-- A deleted endpoint stays without its address and secrets until its deliveries are gone. starts tells, per log and shard, the
-- last event before the endpoint was made, or switched on again. failing_since is the first failure after the last success. The secrets are kept as
-- they are, for signing needs them.
create table webhook_endpoints (
  endpoint_id text primary key,
  url text not null,
  event_types text[] not null,
  description text,
  active boolean not null,
  disabled_reason text check (disabled_reason in ('request', 'gone', 'failing')),
  disabled_at timestamptz,
  failing_since timestamptz,
  secret bytea not null,
  secret_created_at timestamptz not null,
  old_secret bytea,
  old_secret_until timestamptz,
  starts jsonb not null,
  version int not null check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  check (active = (disabled_reason is null)),
  check (deleted_at is null or not active)
);

-- message_id is the webhook-id on the wire, made from the stream and version of the event: it is the natural key that lets an
-- event reach an endpoint once. next_attempt_at is when it may be claimed: later while it waits for its next try, or while
-- somebody sends it (claimed). claims counts claims, so it tells an old holder from the present one; tries counts the failures
-- of the schedule that runs. body is sent as it is, so it is text.
create table webhook_deliveries (
  delivery_id bigint primary key generated always as identity,
  endpoint_id text not null,
  message_id text not null,
  event_type text not null,
  body text not null,
  status text not null check (status in ('waiting', 'delivered', 'failed', 'stopped')),
  tries int not null default 0,
  claims int not null default 0,
  claimed boolean not null default false,
  next_attempt_at timestamptz,
  attempt_count int not null default 0,
  attempts jsonb not null default '[]',
  created_at timestamptz not null,
  unique (endpoint_id, message_id),
  check ((status = 'waiting') = (next_attempt_at is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_attempt_at, delivery_id)
  where status = 'waiting';
create index webhook_deliveries_listed on webhook_deliveries (endpoint_id, created_at, delivery_id);
create index webhook_deliveries_failed on webhook_deliveries (endpoint_id, created_at, delivery_id)
  where status in ('failed', 'stopped');
-- Rows come in the order of time, so a block range index finds the old ones.
create index webhook_deliveries_created on webhook_deliveries using brin (created_at);
` },
  { version: 6, name: 'sales_report', sql: `-- The sales report: facts, rollups of them, and what is archived.

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
` },
  { version: 7, name: 'order_search', sql: `-- Words under which orders are found, newest first: a projection of the log of orders, so that placing stays fast.
create table order_search (
  generation int not null,
  token text collate "C" not null,
  order_id bigint not null,
  shard smallint not null,
  primary key (generation, token, order_id)
);

-- The same by order: what has to go when the order changes.
create table order_search_words (
  generation int not null,
  order_id bigint not null,
  words text[] not null,
  primary key (generation, order_id)
) with (fillfactor = 90);

-- The lists of orders by what their payments and their goods say. order_id stands for time.
create index orders_by_payment_status on orders (payment_status, order_id);
create index orders_by_fulfillment_status on orders (fulfillment_status, order_id);

-- Answers that are kept for commands on a customer; erasing him empties them.
create index idempotency_keys_customer on idempotency_keys (operation_id) where operation_id like 'customer:%';
` },
  { version: 8, name: 'log_seals', sql: `-- Signed heads of the logs: what the chain of a shard's event hashes was up to event_id (log/seal.ts). The key that signs
-- lies outside. A role that seals needs: select, insert here; select on log_head and the event tables.
create table log_seals (
  shard smallint not null,
  log text not null,
  -- From 1 without gaps, so that of two who seal at the same time one wins.
  seal_number int not null check (seal_number > 0),
  event_id bigint not null,
  chain_hash bytea not null,
  sealed_at timestamptz not null,
  previous bytea not null,
  key_id text not null,
  signature bytea not null,
  primary key (shard, log, seal_number)
);
create trigger log_seals_append_only before update or delete or truncate on log_seals
for each statement execute function refuse_change();
` },
  { version: 9, name: 'settlements', sql: `-- What processors say they have settled, and how it compares with what payments have recorded.

create table settlement_files (
  -- Made of the processor and the hash of the file, so that a file is known whoever brings it again.
  settlement_id text primary key,
  processor text not null,
  file_name text not null,
  file_hash bytea not null,
  -- The days that it is about, the last not included; null while it is being read.
  period_from timestamptz,
  period_to timestamptz,
  rows_read bigint not null,
  rows_bad bigint not null,
  created_at timestamptz not null,
  imported_at timestamptz,
  reconciled_at timestamptz,
  matched bigint not null,
  differing bigint not null,
  missing bigint not null,
  unknown bigint not null,
  not_compared bigint not null
);
create index settlement_files_newest on settlement_files (created_at, settlement_id);

create table settlement_lines (
  settlement_id text not null,
  -- Line of the file.
  line bigint not null,
  type text not null,
  reference text,
  op_id text,
  amount bigint not null,
  currency text not null,
  fee bigint not null,
  occurred_at timestamptz not null,
  payout_id text,
  primary key (settlement_id, line)
);

-- The comparison: one row for each line, and behind them one for each operation or dispute that the file lacks.
create table settlement_items (
  settlement_id text not null,
  item_no bigint not null,
  result text not null,
  -- What is not the same: amount, currency, outcome, settled_before.
  differences text[] not null,
  line bigint,
  type text not null,
  -- The operation or the dispute.
  subject_id text,
  payment_intent_id text,
  expected_amount bigint,
  expected_currency text,
  occurred_at timestamptz not null,
  primary key (settlement_id, item_no)
);
create index settlement_items_result on settlement_items (settlement_id, result, item_no);
create index settlement_items_subject on settlement_items (subject_id, type);
` },
  { version: 10, name: 'store_moves', sql: `-- Where a store lives while it moves to another engine, and afterwards (docs/moving.md).
create table store_moves (
  store text primary key check (store in ('follows', 'timelines')),
  to_url text not null,
  phase text not null check (phase in ('copying', 'switched', 'done', 'cancelled')),
  started_at timestamptz not null
);

-- By which phase each process acts, by its node number.
create table store_move_acks (
  store text not null,
  node smallint not null,
  phase text not null,
  primary key (store, node)
);
` },
  { version: 11, name: 'payment_lists', sql: `-- Lists of payments, and of the facts behind a sum of the sales report.

-- What waits for a person, repeated from the state: an operation in review, a dispute whose evidence is asked for.
alter table payment_view_gen
  add column in_review boolean not null default false,
  add column needs_response boolean not null default false;
update payment_view_gen set
  in_review = exists (select from json_array_elements(state->'operations') o where o->>'status' = 'review'),
  needs_response = exists (select from json_array_elements(state->'disputes') d where d->>'status' = 'needs_response')
where state::text ~ '"status":"(review|needs_response)"';

create or replace view payment_view as
select shard, payment_intent_id, version, status, currency, amount, authorized, captured, refunded, disputed, customer_id,
  order_id, processor, state, created_at, updated_at, in_review, needs_response
from payment_view_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- Within a shard the ids of payments are in the order of time, so the primary key is the list without filters, and each
-- index of these is one with a filter; pages of the shards are merged.
create index payment_view_status on payment_view_gen (generation, status, shard, payment_intent_id);
create index payment_view_customer on payment_view_gen (generation, customer_id, shard, payment_intent_id)
  where customer_id is not null;
create index payment_view_order on payment_view_gen (generation, order_id, shard, payment_intent_id)
  where order_id is not null;
create index payment_view_processor on payment_view_gen (generation, processor, shard, payment_intent_id);
create index payment_view_in_review on payment_view_gen (generation, shard, payment_intent_id) where in_review;
create index payment_view_needs_response on payment_view_gen (generation, shard, payment_intent_id) where needs_response;
create index payment_operations_reference on payment_operations (reference) where reference is not null;

-- The facts, by the last day first; those of a category and a city have daily_sales_report_category_city.
create index daily_sales_report_sale_day on daily_sales_report_gen (generation, sale_day);
create index daily_sales_report_booked_day on daily_sales_report_gen (generation, booked_day);
create index daily_sales_report_product on daily_sales_report_gen (generation, product_id, sale_day);
` },
  { version: 12, name: 'users_by_handle', sql: `-- Handles compared byte by byte, so that one index keeps them unique, finds them, and walks them in order by a prefix.
create unique index users_by_handle on users (lower(handle collate "C"));
drop index users_handle;
` },
  { version: 13, name: 'store_move_leases', sql: `-- Which move it is, where the store comes from, and who carries it out until when (docs/moving.md).
alter table store_moves
  add column move_id text not null unique default gen_random_uuid()::text,
  add column from_place text not null default 'the main database',
  add column mover text,
  add column leased_until timestamptz;
alter table store_moves
  drop constraint store_moves_phase_check,
  add constraint store_moves_phase_check check (phase in ('copying', 'switched', 'returning', 'done', 'cancelled'));

-- Whether the process holds stores that can move: for others no move waits.
alter table id_nodes add column holds_movable boolean not null default true;
` },
]
