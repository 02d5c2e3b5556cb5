import { createBatcher } from '../core/batcher.ts'
import type { Clock } from '../core/clock.ts'
import { AppError, invalidField } from '../core/errors.ts'
import type { IdMaker } from '../core/ids.ts'
import type { Closable } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { createDepthGuard } from './depth-guard.ts'
import { LANES, type OutgoingMessage, type Queue } from './port.ts'
import type { QueueTransport, StoredMessage } from './transport.ts'
import { type RetryPolicy, startWorker } from './worker.ts'

export interface QueueOptions extends Partial<RetryPolicy> {
  /** Messages waiting in one topic before new ones are refused. */
  readonly depthMax?: number
}

export interface QueueDeps {
  readonly ids: IdMaker
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

const DEFAULT_CONCURRENCY = 8
const NAME = /^[A-Za-z0-9_.:-]{1,100}$/
const KEY_CHARS_MAX = 200
/** A large publish goes out in slices, so that it does not fill the waiting room of the group commit by itself. */
const SLICE = 1_000

/** The queue over any broker: checks and ids of what goes in, group commit, workers, limits. */
export function createQueue(transport: QueueTransport, deps: QueueDeps, options: QueueOptions = {}): Queue {
  const policy: RetryPolicy = {
    triesMax: options.triesMax ?? LIMITS.queueTriesMax,
    backoff: options.backoff ?? { firstMs: LIMITS.queueBackoffMs, maxMs: LIMITS.queueBackoffMsMax },
  }
  const guard = createDepthGuard(
    (topic, most) => transport.depth(topic, most),
    options.depthMax ?? LIMITS.queueDepthMax,
    deps.clock,
  )
  const sending = createBatcher<StoredMessage, undefined>({
    concurrency: transport.sendConcurrency,
    run: async (messages) => {
      await transport.send(messages)
      return messages.map(() => ({ ok: true, value: undefined }))
    },
  })
  const workers = new Set<Closable>()
  let closing: Promise<void> | undefined
  let open = true

  function stored(message: OutgoingMessage): StoredMessage {
    const payloadJson = JSON.stringify(message.payload)
    check(message, payloadJson)
    return {
      id: deps.ids.next(0).toString(),
      topic: message.topic,
      lane: message.lane ?? 'small',
      key: message.key,
      payloadJson,
      delayMs: message.delayMs ?? 0,
    }
  }

  async function close(): Promise<void> {
    await Promise.all([...workers].map((worker) => worker.close()))
    open = false
    await sending.drain()
    await transport.close()
  }

  return {
    async publish(messages) {
      if (!open) throw new AppError('shutting_down')
      const all = messages.map(stored)
      await guard(all)
      for (let from = 0; from < all.length; from += SLICE) {
        await Promise.all(all.slice(from, from + SLICE).map((message) => sending.add(message)))
      }
    },
    consume(topic, handler, { concurrency = DEFAULT_CONCURRENCY, bulkConcurrency = concurrency, prefetch } = {}) {
      if (closing !== undefined) throw new AppError('shutting_down')
      const { clock, logger, metrics } = deps
      const lanes = LANES.map((lane) => {
        const underWay = lane === 'bulk' ? bulkConcurrency : concurrency
        const ahead = prefetch ?? 2 * underWay
        return startWorker({
          subscription: transport.subscribe(topic, lane, underWay + ahead),
          topic,
          handler,
          policy,
          concurrency: underWay,
          prefetch: ahead,
          clock,
          logger,
          metrics,
        })
      })
      const worker: Closable = {
        async close() {
          await Promise.all(lanes.map((lane) => lane.close()))
          workers.delete(worker)
        },
      }
      workers.add(worker)
      return worker
    },
    deadLetters: (topic, limit, lane) => transport.deadLetters(topic, limit, lane),
    redrive: (topic, ids) => transport.redrive(topic, ids),
    depths: () => transport.depths(),
    close() {
      closing ??= close()
      return closing
    },
  }
}

function check(message: OutgoingMessage, payloadJson: string): void {
  if (!NAME.test(message.topic)) throw invalidField('topic', 'must be 1 to 100 characters of [A-Za-z0-9_.:-]')
  if (message.key.length > KEY_CHARS_MAX || message.key.includes('\0')) {
    throw invalidField('key', `must be at most ${KEY_CHARS_MAX} characters, none of them NUL`)
  }
  if (Buffer.byteLength(payloadJson) > LIMITS.queuePayloadBytesMax) {
    throw invalidField(
      'payload',
      `must be at most ${LIMITS.queuePayloadBytesMax} bytes of JSON; pass a reference instead`,
    )
  }
}
