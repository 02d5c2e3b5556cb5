import { AppError, messageOf } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { startLoop, type Closable } from '../core/lifecycle.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { isTransient } from '../core/retry.ts'
import type { LogEvent, LogStore, Projection } from './port.ts'

/**
 * A gap in the numbers means that an event was lost or deleted. Folding on would hide it, so the shard stops loudly.
 */
export function assertContiguous(log: string, after: bigint, events: readonly LogEvent[]): void {
  let expected = after + 1n
  for (const event of events) {
    if (event.eventId !== expected) {
      throw new AppError(
        'log_gap',
        `The ${log} log has event ${event.eventId} after ${expected - 1n} in shard ${event.shard}; its projections stop here. Run: fanfold verify ${log}`,
      )
    }
    expected += 1n
  }
}

export interface FoldContext<Tx> {
  readonly store: LogStore<Tx>
  readonly logger: Logger
  readonly batchEvents?: number
}

/** Folds the events as one transaction. False when another worker moved the checkpoint first: then nothing happened. */
async function foldBatch<Tx>(
  { store }: FoldContext<Tx>,
  projection: Projection<Tx>,
  generation: number,
  from: bigint,
  events: readonly LogEvent[],
): Promise<boolean> {
  const { shard } = events[0]!
  return store.transaction(async (tx) => {
    // The swap comes first: it takes the row's lock, so of two workers one waits and then finds nothing to do.
    const moved = await store.moveCheckpoint(projection.name, generation, shard, from, events.at(-1)!.eventId, tx)
    if (!moved) return false
    const setAside = await store.quarantinedStreams(projection.name, generation, shard, tx)
    const kept = setAside.size === 0 ? events : events.filter((event) => !setAside.has(event.streamId))
    if (kept.length > 0) await projection.handle({ shard, generation, events: kept }, tx)
    return true
  })
}

/** After a batch failed for good: event by event, and the stream of the one that fails is set aside. */
async function isolatePoison<Tx>(
  context: FoldContext<Tx>,
  projection: Projection<Tx>,
  generation: number,
  from: bigint,
  events: readonly LogEvent[],
): Promise<void> {
  const { store, logger } = context
  let at = from
  for (const event of events) {
    try {
      if (!(await foldBatch(context, projection, generation, at, [event]))) return
    } catch (error) {
      if (isTransient(error)) throw error
      const { shard, streamId, eventId } = event
      const moved = await store.transaction(async (tx) => {
        if (!(await store.moveCheckpoint(projection.name, generation, shard, at, eventId, tx))) return false
        const reason = messageOf(error)
        await store.addQuarantine({ projection: projection.name, generation, shard, streamId, fromEventId: eventId, reason }, tx)
        return true
      })
      if (!moved) return
      logger.error(
        { err: error, projection: projection.name, shard, streamId, eventId: String(eventId) },
        `${projection.name}: stream ${streamId} is set aside at event ${eventId}: ${messageOf(error)}`,
      )
    }
    at = event.eventId
  }
}

/**
 * Folds the next events of one shard into one generation, exactly once however many workers run.
 * Answers how many events were read; 0 means that it has caught up.
 */
async function foldNext<Tx>(
  context: FoldContext<Tx>,
  projection: Projection<Tx>,
  generation: number,
  shard: number,
  after: bigint,
): Promise<number> {
  const events = await context.store.read(shard, after, context.batchEvents ?? LIMITS.projectionBatchEvents)
  if (events.length === 0) return 0
  assertContiguous(context.store.log, after, events)
  try {
    await foldBatch(context, projection, generation, after, events)
  } catch (error) {
    if (isTransient(error)) throw error
    await isolatePoison(context, projection, generation, after, events)
  }
  return events.length
}

/** Folds everything there is now, in the live and in a building generation; answers the number of events read. */
export async function foldAll<Tx>(context: FoldContext<Tx>, projection: Projection<Tx>): Promise<number> {
  const state = await context.store.projection(projection.name)
  const generations = [state.liveGeneration, state.buildingGeneration].filter((g) => g !== undefined)
  let total = 0
  for (const generation of generations) {
    for (const checkpoint of await context.store.checkpoints(projection.name, generation)) {
      let after = checkpoint.lastEventId
      for (;;) {
        // A swap lost to another worker costs this read only: ids are contiguous, so the next swap tells again.
        const read = await foldNext(context, projection, generation, checkpoint.shard, after)
        if (read === 0) break
        total += read
        after += BigInt(read)
      }
    }
  }
  return total
}

/**
 * Folds the events that a quarantined stream has missed, in one transaction, and lets it go on. Throws what the
 * projection throws when its cause was not mended; then the stream stays set aside.
 */
export async function releaseQuarantine<Tx>(
  store: LogStore<Tx>,
  projection: Projection<Tx>,
  quarantine: { generation: number; shard: number; streamId: string; fromEventId: bigint },
): Promise<number> {
  const { generation, shard, streamId, fromEventId } = quarantine
  return store.transaction(async (tx) => {
    const checkpoint = await store.holdCheckpoint(projection.name, generation, shard, tx)
    if (checkpoint === undefined) return 0
    const setAside = await store.quarantinedStreams(projection.name, generation, shard, tx)
    if (!setAside.has(streamId)) return 0
    const events = await store.readStream(shard, streamId, fromEventId, checkpoint, tx)
    if (events.length > 0) await projection.handle({ shard, generation, events }, tx)
    await store.removeQuarantine(projection.name, generation, shard, streamId, tx)
    return events.length
  })
}

export interface Projector extends Closable {
  /** A hint that something was appended; polling finds it anyway. */
  wake(): void
}

const POLL_MS = 200
const CLEAR_ROWS = 5_000

/** Removes generations that are no longer read, in small transactions; also what a crash left over. */
async function clearRetired<Tx>(store: LogStore<Tx>, projection: Projection<Tx>): Promise<void> {
  for (const generation of await store.retireGenerations(projection.name)) {
    for (;;) {
      const removed = await store.transaction((tx) => projection.clear(generation, CLEAR_ROWS, tx))
      if (removed === 0) break
    }
    await store.dropGeneration(projection.name, generation)
  }
}

/** Flips to the building generation if there is one and it has caught up; answers whether it is live now. */
async function tryFlip<Tx>(context: FoldContext<Tx>, projection: Projection<Tx>): Promise<boolean> {
  if (!(await context.store.flipGeneration(projection.name))) return false
  context.logger.info({ projection: projection.name }, `${projection.name}: the rebuilt read model is live`)
  await clearRetired(context.store, projection)
  return true
}

/**
 * Keeps one projection up to date until closed, and rebuilds it when its code has a newer version than its rows.
 * Several processes may run the same one: checkpoints move by compare-and-swap, so the others only lose a read.
 */
export function startProjector<Tx>(options: {
  readonly store: LogStore<Tx>
  readonly projection: Projection<Tx>
  readonly logger: Logger
  readonly metrics: Metrics
  readonly pollMs?: number
}): Projector {
  const { store, projection, metrics, logger } = options
  const context: FoldContext<Tx> = { store, logger }
  let prepared = false

  async function prepare(): Promise<void> {
    await clearRetired(store, projection)
    const state = await store.projection(projection.name)
    if (state.version < projection.version) {
      logger.info({ projection: projection.name }, `${projection.name}: rebuilding for version ${projection.version}`)
      await store.startGeneration(projection.name, projection.version)
    }
    prepared = true
  }

  async function step(): Promise<number> {
    if (!prepared) await prepare()
    const folded = await foldAll(context, projection)
    if (folded > 0) metrics.projectedEvents.inc({ projection: projection.name }, folded)
    await tryFlip(context, projection)
    return folded > 0 ? 0 : (options.pollMs ?? POLL_MS)
  }

  return startLoop({ name: `projector ${projection.name}`, step, logger })
}

/**
 * Rebuilds a read model beside the live one and flips to it; reads go on meanwhile. Returns when it is live.
 * A projector that runs elsewhere helps, and may flip first.
 */
export async function rebuild<Tx>(
  context: FoldContext<Tx>,
  projection: Projection<Tx>,
  onProgress: (folded: number) => void = () => undefined,
): Promise<{ generation: number; folded: number }> {
  const generation = await context.store.startGeneration(projection.name, projection.version)
  let folded = 0
  for (;;) {
    folded += await foldAll(context, projection)
    onProgress(folded)
    if (await tryFlip(context, projection)) break
    if ((await context.store.projection(projection.name)).liveGeneration >= generation) break
  }
  return { generation, folded }
}
