import { messageOf as wordsOf } from '../core/errors.ts'
import { type Loop, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { assertContiguous } from '../log/fold.ts'
import type { LogEvent, LogStore } from '../log/port.ts'
import { isFor, messageOf } from './events.ts'
import type { WebhookMessage, WebhookStore } from './ports.ts'

/**
 * Turns the events of a log into deliveries, in order per shard, a batch per statement.
 *
 * It is a subscription, no projection. Endpoints and deliveries may live in another database than a log, so they can't
 * commit with its checkpoint; and a projection can be rebuilt, which would send again what housekeeping has forgotten,
 * while what was sent is sent. So the checkpoint moves after the deliveries are there: a batch may be handed over twice
 * (a crash between the two, two processes at once), and the natural key of a delivery, endpoint and event, lets the
 * second do nothing. An endpoint begins behind the last events that were there before it (`starts`), so that no repeat
 * reaches back. Nothing is set aside: a shard that fails waits, and goes on where it stood.
 */
export interface CollectorDeps {
  readonly log: LogStore<unknown>
  readonly store: Pick<WebhookStore, 'audiences' | 'enqueue'>
  readonly clock: { now(): number }
}

// What was sent is sent: there is never another generation.
const VERSION = 1
const GENERATION = 1
const POLL_MS = 500
/** How long a shard that failed is left alone. */
const SHARD_REST_MS = 1_000

/** Under this name the checkpoints of a log are kept. */
export const collectorName = (log: LogStore<unknown>): string => `webhooks_${log.log}`

export const registerCollector = ({ log }: Pick<CollectorDeps, 'log'>): Promise<void> =>
  log.register({ name: collectorName(log), version: VERSION })

async function enqueue({ log, store, clock }: CollectorDeps, events: readonly LogEvent[]): Promise<number> {
  // Asked after the events were read: an endpoint that was there before an event is among them.
  const audiences = await store.audiences()
  const messages: WebhookMessage[] = []
  const targets: { endpointId: string; message: number }[] = []
  for (const event of events) {
    const wanting = audiences.filter((audience) => isFor(audience, log.log, event))
    if (wanting.length === 0) continue
    const message = messages.push(messageOf(log.log, event)) - 1
    targets.push(...wanting.map(({ endpointId }) => ({ endpointId, message })))
  }
  return targets.length === 0 ? 0 : store.enqueue(messages, targets, clock.now())
}

/** A lost swap means that another process did the same work. */
async function moveOn({ log }: CollectorDeps, shard: number, from: bigint, to: bigint): Promise<void> {
  await log.transaction((tx) => log.moveCheckpoint(collectorName(log), GENERATION, shard, from, to, tx))
}

async function collectShard(deps: CollectorDeps, shard: number, after: bigint, head: bigint): Promise<number> {
  const { log } = deps
  const events = await log.read(shard, after, LIMITS.projectionBatchEvents)
  assertContiguous(log.log, shard, after, events, head)
  const made = await enqueue(deps, events)
  await moveOn(deps, shard, after, events.at(-1)!.eventId)
  return made
}

export interface Collected {
  /** Shards that were behind. */
  readonly behind: number
  /** Deliveries made. */
  readonly made: number
  readonly failures: readonly { readonly shard: number; readonly error: unknown }[]
}

/** Takes one batch of each shard that is behind. A shard that fails does not hold up the others. */
export async function collectRound(
  deps: CollectorDeps,
  isResting: (shard: number) => boolean = () => false,
): Promise<Collected> {
  const { log } = deps
  const checkpoints = await log.checkpoints(collectorName(log), GENERATION)
  const heads = await log.heads()
  const due = checkpoints.flatMap(({ shard, lastEventId }) => {
    const head = heads[shard] ?? 0n
    return lastEventId >= head || isResting(shard) ? [] : [{ shard, lastEventId, head }]
  })
  // Where nobody listens nothing is read. The heads were read first, so whoever is registered later has no claim on these.
  const isUnheard = due.length > 0 && (await deps.store.audiences()).length === 0
  const failures: { shard: number; error: unknown }[] = []
  let made = 0
  for (const { shard, lastEventId, head } of due) {
    try {
      if (isUnheard) await moveOn(deps, shard, lastEventId, head)
      else made += await collectShard(deps, shard, lastEventId, head)
    } catch (error) {
      failures.push({ shard, error })
    }
  }
  return { behind: due.length, made, failures }
}

/** Follows a log until closed. Several processes may do so. `onMade` is told that there is something to send. */
export function startCollector(deps: CollectorDeps & { readonly logger: Logger; readonly onMade: () => void }): Loop {
  const { log, logger, onMade } = deps
  const name = collectorName(log)
  const restingUntil = new Map<number, number>()
  return startLoop({
    name,
    logger,
    async step() {
      const now = Date.now()
      const { behind, made, failures } = await collectRound(deps, (shard) => (restingUntil.get(shard) ?? 0) > now)
      if (made > 0) onMade()
      for (const { shard, error } of failures) {
        restingUntil.set(shard, now + SHARD_REST_MS)
        logger.error({ err: error, subscriber: name, shard }, `${name}: shard ${shard} waits: ${wordsOf(error)}`)
      }
      return behind > 0 ? 0 : POLL_MS
    },
  })
}
