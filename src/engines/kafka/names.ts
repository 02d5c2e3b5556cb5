import type { Lane } from '../../queue/port.ts'
import type { TopicSpec } from './cluster.ts'
import type { KafkaTarget } from './target.ts'

export const LANES = ['small', 'bulk'] as const satisfies readonly Lane[]

/** Waits of up to so many milliseconds share partitions: a message waits behind none that is due much later. */
export const DELAY_STEPS_MS = [1_000, 10_000, 60_000, Number.POSITIVE_INFINITY] as const
/** Partitions of each step. */
const SPREAD = 4
/** Consumers delete what is done themselves; what is not done is kept without end. */
const KEEP = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', 'segment.bytes': '67108864' }
/** Waits count from when the broker has the message. */
const RETRY = { ...KEEP, 'message.timestamp.type': 'LogAppendTime' }
/** The newest of each key is kept without end. Without `delete` a broker refuses to delete what was taken back. */
const COMPACT = {
  ...{ 'cleanup.policy': 'compact,delete', 'retention.ms': '-1', 'retention.bytes': '-1' },
  ...{ 'min.cleanable.dirty.ratio': '0.2', 'segment.ms': '86400000' },
}

/** The topics of one lane of a topic of the queue. The name of the first is also that of the group. */
export interface LaneTopics {
  readonly data: string
  readonly retry: string
}

export interface Names {
  readonly deadLetters: string
  readonly events: string
  lane(topic: string, lane: Lane): LaneTopics
  /** The topic and lane of the queue that a Kafka topic with messages belongs to. */
  queueOf(name: string): { readonly topic: string; readonly lane: Lane } | undefined
  laneSpecs(topic: string, lane: Lane): TopicSpec[]
  deadLettersSpec: TopicSpec
  eventsSpec: TopicSpec
}

/** Kafka allows no colon, and takes a dot and an underscore for the same in places. */
const escaped = (topic: string) => topic.replaceAll('_', '__').replaceAll(':', '_-')
const unescaped = (name: string) => name.replace(/_(_|-)/g, (_, sign) => (sign === '_' ? '_' : ':'))

export function namesOf({ prefix, partitions }: KafkaTarget): Names {
  const deadLetters = `${prefix}dead-letters`
  const events = `${prefix}events.v1`
  const data = (topic: string, lane: Lane) => `${prefix}queue.${escaped(topic)}.${lane}`
  const start = `${prefix}queue.`
  return {
    deadLetters,
    events,
    lane: (topic, lane) => ({ data: data(topic, lane), retry: `${data(topic, lane)}.retry` }),
    queueOf(name) {
      const lane = LANES.find((each) => name.endsWith(`.${each}`))
      if (lane === undefined || !name.startsWith(start)) return undefined
      return { topic: unescaped(name.slice(start.length, -lane.length - 1)), lane }
    },
    laneSpecs: (topic, lane) => [
      { name: data(topic, lane), partitions, configs: KEEP },
      { name: `${data(topic, lane)}.retry`, partitions: retryPartitions(partitions), configs: RETRY },
    ],
    deadLettersSpec: { name: deadLetters, partitions: 1, configs: COMPACT },
    eventsSpec: { name: events, partitions, configs: { 'cleanup.policy': 'delete' } },
  }
}

const retryPartitions = (partitions: number) => DELAY_STEPS_MS.length * Math.min(SPREAD, partitions)

/** The partition of the retry topic for a wait; `count` is how many the topic has. */
export function retryPartitionOf(delayMs: number, hash: number, count: number): number {
  const step = DELAY_STEPS_MS.findIndex((most) => delayMs <= most)
  const spread = Math.max(1, Math.floor(count / DELAY_STEPS_MS.length))
  return Math.min(step, Math.floor((count - 1) / spread)) * spread + (hash % spread)
}
