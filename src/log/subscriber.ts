import { messageOf } from '../core/errors.ts'
import { type Closable, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { assertContiguous } from './fold.ts'
import type { LogEvent, LogStore } from './port.ts'

/**
 * Hands every event of a log to code that acts elsewhere (another model, another database), in order per shard and at
 * least once: the checkpoint moves after `handle` has returned. `handle` must therefore be repeatable. When it throws,
 * its shard waits and tries again, so nothing is skipped; the other shards go on.
 */
export interface Subscription<Tx> extends Follower<Tx> {
  /** Events of other types are passed over without a call. */
  readonly types: readonly string[]
  handle(event: LogEvent): Promise<void>
}

/** The same for code that takes many events at a time, all types of them; when it throws, all of them come again. */
export interface BatchSubscription<Tx> extends Follower<Tx> {
  handleBatch(events: readonly LogEvent[]): Promise<void>
}

export interface Follower<Tx> {
  /** Its checkpoints are kept under this name. */
  readonly name: string
  readonly store: LogStore<Tx>
}

type AnySubscription<Tx> = Subscription<Tx> | BatchSubscription<Tx>

// A subscription is never rebuilt: what was done elsewhere is done.
const VERSION = 1
const GENERATION = 1
const POLL_MS = 200
/** How long a shard that failed is left alone. */
const SHARD_REST_MS = 1_000

/** Handles what there is now in one shard; answers the number of events read. */
export async function deliverNext<Tx>(
  subscription: AnySubscription<Tx>,
  shard: number,
  after: bigint,
): Promise<number> {
  const { store, name } = subscription
  const events = await store.read(shard, after, LIMITS.projectionBatchEvents)
  if (events.length === 0) return 0
  assertContiguous(store.log, shard, after, events)
  let done = after
  try {
    if ('handleBatch' in subscription) {
      await subscription.handleBatch(events)
      done = events.at(-1)!.eventId
    } else {
      for (const event of events) {
        if (subscription.types.includes(event.type)) await subscription.handle(event)
        done = event.eventId
      }
    }
  } finally {
    // What was handled before a failure is not handled again. A lost swap means another worker did the same work.
    if (done > after) await store.transaction((tx) => store.moveCheckpoint(name, GENERATION, shard, after, done, tx))
  }
  return events.length
}

/** Makes its checkpoints, at the beginning of the log, unless they are there. */
export const registerSubscription = <Tx>({ name, store }: Follower<Tx>): Promise<void> =>
  store.register({ name, version: VERSION })

/**
 * Registers the subscription when it is new, and delivers until closed. Several processes may run the same one; they
 * repeat work but lose none.
 */
export function startSubscriber<Tx>(options: {
  readonly subscription: AnySubscription<Tx>
  readonly logger: Logger
  readonly pollMs?: number
}): Closable & { wake(): void } {
  const { subscription, logger } = options
  const { name, store } = subscription
  const restingUntil = new Map<number, number>()
  let registered = false
  return startLoop({
    name: `subscriber ${name}`,
    logger,
    async step() {
      if (!registered) await registerSubscription(subscription)
      registered = true
      let total = 0
      const now = Date.now()
      for (const { shard, lastEventId } of await store.checkpoints(name, GENERATION)) {
        if ((restingUntil.get(shard) ?? 0) > now) continue
        try {
          total += await deliverNext(subscription, shard, lastEventId)
        } catch (error) {
          restingUntil.set(shard, now + SHARD_REST_MS)
          logger.error({ err: error, subscriber: name, shard }, `${name}: shard ${shard} waits: ${messageOf(error)}`)
        }
      }
      return total > 0 ? 0 : (options.pollMs ?? POLL_MS)
    },
  })
}
