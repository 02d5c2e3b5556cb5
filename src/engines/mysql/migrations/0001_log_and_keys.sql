-- Idempotency keys, the log, projections. The statements of a step can be repeated: DDL is no part of a transaction, so a
-- step that was cut off is run again from its start. Texts are compared by their bytes; the program puts the server's name
-- for that in the place of utf8mb4_bin.

-- Scope is the caller (API key). A row is written in the transaction of the command that it guards.
create table if not exists idempotency_keys (
  shard smallint not null,
  scope varchar(255) not null,
  `key` varchar(255) not null,
  fingerprint varbinary(64) not null,
  operation_id varchar(255),
  lease_until datetime(6),
  response_status smallint,
  response_body json,
  created_at datetime(6) not null,
  -- Answers that are kept for commands on a customer; erasing him empties them.
  customer_operation varchar(255) generated always as
    (case when operation_id like 'customer:%' then operation_id end) virtual,
  primary key (shard, scope, `key`),
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
