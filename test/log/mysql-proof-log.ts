import type { MysqlClient, MysqlTx } from '../../src/engines/mysql/client-mysql2.ts'
import { openLogStore } from '../../src/engines/mysql/log-store.ts'
import { rowsTable } from '../../src/engines/mysql/rows.ts'
import type { LogStore, Projection } from '../../src/log/port.ts'
import { type Disturbance, PROOF_TABLE, type ProofEvent } from './proof-log.ts'

/** The log of `proof-log.ts` on MySQL's protocol: appends have the shape of those of orders. */
const SCHEMA = `
create table proof_streams (
  shard smallint not null, stream_id varchar(64) not null, version int not null, primary key (shard, stream_id));
create table proof_events (
  shard smallint not null,
  event_id bigint not null,
  stream_id varchar(64) not null,
  version int not null check (version > 0),
  event_type varchar(64) not null,
  timestamp datetime(6) not null,
  payload json not null,
  primary key (shard, event_id),
  unique key proof_events_version (shard, stream_id, version));
create table proof_model_gen (
  generation int not null, shard smallint not null, event_id bigint not null, stream_id varchar(64) not null,
  version int not null, code_version int not null, primary key (generation, shard, event_id));
create view proof_model as select * from proof_model_gen
  where generation = (select live_generation from projections where name = 'proof');
create table proof_counts_gen (
  generation int not null, stream_id varchar(64) not null, events int not null, last_version int not null,
  disorder int not null, primary key (generation, stream_id));`

const REMOVE = `
drop view if exists proof_model;
drop table if exists proof_streams, proof_events, proof_model_gen, proof_counts_gen;
update log_head set last_event_id = 0;
delete from projection_quarantine;
delete from projection_checkpoints;
delete from projections;`

export async function createProofLog(sql: MysqlClient): Promise<void> {
  await sql.transaction((tx) => tx.script(SCHEMA))
}

export async function removeProofLog(sql: MysqlClient): Promise<void> {
  await sql.transaction((tx) => tx.script(REMOVE))
}

export function openProofStore(sql: MysqlClient): Promise<LogStore<MysqlTx>> {
  return openLogStore(sql, 'payments', PROOF_TABLE)
}

const STREAMS = `
insert into proof_streams (shard, stream_id, version) values ? on duplicate key update version = version + 1`
const VERSIONS = 'select stream_id, version from proof_streams where shard = ? and stream_id in (?)'
const HEAD = `update log_head set last_event_id = last_event_id + ? where shard = ? and log = 'payments'`

interface NewEvent extends ProofEvent {
  readonly version: number
}

const EVENTS = rowsTable<NewEvent>([
  ['stream_id', 'varchar(64)', ({ streamId }) => streamId],
  ['version', 'int', ({ version }) => version],
  ['event_type', 'varchar(64)', ({ type }) => type ?? 'HAPPENED'],
  ['payload', 'jsonb', ({ payload }) => payload],
])

const INSERT = `
insert into proof_events (shard, event_id, stream_id, version, event_type, timestamp, payload)
select h.shard, h.last_event_id - ? + e.n, e.stream_id, e.version, e.event_type, now(6), e.payload
from ${EVENTS.table('e')} join log_head h on h.shard = ? and h.log = 'payments'`

const APPENDED = `
select e.event_id, e.stream_id, e.version, e.payload from proof_events e
join log_head h on h.shard = e.shard and h.log = 'payments'
where e.shard = ? and e.event_id > h.last_event_id - ? order by e.event_id`

export interface Appended {
  readonly event_id: bigint
  readonly stream_id: string
  readonly version: number
  readonly payload: Record<string, unknown>
}

/** One batch for one shard; at most one event of each stream. */
export function appendProof(
  sql: MysqlClient,
  shard: number,
  events: readonly ProofEvent[],
  { pauseBeforeHeadMs = 0, pauseAfterHeadMs = 0, fail = false }: Disturbance = {},
): Promise<Appended[]> {
  const streams = events.map(({ streamId }) => streamId).sort()
  return sql.transaction(async (tx) => {
    const [, found] = await tx.batch([
      { text: STREAMS, params: [streams.map((stream) => [shard, stream, 1])] },
      { text: VERSIONS, params: [shard, streams] },
    ])
    const rows = found!.rows as { stream_id: string; version: number }[]
    const versions = new Map(rows.map((row) => [row.stream_id, row.version]))
    const numbered = events.map((event) => ({ ...event, version: fail ? -1 : versions.get(event.streamId)! }))
    const answers = await tx.last([
      { text: 'do sleep(?)', params: [pauseBeforeHeadMs / 1_000] },
      { text: HEAD, params: [events.length, shard] },
      { text: 'do sleep(?)', params: [pauseAfterHeadMs / 1_000] },
      { text: INSERT, params: [events.length, EVENTS.param(numbered), shard] },
      { text: APPENDED, params: [shard, events.length] },
    ])
    return answers.at(-1)!.rows as Appended[]
  })
}

const FOLD_MODEL =
  'insert into proof_model_gen (generation, shard, event_id, stream_id, version, code_version) values ?'

// A doubled, missing or late event shows in the counts, whatever keys the other table has.
const FOLD_COUNTS = `
insert into proof_counts_gen (generation, stream_id, events, last_version, disorder)
select ?, stream_id, count(*), max(version), case when min(version) = 1 and max(version) = count(*) then 0 else 1 end
from json_table(?, '$[*]' columns (
  stream_id varchar(64) character set utf8mb4 collate utf8mb4_bin path '$[0]', version int path '$[1]')) as t
group by stream_id order by stream_id
on duplicate key update
  disorder = disorder + case when values(last_version) = last_version + values(events) then 0 else 1 end,
  events = events + values(events), last_version = values(last_version)`

const CLEAR_MODEL = 'delete from proof_model_gen where generation = ? limit ?'
const CLEAR_COUNTS = 'delete from proof_counts_gen where generation = ?'

/** Folds every event into a row, and the streams into counts. `onBatch` may throw, or wait. */
export function proofProjection(
  options: { readonly version?: number; readonly onBatch?: Projection<MysqlTx>['handle'] } = {},
): Projection<MysqlTx> {
  const version = options.version ?? 1
  return {
    name: 'proof',
    log: 'payments',
    version,
    async handle(batch, tx) {
      const { generation, shard, events } = batch
      const rows = events.map((event) => [generation, shard, event.eventId, event.streamId, event.version, version])
      await tx.execute(FOLD_MODEL, [rows])
      await options.onBatch?.(batch, tx)
      const streams = events.map((event) => [event.streamId, event.version])
      await tx.execute(FOLD_COUNTS, [generation, JSON.stringify(streams)])
    },
    async clear(generation, limit, tx) {
      const removed = await tx.execute(CLEAR_MODEL, [generation, limit])
      if (removed === 0) await tx.execute(CLEAR_COUNTS, [generation])
      return removed
    },
  }
}
