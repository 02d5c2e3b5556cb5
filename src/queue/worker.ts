import { createBatcher } from '../core/batcher.ts'
import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { Closable } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { type Backoff, backoffMs, isTransient, retry } from '../core/retry.ts'
import { GiveUp, type Handler, type Message } from './port.ts'
import type { Subscription } from './transport.ts'

export interface RetryPolicy {
  /** Tries of a message before it becomes a dead letter. */
  readonly triesMax: number
  readonly backoff: Backoff
}

export interface WorkerOptions {
  readonly subscription: Subscription
  readonly topic: string
  readonly handler: Handler
  readonly policy: RetryPolicy
  /** Handlers under way at the same time. */
  readonly concurrency: number
  /** Messages fetched ahead of the handlers. */
  readonly prefetch: number
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

/**
 * A try that ends with the death of its process counts too, or a message that kills every process would go round for
 * ever; but restarts are no fault of the message, so such tries have to be many more.
 */
const LOST_TRIES_FACTOR = 3
const ERROR_REST_MS = 1_000
const SETTLE = { tries: 6, backoff: { firstMs: 50, maxMs: 2_000 } }

/**
 * Takes messages of one lane, runs the handler on up to `concurrency` of them, and answers each: acknowledged,
 * tried again later, or buried. Closing takes nothing more, aborts the handlers' signals, waits for them (at most
 * {@link LIMITS.closeMsMax}) and gives back at once what nobody has begun.
 */
export function startWorker(options: WorkerOptions): Closable {
  const { subscription, topic, handler, policy, clock, logger, metrics } = options
  const stop = new AbortController()
  const settled = new AbortController()
  /** Everything that is ours: fetched ahead, being handled, or being answered. */
  const held = new Set<Message>()
  const ahead: Message[] = []
  const running = new Map<Message, AbortController>()
  let onChange: (() => void) | undefined

  const acks = createBatcher<Message, undefined>({
    run: async (messages) => {
      await answering(() => subscription.ack(messages))
      return messages.map(() => ({ ok: true, value: undefined }))
    },
  })

  /** Runs one answer until it is through. Left alone in the end, the message comes again when its lease runs out. */
  function answering(answer: () => Promise<unknown>): Promise<unknown> {
    return retry({ ...SETTLE, retryable: isTransient, clock }, answer)
  }

  function changed(): void {
    onChange?.()
    onChange = undefined
  }

  /** Refills at half, so that claims come in batches; but never lets a handler stand idle. */
  function room(): number {
    if (ahead.length > options.prefetch / 2) return 0
    return Math.min(options.concurrency + options.prefetch - held.size, LIMITS.queueClaimMax)
  }

  async function receiveUntilStopped(): Promise<void> {
    while (!stop.signal.aborted) {
      const free = room()
      if (free <= 0) {
        await new Promise<void>((resolve) => {
          onChange = resolve
        })
        continue
      }
      try {
        const messages = await subscription.receive(free, stop.signal)
        for (const message of messages) held.add(message)
        ahead.push(...messages)
        startHandlers()
      } catch (error) {
        logger.error({ err: error, topic }, `queue ${topic}: receiving failed: ${messageOf(error)}`)
        await clock.sleep(ERROR_REST_MS, stop.signal)
      }
    }
  }

  function startHandlers(): void {
    while (!stop.signal.aborted && running.size < options.concurrency) {
      const message = ahead.shift()
      if (message === undefined) return
      const abort = new AbortController()
      running.set(message, abort)
      void handle(message, abort.signal)
    }
  }

  async function handle(message: Message, signal: AbortSignal): Promise<void> {
    let failure: { readonly error: unknown } | undefined
    try {
      if (message.attempt > policy.triesMax * LOST_TRIES_FACTOR) {
        throw new GiveUp(`given up at attempt ${message.attempt}: its workers ended before they had an outcome`)
      }
      await handler(message, signal)
    } catch (error) {
      failure = { error }
    }
    running.delete(message)
    startHandlers()
    try {
      const outcome = failure === undefined ? await succeeded(message) : await failed(message, failure.error)
      metrics.handledMessages.inc({ topic, outcome })
    } catch (error) {
      logger.error(
        { err: error, topic, id: message.id },
        `queue ${topic}: message ${message.id} could not be answered and will come again`,
      )
    }
    held.delete(message)
    changed()
  }

  async function succeeded(message: Message): Promise<string> {
    await acks.add(message)
    return 'done'
  }

  async function failed(message: Message, error: unknown): Promise<string> {
    const fields = { err: error, topic, id: message.id, key: message.key, attempt: message.attempt }
    const reason = messageOf(error)
    if (error instanceof Error && error.name === 'GiveUp') {
      logger.error(fields, `queue ${topic}: message ${message.id} is a dead letter: ${reason}`)
      await answering(() => subscription.bury(message, reason))
      return 'dead'
    }
    if (stop.signal.aborted) {
      await answering(() => subscription.giveBack([message]))
      return 'given_back'
    }
    if (message.attempt >= policy.triesMax) {
      logger.error(
        fields,
        `queue ${topic}: message ${message.id} is a dead letter after ${message.attempt} tries: ${reason}`,
      )
      await answering(() => subscription.bury(message, reason))
      return 'dead'
    }
    logger.warn(fields, `queue ${topic}: try ${message.attempt} of message ${message.id} failed: ${reason}`)
    await answering(() => subscription.retry(message, backoffMs(message.attempt, policy.backoff), reason))
    return 'retried'
  }

  /** Long handlers keep their messages; one that lost its message to another worker is told to stop. */
  async function extendUntilSettled(leaseMs: number): Promise<void> {
    for (;;) {
      await clock.sleep(leaseMs / 3, settled.signal)
      if (settled.signal.aborted) return
      if (held.size === 0) continue
      try {
        for (const lost of await subscription.extend([...held])) {
          running.get(lost)?.abort()
          const index = ahead.indexOf(lost)
          if (index < 0) continue
          ahead.splice(index, 1)
          held.delete(lost)
        }
      } catch (error) {
        logger.error({ err: error, topic }, `queue ${topic}: leases could not be renewed: ${messageOf(error)}`)
      }
    }
  }

  async function handlersEnded(): Promise<void> {
    const deadline = new AbortController()
    void clock.sleep(LIMITS.closeMsMax, settled.signal).then(() => {
      deadline.abort()
      changed()
    })
    while (held.size > 0 && !deadline.signal.aborted) {
      await new Promise<void>((resolve) => {
        onChange = resolve
      })
    }
    if (held.size > 0) {
      logger.error(
        { topic },
        `queue ${topic}: ${held.size} handlers did not end in time; their messages will come again`,
      )
    }
  }

  const receiving = receiveUntilStopped()
  const extending = subscription.leaseMs === undefined ? undefined : extendUntilSettled(subscription.leaseMs)
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    stop.abort()
    changed()
    for (const abort of running.values()) abort.abort()
    await receiving
    const unbegun = ahead.splice(0)
    for (const message of unbegun) held.delete(message)
    if (unbegun.length > 0) {
      await answering(() => subscription.giveBack(unbegun)).catch((error: unknown) =>
        logger.warn(
          { err: error, topic },
          `queue ${topic}: ${unbegun.length} messages come again when their lease runs out`,
        ),
      )
    }
    await handlersEnded()
    settled.abort()
    await extending
    await subscription.close()
  }

  return {
    close() {
      closing ??= close()
      return closing
    },
  }
}
