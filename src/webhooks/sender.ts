import { setMaxListeners } from 'node:events'
import { createBatcher } from '../core/batcher.ts'
import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { type Closable, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { isTransient, retry } from '../core/retry.ts'
import { TEST_EVENT_TYPE } from './events.ts'
import type { ClaimedDelivery, Outcome, WebhookStore } from './ports.ts'
import type { Poster, PostResult } from './post.ts'
import { retryWaitMs } from './schedule.ts'
import { signedHeaders } from './signing.ts'

export interface SenderDeps {
  readonly store: Pick<WebhookStore, 'claim' | 'record' | 'stopWaiting'>
  readonly poster: Poster
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** For the jitter of waits. */
  readonly random?: () => number
}

export interface Sender {
  /** Sends what is due, also what comes due by it, and waits for the outcomes; answers how many tries there were. */
  runDue(): Promise<number>
  /** Sends until closed. Closing takes nothing more and waits for what is under way, at most {@link LIMITS.closeMsMax}. */
  start(): Closable & { wake(): void }
}

const DAY_MS = 86_400_000
const POLL_MS = 500
const STOP_ROWS = 1_000
const SETTLE = { tries: 6, backoff: { firstMs: 50, maxMs: 2_000 } }
const GONE = 410

/** A try is good with any 2xx, whatever becomes of the body behind it. */
const isSuccess = (statusCode = 0) => statusCode >= 200 && statusCode < 300

function outcomeOf(
  delivery: ClaimedDelivery,
  { attempt, retryAfterMs }: PostResult,
  nowMs: number,
  random: (() => number) | undefined,
): Outcome {
  const { deliveryId, claim, endpointId, endpointVersion } = delivery
  const about = { deliveryId, claim, endpointId, endpointVersion, attempt }
  if (isSuccess(attempt.statusCode))
    return { ...about, status: 'delivered', tries: delivery.tries, nextAttemptAtMs: undefined, gone: false }
  const tries = delivery.tries + 1
  const gone = attempt.statusCode === GONE
  // A trial is looked at by whoever made it: it fails at once instead of coming back for days.
  const waitMs = gone || delivery.eventType === TEST_EVENT_TYPE ? undefined : retryWaitMs(tries, retryAfterMs, random)
  if (waitMs === undefined) return { ...about, status: 'failed', tries, nextAttemptAtMs: undefined, gone }
  return { ...about, status: 'waiting', tries, nextAttemptAtMs: nowMs + waitMs, gone }
}

/**
 * Sends deliveries at least once: a claim is a lease, so that what a process that dies was sending comes again when the
 * lease is over. Each endpoint has places of its own ({@link LIMITS.webhookSendsPerEndpoint} in a process), so one that
 * is slow or dead holds up nobody else. The order of deliveries is not kept.
 */
export function createSender(deps: SenderDeps): Sender {
  const { store, poster, clock, logger, metrics } = deps
  const busy = new Map<string, number>()
  const underWay = new Set<Promise<void>>()

  const records = createBatcher<Outcome, undefined>({
    run: async (outcomes) => {
      const nowMs = clock.now()
      const failingBeforeMs = nowMs - LIMITS.webhookFailingDays * DAY_MS
      const disabled = await retry({ ...SETTLE, retryable: isTransient, clock }, () =>
        store.record(outcomes, nowMs, failingBeforeMs),
      )
      for (const { endpointId, reason } of disabled) {
        logger.warn({ endpoint_id: endpointId, reason }, `webhooks: endpoint ${endpointId} is disabled: ${reason}`)
      }
      if (disabled.length > 0) await stopAll()
      for (const { status } of outcomes) {
        metrics.webhookTries.inc({ result: status === 'waiting' ? 'retried' : status })
      }
      return outcomes.map(() => ({ ok: true, value: undefined }))
    },
  })

  async function stopAll(): Promise<void> {
    while ((await store.stopWaiting(STOP_ROWS)) === STOP_ROWS);
  }

  async function send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<void> {
    const { url, body, messageId, attemptCount } = delivery
    const headers = signedHeaders(delivery, messageId, body, clock.now())
    const result = await poster.post({ url, headers, body, attempt: attemptCount }, signal)
    await records.add(outcomeOf(delivery, result, clock.now(), deps.random))
  }

  /** Claims and begins to send; answers how many. `onEnd` is told when a place is free again. */
  async function begin(signal: AbortSignal, onEnd: () => void): Promise<number> {
    const nowMs = clock.now()
    const leaseUntilMs = nowMs + LIMITS.webhookLeaseMs
    const claimed = await store.claim(nowMs, leaseUntilMs, LIMITS.webhookSendsPerEndpoint, busy)
    for (const delivery of claimed) {
      const { endpointId, deliveryId } = delivery
      busy.set(endpointId, (busy.get(endpointId) ?? 0) + 1)
      const sending = send(delivery, signal)
        .catch((error: unknown) => {
          // Without an outcome the lease runs out, and it comes again.
          const fields = { err: error, endpoint_id: endpointId, delivery_id: String(deliveryId) }
          if (!signal.aborted) logger.error(fields, `webhooks: delivery ${deliveryId}: ${messageOf(error)}`)
        })
        .finally(() => {
          const left = busy.get(endpointId)! - 1
          if (left > 0) busy.set(endpointId, left)
          else busy.delete(endpointId)
          underWay.delete(sending)
          onEnd()
        })
      underWay.add(sending)
    }
    return claimed.length
  }

  /** Everything that is being sent listens to it, which is more than Node takes for a leak. */
  function stopSignal(): AbortController {
    const abort = new AbortController()
    setMaxListeners(0, abort.signal)
    return abort
  }

  async function ended(abort: AbortController): Promise<void> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), LIMITS.closeMsMax)
    late.signal.addEventListener('abort', () => abort.abort(), { once: true })
    await Promise.all(underWay)
    clearTimeout(timer)
  }

  return {
    async runDue() {
      const { signal } = stopSignal()
      let tries = 0
      for (;;) {
        const begun = await begin(signal, () => undefined)
        if (begun === 0) return tries
        tries += begun
        await Promise.all(underWay)
      }
    },
    start() {
      const abort = stopSignal()
      let swept = false
      const loop = startLoop({
        name: 'webhook sender',
        logger,
        async step() {
          // What a process that died had not stopped yet.
          if (!swept) await stopAll()
          swept = true
          return (await begin(abort.signal, () => loop.wake())) > 0 ? 0 : POLL_MS
        },
      })
      return {
        wake: () => loop.wake(),
        async close() {
          await loop.close()
          await ended(abort)
          poster.close()
        },
      }
    },
  }
}
