import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { backoffMs } from '../../core/retry.ts'
import type { Lane } from '../../queue/port.ts'
import { LockedError, type RabbitChannel, type RabbitClient } from './client.ts'
import { delayArguments, lockQueueOf, namesOf, PLAIN_ARGUMENTS, queuesOf, topicsQueueOf } from './names.ts'
import { createPublisher } from './publisher.ts'
import { readQueue } from './reading.ts'

export interface LaneCounts {
  /** Waiting to be handed out, or for their time. */
  readonly waiting: number
  readonly dead: number
}

/** The queues of one installation on a broker. */
export interface Topology {
  /** Makes the queues of a topic unless this process knows that they are there. */
  ensure(topic: string): Promise<void>
  /** Believes nothing that it knows. */
  forget(): void
  /** Topics of the installation; those that another process has begun to use may be missing for some seconds. */
  topics(): Promise<string[]>
  counts(channel: RabbitChannel, topic: string, lane: Lane): Promise<LaneCounts>
  /** Runs `work` while no other process of the installation runs one under the lock. Throws `unavailable` in the end. */
  locked<T>(work: () => Promise<T>): Promise<T>
}

/** AMQP can't list queues, so the topics stand as messages in a queue of their own. */
const TOPICS_KNOWN_MS = 10_000
const LOCK_BACKOFF = { firstMs: 50, maxMs: 1_000 }

export function createTopology(client: RabbitClient, prefix: string, clock: Clock): Topology {
  const ensured = new Map<string, Promise<void>>()
  const registry = { name: topicsQueueOf(prefix), args: PLAIN_ARGUMENTS }
  let known: { readonly topics: ReadonlySet<string>; readonly untilMs: number } | undefined
  let lastInLine: Promise<unknown> = Promise.resolve()

  /** A queue that only one connection may have, and that is gone with it: the broker's own lock. */
  async function takeLock(): Promise<RabbitChannel> {
    const deadline = clock.now() + LIMITS.rabbitmqLockMsMax
    for (let attempt = 1; ; attempt++) {
      const channel = await client.openChannel('consuming')
      try {
        await channel.declareOwnQueue(lockQueueOf(prefix))
        return channel
      } catch (error) {
        await channel.close()
        if (!(error instanceof LockedError)) throw error
        if (clock.now() > deadline) {
          throw new AppError('unavailable', 'RabbitMQ: another process goes on reading dead letters; try again', {
            retryAfterMs: 1_000,
          })
        }
      }
      await clock.sleep(backoffMs(attempt, LOCK_BACKOFF))
    }
  }

  async function underLock<T>(work: () => Promise<T>): Promise<T> {
    const channel = await takeLock()
    try {
      return await work()
    } finally {
      if (channel.isOpen) await channel.deleteQueue(lockQueueOf(prefix))
      await channel.close()
    }
  }

  // To the broker all of this process is one.
  function locked<T>(work: () => Promise<T>): Promise<T> {
    const turn = lastInLine.then(() => underLock(work))
    lastInLine = turn.catch(() => undefined)
    return turn
  }

  async function readTopics(): Promise<ReadonlySet<string>> {
    const topics = new Set<string>()
    await client.withChannel((channel) =>
      readQueue(channel, {
        ...{ queue: registry, clock },
        async take(messages) {
          for (const { messageId } of messages) topics.add(String(messageId))
          return []
        },
      }),
    )
    known = { topics, untilMs: clock.now() + TOPICS_KNOWN_MS }
    return topics
  }

  async function register(topic: string): Promise<void> {
    if (known?.topics.has(topic)) return
    await locked(async () => {
      const topics = await readTopics()
      if (topics.has(topic)) return
      const publisher = createPublisher(client)
      try {
        await publisher.publish([{ routingKey: registry.name, messageId: topic, json: '{}', mandatory: true }])
      } finally {
        await publisher.close()
      }
      known = { topics: new Set([...topics, topic]), untilMs: clock.now() + TOPICS_KNOWN_MS }
    })
  }

  async function make(topic: string): Promise<void> {
    await client.withChannel(async (channel) => {
      for (const { name, args } of queuesOf(prefix, topic)) await channel.declareQueue(name, args)
    })
    await register(topic)
  }

  return {
    locked,
    ensure(topic) {
      let making = ensured.get(topic)
      if (making === undefined) {
        making = make(topic)
        ensured.set(topic, making)
        making.catch(() => ensured.delete(topic))
      }
      return making
    },
    forget() {
      ensured.clear()
      known = undefined
    },
    async topics() {
      const isFresh = known !== undefined && clock.now() < known.untilMs
      return [...(isFresh ? known!.topics : await locked(readTopics))].sort()
    },
    async counts(channel, topic, lane) {
      const { work, dead, delays } = namesOf(prefix, topic, lane)
      let waiting = 0
      // A message goes from a queue of waits to that of work: looked at in this order, none is passed over.
      for (const { name } of delays) waiting += await channel.declareQueue(name, delayArguments(work))
      waiting += await channel.declareQueue(work, PLAIN_ARGUMENTS)
      return { waiting, dead: await channel.declareQueue(dead, PLAIN_ARGUMENTS) }
    },
  }
}
