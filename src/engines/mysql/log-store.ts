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
import type { SqlRunner } from '../sql/sql.ts'
import type { Answer, MysqlClient, MysqlTx } from './client-mysql2.ts'

const HEADS = 'select last_event_id from log_head where log = ? order by shard'

const REGISTER = `
insert into projections (name, log, version, live_generation, updated_at)
values (?, ?, ?, 1, now(6)) on duplicate key update name = name`

const OPEN_CHECKPOINTS = `
insert into projection_checkpoints (shard, projection, generation, last_event_id, updated_at)
select h.shard, ?, ?, 0, now(6) from log_head h where h.log = ? order by h.shard
on duplicate key update projection_checkpoints.shard = projection_checkpoints.shard`

const PROJECTION = `
select name, version, live_generation, building_generation, building_version from projections where name = ?`
// Taken before the checkpoints by all who need both.
const LOCK_PROJECTION = `${PROJECTION} for update`

const CHECKPOINTS = `
select shard, generation, last_event_id from projection_checkpoints
where projection = ? and generation = ? and last_event_id >= 0 order by shard`

const MOVE_CHECKPOINT = `
update projection_checkpoints set last_event_id = ?, updated_at = now(6)
where shard = ? and projection = ? and generation = ? and last_event_id = ?`

const HOLD_CHECKPOINT = `
select last_event_id from projection_checkpoints
where shard = ? and projection = ? and generation = ? and last_event_id >= 0 for update`

const QUARANTINES = `
select projection, generation, shard, stream_id, from_event_id, reason, quarantined_at
from projection_quarantine where projection = ? order by quarantined_at, stream_id`

const QUARANTINED = 'select stream_id from projection_quarantine where projection = ? and generation = ? and shard = ?'

const ADD_QUARANTINE = `
insert into projection_quarantine (shard, projection, generation, stream_id, from_event_id, reason, quarantined_at)
values (?, ?, ?, ?, ?, ?, now(6)) on duplicate key update shard = shard`

const REMOVE_QUARANTINE =
  'delete from projection_quarantine where projection = ? and generation = ? and shard = ? and stream_id = ?'

const START_BUILDING = `
update projections set building_generation = ?, building_version = ?, updated_at = now(6) where name = ?`

// Locks the checkpoints of both generations in one order, so that neither moves between the look and the flip.
const LOCK_CHECKPOINTS = `
select shard, generation, last_event_id from projection_checkpoints
where projection = ? and generation in (?, ?) order by shard, generation for update`

const FLIP = `
update projections set live_generation = ?, version = ?, building_generation = null, building_version = null,
  updated_at = now(6)
where name = ? and building_generation = ? and building_version = ?`

// Numbers of generations are never used again, so what is neither live nor building is over. -1 makes every later swap fail.
const RETIRED = `
select distinct generation from projection_checkpoints where projection = ? and generation not in (?, ?) order by generation`
const RETIRE = `
update projection_checkpoints set last_event_id = -1, updated_at = now(6)
where projection = ? and generation not in (?, ?)`

const DROP_CHECKPOINTS = 'delete from projection_checkpoints where projection = ? and generation = ?'
const DROP_QUARANTINES = 'delete from projection_quarantine where projection = ? and generation = ?'

/**
 * Opens the books of one log. The database must be migrated: that is when the number of shards is fixed. Streams of orders
 * are numbers in their table, those of any other log are texts.
 */
export async function openLogStore(
  sql: MysqlClient,
  log: LogName,
  { table, stream, payload, schemaVersion }: LogTable = LOGS[log],
): Promise<LogStore<MysqlTx>> {
  const columns = `shard, event_id, cast(${stream} as char) as stream_id, version, event_type,
    ${schemaVersion} as schema_version, timestamp, ${payload} as payload`
  const READ = `select ${columns} from ${table} where shard = ? and event_id > ? order by event_id limit ?`
  const READ_STREAM = `
    select ${columns} from ${table} where shard = ? and ${stream} = ? and event_id between ? and ? order by event_id`
  const streamKey = (streamId: string) => (table === LOGS.orders.table ? BigInt(streamId) : streamId)

  const heads = async () => (await sql.query<{ last_event_id: bigint }>(HEADS, [log])).map((row) => row.last_event_id)
  const shards = (await heads()).length
  if (shards === 0) throw new AppError('schema_outdated', 'The database has no event log yet; run: fanfold migrate')

  async function projectionBy(runner: SqlRunner, statement: string, name: string) {
    const [row] = await runner.query<ProjectionRow>(statement, [name])
    if (row === undefined) throw unknownProjection(name)
    return toState(row)
  }
  const read = (rows: EventRow[]) => rows.map((row) => toEvent({ ...row, schema_version: Number(row.schema_version) }))

  return {
    log,
    shards,
    foldsAtOnce: Math.min(shards, FOLDS_AT_ONCE),
    heads,
    async read(shard, after, limit, tx: SqlRunner = sql) {
      return read(await tx.query<EventRow>(READ, [shard, after, limit]))
    },
    async readStream(shard, streamId, fromEventId, toEventId, tx) {
      return read(await tx.query<EventRow>(READ_STREAM, [shard, streamKey(streamId), fromEventId, toEventId]))
    },
    transaction: (work) => sql.transaction(work),

    async register({ name, version }) {
      if ((await sql.query(PROJECTION, [name])).length > 0) return
      await sql.transaction(async (tx) => {
        const inserted = await tx.execute(REGISTER, [name, log, version])
        if (inserted > 0) await tx.execute(OPEN_CHECKPOINTS, [name, 1, log])
      })
    },
    projection: (name) => projectionBy(sql, PROJECTION, name),
    async checkpoints(name, generation) {
      return (await sql.query<CheckpointRow>(CHECKPOINTS, [name, generation])).map(toCheckpoint)
    },
    async moveCheckpoint(name, generation, shard, from, to, tx) {
      return (await tx.execute(MOVE_CHECKPOINT, [to, shard, name, generation, from])) === 1
    },
    async holdCheckpoint(name, generation, shard, tx) {
      const [row] = await tx.query<{ last_event_id: bigint }>(HOLD_CHECKPOINT, [shard, name, generation])
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
      await tx.execute(ADD_QUARANTINE, [shard, projection, generation, streamId, fromEventId, reason])
    },
    async removeQuarantine(name, generation, shard, streamId, tx) {
      await tx.execute(REMOVE_QUARANTINE, [name, generation, shard, streamId])
    },

    startGeneration: (name, version) =>
      sql.transaction(async (tx) => {
        const state = await projectionBy(tx, LOCK_PROJECTION, name)
        if (state.version > version || (state.buildingVersion ?? version) > version) {
          const message = `${name} has rows of a newer version than ${version}; update the program`
          throw new AppError('schema_outdated', message)
        }
        const isBuilding = state.buildingVersion === version && state.buildingGeneration !== undefined
        const generation = isBuilding
          ? state.buildingGeneration
          : (state.buildingGeneration ?? state.liveGeneration) + 1
        await tx.execute(START_BUILDING, [generation, version, name])
        await tx.execute(OPEN_CHECKPOINTS, [name, generation, log])
        return generation
      }),
    async flipGeneration(name, version, catchUp = async () => false) {
      return sql.transaction(async (tx) => {
        const state = await projectionBy(tx, LOCK_PROJECTION, name)
        const { liveGeneration: live, buildingGeneration: building, buildingVersion } = state
        if (building === undefined || buildingVersion !== version) return false
        const rows = await tx.query<CheckpointRow>(LOCK_CHECKPOINTS, [name, live, building])
        const caughtUp = await catchUpAll(rows, live, building, (behind, upTo) => catchUp(behind, upTo, tx))
        return caughtUp && (await tx.execute(FLIP, [building, version, name, building, version])) === 1
      })
    },
    retireGenerations: (name) =>
      sql.transaction(async (tx) => {
        const { liveGeneration, buildingGeneration = liveGeneration } = await projectionBy(tx, LOCK_PROJECTION, name)
        const kept = [name, liveGeneration, buildingGeneration]
        const rows = await tx.query<{ generation: number }>(RETIRED, kept)
        if (rows.length > 0) await tx.execute(RETIRE, kept)
        return rows.map((row) => row.generation)
      }),
    dropGeneration: (name, generation) =>
      sql.transaction(async (tx) => {
        await tx.execute(DROP_CHECKPOINTS, [name, generation])
        await tx.execute(DROP_QUARANTINES, [name, generation])
      }),
  }
}

/** Fixes the number of shards of both logs, once; part of `migrate`. */
export async function createLogHeads(run: (text: string) => Promise<Answer>, shards: number): Promise<void> {
  if ((await run('select 1 from log_head limit 1')).rows.length > 0) return
  const rows = Object.keys(LOGS).flatMap((log) =>
    Array.from({ length: shards }, (_, shard) => `(${shard}, '${log}', 0)`),
  )
  await run(`insert into log_head (shard, log, last_event_id) values ${rows.join(', ')}`)
}
