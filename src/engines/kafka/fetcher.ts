import type * as Driver from '@platformatic/kafka'
import { messageOf } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Cluster, PartitionId } from './cluster.ts'
import { KafkaError } from './failure.ts'
import { EARLIEST, LATEST, offsetsOf, partitionName } from './offsets.ts'
import { type FetchedRecord, recordsOf } from './records.ts'

/** A partition that is read from an offset on. */
export interface Reading extends PartitionId {
  readonly position: number
  /** The partition had messages up to here. */
  readonly end: number
}

export interface FetcherOptions<R extends Reading> {
  readonly cluster: Cluster
  readonly role: string
  readonly logger: Logger
  /** What is to be read now: partitions with room. */
  readonly wanted: () => readonly R[]
  readonly onRecords: (reading: R, records: readonly FetchedRecord[], next: number) => void
  /** What lay before the offset is deleted. */
  readonly onGap: (reading: R, next: number) => void
  /** The partition ends before what it had, so it is another, or has lost its last messages. It begins at `first`. */
  readonly onAnother: (reading: R, first: number) => Promise<void>
}

export interface Fetcher extends Closable {
  /** Looks at once for partitions to read that nobody fetches yet. */
  wake(): void
}

const WAIT_MS = 500
const ERROR_REST_MS = 200
const BYTES_MAX = 4 * 1024 * 1024
const PARTITION_BYTES_MAX = 1024 * 1024

const rest = () => new Promise<void>((resolve) => setTimeout(resolve, ERROR_REST_MS))

/** Keeps one fetch under way at each broker that leads something we want to read; none where there is no room. */
export function startFetcher<R extends Reading>(options: FetcherOptions<R>): Fetcher {
  const { cluster, role, logger } = options
  const OUT_OF_RANGE = cluster.driver.protocolErrors['OFFSET_OUT_OF_RANGE']?.code
  let isStopped = false
  /** Broker -> the fetch that is under way there. */
  const underWay = new Map<number, Promise<void>>()
  const fetching = new Set<string>()
  let looking: Promise<void> | undefined
  let again = false

  async function lookOnce(): Promise<void> {
    const byLeader = new Map<number, R[]>()
    for (const reading of options.wanted()) {
      if (fetching.has(partitionName(reading))) continue
      const { id } = await cluster.leaderOf(reading)
      byLeader.set(id, [...(byLeader.get(id) ?? []), reading])
    }
    for (const [broker, readings] of byLeader) {
      if (underWay.has(broker) || isStopped) continue
      for (const each of readings) fetching.add(partitionName(each))
      const fetch = run(readings).finally(() => {
        for (const each of readings) fetching.delete(partitionName(each))
        underWay.delete(broker)
        wake()
      })
      underWay.set(broker, fetch)
    }
  }

  async function look(): Promise<void> {
    do {
      again = false
      try {
        await lookOnce()
      } catch (error) {
        await failed(error)
        again = true
      }
    } while (again && !isStopped)
    looking = undefined
  }

  function wake(): void {
    if (isStopped) return
    again = true
    looking ??= look()
  }

  async function failed(error: unknown): Promise<void> {
    if (isStopped) return
    if (!(error instanceof KafkaError && error.is('NETWORK', 'NOT_LEADER_OR_FOLLOWER'))) {
      logger.warn({ err: error }, `Kafka: fetching failed: ${messageOf(error)}`)
    }
    cluster.forgetLeaders(options.wanted().map(({ topic }) => topic))
    await rest()
  }

  async function run(readings: readonly R[]): Promise<void> {
    try {
      const response = await request(readings)
      const read = new Map(readings.map((each) => [partitionName(each), each]))
      for (const { topicId: topic, partitions } of response.responses) {
        for (const { partitionIndex: partition, errorCode, highWatermark, records } of partitions) {
          const reading = read.get(partitionName({ topic, partition }))
          if (reading === undefined) continue
          if (errorCode === OUT_OF_RANGE || (errorCode === 0 && highWatermark < reading.end)) await compare(reading)
          else if (errorCode !== 0) {
            await failed(new KafkaError(`${partitionName(reading)}: error ${errorCode}`, 'ETIMEDOUT', ['NETWORK']))
          } else {
            const { records: found, next } = recordsOf(records, reading.position)
            options.onRecords(reading, found, next)
          }
        }
      }
    } catch (error) {
      await failed(error)
    }
  }

  async function request(readings: readonly R[]): Promise<Driver.fetchV12.FetchResponse> {
    const broker = await cluster.leaderOf(readings[0]!)
    const topics = new Map<string, Driver.fetchV12.FetchRequestPartition[]>()
    for (const { topic, partition, position } of readings) {
      const asked = { partition, currentLeaderEpoch: -1, fetchOffset: BigInt(position), lastFetchedEpoch: -1 }
      const all = topics.get(topic) ?? []
      topics.set(topic, all)
      all.push({ ...asked, partitionMaxBytes: PARTITION_BYTES_MAX })
    }
    const wanted = Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions }))
    const to = { role, broker, timeoutMs: WAIT_MS + LIMITS.kafkaRequestMsMax }
    try {
      const api = cluster.driver.fetchV12.api
      return await cluster.connections.call(to, api, WAIT_MS, 1, BYTES_MAX, 0, 0, -1, wanted, [], '')
    } catch (error) {
      // Errors of some partitions; the others have their records in it.
      const response = error instanceof KafkaError ? (error.response as Driver.fetchV12.FetchResponse) : undefined
      if (response === undefined || response.errorCode !== 0) throw error
      return response
    }
  }

  /** Looks where the partition begins and ends, and whether that is still what we know. */
  async function compare(reading: R): Promise<void> {
    const name = partitionName(reading)
    const { topic, partition, position } = reading
    const first = (await offsetsOf(cluster, [reading], EARLIEST)).get(name) ?? 0
    // A new leader does not answer this before it knows all that was stored; what a fetch says may lag behind.
    const last = (await offsetsOf(cluster, [reading], LATEST)).get(name) ?? 0
    const fields = { topic, partition, position, end: reading.end, first, last }
    if (last < reading.end) {
      logger.error(fields, `Kafka: ${name} ends at ${last}, and had messages up to ${reading.end}: read from ${first}`)
      await options.onAnother(reading, first)
    } else if (first > position) {
      logger.warn(fields, `Kafka: ${name} begins at ${first}, not at ${position}: what lay between is deleted`)
      options.onGap(reading, first)
    } else await rest()
  }

  return {
    wake,
    async close() {
      isStopped = true
      cluster.connections.drop(role)
      await Promise.all([looking, ...underWay.values()])
    },
  }
}
