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
  response_body jsonb,
  created_at timestamptz not null,
  primary key (shard, scope, key)
);
create index idempotency_keys_created on idempotency_keys (created_at);

-- One row per log and shard: the number of the last event. Kept one to a page, so that updates stay heap-only.
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
  topic text not null,
  lane text not null check (lane in ('small', 'bulk')),
  message_id bigint not null,
  key text not null,
  payload json not null,
  attempt int not null default 0,
  claimed boolean not null default false,
  visible_at timestamptz not null,
  last_error text,
  published_at timestamptz not null,
  primary key (topic, lane, message_id)
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
  erasing_at timestamptz,
  unique (idempotency_scope, idempotency_key)
);
create unique index users_handle on users (lower(handle));
create index users_erasing on users (erasing_at) where erasing_at is not null;

create table follows (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  since timestamptz not null,
  -- True until the followee's earlier posts are in the follower's timeline.
  backfill_pending boolean not null,
  primary key (follower_id, followee_id),
  check (follower_id <> followee_id)
);
create unique index follows_followers on follows (followee_id, follower_id);
create index follows_backfill on follows (since) where backfill_pending;

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
  idempotency_key text,
  fingerprint bytea,
  -- A deleted post keeps its row, emptied, so that its idempotency key stays used.
  deleted_at timestamptz,
  -- True while a deleted post still has likes or comments to clear away.
  leftovers boolean not null default false,
  unique (user_id, idempotency_key)
) with (fillfactor = 85);
create index posts_of_author on posts (user_id, post_id desc);
create index posts_leftovers on posts (post_id) where leftovers;

create table post_likes (
  post_id bigint not null,
  user_id text collate "C" not null,
  since timestamptz not null,
  primary key (post_id, user_id)
);
create index post_likes_of_user on post_likes (user_id, post_id);

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

-- The ledger: how far the fan-out of a post has come. followers_scanned = delivered + duplicate + inactive.
create table post_fanouts (
  post_id bigint primary key,
  planned_chunks int not null default 0,
  planned boolean not null default false,
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

-- The chunks of fan-outs under way: followers after the end of the chunk before, up to and with up_to (null: to the end).
create table post_fanout_chunks (
  post_id bigint not null,
  chunk int not null,
  up_to text collate "C",
  done boolean not null default false,
  primary key (post_id, chunk)
);

create table user_feed_timeline (
  user_id text collate "C" not null,
  post_id bigint not null,
  primary key (user_id, post_id)
);

-- Entries of a timeline at or below floor are not to be read: the page goes on from the posts themselves.
create table user_feed_floors (
  user_id text collate "C" primary key,
  floor bigint not null
);
` },
]
