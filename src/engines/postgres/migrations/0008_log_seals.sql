-- Signed heads of the logs: what the chain of a shard's event hashes was up to event_id (log/seal.ts). The key that signs
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
