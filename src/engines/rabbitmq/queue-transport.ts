import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { LANES, type Lane, type TopicDepth } from '../../queue/port.ts'
import type { QueueTransport } from '../../queue/transport.ts'
import type { Outgoing, RabbitChannel, RabbitClient } from './client.ts'
import { createDeadLetters } from './dead-letters.ts'
import { published } from './envelope.ts'
import { createPublisher } from './publisher.ts'
import { type RabbitSubscription, subscribe } from './subscription.ts'
import { createTopology } from './topology.ts'

/** Confirmations of several batches may be under way. */
const SEND_CONCURRENCY = 4
/** A message on its way from one queue to another is in neither; it arrives in much less. */
const SECOND_LOOK_MS = 20

export function openQueueTransport(
  client: RabbitClient,
  prefix: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): QueueTransport {
  const topology = createTopology(client, prefix, clock)
  // It may be another broker by then, or one that has lost its data.
  client.onReconnect(() => topology.forget())
  const publisher = createPublisher(client)
  const letters = createDeadLetters({ client, topology, publisher, prefix, clock })
  const subscriptions = new Map<RabbitSubscription, { readonly topic: string; readonly lane: Lane }>()

  async function send(topics: Iterable<string>, messages: readonly Outgoing[]): Promise<void> {
    for (const topic of new Set(topics)) await topology.ensure(topic)
    const homeless = await publisher.publish(messages)
    if (homeless.length === 0) return
    // Somebody deleted their queue.
    topology.forget()
    for (const topic of new Set(topics)) await topology.ensure(topic)
    const left = (await publisher.publish(homeless)).length
    if (left > 0) throw new AppError('unavailable', `RabbitMQ: there is no queue for ${left} messages`)
  }

  function heldOf(topic: string, lane: Lane): number {
    let held = 0
    for (const [subscription, of] of subscriptions)
      if (of.topic === topic && of.lane === lane) held += subscription.held
    return held
  }

  async function look(channel: RabbitChannel, topic: string, lane: Lane): Promise<TopicDepth> {
    const heldBefore = heldOf(topic, lane)
    const { waiting, dead } = await topology.counts(channel, topic, lane)
    return { topic, lane, depth: waiting + Math.max(heldBefore, heldOf(topic, lane)), deadLetters: dead }
  }

  return {
    sendConcurrency: SEND_CONCURRENCY,
    async send(messages) {
      const nowMs = clock.now()
      await send(
        messages.map(({ topic }) => topic),
        messages.map((message) => published(prefix, message, nowMs)),
      )
    },
    subscribe(topic, lane, most) {
      const deps = { client, topology, clock, logger, send: (of: string, all: readonly Outgoing[]) => send([of], all) }
      const subscription = subscribe(deps, { prefix, topic, lane }, most)
      const own: RabbitSubscription = {
        ...subscription,
        get held() {
          return subscription.held
        },
        async close() {
          await subscription.close()
          subscriptions.delete(own)
        },
      }
      subscriptions.set(own, { topic, lane })
      return own
    },
    async depth(topic) {
      await topology.ensure(topic)
      const lanes = await client.withChannel(async (channel) => {
        const found: TopicDepth[] = []
        for (const lane of LANES) found.push(await look(channel, topic, lane))
        return found
      })
      return lanes.reduce((sum, { depth }) => sum + depth, 0)
    },
    deadLetters: letters.list,
    redrive: letters.redrive,
    async depths() {
      const topics = await topology.topics()
      return client.withChannel(async (channel) => {
        const depths: TopicDepth[] = []
        for (const topic of topics) for (const lane of LANES) depths.push(await look(channel, topic, lane))
        if (depths.every(({ depth }) => depth > 0)) return depths
        await clock.sleep(SECOND_LOOK_MS)
        for (const [at, { topic, lane, depth }] of depths.entries()) {
          if (depth === 0) depths[at] = await look(channel, topic, lane)
        }
        return depths
      })
    },
    close: () => publisher.close(),
  }
}
