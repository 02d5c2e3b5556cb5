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

interface ShardSealed {
  readonly shard: number
  readonly last: Seal | undefined
  readonly added: number
}

/** Seals what is due in one shard, or with `all` everything; answers the last seal it knows of and how many are new. */
async function sealShard(deps: SealerDeps, state: ShardToSeal, all: boolean): Promise<ShardSealed> {
  const { store, clock } = deps
  let { last } = state
  let added = 0
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
    added += 1
  }
  return { shard: state.shard, last, added }
}

/** Copies what the copies lack; says loudly when they and the database contradict each other. */
async function copySeals(deps: SealerDeps, copies: SealCopies, sealed: readonly ShardSealed[]): Promise<void> {
  const { store, logger } = deps
  const lasts = await copies.lasts()
  for (const { shard, last } of sealed) {
    let copied = lasts.get(shard)
    const lacks = (copied?.number ?? 0) > (last?.number ?? 0)
    if (lacks) logger.error({ shard }, `${store.log}: seals of shard ${shard} are gone from the database`)
    while (last !== undefined && (copied?.number ?? 0) < last.number) {
      const seals = await store.list(shard, copied?.number ?? 0, SEALS_PER_COPY)
      const [first] = seals
      if (first === undefined) break
      if (Buffer.compare(first.previous, copied === undefined ? NO_HASH : sealHash(copied)) !== 0)
        logger.error({ shard }, `${store.log}: seal ${first.number} of shard ${shard} does not follow its copies`)
      await copies.append(seals)
      copied = seals.at(-1)
    }
  }
}

/**
 * Seals once what is due: every {@link LIMITS.sealEveryEvents} events, and all when the oldest has waited for
 * {@link LIMITS.sealEveryMs}; with `all` everything there is. Any number of processes may do it at the same time, and
 * any may die at any point: a seal is one insert that only one of them can make. A shard with a gap is passed over with
 * an error in the log. Answers the number of new seals.
 */
export async function sealNow(deps: SealerDeps, { all = false } = {}): Promise<number> {
  const { store, copies, logger } = deps
  const sealed: ShardSealed[] = []
  for (const state of await store.shards()) {
    try {
      sealed.push(await sealShard(deps, state, all))
    } catch (error) {
      logger.error({ err: error, shard: state.shard }, messageOf(error))
      sealed.push({ shard: state.shard, last: state.last, added: 0 })
    }
  }
  if (copies !== undefined) await copySeals(deps, copies, sealed)
  return sealed.reduce((sum, { added }) => sum + added, 0)
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
