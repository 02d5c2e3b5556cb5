-- Webhooks to others: endpoints, and what is or was to be delivered to each.

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
