import { LANES, type Lane } from '../../queue/port.ts'
import type { Arguments } from './client.ts'

/**
 * Messages wait for their time in queues by the length of the wait, each message with a time to live of its own, and are
 * moved on by the broker. RabbitMQ looks at the first message of a queue only, so one may be late by as much as the
 * longest wait of its queue. What has to wait longer than the longest goes round again.
 */
export const DELAY_STEPS_MS = [1_000, 8_000, 64_000, 1_024_000] as const

/**
 * For ever: how often a message came back without an outcome is counted and judged by the worker. Newer brokers would
 * drop it after 20 times.
 */
const DELIVERY_LIMIT = 2 ** 31 - 1

/** Replicated to the nodes of a cluster, and written to disk before it is confirmed. */
const QUORUM: Arguments = { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERY_LIMIT }

export interface QueueNames {
  /** Messages to hand out. */
  readonly work: string
  readonly dead: string
  /** By step of the delay. */
  readonly delays: readonly { readonly name: string; readonly maxMs: number }[]
}

export function namesOf(prefix: string, topic: string, lane: Lane): QueueNames {
  const work = `${prefix}/${topic}/${lane}`
  return {
    work,
    dead: `${work}/dead`,
    delays: DELAY_STEPS_MS.map((maxMs) => ({ name: `${work}/delay-${maxMs / 1_000}s`, maxMs })),
  }
}

export const topicsQueueOf = (prefix: string): string => `${prefix}/topics`
export const lockQueueOf = (prefix: string): string => `${prefix}/lock`

export const PLAIN_ARGUMENTS = QUORUM

/** The broker moves a message on with confirmation of its own, so a crash of it loses none. */
export const delayArguments = (work: string): Arguments => ({
  ...QUORUM,
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': work,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
})

/** Every queue of a topic with its arguments. */
export function queuesOf(prefix: string, topic: string): { name: string; args: Arguments }[] {
  return LANES.flatMap((lane) => {
    const { work, dead, delays } = namesOf(prefix, topic, lane)
    return [
      { name: work, args: PLAIN_ARGUMENTS },
      { name: dead, args: PLAIN_ARGUMENTS },
      ...delays.map(({ name }) => ({ name, args: delayArguments(work) })),
    ]
  })
}
