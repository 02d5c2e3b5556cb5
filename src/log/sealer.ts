import { NO_HASH } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import { AppError, messageOf } from '../core/errors.ts'
import { type Closable, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { chainHash, type Seal, type SealKey, sealHash, signSeal } from './seal.ts'
import type { SealCopies, SealStore, ShardToSeal } from './seal-store.ts'

export interface SealerDeps {
  readonly store: SealStore
  /** Asked when there is something to seal. */
  readonly key: () => Promise<SealKey>
  readonly copies?: SealCopies | undefined
  readonly clock: Clock
  readonly logger: Logger
}

const LOOK_MS = 2_000
const SEALS_PER_COPY = 1_000

function gap(log: string, shard: number, what: string): AppError {
  return new AppError(
    'log_gap',
    `The ${log} log has ${what} in shard ${shard}; it is not sealed on. Run: fanfold verify ${log}`,
  )
}

/** The seal after `last`, over as many events as one seal covers. Throws `log_gap`. */
async function nextSeal(deps: SealerDeps, { shard, head }: ShardToSeal, last: Seal | undefined): Promise<Seal> {
  const { store, clock } = deps
  let eventId = last?.eventId ?? 0n
  let chain = last?.chainHash ?? NO_HASH
  for (const event of await store.hashes(shard, eventId, head, LIMITS.sealEveryEvents)) {
    if (event.eventId !== eventId + 1n) throw gap(store.log, shard, `event ${event.eventId} after ${eventId}`)
    eventId = event.eventId
    chain = chainHash(chain, event.hash)
  }
  if (eventId === (last?.eventId ?? 0n))
    throw gap(store.log, shard, `no event after ${eventId} although ${head} were appended`)
  const previous = last === undefined ? NO_HASH : sealHash(last)
  const number = (last?.number ?? 0) + 1
  const sealedAtMs = clock.now()
  return signSeal({ log: store.log, shard, number, eventId, chainHash: chain, sealedAtMs, previous }, await deps.key())
}

/** Seals what is due in one shard, or with `all` everything; answers the last seal it knows of and how many are new. */
async function sealShard(deps: SealerDeps, state: ShardToSeal, all: boolean) {
  const { store, clock } = deps
  let { last } = state
  let count = 0
  if (last !== undefined && last.eventId > state.head)
    throw gap(store.log, state.shard, `${state.head} events, but seals up to ${last.eventId}`)
  const isOld = state.oldestUnsealedAtMs !== undefined && clock.now() - state.oldestUnsealedAtMs >= LIMITS.sealEveryMs
  for (;;) {
    const waiting = state.head - (last?.eventId ?? 0n)
    if (waiting === 0n || (waiting < LIMITS.sealEveryEvents && !isOld && !all)) break
    const seal = await nextSeal(deps, state, last)
    // Another sealer was faster; what is left is for the next look.
    if (!(await store.add(seal))) break
    last = seal
    count += 1
  }
  return { last, count }
}

/**
 * Throws `log_gap` when the database lacks the last copied seal or has another: what stands there now must not be sealed
 * as if it had always been so.
 */
async function compareWithCopy(
  store: SealStore,
  { shard, last }: ShardToSeal,
  copied: Seal | undefined,
): Promise<void> {
  if (copied === undefined) return
  const [stored] = last?.number === copied.number ? [last] : await store.list(shard, copied.number - 1, 1)
  if (stored?.number !== copied.number)
    throw gap(store.log, shard, `no seal ${copied.number}, of which there is a copy`)
  if (Buffer.compare(sealHash(stored), sealHash(copied)) !== 0)
    throw gap(store.log, shard, `another seal ${copied.number} than that of which there is a copy`)
}

/** Copies what the copies of a shard lack. */
async function copySeals(store: SealStore, copies: SealCopies, shard: number, from: number, to: number): Promise<void> {
  for (let copied = from; copied < to; ) {
    const seals = await store.list(shard, copied, SEALS_PER_COPY)
    if (seals.length === 0) return
    await copies.append(seals)
    copied = seals.at(-1)!.number
  }
}

/**
 * Seals once what is due: every {@link LIMITS.sealEveryEvents} events, and all when the oldest has waited for
 * {@link LIMITS.sealEveryMs}; with `all` everything there is. Any number of processes may do it at the same time, and
 * any may die at any point: a seal is one insert that only one of them can make. A shard with a gap, or
 * that contradicts its copies, is passed over with an error in the log. Answers the number of new seals.
 */
export async function sealNow(deps: SealerDeps, { all = false } = {}): Promise<number> {
  const { store, copies, logger } = deps
  // Before the seals, so that an honest copy always finds its seal.
  const lasts = await copies?.lasts()
  let added = 0
  for (const state of await store.shards()) {
    const copied = lasts?.get(state.shard)
    try {
      await compareWithCopy(store, state, copied)
      const { last, count } = await sealShard(deps, state, all)
      added += count
      if (copies !== undefined) await copySeals(store, copies, state.shard, copied?.number ?? 0, last?.number ?? 0)
    } catch (error) {
      logger.error({ err: error, shard: state.shard }, messageOf(error))
    }
  }
  return added
}

/** Seals until closed. */
export function startSealer(deps: SealerDeps): Closable {
  return startLoop({
    name: `${deps.store.log} sealer`,
    logger: deps.logger,
    async step() {
      await sealNow(deps)
      return LOOK_MS
    },
  })
}
