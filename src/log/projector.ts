import { AppError, messageOf } from '../core/errors.ts'
import { type Closable, startLoop } from '../core/lifecycle.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { type FoldContext, flip, foldAll, foldRound } from './fold.ts'
import type { LogStore, Projection } from './port.ts'

export interface Projector extends Closable {
  /** A hint that something was appended; polling finds it anyway. */
  wake(): void
}

const POLL_MS = 200
const CLEAR_ROWS = 5_000
/** How long a shard that failed is left alone. */
const SHARD_REST_MS = 5_000
const FLIP_AGAIN_MS = 20

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

/** Makes the building generation live if it is ours and has caught up; answers whether it did. */
async function tryFlip<Tx>(context: FoldContext<Tx>, projection: Projection<Tx>): Promise<boolean> {
  const { store, logger } = context
  if (!(await flip(context, projection))) return false
  logger.info({ projection: projection.name }, `${projection.name}: the rebuilt read model is live`)
  await clearRetired(store, projection)
  return true
}

/**
 * Keeps one projection up to date until closed, registers it when it is new, and rebuilds it when its code has a newer
 * version than its rows. Several processes may run the same one: checkpoints move by compare-and-swap, so the others
 * only lose a read. A process that is older than the rows leaves them alone.
 */
export function startProjector<Tx>(options: {
  readonly store: LogStore<Tx>
  readonly projection: Projection<Tx>
  readonly logger: Logger
  readonly metrics: Metrics
  readonly pollMs?: number
  /** Rests so long whenever everything is folded, unless woken; then it does not follow the log, but catches up. */
  readonly everyMs?: number | undefined
}): Projector {
  const { store, projection, metrics, logger } = options
  const { name } = projection
  const pollMs = options.pollMs ?? POLL_MS
  const context: FoldContext<Tx> = { store, logger }
  const restingUntil = new Map<number, number>()
  let prepared = false

  async function prepare(): Promise<void> {
    await store.register(projection)
    await clearRetired(store, projection)
    const { version } = await store.projection(name)
    if (version < projection.version) {
      logger.info({ projection: name }, `${name}: rebuilding for version ${projection.version}`)
      await store.startGeneration(name, projection.version)
    }
    if (version > projection.version) {
      logger.error(
        { projection: name },
        `${name}: its rows have version ${version}; this program is older and leaves them alone`,
      )
    }
    prepared = true
  }

  async function step(): Promise<number> {
    if (!prepared) await prepare()
    const now = Date.now()
    const round = await foldRound(context, projection, (shard) => (restingUntil.get(shard) ?? 0) > now)
    if (round.folded > 0) metrics.projectedEvents.inc({ projection: name }, round.folded)
    for (const { shard, error } of round.failures) {
      restingUntil.set(shard, now + SHARD_REST_MS)
      logger.error({ err: error, projection: name, shard }, `${name}: shard ${shard} stands still: ${messageOf(error)}`)
    }
    if (round.caughtUp && round.state.buildingVersion === projection.version) await tryFlip(context, projection)
    if (!round.caughtUp) return 0
    const isBuilding = round.state.buildingVersion === projection.version
    if (options.everyMs !== undefined && !isBuilding && round.failures.length === 0) return options.everyMs
    return round.folded === 0 ? pollMs : 0
  }

  return startLoop({ name: `projector ${name}`, step, logger })
}

/**
 * Rebuilds a read model beside the live one and flips to it; reads go on meanwhile. Returns when it is live.
 * A projector that runs elsewhere helps, and may flip first. Throws `schema_outdated` when a newer program has rows of
 * its own or is building them, and what `onProgress` throws: then what was folded stays for the next to go on with.
 */
export async function rebuild<Tx>(
  context: FoldContext<Tx>,
  projection: Projection<Tx>,
  onProgress: (folded: number) => void = () => undefined,
): Promise<{ generation: number; folded: number }> {
  const { store } = context
  await store.register(projection)
  const generation = await store.startGeneration(projection.name, projection.version)
  let folded = 0
  for (;;) {
    const before = folded
    folded += await foldAll(context, projection, (more) => onProgress(before + more))
    if (await tryFlip(context, projection)) break
    const state = await store.projection(projection.name)
    if (state.liveGeneration >= generation) break
    if (state.buildingGeneration !== generation) {
      throw new AppError(
        'schema_outdated',
        `A newer program has begun to rebuild ${projection.name}; nothing was flipped here`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, FLIP_AGAIN_MS))
  }
  return { generation, folded }
}
