import { AppError, isAppError, messageOf } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { isTransient } from '../core/retry.ts'
import type { Checkpoint, LogEvent, LogStore, Projection, ProjectionState } from './port.ts'

/**
 * A gap in the numbers means that an event was lost or deleted. Folding on would hide it, so the shard stops loudly.
 * `head` is a number that was known to be committed before the events were read.
 */
export function assertContiguous(
  log: string,
  shard: number,
  after: bigint,
  events: readonly LogEvent[],
  head = 0n,
): void {
  let expected = after + 1n
  for (const event of events) {
    if (event.eventId !== expected) throw gap(log, shard, `event ${event.eventId} after ${expected - 1n}`)
    expected += 1n
  }
  if (events.length === 0 && head > after)
    throw gap(log, shard, `no event after ${after} although ${head} were appended`)
}

function gap(log: string, shard: number, what: string): AppError {
  return new AppError(
    'log_gap',
    `The ${log} log has ${what} in shard ${shard}; its projections stop there. Run: fanfold verify ${log}`,
  )
}

export interface FoldContext<Tx> {
  readonly store: LogStore<Tx>
  readonly logger: Logger
  /** Events of one transaction. */
  readonly batchEvents?: number
}

const batchOf = <Tx>({ batchEvents }: FoldContext<Tx>, projection: Projection<Tx>): number =>
  batchEvents ?? projection.batchEvents ?? LIMITS.projectionBatchEvents

/** Where a fold takes place. */
interface Target<Tx> {
  readonly context: FoldContext<Tx>
  readonly projection: Projection<Tx>
  readonly generation: number
  readonly shard: number
}

type Outcome =
  | { readonly kind: 'folded' }
  /** Another worker moved the checkpoint first; nothing happened here. */
  | { readonly kind: 'lost' }
  /** The projection can't fold these events, now or later. */
  | { readonly kind: 'failed'; readonly error: unknown }

// Data exceptions, broken constraints, `raise`: what the data of an event can bring about.
const POISON_SQLSTATE = /^(21|22|23|44|P0)/

/**
 * Whether the projection failed because of its event. A database that is away, full or lacks a table, and a program too
 * old for an event, say nothing about the event: setting streams aside would only spread the damage.
 */
function isPoison(error: unknown): boolean {
  if (isTransient(error) || isAppError(error, 'unknown_event_version')) return false
  if (!(error instanceof Error) || isAppError(error)) return true
  if ('syscall' in error) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return /^[0-9A-Z]{5}$/.test(code) ? POISON_SQLSTATE.test(code) : true
}

/** Folds the events whose streams are not set aside, in the transaction that has moved the checkpoint. */
async function handleKept<Tx>(
  { projection, generation, shard, context: { store } }: Target<Tx>,
  events: readonly LogEvent[],
  tx: Tx,
): Promise<void> {
  const setAside = await store.quarantinedStreams(projection.name, generation, shard, tx)
  const kept = setAside.size === 0 ? events : events.filter((event) => !setAside.has(event.streamId))
  if (kept.length > 0) await projection.handle({ shard, generation, events: kept }, tx)
}

/** Folds the events as one transaction; throws when the reason for a failure does not lie in them. */
async function foldBatch<Tx>(target: Target<Tx>, from: bigint, events: readonly LogEvent[]): Promise<Outcome> {
  const { projection, generation, shard } = target
  const { store } = target.context
  let thrownByProjection: unknown
  try {
    const moved = await store.transaction(async (tx) => {
      // The swap comes first: it takes the row's lock, so of two workers one waits and then finds nothing to do.
      if (!(await store.moveCheckpoint(projection.name, generation, shard, from, events.at(-1)!.eventId, tx)))
        return false
      try {
        await handleKept(target, events, tx)
      } catch (error) {
        thrownByProjection = error
        throw error
      }
      return true
    })
    return { kind: moved ? 'folded' : 'lost' }
  } catch (error) {
    if (error !== thrownByProjection || !isPoison(error)) throw error
    return { kind: 'failed', error }
  }
}

/** Leaves the stream of one event out from now on. False when another worker moved the checkpoint first. */
async function setAside<Tx>(target: Target<Tx>, from: bigint, event: LogEvent, error: unknown): Promise<boolean> {
  const { projection, generation, shard } = target
  const { store, logger } = target.context
  const { streamId, eventId } = event
  const reason = messageOf(error)
  const moved = await store.transaction(async (tx) => {
    if (!(await store.moveCheckpoint(projection.name, generation, shard, from, eventId, tx))) return false
    const already = await store.quarantinedStreams(projection.name, generation, shard, tx)
    if (already.size >= LIMITS.quarantinedStreamsMax) {
      throw new AppError(
        'projection_stopped',
        `${projection.name} has set aside ${already.size} streams of shard ${shard}: ${reason}`,
        {
          cause: error,
        },
      )
    }
    await store.addQuarantine(
      { projection: projection.name, generation, shard, streamId, fromEventId: eventId, reason },
      tx,
    )
    return true
  })
  if (moved) {
    logger.error(
      { err: error, projection: projection.name, shard, streamId, eventId: String(eventId) },
      `${projection.name}: stream ${streamId} is set aside at event ${eventId}: ${reason}`,
    )
  }
  return moved
}

/** Folds the events; where they can't be folded, halves them until the poison stands alone. False: lost to another worker. */
async function foldOrSetAside<Tx>(target: Target<Tx>, from: bigint, events: readonly LogEvent[]): Promise<boolean> {
  const outcome = await foldBatch(target, from, events)
  if (outcome.kind !== 'failed') return outcome.kind === 'folded'
  if (events.length === 1) return setAside(target, from, events[0]!, outcome.error)
  const first = events.slice(0, events.length >> 1)
  const moved = await foldOrSetAside(target, from, first)
  return moved && foldOrSetAside(target, first.at(-1)!.eventId, events.slice(first.length))
}

export interface Round {
  /** Events folded here. */
  readonly folded: number
  /** Everything that the log held when the round began is folded, but for the shards that failed. */
  readonly caughtUp: boolean
  readonly failures: readonly { readonly shard: number; readonly error: unknown }[]
  readonly state: ProjectionState
}

/** Rows are folded only by the program whose version they have: old and new ones may run side by side. */
function generationsOf(state: ProjectionState, version: number): number[] {
  const live = state.version === version ? [state.liveGeneration] : []
  const building =
    state.buildingGeneration !== undefined && state.buildingVersion === version ? [state.buildingGeneration] : []
  return [...live, ...building]
}

/**
 * Folds one batch of each shard that is behind, into the live generation and into one that is being built, exactly once
 * however many workers do it. A busy or failing shard does not keep the others waiting, nor a rebuild the live rows.
 */
export async function foldRound<Tx>(
  context: FoldContext<Tx>,
  projection: Projection<Tx>,
  isResting: (shard: number) => boolean = () => false,
): Promise<Round> {
  const { store } = context
  const limit = batchOf(context, projection)
  const state = await store.projection(projection.name)
  const heads = await store.heads()
  const failures: { shard: number; error: unknown }[] = []
  let [folded, caughtUp] = [0, true]

  async function foldShard({ shard, generation, lastEventId }: Checkpoint, head: bigint): Promise<void> {
    const events = await store.read(shard, lastEventId, limit)
    assertContiguous(store.log, shard, lastEventId, events, head)
    const moved = await foldOrSetAside({ context, projection, generation, shard }, lastEventId, events)
    if (moved) folded += events.length
    if (!moved || events.at(-1)!.eventId < head) caughtUp = false
  }

  const behind: { checkpoint: Checkpoint; head: bigint }[] = []
  for (const generation of generationsOf(state, projection.version)) {
    for (const checkpoint of await store.checkpoints(projection.name, generation)) {
      const head = heads[checkpoint.shard] ?? 0n
      if (checkpoint.lastEventId < head && !isResting(checkpoint.shard)) behind.push({ checkpoint, head })
    }
  }
  const next = behind.values()
  async function foldInTurn(): Promise<void> {
    for (const { checkpoint, head } of next) {
      try {
        await foldShard(checkpoint, head)
      } catch (error) {
        failures.push({ shard: checkpoint.shard, error })
      }
    }
  }
  await Promise.all(Array.from({ length: store.foldsAtOnce }, foldInTurn))
  return { folded, caughtUp, failures, state }
}

/**
 * Folds everything that the log holds at the time of the call, alone or together with other workers; answers how many
 * events were folded here. Throws when a shard can't be folded, after the others were, and what `onProgress` throws.
 */
export async function foldAll<Tx>(
  context: FoldContext<Tx>,
  projection: Projection<Tx>,
  onProgress: (folded: number) => void = () => undefined,
): Promise<number> {
  const failed = new Map<number, unknown>()
  let total = 0
  for (;;) {
    const round = await foldRound(context, projection, (shard) => failed.has(shard))
    total += round.folded
    onProgress(total)
    for (const { shard, error } of round.failures) failed.set(shard, error)
    if (round.caughtUp) break
  }
  for (const error of failed.values()) throw error
  return total
}

/**
 * Folds the events that a quarantined stream has missed, in one transaction, and lets it go on; answers how many.
 * Throws what the projection throws when the cause was not mended; then the stream stays set aside.
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

/**
 * Makes the generation that is being built live once it has caught up. What is left to fold, if that is no more than one
 * batch of each shard, is folded in the same transaction: on a busy log it would never be done otherwise. False when there
 * is nothing to flip, or too much is left, or something that the projection can't fold; folding goes on then.
 */
export async function flip<Tx>(context: FoldContext<Tx>, projection: Projection<Tx>): Promise<boolean> {
  const { store } = context
  const limit = batchOf(context, projection)
  try {
    return await store.flipGeneration(projection.name, projection.version, async (behind, upTo, tx) => {
      const { shard, generation, lastEventId } = behind
      if (upTo - lastEventId > BigInt(limit)) return false
      const events = await store.read(shard, lastEventId, Number(upTo - lastEventId), tx)
      assertContiguous(store.log, shard, lastEventId, events, upTo)
      if (!(await store.moveCheckpoint(projection.name, generation, shard, lastEventId, upTo, tx))) return false
      await handleKept({ context, projection, generation, shard }, events, tx)
      return true
    })
  } catch (error) {
    if (isPoison(error)) return false
    throw error
  }
}
