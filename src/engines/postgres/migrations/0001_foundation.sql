-- What every model stands on: node ids, API keys, idempotency keys, the log, projections, the queue.

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
