import type { Clock } from '../../core/clock.ts'
import { messageOf as wordsOf } from '../../core/errors.ts'
import { type Loop, startLoop } from '../../core/lifecycle.ts'
import type { Logger } from '../../core/logger.ts'
import type { Message } from '../../queue/port.ts'
import type { Subscription } from '../../queue/transport.ts'
import type { Delivered, Outgoing, RabbitChannel, RabbitClient } from './client.ts'
import { again, buried, messageOf, type Place, waitMsOf } from './envelope.ts'
import { namesOf } from './names.ts'
import type { Topology } from './topology.ts'

export interface RabbitSubscription extends Subscription {
  /** Messages that this process holds. */
  readonly held: number
}

interface Deps {
  readonly client: RabbitClient
  readonly topology: Topology
  readonly clock: Clock
  readonly logger: Logger
  send(topic: string, messages: readonly Outgoing[]): Promise<void>
}

interface Delivery {
  readonly channel: RabbitChannel
  readonly tag: number
}

const RECONNECT_MS = 250
const REFUSED_MS = 1_000

/**
 * The consumer of one lane. The broker hands out up to `prefetch` messages and takes them back when the channel ends;
 * whatever is answered after that changes nothing here, for others have the messages then. What is to come again is
 * published anew and only then taken away: a crash in between doubles it, and loses nothing.
 */
export function subscribe(deps: Deps, place: Place, prefetch: number): RabbitSubscription {
  const { client, topology, clock, logger } = deps
  const { topic } = place
  const { work } = namesOf(place.prefix, topic, place.lane)
  const deliveries = new Map<Message, Delivery>()
  const arrived: Message[] = []
  let wake: () => void = () => undefined
  let stopping = false
  let loop: Loop | undefined
  let stopConsuming: (() => Promise<void>) | undefined
  let stopped: Promise<void> | undefined

  function take(from: RabbitChannel, delivered: Delivered): void {
    if (waitMsOf(delivered, clock.now()) > 0) {
      void goRound(from, delivered)
      return
    }
    const message = messageOf(place, delivered)
    deliveries.set(message, { channel: from, tag: delivered.deliveryTag })
    arrived.push(message)
    wake()
  }

  /** It has waited for as long as a queue lets it, and must wait longer. */
  async function goRound(from: RabbitChannel, delivered: Delivered): Promise<void> {
    const message = messageOf(place, delivered)
    const nowMs = clock.now()
    try {
      await deps.send(topic, [again(place, message, message.attempt, waitMsOf(delivered, nowMs), nowMs)])
      from.ack(delivered.deliveryTag)
    } catch (error) {
      logger.warn({ err: error, topic }, `queue ${topic}: a delayed message waits again: ${wordsOf(error)}`)
      await clock.sleep(REFUSED_MS)
      from.putBack(delivered.deliveryTag)
    }
  }

  /** Consumes until the channel ends, and keeps it for the answers when nothing more is wanted. */
  async function session(closed: AbortSignal): Promise<number> {
    if (stopping) return RECONNECT_MS
    await topology.ensure(topic)
    const own = await client.openChannel('consuming')
    try {
      if (!stopping) stopConsuming = await own.consume(work, prefetch, (delivered) => take(own, delivered))
      // Told to stop meanwhile, before there was anything to stop.
      if (stopping) await stopReceiving()
      await Promise.race([own.ended, aborted(closed)])
    } finally {
      stopConsuming = undefined
      await own.close()
      for (const [message, delivery] of deliveries) if (delivery.channel === own) deliveries.delete(message)
      const alive = arrived.filter((message) => deliveries.has(message))
      arrived.splice(0, arrived.length, ...alive)
    }
    return RECONNECT_MS
  }

  function live(messages: readonly Message[]): { message: Message; delivery: Delivery }[] {
    return messages.flatMap((message) => {
      const delivery = deliveries.get(message)
      return delivery?.channel.isOpen ? [{ message, delivery }] : []
    })
  }

  function finish(messages: readonly Message[]): void {
    for (const { message, delivery } of live(messages)) {
      delivery.channel.ack(delivery.tag)
      deliveries.delete(message)
    }
  }

  async function replace(messages: readonly Message[], by: (message: Message) => Outgoing): Promise<void> {
    const ours = live(messages).map(({ message }) => message)
    if (ours.length === 0) return
    await deps.send(topic, ours.map(by))
    finish(ours)
  }

  const giveBack = (messages: readonly Message[]) =>
    replace(messages, (message) => again(place, message, message.attempt, 0, 0))

  /** Nothing more comes; what came and was not asked for yet goes to others. */
  async function stopReceiving(): Promise<void> {
    stopping = true
    try {
      await stopConsuming?.()
      await giveBack(arrived.splice(0))
    } catch (error) {
      // The broker takes back what it has handed out when the channel ends.
      logger.warn({ err: error, topic }, `queue ${topic}: messages come again later: ${wordsOf(error)}`)
    }
  }

  return {
    // They are ours for as long as the channel lives.
    leaseMs: undefined,
    get held() {
      return deliveries.size
    },
    async receive(max, signal) {
      if (loop === undefined) {
        loop = startLoop({ name: `consumer of ${work}`, logger, step: session, errorRestMs: RECONNECT_MS })
        signal.addEventListener(
          'abort',
          () => {
            stopped ??= stopReceiving()
            wake()
          },
          { once: true },
        )
      }
      while (arrived.length === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return signal.aborted ? [] : arrived.splice(0, max)
    },
    async ack(messages) {
      finish(messages)
    },
    retry: (message, delayMs) =>
      replace([message], () => again(place, message, message.attempt + 1, delayMs, clock.now())),
    bury: (message, reason) => replace([message], () => buried(place, message, reason, clock.now())),
    giveBack,
    extend: async () => [],
    async close() {
      stopped ??= stopReceiving()
      await stopped
      await loop?.close()
    },
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
