import type * as Driver from '@platformatic/kafka'
import { messageOf } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Cluster, PartitionId } from './cluster.ts'
import { KafkaError } from './failure.ts'
import { EARLIEST, offsetsOf, partitionName } from './offsets.ts'
import { type FetchedRecord, recordsOf } from './records.ts'

/** A partition that is read from an offset on. */
export interface Reading extends PartitionId {
  readonly position: number
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
}

export interface Fetcher extends Closable {
  /** Looks at once for partitions to read that nobody fetches yet. */
  wake(): void
}

const WAIT_MS = 500
const ERROR_REST_MS = 200
const BYTES_MAX = 4 * 1024 * 1024
const PARTITION_BYTES_MAX = 1024 * 1024

/** Keeps one fetch under way at each broker that leads something we want to read; none where there is no room. */
export function startFetcher<R extends Reading>(options: FetcherOptions<R>): Fetcher {
  const { cluster, role, logger } = options
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
    await new Promise((resolve) => setTimeout(resolve, ERROR_REST_MS))
  }

  async function run(readings: readonly R[]): Promise<void> {
    try {
      const response = await request(readings)
      const read = new Map(readings.map((each) => [partitionName(each), each]))
      for (const { topicId: topic, partitions } of response.responses) {
        for (const { partitionIndex: partition, errorCode, records } of partitions) {
          const reading = read.get(partitionName({ topic, partition }))
          if (reading === undefined) continue
          if (errorCode !== 0) await partitionFailed(reading, errorCode)
          else {
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

  async function partitionFailed(reading: R, errorCode: number): Promise<void> {
    const { code } = cluster.driver.protocolErrors['OFFSET_OUT_OF_RANGE'] ?? {}
    if (errorCode !== code) {
      await failed(new KafkaError(`${partitionName(reading)}: error ${errorCode}`, 'ETIMEDOUT', ['NETWORK']))
      return
    }
    const first = (await offsetsOf(cluster, [reading], EARLIEST)).get(partitionName(reading)) ?? 0
    logger.warn(
      { ...reading, first },
      `Kafka: ${partitionName(reading)} begins at ${first}, not at ${reading.position}: what lay between is deleted`,
    )
    options.onGap(reading, first)
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
