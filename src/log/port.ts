/**
 * The log: facts of one model, numbered without gaps per shard, folded in order and exactly once into read models that
 * live in the same database. Why numbers are handed out inside the commit: docs/adr/0002.
 *
 * Words. *Log*: the event table of a model (`order_history`, `payment_events`). *Shard*: an independent part of a log;
 * all events of one stream share it. *Stream*: the events of one order or payment, in `version` order. *Event id*: the
 * number of an event in its shard, contiguous from 1, in commit order. *Projection*: code that folds a log into a read
 * model. *Checkpoint*: the last event id a projection has folded, per shard. *Generation*: one copy of a read model;
 * readers see the live one while another may be building.
 */
export type LogName = 'orders' | 'payments'

export interface LogEvent {
  readonly shard: number
  readonly eventId: bigint
  readonly streamId: string
  readonly version: number
  readonly type: string
  /** Version of the payload's shape; code that does not know it must refuse it, never guess. */
  readonly schemaVersion: number
  readonly timestampMs: number
  readonly payload: Readonly<Record<string, unknown>>
}

/** What one call of a projection gets: events of one shard, ascending, without those of quarantined streams. */
export interface ProjectionBatch {
  readonly shard: number
  readonly generation: number
  readonly events: readonly LogEvent[]
}

/** `Tx` is the transaction of the engine; only the engine's own code looks into it. */
export interface Projection<Tx> {
  readonly name: string
  readonly log: LogName
  /** Raise it when the meaning of the read model changes: the next start rebuilds it beside the live one. */
  readonly version: number
  /** Most events of one batch; {@link LIMITS.projectionBatchEvents} unless given. */
  readonly batchEvents?: number
  /**
   * Folds one batch into the rows of `batch.generation`. It runs in the transaction that moves the checkpoint: a throw
   * undoes it whole. A failure of the database, and `unknown_event_version`, stop the shard until they pass; any other
   * throw sets the stream of the failing event aside.
   */
  handle(batch: ProjectionBatch, tx: Tx): Promise<void>
  /** Deletes up to `limit` rows of a generation that nobody reads; answers how many. */
  clear(generation: number, limit: number, tx: Tx): Promise<number>
}

export interface Checkpoint {
  readonly shard: number
  readonly generation: number
  readonly lastEventId: bigint
}

export interface ProjectionState {
  readonly name: string
  readonly version: number
  readonly liveGeneration: number
  readonly buildingGeneration: number | undefined
  readonly buildingVersion: number | undefined
}

export interface Quarantine {
  readonly projection: string
  readonly generation: number
  readonly shard: number
  readonly streamId: string
  readonly fromEventId: bigint
  readonly reason: string
  readonly quarantinedAt: Date
}

/** Reading a log and keeping the books of its projections. Appending is the business of the models' own stores. */
export interface LogStore<Tx> {
  readonly log: LogName
  /** Number of shards; fixed when the database was created. */
  readonly shards: number
  /** Shards that may be folded side by side. */
  readonly foldsAtOnce: number
  /** Last event id of every shard, by index. */
  heads(): Promise<bigint[]>
  /** Committed events of a shard with `eventId > after`, ascending, at most `limit`. Never one without those before it. */
  read(shard: number, after: bigint, limit: number, tx?: Tx): Promise<LogEvent[]>
  /** The events of one stream with `fromEventId <= eventId <= toEventId`, ascending. */
  readStream(shard: number, streamId: string, fromEventId: bigint, toEventId: bigint, tx: Tx): Promise<LogEvent[]>

  /** All or nothing; run again when the database made it lose a race. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>

  /** Registers a projection at generation 1 with checkpoints at 0; changes nothing when it is known. */
  register(projection: { name: string; version: number }): Promise<void>
  projection(name: string): Promise<ProjectionState>
  /** By shard; none of a generation that is retired. */
  checkpoints(name: string, generation: number): Promise<Checkpoint[]>
  /** Compare-and-swap inside `tx`; false when the checkpoint is no longer at `from` (another worker was faster). */
  moveCheckpoint(name: string, generation: number, shard: number, from: bigint, to: bigint, tx: Tx): Promise<boolean>
  /** Reads the checkpoint and keeps it from moving until the end of `tx`; `undefined` when the generation is gone. */
  holdCheckpoint(name: string, generation: number, shard: number, tx: Tx): Promise<bigint | undefined>

  quarantines(name: string): Promise<Quarantine[]>
  /** Stream ids set aside in one shard. */
  quarantinedStreams(name: string, generation: number, shard: number, tx: Tx): Promise<Set<string>>
  addQuarantine(quarantine: Omit<Quarantine, 'quarantinedAt'>, tx: Tx): Promise<void>
  removeQuarantine(name: string, generation: number, shard: number, streamId: string, tx: Tx): Promise<void>

  /**
   * Opens the next generation with checkpoints at 0, or answers the one that is being built for this version already.
   * One that is being built for an older version is abandoned. Throws `schema_outdated` when the version is older than
   * that of the live rows or of those being built.
   */
  startGeneration(name: string, version: number): Promise<number>
  /**
   * Makes the building generation of this version live when it has caught up with the live one in every shard; one
   * transaction, so no reader sees a hole or an earlier state. Where it is behind, `catchUp` may fold the rest of a shard
   * in that transaction, in which no checkpoint moves but by it; it answers whether it did. False when there is nothing to
   * flip or it is still behind.
   */
  flipGeneration(
    name: string,
    version: number,
    catchUp?: (behind: Checkpoint, upTo: bigint, tx: Tx) => Promise<boolean>,
  ): Promise<boolean>
  /**
   * Generations that are neither live nor building but still have rows. From the answer on nobody can fold into them:
   * a fold that was under way has ended.
   */
  retireGenerations(name: string): Promise<number[]>
  /** Forgets the checkpoints and quarantines of a retired generation. */
  dropGeneration(name: string, generation: number): Promise<void>
}
