import { AppError } from '../../core/errors.ts'
import type { LogName, LogStore } from '../../log/port.ts'
import {
  type CheckpointRow,
  catchUpAll,
  type EventRow,
  FOLDS_AT_ONCE,
  LOGS,
  type LogTable,
  type ProjectionRow,
  type QuarantineRow,
  toCheckpoint,
  toEvent,
  toQuarantine,
  toState,
  unknownProjection,
} from '../sql/log-rows.ts'
import { INSUFFICIENT_PRIVILEGE, onlyRow, type SqlClient, type SqlRunner, type SqlTx, sqlState } from '../sql/sql.ts'

const HEADS = 'select last_event_id from log_head where log = $1 order by shard'

const REGISTER = `
insert into projections (name, log, version, live_generation, updated_at)
values ($1, $2, $3, 1, now()) on conflict do nothing returning name`

const OPEN_CHECKPOINTS = `
insert into projection_checkpoints (shard, projection, generation, last_event_id, updated_at)
select shard, $1, $2, 0, now() from log_head where log = $3 order by shard on conflict do nothing`

const PROJECTION = `
select name, version, live_generation, building_generation, building_version from projections where name = $1`

const CHECKPOINTS = `
select shard, generation, last_event_id from projection_checkpoints
where projection = $1 and generation = $2 and last_event_id >= 0 order by shard`

const MOVE_CHECKPOINT = `
update projection_checkpoints set last_event_id = $5, updated_at = now()
where shard = $3 and projection = $1 and generation = $2 and last_event_id = $4 returning shard`

const HOLD_CHECKPOINT = `
select last_event_id from projection_checkpoints
where shard = $3 and projection = $1 and generation = $2 and last_event_id >= 0 for update`

const QUARANTINES = `
select projection, generation, shard, stream_id, from_event_id, reason, quarantined_at
from projection_quarantine where projection = $1 order by quarantined_at, stream_id`

const QUARANTINED =
  'select stream_id from projection_quarantine where projection = $1 and generation = $2 and shard = $3'

const ADD_QUARANTINE = `
insert into projection_quarantine (shard, projection, generation, stream_id, from_event_id, reason, quarantined_at)
values ($3, $1, $2, $4, $5, $6, now()) on conflict do nothing`

const REMOVE_QUARANTINE = `
delete from projection_quarantine where projection = $1 and generation = $2 and shard = $3 and stream_id = $4`

const START_GENERATION = `
update projections set
  building_generation = case when building_version = $2 then building_generation
    else coalesce(building_generation, live_generation) + 1 end,
  building_version = $2, updated_at = now()
where name = $1 and version <= $2 and (building_version is null or building_version <= $2)
returning building_generation`

// Locks the checkpoints of both generations in one order, so that neither moves between the look and the flip.
const LOCK_CHECKPOINTS = `
select shard, generation, last_event_id from projection_checkpoints
where projection = $1 and generation in ($2, $3) order by shard, generation for update`

const FLIP = `
update projections set live_generation = building_generation, version = building_version,
  building_generation = null, building_version = null, updated_at = now()
where name = $1 and building_generation = $2 and building_version = $3 returning live_generation`

// Numbers of generations are never used again, so what is neither live nor building is over. -1 makes every later swap fail.
const RETIRE = `
update projection_checkpoints c set last_event_id = -1, updated_at = now()
from projections p where p.name = $1 and c.projection = p.name
  and c.generation <> p.live_generation and c.generation is distinct from p.building_generation
returning c.generation`

const DROP_CHECKPOINTS = 'delete from projection_checkpoints where projection = $1 and generation = $2'
const DROP_QUARANTINES = 'delete from projection_quarantine where projection = $1 and generation = $2'

/** Opens the books of one log. The database must be migrated: that is when the number of shards is fixed. */
export async function openLogStore(
  sql: SqlClient,
  log: LogName,
  { table, stream, payload, schemaVersion }: LogTable = LOGS[log],
): Promise<LogStore<SqlTx>> {
  const columns = `shard, event_id, ${stream}::text as stream_id, version, event_type, ${schemaVersion}::int as schema_version,
    timestamp, ${payload} as payload`
  const READ = `select ${columns} from ${table} where shard = $1 and event_id > $2 order by event_id limit $3`
  const READ_STREAM = `
    select ${columns} from ${table} where shard = $1 and ${stream} = $2 and event_id between $3 and $4 order by event_id`

  const heads = async () => (await sql.query<{ last_event_id: bigint }>(HEADS, [log])).map((row) => row.last_event_id)
  const shards = (await heads()).length
  if (shards === 0) throw new AppError('schema_outdated', 'The database has no event log yet; run: fanfold migrate')

  const projection = async (name: string) => {
    const [row] = await sql.query<ProjectionRow>(PROJECTION, [name])
    if (row === undefined) throw unknownProjection(name)
    return toState(row)
  }

  return {
    log,
    shards,
    foldsAtOnce: sql.profile.concurrent ? Math.min(shards, FOLDS_AT_ONCE) : 1,
    heads,
    async read(shard, after, limit, tx: SqlRunner = sql) {
      return (await tx.query<EventRow>(READ, [shard, after, limit])).map(toEvent)
    },
    async readStream(shard, streamId, fromEventId, toEventId, tx) {
      return (await tx.query<EventRow>(READ_STREAM, [shard, streamId, fromEventId, toEventId])).map(toEvent)
    },
    transaction: (work) => sql.transaction(work),

    async register({ name, version }) {
      // Whoever may not write read models opens them even so, once they are there.
      if ((await sql.query(PROJECTION, [name])).length > 0) return
      try {
        await sql.transaction(async (tx) => {
          const inserted = await tx.query(REGISTER, [name, log, version])
          if (inserted.length > 0) await tx.query(OPEN_CHECKPOINTS, [name, 1, log])
        })
      } catch (cause) {
        if (sqlState(cause) !== INSUFFICIENT_PRIVILEGE) throw cause
        throw new AppError('schema_outdated', `${name} is new; run as the owner: fanfold migrate --roles`, { cause })
      }
    },
    projection,
    async checkpoints(name, generation) {
      return (await sql.query<CheckpointRow>(CHECKPOINTS, [name, generation])).map(toCheckpoint)
    },
    async moveCheckpoint(name, generation, shard, from, to, tx) {
      return (await tx.query(MOVE_CHECKPOINT, [name, generation, shard, from, to])).length === 1
    },
    async holdCheckpoint(name, generation, shard, tx) {
      const [row] = await tx.query<{ last_event_id: bigint }>(HOLD_CHECKPOINT, [name, generation, shard])
      return row?.last_event_id
    },

    async quarantines(name) {
      return (await sql.query<QuarantineRow>(QUARANTINES, [name])).map(toQuarantine)
    },
    async quarantinedStreams(name, generation, shard, tx) {
      const rows = await tx.query<{ stream_id: string }>(QUARANTINED, [name, generation, shard])
      return new Set(rows.map((row) => row.stream_id))
    },
    async addQuarantine({ projection, generation, shard, streamId, fromEventId, reason }, tx) {
      await tx.query(ADD_QUARANTINE, [projection, generation, shard, streamId, fromEventId, reason])
    },
    async removeQuarantine(name, generation, shard, streamId, tx) {
      await tx.query(REMOVE_QUARANTINE, [name, generation, shard, streamId])
    },

    startGeneration: (name, version) =>
      sql.transaction(async (tx) => {
        const [row] = await tx.query<{ building_generation: number }>(START_GENERATION, [name, version])
        if (row === undefined) {
          const [state] = await tx.query(PROJECTION, [name])
          if (state === undefined) throw unknownProjection(name)
          throw new AppError(
            'schema_outdated',
            `${name} has rows of a newer version than ${version}; update the program`,
          )
        }
        await tx.query(OPEN_CHECKPOINTS, [name, row.building_generation, log])
        return row.building_generation
      }),
    async flipGeneration(name, version, catchUp = async () => false) {
      const { liveGeneration: live, buildingGeneration: building, buildingVersion } = await projection(name)
      if (building === undefined || buildingVersion !== version) return false
      return sql.transaction(async (tx) => {
        const rows = await tx.query<CheckpointRow>(LOCK_CHECKPOINTS, [name, live, building])
        const caughtUp = await catchUpAll(rows, live, building, (behind, upTo) => catchUp(behind, upTo, tx))
        if (!caughtUp) return false
        return (await tx.query(FLIP, [name, building, version])).length === 1
      })
    },
    async retireGenerations(name) {
      const rows = await sql.query<{ generation: number }>(RETIRE, [name])
      return [...new Set(rows.map((row) => row.generation))].sort((a, b) => a - b)
    },
    dropGeneration: (name, generation) =>
      sql.transaction(async (tx) => {
        await tx.query(DROP_CHECKPOINTS, [name, generation])
        await tx.query(DROP_QUARANTINES, [name, generation])
      }),
  }
}

/** Fixes the number of shards of both logs, once; part of `migrate`. */
export async function createLogHeads(tx: SqlTx, shards: number): Promise<void> {
  const { present } = onlyRow(await tx.query<{ present: boolean }>('select exists (select 1 from log_head) as present'))
  if (present) return
  const logs = Object.keys(LOGS)
  await tx.query(
    `insert into log_head (shard, log, last_event_id)
     select shard, log, 0 from generate_series(0, $1::int - 1) as shard cross join unnest($2::text[]) as log`,
    [shards, logs],
  )
}
