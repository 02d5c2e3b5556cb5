import { AppError } from '../../core/errors.ts'
import type { Checkpoint, LogEvent, LogName, ProjectionState, Quarantine } from '../../log/port.ts'

/** Where a log lives: its event table and the columns that differ. */
export interface LogTable {
  readonly table: string
  readonly stream: string
  readonly payload: string
  /** The column, or a constant where there is only one version. */
  readonly schemaVersion: string
}

/** Where the logs live. */
export const LOGS = {
  orders: { table: 'order_history', stream: 'order_id', payload: 'details', schemaVersion: '1' },
  payments: {
    table: 'payment_events',
    stream: 'payment_intent_id',
    payload: 'payload',
    schemaVersion: 'schema_version',
  },
} as const satisfies Record<LogName, LogTable>

/** Shards that are folded side by side; more would take connections from those who wait for an answer. */
export const FOLDS_AT_ONCE = 4

export interface EventRow {
  shard: number
  event_id: bigint
  stream_id: string
  version: number
  event_type: string
  schema_version: number
  timestamp: Date
  payload: Record<string, unknown>
}

export interface CheckpointRow {
  shard: number
  generation: number
  last_event_id: bigint
}

export function toEvent(row: EventRow): LogEvent {
  return {
    shard: row.shard,
    eventId: row.event_id,
    streamId: row.stream_id,
    version: row.version,
    type: row.event_type,
    schemaVersion: row.schema_version,
    timestampMs: row.timestamp.getTime(),
    payload: row.payload,
  }
}

export const unknownProjection = (name: string) =>
  new AppError('projection_not_found', `No projection is named "${name}"`)

export interface ProjectionRow {
  name: string
  version: number
  live_generation: number
  building_generation: number | null
  building_version: number | null
}

export function toState(row: ProjectionRow): ProjectionState {
  return {
    name: row.name,
    version: row.version,
    liveGeneration: row.live_generation,
    buildingGeneration: row.building_generation ?? undefined,
    buildingVersion: row.building_version ?? undefined,
  }
}

export const toCheckpoint = (row: CheckpointRow): Checkpoint => ({
  shard: row.shard,
  generation: row.generation,
  lastEventId: row.last_event_id,
})

export interface QuarantineRow {
  projection: string
  generation: number
  shard: number
  stream_id: string
  from_event_id: bigint
  reason: string
  quarantined_at: Date
}

export const toQuarantine = (row: QuarantineRow): Quarantine => ({
  projection: row.projection,
  generation: row.generation,
  shard: row.shard,
  streamId: row.stream_id,
  fromEventId: row.from_event_id,
  reason: row.reason,
  quarantinedAt: row.quarantined_at,
})

/** Folds the rest of every shard in which the generation that is built is behind the live one; false when one can't be. */
export async function catchUpAll(
  rows: readonly CheckpointRow[],
  live: number,
  building: number,
  catchUp: (behind: Checkpoint, upTo: bigint) => Promise<boolean>,
): Promise<boolean> {
  for (const ahead of rows.filter((row) => row.generation === live)) {
    const twin = rows.find((row) => row.generation === building && row.shard === ahead.shard)
    if (twin === undefined) return false
    if (twin.last_event_id >= ahead.last_event_id) continue
    if (!(await catchUp(toCheckpoint(twin), ahead.last_event_id))) return false
  }
  return true
}
