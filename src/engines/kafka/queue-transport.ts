import { messageOf } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'
import type { TopicDepth } from '../../queue/port.ts'
import type { QueueTransport, StoredMessage } from '../../queue/transport.ts'
import type { PortContext } from '../engine.ts'
import type { Cluster, Committed, PartitionId } from './cluster.ts'
import { createDeadLetters } from './dead-letters.ts'
import { PATIENCE } from './failure.ts'
import { LANES, type Names, retryPartitionOf } from './names.ts'
import { allPartitions, committedOf, EARLIEST, LATEST, offsetsOf, partitionName } from './offsets.ts'
import { createProducer, type OutgoingRecord } from './producer.ts'
import { decodeProgress } from './progress.ts'
import { outgoing } from './records.ts'
import { hashOf, subscribe } from './subscription.ts'

export interface KafkaQueueOptions {
  /** How long the group waits for a member that is silent, in milliseconds. */
  readonly sessionMs?: number | undefined
}

/** The queue on Kafka: a topic for each topic and lane, one for its retries, and one for all dead letters. */
export function openQueueTransport(
  cluster: Cluster,
  names: Names,
  { logger, clock }: Pick<PortContext, 'logger' | 'clock'>,
  options: KafkaQueueOptions = {},
): QueueTransport {
  const role = `queue ${Math.random()}`
  const producer = createProducer(cluster, `send ${role}`)
  const dead = createDeadLetters(cluster, names.deadLetters, `dead ${role}`)

  async function recordOf(message: StoredMessage): Promise<OutgoingRecord> {
    const { data, retry: later } = names.lane(message.topic, message.lane)
    const hash = hashOf(message.key)
    if (message.delayMs <= 0) {
      return outgoing({ topic: data, partition: hash % (await cluster.partitionsOf(data)) }, message)
    }
    const partition = retryPartitionOf(message.delayMs, hash, await cluster.partitionsOf(later))
    return outgoing({ topic: later, partition }, message, { delayMs: message.delayMs })
  }

  async function send(messages: readonly StoredMessage[]): Promise<void> {
    const lanes = new Map(messages.map((message) => [`${message.topic} ${message.lane}`, message]))
    const specs = [...lanes.values()].flatMap(({ topic, lane }) => names.laneSpecs(topic, lane))
    await cluster.ensureTopics(specs)
    // What is due now goes first: a wait begins when it is stored.
    for (const isDue of [true, false]) {
      const records: OutgoingRecord[] = []
      for (const message of messages) if (message.delayMs <= 0 === isDue) records.push(await recordOf(message))
      await producer.send(records)
    }
  }

  /** Messages of a group that are not done: behind what is committed, less what was done out of order. */
  async function waiting(group: string, partitions: readonly PartitionId[]): Promise<number> {
    const committed = await committedOf(cluster, group, partitions)
    // Asked for later, so that what is committed behind them is of a partition that was made anew.
    const ends = await offsetsOf(cluster, partitions, LATEST)
    const isTouched = ({ offset, ...id }: Committed) => offset >= 0 && offset <= (ends.get(partitionName(id)) ?? offset)
    const untouched = committed.filter((each) => !isTouched(each))
    const starts = untouched.length === 0 ? undefined : await offsetsOf(cluster, untouched, EARLIEST)
    return committed.reduce((sum, { offset, metadata, ...id }) => {
      const start = starts?.get(partitionName(id))
      const from = start ?? Math.max(0, offset)
      const ahead = start === undefined ? decodeProgress(offset, metadata).done.length : 0
      return sum + Math.max(0, (ends.get(partitionName(id)) ?? from) - from - ahead)
    }, 0)
  }

  async function depthsOf(counts: ReadonlyMap<string, number>): Promise<Map<string, TopicDepth>> {
    const depths = new Map<string, TopicDepth>()
    const lanes = [...counts.keys()].flatMap((name) => names.queueOf(name) ?? [])
    await Promise.all(
      lanes.map(async ({ topic, lane }) => {
        const { data, retry: later } = names.lane(topic, lane)
        const all = [data, later].flatMap((name) => allPartitions(name, counts.get(name) ?? 0))
        depths.set(`${topic} ${lane}`, { topic, lane, depth: await waiting(data, all), deadLetters: 0 })
      }),
    )
    return depths
  }

  return {
    // More would only wait: one producer sends one batch of a partition after the other.
    sendConcurrency: 1,
    send,
    subscribe: (topic, lane) => subscribe({ ...options, cluster, producer, names, logger, clock }, topic, lane),
    async depth(topic) {
      const wanted = LANES.flatMap((lane) => Object.values(names.lane(topic, lane)))
      const depths = await depthsOf(await retry(PATIENCE, () => cluster.partitionCounts(wanted)))
      return [...depths.values()].reduce((sum, { depth }) => sum + depth, 0)
    },
    deadLetters: (topic, limit, lane) => retry(PATIENCE, () => dead.newest(topic, limit, lane)),
    async redrive(topic, ids) {
      let redriven = 0
      for await (const letters of dead.chosen(topic, ids)) {
        await send(letters.map(({ id, lane, key, payloadJson }) => ({ id, topic, lane, key, payloadJson, delayMs: 0 })))
        const gone = letters.map(({ id }) => ({
          topic: names.deadLetters,
          partition: 0,
          key: id,
          value: null,
          headers: {},
        }))
        await producer.send(gone)
        redriven += letters.length
      }
      // The driver writes no tombstones, only empty records, which compaction keeps.
      if (redriven > 0) {
        await dead.tidy().catch((error: unknown) => {
          const words = `Kafka: the room of dead letters that were redriven is not free: ${messageOf(error)}`
          logger.warn({ err: error, topic }, words)
        })
      }
      return redriven
    },
    async depths() {
      const depths = await depthsOf(await retry(PATIENCE, () => cluster.partitionCounts()))
      for (const { topic, lane } of await retry(PATIENCE, () => dead.all())) {
        const found = depths.get(`${topic} ${lane}`) ?? { topic, lane, depth: 0, deadLetters: 0 }
        depths.set(`${topic} ${lane}`, { ...found, deadLetters: found.deadLetters + 1 })
      }
      return [...depths.values()]
        .filter(({ depth, deadLetters }) => depth > 0 || deadLetters > 0)
        .sort((a, b) => (a.topic === b.topic ? (a.lane < b.lane ? 1 : -1) : a.topic < b.topic ? -1 : 1))
    },
    async close() {
      await producer.close()
      cluster.connections.drop(`dead ${role}`)
    },
  }
}
