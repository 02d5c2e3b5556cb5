import { startLoop, type Closable } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { LogEvent, LogStore } from './port.ts'
import { assertContiguous } from './projector.ts'

/**
 * Hands every event of a log to code that acts elsewhere (another model, another database), in order per shard and at
 * least once: the checkpoint moves after `handle` has returned. `handle` must therefore be repeatable. When it throws,
 * the shard waits and tries again, so nothing is skipped.
 */
export interface Subscription<Tx> {
  /** Its checkpoints are kept under this name. */
  readonly name: string
  readonly store: LogStore<Tx>
  /** Events of other types are passed over without a call. */
  readonly types: readonly string[]
  handle(event: LogEvent): Promise<void>
}

const GENERATION = 1
const POLL_MS = 200

/** Handles what there is now in one shard; answers the number of events read. */
export async function deliverNext<Tx>(subscription: Subscription<Tx>, shard: number, after: bigint): Promise<number> {
  const { store, name, types } = subscription
  const events = await store.read(shard, after, LIMITS.projectionBatchEvents)
  if (events.length === 0) return 0
  assertContiguous(store.log, after, events)
  let done = after
  try {
    for (const event of events) {
      if (types.includes(event.type)) await subscription.handle(event)
      done = event.eventId
    }
  } finally {
    // What was handled before a failure is not handled again. A lost swap means another worker did the same work.
    if (done > after) await store.transaction((tx) => store.moveCheckpoint(name, GENERATION, shard, after, done, tx))
  }
  return events.length
}

/** Delivers until closed. Several processes may run the same subscription; they repeat work but lose none. */
export function startSubscriber<Tx>(options: {
  readonly subscription: Subscription<Tx>
  readonly logger: Logger
  readonly pollMs?: number
}): Closable & { wake(): void } {
  const { subscription, logger } = options
  return startLoop({
    name: `subscriber ${subscription.name}`,
    logger,
    async step() {
      let total = 0
      for (const { shard, lastEventId } of await subscription.store.checkpoints(subscription.name, GENERATION)) {
        total += await deliverNext(subscription, shard, lastEventId)
      }
      return total > 0 ? 0 : (options.pollMs ?? POLL_MS)
    },
  })
}
