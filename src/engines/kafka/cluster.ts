import type * as Driver from '@platformatic/kafka'
import { AppError } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import { retry } from '../../core/retry.ts'
import type { Address } from '../url.ts'
import type { Connections, KafkaDriver } from './connections.ts'
import { KafkaError, PATIENCE } from './failure.ts'
import { allPartitions, LATEST, offsetsOf } from './offsets.ts'
import type { KafkaTarget } from './target.ts'

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

export interface PartitionId {
  readonly topic: string
  readonly partition: number
}

export interface Committed extends PartitionId {
  /** -1 when nothing was committed. */
  readonly offset: number
  readonly metadata: string
}

/** Brokers, topics and groups: who leads what, and what can be asked once and for all. Throws {@link KafkaError}. */
export interface Cluster extends Closable {
  readonly driver: KafkaDriver
  readonly connections: Connections
  brokerCount(): Promise<number>
  /** Numbers of partitions by topic, those of the given names (or all) that are there. */
  partitionCounts(names?: readonly string[]): Promise<Map<string, number>>
  /** Number of partitions as last seen; asks when the topic was not seen yet. */
  partitionsOf(topic: string): Promise<number>
  /** The broker that leads a partition; asks when it is not known. */
  leaderOf(id: PartitionId): Promise<Address & { readonly id: number }>
  /** Leaders are asked for anew, after a broker said that it is none. */
  forgetLeaders(topics: Iterable<string>): void
  /** Makes the topics that are missing; safe when many processes do it at once. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>
  /** Gives a topic that is there the configs of its spec. */
  configureTopic(spec: TopicSpec): Promise<void>
  /** Asks any broker that answers. */
  ask<Args extends unknown[], Result>(api: Driver.API<Args, Result>, ...args: Args): Promise<Result>
  /** Asks the coordinator of a group, and once more when it has moved. */
  askCoordinator<Args extends unknown[], Result>(
    group: string,
    options: { readonly role?: string; readonly timeoutMs?: number },
    api: Driver.API<Args, Result>,
    ...args: Args
  ): Promise<Result>
}

const REST_MS = 50
const READY_TRIES = 60
const ABOUT_COORDINATORS = ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'NETWORK']
const GROUP_KEY = 0

export function createCluster(driver: KafkaDriver, connections: Connections, target: KafkaTarget): Cluster {
  let brokers = new Map<number, Address>()
  /** Topic -> the broker that leads each partition, -1 for none. */
  const leaders = new Map<string, number[]>()
  const coordinators = new Map<string, Address>()
  const ensured = new Map<string, Promise<void>>()
  let turn = 0

  async function ask<Args extends unknown[], Result>(api: Driver.API<Args, Result>, ...args: Args): Promise<Result> {
    const known = [...brokers.values(), ...target.bootstrap]
    const all = [...known.slice(turn % known.length), ...known]
    const addresses = new Map(all.map((broker) => [`${broker.host}:${broker.port}`, broker]))
    let problem: unknown
    for (const broker of addresses.values()) {
      try {
        return await connections.call({ role: 'main', broker }, api, ...args)
      } catch (error) {
        problem = error
        if (!(error instanceof KafkaError && error.is('NETWORK'))) throw error
        turn += 1
      }
    }
    throw problem
  }

  /** Errors of single topics are part of the answer. */
  async function metadata(names: readonly string[] | null): Promise<Driver.metadataV12.MetadataResponse> {
    const api = driver.metadataV12.api
    const response = await ask(api, names === null ? null : [...names], false, false).catch((error: unknown) => {
      if (error instanceof KafkaError && error.response !== undefined) {
        return error.response as Driver.metadataV12.MetadataResponse
      }
      throw error
    })
    brokers = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    for (const { name, errorCode, partitions } of response.topics) {
      if (typeof name !== 'string') continue
      const found: number[] = []
      for (const { partitionIndex, leaderId } of partitions) found[partitionIndex] = leaderId
      if (errorCode === 0) leaders.set(name, found)
      else leaders.delete(name)
    }
    return response
  }

  async function coordinatorOf(group: string): Promise<Address> {
    const known = coordinators.get(group)
    if (known !== undefined) return known
    const found = await ask(driver.findCoordinatorV4.api, GROUP_KEY, [group])
    const [coordinator] = found.coordinators
    if (coordinator === undefined || coordinator.errorCode !== 0) {
      throw new KafkaError(`the group ${group} has no coordinator`, 'ETIMEDOUT', ['COORDINATOR_NOT_AVAILABLE'])
    }
    coordinators.set(group, coordinator)
    return coordinator
  }

  async function isReady(names: readonly string[]): Promise<boolean> {
    const { topics } = await metadata(names)
    const led = topics.filter(
      ({ errorCode, partitions }) =>
        errorCode === 0 && partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0),
    )
    return led.length === names.length
  }

  async function create(specs: readonly TopicSpec[]): Promise<void> {
    const names = specs.map(({ name }) => name)
    const { topics } = await metadata(names)
    const there = new Set(topics.filter(({ errorCode }) => errorCode === 0).map(({ name }) => name))
    const missing = specs.filter(({ name }) => !there.has(name))
    if (missing.length > 0) {
      const replication = target.replication ?? Math.min(3, brokers.size)
      const wanted = missing.map(({ name, partitions, configs }) => ({
        name,
        numPartitions: partitions,
        replicationFactor: replication,
        assignments: [],
        configs: Object.entries({ 'min.insync.replicas': String(Math.min(2, replication)), ...configs }).map(
          ([key, value]) => ({ name: key, value }),
        ),
      }))
      try {
        await ask(driver.createTopicsV7.api, wanted, LIMITS.kafkaRequestMsMax, false)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (error.ids.some((id) => id !== 'TOPIC_ALREADY_EXISTS')) throw refusal(error, names)
      }
    }
    for (let tries = 1; !(await isReady(names)); tries++) {
      if (tries > READY_TRIES) throw new KafkaError('new topics have no leader', 'ETIMEDOUT', ['LEADER_NOT_AVAILABLE'])
      await new Promise((resolve) => setTimeout(resolve, REST_MS))
    }
    // A leader is named a moment before it knows that it leads.
    if (missing.length > 0) {
      const partitions = missing.flatMap(({ name }) => allPartitions(name, leaders.get(name)?.length ?? 0))
      await offsetsOf(cluster, partitions, LATEST)
    }
  }

  const cluster: Cluster = {
    driver,
    connections,
    ask,
    async brokerCount() {
      await metadata([])
      return brokers.size
    },
    async partitionCounts(names) {
      const { topics } = await metadata(names ?? null)
      const found = topics.flatMap(({ name, errorCode, partitions }) =>
        typeof name !== 'string' || errorCode !== 0 ? [] : [[name, partitions.length] as const],
      )
      return new Map(found)
    },
    async partitionsOf(topic) {
      if (!leaders.has(topic)) await metadata([topic])
      const count = leaders.get(topic)?.length ?? 0
      if (count > 0) return count
      throw new KafkaError(`there is no topic ${topic}`, 'ETIMEDOUT', ['UNKNOWN_TOPIC_OR_PARTITION'])
    },
    async leaderOf({ topic, partition }) {
      if ((leaders.get(topic)?.[partition] ?? -1) < 0) await metadata([topic])
      const id = leaders.get(topic)?.[partition] ?? -1
      const broker = brokers.get(id)
      if (broker !== undefined) return { id, ...broker }
      throw new KafkaError(`${topic}/${partition} has no leader`, 'ETIMEDOUT', ['LEADER_NOT_AVAILABLE'])
    },
    forgetLeaders(topics) {
      for (const topic of topics) leaders.delete(topic)
    },
    async ensureTopics(specs) {
      const fresh = specs.filter(({ name }) => !ensured.has(name))
      if (fresh.length > 0) {
        const creating = retry(PATIENCE, () => create(fresh))
        for (const { name } of fresh) {
          ensured.set(name, creating)
          creating.catch(() => ensured.delete(name))
        }
      }
      await Promise.all(specs.map(({ name }) => ensured.get(name)))
    },
    async configureTopic({ name, configs }) {
      const { ConfigTypes, IncrementalAlterConfigTypes, incrementalAlterConfigsV1 } = driver
      const configOperation = IncrementalAlterConfigTypes.SET
      const wanted = Object.entries(configs).map(([key, value]) => ({ name: key, configOperation, value }))
      const resource = { resourceType: ConfigTypes.TOPIC, resourceName: name, configs: wanted }
      await retry(PATIENCE, () => ask(incrementalAlterConfigsV1.api, [resource], false))
    },
    async askCoordinator(group, { role = 'main', timeoutMs }, api, ...args) {
      for (let tries = 1; ; tries++) {
        const broker = await coordinatorOf(group)
        try {
          return await connections.call(
            { role, broker, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
            api,
            ...args,
          )
        } catch (error) {
          if (!(error instanceof KafkaError && error.is(...ABOUT_COORDINATORS))) throw error
          coordinators.delete(group)
          if (tries > 1 || error.is('NETWORK')) throw error
        }
      }
    },
    close: () => connections.close(),
  }
  return cluster
}

function refusal(error: KafkaError, names: readonly string[]): Error {
  if (error.code !== 'EKAFKA') return error
  const asked = `the topics ${names.join(', ')} could not be made`
  if (error.is('TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED')) {
    return new AppError('engine_unreachable', `Kafka: ${asked}: the user may not; let an administrator make them`, {
      cause: error,
    })
  }
  if (error.is('INVALID_REPLICATION_FACTOR')) {
    return new AppError('invalid_config', `Kafka: ${asked}: there are fewer brokers than ?replication= says`, {
      cause: error,
    })
  }
  return error
}
