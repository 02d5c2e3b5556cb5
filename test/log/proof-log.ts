import { openLogStore } from '../../src/engines/postgres/log-store.ts'
import type { LogTable } from '../../src/engines/sql/log-rows.ts'
import type { SqlClient, SqlTx } from '../../src/engines/sql/sql.ts'
import type { LogStore, Projection } from '../../src/log/port.ts'

/**
 * A log of its own for tests: the tables and the one-statement append have the shape of those of payments and orders,
 * with pauses and failures at the places where they hurt most.
 */
export const PROOF_TABLE: LogTable = {
  table: 'proof_events',
  stream: 'stream_id',
  payload: 'payload',
  schemaVersion: '1',
}

const SCHEMA = `
create table proof_streams (
  shard smallint not null, stream_id text not null, version int not null, primary key (shard, stream_id));
create table proof_events (
  shard smallint not null,
  event_id bigint not null,
  stream_id text not null,
  version int not null check (version > 0),
  event_type text not null,
  timestamp timestamptz not null,
  payload jsonb not null,
  primary key (shard, stream_id, version),
  unique (shard, event_id));
create table proof_model_gen (
  generation int not null, shard smallint not null, event_id bigint not null, stream_id text not null, version int not null,
  code_version int not null, primary key (generation, shard, event_id));
create view proof_model as select * from proof_model_gen
  where generation = (select live_generation from projections where name = 'proof');
create table proof_counts_gen (
  generation int not null, stream_id text not null, events int not null, last_version int not null, disorder int not null,
  primary key (generation, stream_id));
create table unrelated (note text not null);`

/** Heads, then events; the number in between, as late as data flow allows. $5 and $6 are pauses, $7 a failure. */
const APPEND = `
with x as (
  select * from unnest($2::text[], $3::text[], $4::jsonb[]) with ordinality as t (stream_id, event_type, payload, i)),
h as (
  insert into proof_streams (shard, stream_id, version)
  select $1, stream_id, 1 from x order by stream_id
  on conflict (shard, stream_id) do update set version = proof_streams.version + 1
  returning stream_id, version),
before as materialized (select pg_sleep($5) from h limit 1),
n as (select x.*, h.version, row_number() over (order by i) as rn from x join h using (stream_id) cross join before),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from n)
  where shard = $1 and log = 'payments' and exists (select 1 from n)
  returning last_event_id - (select count(*) from n) as base),
after as materialized (select pg_sleep($6) from head)
insert into proof_events (shard, event_id, stream_id, version, event_type, timestamp, payload)
select $1, head.base + n.rn, n.stream_id, case when $7 then -1 else n.version end, n.event_type, now(), n.payload
from n cross join head cross join after
returning event_id, stream_id, version, payload`

const REMOVE = `
drop view if exists proof_model;
drop table if exists proof_streams, proof_events, proof_model_gen, proof_counts_gen, unrelated;
update log_head set last_event_id = 0;
delete from projection_quarantine;
delete from projection_checkpoints;
delete from projections;`

export interface ProofEvent {
  readonly streamId: string
  readonly type?: string
  readonly payload: Readonly<Record<string, unknown>>
}

export interface Disturbance {
  readonly pauseBeforeHeadMs?: number
  readonly pauseAfterHeadMs?: number
  readonly fail?: boolean
}

export interface Appended {
  readonly event_id: bigint
  readonly stream_id: string
  readonly version: number
  readonly payload: Record<string, unknown>
}

export async function createProofLog(sql: SqlClient): Promise<void> {
  await sql.transaction((tx) => tx.script(SCHEMA))
}

export async function removeProofLog(sql: SqlClient): Promise<void> {
  await sql.transaction((tx) => tx.script(REMOVE))
}

/** One batch for one shard; at most one event of each stream. */
export function appendProof(
  sql: SqlClient,
  shard: number,
  events: readonly ProofEvent[],
  { pauseBeforeHeadMs = 0, pauseAfterHeadMs = 0, fail = false }: Disturbance = {},
): Promise<Appended[]> {
  return sql.query<Appended>(APPEND, [
    shard,
    events.map((event) => event.streamId),
    events.map((event) => event.type ?? 'HAPPENED'),
    events.map((event) => event.payload),
    pauseBeforeHeadMs / 1_000,
    pauseAfterHeadMs / 1_000,
    fail,
  ])
}

export function openProofStore(sql: SqlClient): Promise<LogStore<SqlTx>> {
  return openLogStore(sql, 'payments', PROOF_TABLE)
}

const FOLD_MODEL = `
insert into proof_model_gen (generation, shard, event_id, stream_id, version, code_version)
select $1, $2, event_id, stream_id, version, $6
from unnest($3::bigint[], $4::text[], $5::int[]) as t (event_id, stream_id, version) order by event_id`

// A doubled, missing or late event shows in the counts, whatever keys the other table has.
const FOLD_COUNTS = `
insert into proof_counts_gen as c (generation, stream_id, events, last_version, disorder)
select $1, stream_id, count(*), max(version), case when min(version) = 1 and max(version) = count(*) then 0 else 1 end
from unnest($2::text[], $3::int[]) as t (stream_id, version) group by stream_id order by stream_id
on conflict (generation, stream_id) do update set
  events = c.events + excluded.events,
  last_version = excluded.last_version,
  disorder = c.disorder + case when excluded.last_version = c.last_version + excluded.events then 0 else 1 end`

const CLEAR_MODEL = `
delete from proof_model_gen where (generation, shard, event_id) in (
  select generation, shard, event_id from proof_model_gen where generation = $1 limit $2) returning event_id`
const CLEAR_COUNTS = 'delete from proof_counts_gen where generation = $1'

/** Folds every event into a row, and the streams into counts. `onBatch` may throw, or wait. */
export function proofProjection(
  options: { readonly version?: number; readonly onBatch?: Projection<SqlTx>['handle'] } = {},
): Projection<SqlTx> {
  const version = options.version ?? 1
  return {
    name: 'proof',
    log: 'payments',
    version,
    async handle(batch, tx) {
      const { generation, shard, events } = batch
      const streams = events.map((event) => event.streamId)
      const versions = events.map((event) => event.version)
      const ids = events.map((event) => event.eventId)
      await tx.query(FOLD_MODEL, [generation, shard, ids, streams, versions, version])
      await options.onBatch?.(batch, tx)
      await tx.query(FOLD_COUNTS, [generation, streams, versions])
    },
    async clear(generation, limit, tx) {
      const removed = await tx.query(CLEAR_MODEL, [generation, limit])
      if (removed.length === 0) await tx.query(CLEAR_COUNTS, [generation])
      return removed.length
    },
  }
}
