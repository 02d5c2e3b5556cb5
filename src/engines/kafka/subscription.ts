import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { messageOf as wordsOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Lane, Message } from '../../queue/port.ts'
import type { Subscription } from '../../queue/transport.ts'
import type { Cluster } from './cluster.ts'
import { type Fetcher, startFetcher } from './fetcher.ts'
import { createHoldings, type Holdings } from './holdings.ts'
import type { Ledger } from './ledger.ts'
import { type Names, retryPartitionOf } from './names.ts'
import type { OutgoingRecord, Producer } from './producer.ts'
import { buried, messageOf, outgoing, type QueueRecord, queueRecordOf } from './records.ts'

export interface SubscriptionDeps {
  readonly cluster: Cluster
  readonly producer: Producer
  readonly names: Names
  readonly logger: Logger
  readonly clock: Clock
  readonly sessionMs?: number | undefined
}

interface Handle {
  readonly ledger: Ledger
  readonly record: QueueRecord
}

/**
 * One lane of one topic, as a member of its group. A message is done when the commit of its partition says so: the
 * offset of the first that is not, and which of those behind it are.
 */
export function subscribe(deps: SubscriptionDeps, topic: string, lane: Lane): Subscription {
  const { cluster, producer, names, logger, clock } = deps
  const topics = names.lane(topic, lane)
  const handles = new Map<Message, Handle>()
  let isClosed = false
  let onChange: (() => void) | undefined
  let turn = 0
  let parts: { readonly holdings: Holdings; readonly fetcher: Fetcher } | undefined

  function changed(): void {
    onChange?.()
    onChange = undefined
  }

  async function start(): Promise<NonNullable<typeof parts>> {
    await cluster.ensureTopics(names.laneSpecs(topic, lane))
    const holdings = createHoldings({
      ...{ cluster, logger, clock, group: topics.data, topics: [topics.data, topics.retry] },
      sessionMs: deps.sessionMs,
      isOrdered: (name) => name === topics.data,
      onChange: () => {
        parts?.fetcher.wake()
        changed()
      },
    })
    const fetcher = startFetcher<Ledger>({
      ...{ cluster, logger, role: `fetch ${topics.data} ${Math.random()}` },
      wanted: () => holdings.open.filter((ledger) => ledger.hasRoom),
      onRecords(ledger, records, next) {
        if (ledger.isLost || ledger.isClosing) return
        const found = records.flatMap((record) => queueRecordOf(record) ?? [])
        if (found.length < records.length)
          logger.error({ topic }, `Kafka: ${topics.data} holds records of somebody else`)
        ledger.add(found, next)
        if (found.length > 0) changed()
      },
      onGap: (ledger, next) => ledger.skipTo(next),
      onAnother: (ledger, first) => holdings.restart(ledger, first),
    })
    return { holdings, fetcher }
  }

  let starting: Promise<NonNullable<typeof parts>> | undefined
  async function started(): Promise<NonNullable<typeof parts>> {
    if (parts !== undefined) return parts
    starting ??= start()
    try {
      parts = await starting
    } catch (error) {
      starting = undefined
      throw error
    }
    parts.fetcher.wake()
    return parts
  }

  function take(holdings: Holdings, max: number): Message[] {
    const ledgers = holdings.open
    const taken: Message[] = []
    const now = clock.now()
    turn += 1
    // Each partition first gives its share, so that none waits for another to be empty.
    for (const share of [Math.ceil(max / (ledgers.length || 1)), max]) {
      for (let i = 0; i < ledgers.length && taken.length < max; i++) {
        const ledger = ledgers[(i + turn) % ledgers.length]!
        for (const record of ledger.take(Math.min(share, max - taken.length), now)) {
          const message = messageOf(record, topic, lane)
          handles.set(message, { ledger, record })
          taken.push(message)
        }
      }
    }
    return taken
  }

  function restMs(holdings: Holdings): number {
    const due = holdings.open.map((ledger) => ledger.nextDueAt()).filter((at) => at !== undefined)
    return due.length === 0 ? LIMITS.kafkaPurgeMs : Math.max(1, Math.min(...due) - clock.now())
  }

  async function untilChanged(ms: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const stop = () => ended.abort()
    signal.addEventListener('abort', stop, { once: true })
    onChange = stop
    await clock.sleep(ms, ended.signal)
    signal.removeEventListener('abort', stop)
  }

  function finish(message: Message): void {
    const handle = handles.get(message)
    if (handle === undefined) return
    handles.delete(message)
    handle.ledger.finish(handle.record.offset)
  }

  async function commitAndGoOn(messages: readonly Message[]): Promise<void> {
    const ledgers = new Set(messages.flatMap((message) => handles.get(message)?.ledger ?? []))
    for (const message of messages) finish(message)
    // What became free may be taken while the commit is on its way.
    parts?.fetcher.wake()
    changed()
    await parts?.holdings.commit()
    for (const ledger of ledgers) parts?.holdings.settled(ledger)
  }

  /** The handle of a message that is still ours to answer. */
  function heldOf(message: Message): Handle | undefined {
    const handle = handles.get(message)
    if (handle?.ledger.isLost !== true) return handle
    handles.delete(message)
    return undefined
  }

  async function later(record: QueueRecord, delayMs: number, more: { attempt: number; reason?: string }) {
    const count = await cluster.partitionsOf(topics.retry)
    const to = { topic: topics.retry, partition: retryPartitionOf(delayMs, hashOf(record.key), count) }
    return outgoing(to, record, { ...more, delayMs })
  }

  return {
    leaseMs: LIMITS.kafkaSessionMs,
    async receive(max, signal) {
      const { holdings, fetcher } = await started()
      while (!signal.aborted && !isClosed) {
        const taken = take(holdings, max)
        if (taken.length > 0) {
          fetcher.wake()
          return taken
        }
        await untilChanged(restMs(holdings), signal)
      }
      return []
    },
    async ack(messages) {
      await commitAndGoOn(messages)
    },
    async retry(message, delayMs, reason) {
      const handle = heldOf(message)
      if (handle === undefined) return
      await producer.send([await later(handle.record, delayMs, { attempt: message.attempt + 1, reason })])
      await commitAndGoOn([message])
    },
    async bury(message, reason) {
      const handle = heldOf(message)
      if (handle === undefined) return
      await cluster.ensureTopics([names.deadLettersSpec])
      await producer.send([buried(names.deadLetters, message, handle.record.payloadJson, reason, clock.now())])
      await commitAndGoOn([message])
    },
    async giveBack(messages) {
      const ledgers = new Set<Ledger>()
      for (const message of messages) {
        const handle = heldOf(message)
        handles.delete(message)
        if (handle === undefined) continue
        handle.ledger.putBack(handle.record.offset)
        ledgers.add(handle.ledger)
      }
      await handOver(messages.length > 0 ? holdingsOf() : undefined)
      for (const ledger of ledgers) parts?.holdings.settled(ledger)
    },
    async extend(messages) {
      const lost = messages.filter((message) => handles.get(message)?.ledger.isLost === true)
      // Nobody has to answer them any more.
      for (const message of lost) handles.delete(message)
      return lost
    },
    async close() {
      isClosed = true
      changed()
      await starting?.catch(() => undefined)
      await parts?.fetcher.close()
      await parts?.holdings.close()
      handles.clear()
    },
  }

  function holdingsOf(): Holdings | undefined {
    return parts?.holdings
  }

  /**
   * Gives the partitions away. One with a message under way has to stay until that ends, so what waits in it goes to
   * others by way of the retry topic.
   */
  async function handOver(holdings: Holdings | undefined): Promise<void> {
    if (holdings === undefined) return
    const busy = holdings.open.filter((ledger) => ledger.taken > 0)
    // Under way while they are copied, lest the partition moves with both: the message and its copy.
    const moved: Handle[] = busy.flatMap((ledger) => ledger.takeRest().map((record) => ({ ledger, record })))
    holdings.leaveSlowly()
    try {
      const copies: OutgoingRecord[] = []
      for (const { record } of moved) {
        copies.push(await later(record, Math.max(0, record.notBefore - clock.now()), { attempt: record.attempt }))
      }
      await producer.send(copies)
      for (const { ledger, record } of moved) ledger.finish(record.offset)
    } catch (error) {
      for (const { ledger, record } of moved) ledger.putBack(record.offset)
      logger.warn({ err: error, topic }, `Kafka: messages of ${topic} come again a little later: ${wordsOf(error)}`)
    }
    if (moved.length > 0) await holdings.commit().finally(() => busy.forEach(holdings.settled))
  }
}

/** Of a key, the same everywhere. */
export const hashOf = (key: string) => createHash('md5').update(key).digest().readUInt32BE(0)
