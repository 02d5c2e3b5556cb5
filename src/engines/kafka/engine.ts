import { AppError, messageOf } from '../../core/errors.ts'
import { createQueue } from '../../queue/queue.ts'
import { loadDriver } from '../driver.ts'
import type { Engine, EngineContext } from '../engine.ts'
import { type Cluster, createCluster } from './cluster.ts'
import { createConnections, type KafkaDriver } from './connections.ts'
import { openEventPublisher } from './event-publisher.ts'
import { KafkaError } from './failure.ts'
import { type Names, namesOf } from './names.ts'
import { openQueueTransport } from './queue-transport.ts'
import { type KafkaTarget, targetOf } from './target.ts'

const PACKAGE = '@platformatic/kafka'
const OLDEST = '3.6'

/**
 * `kafka://user:password@host:port,host:port`, `kafkas:` for TLS; `?prefix=` begins every topic and group,
 * `?partitions=` and `?replication=` are for topics that are made, `?sasl=` names how the password is shown. Throws
 * `engine_unreachable`, `engine_unsupported` for an old version, `invalid_config`, `driver_missing`.
 */
export async function openKafkaEngine(url: URL, context: EngineContext): Promise<Engine> {
  const target = targetOf(url)
  const { cluster, brokers } = await openCluster(target)
  const names = namesOf(target)
  if (target.replication !== undefined && target.replication > brokers) {
    await cluster.close()
    const message = `?replication=${target.replication} needs as many brokers, and there are ${brokers}`
    throw new AppError('invalid_config', `Kafka: ${message}`)
  }
  if (brokers < 3) {
    context.logger.warn(
      { url: target.shown, brokers },
      `Kafka: ${brokers} broker(s) keep fewer than three copies: what is lost with a disk is lost`,
    )
  }
  const isMade = async () => (await cluster.partitionCounts([names.deadLetters])).has(names.deadLetters)
  return {
    name: 'kafka',
    url: target.shown,
    ports: {
      queue: async (port) => createQueue(openQueueTransport(cluster, names, port), port),
      events: async () => openEventPublisher(cluster, names),
    },
    async version() {
      const count = await cluster.brokerCount()
      return `Kafka ${await versionOf(cluster)} (${count} broker${count === 1 ? '' : 's'})`
    },
    async migrate({ dryRun = false } = {}) {
      const pending = (await isMade()) ? [] : [STEP]
      if (!dryRun) {
        await cluster.ensureTopics([names.deadLettersSpec])
        if (pending.length === 0) await correctDeadLetters(cluster, names, context)
      }
      return { pending, applied: !dryRun, version: dryRun && pending.length > 0 ? 0 : 1 }
    },
    pendingMigrations: async () => ((await isMade()) ? 0 : 1),
    close: () => cluster.close(),
  }
}

/** One made by hand may be only compacted; then redriven letters keep their room, which is no reason to fail. */
async function correctDeadLetters(cluster: Cluster, names: Names, { logger }: EngineContext): Promise<void> {
  await cluster.configureTopic(names.deadLettersSpec).catch((error: unknown) => {
    const wanted = JSON.stringify(names.deadLettersSpec.configs)
    const words = `Kafka: ${names.deadLetters} could not be given the configs ${wanted}: ${messageOf(error)}`
    logger.warn({ err: error }, words)
  })
}

/** The topic that is there from the start; those of messages are made when they are first used. */
const STEP = { version: 1, name: 'dead_letters', sql: '' }

/** A connected cluster of a version that serves. */
export async function openCluster(target: KafkaTarget): Promise<{ cluster: Cluster; brokers: number }> {
  const driver = await loadDriver('Kafka', PACKAGE, () => import('@platformatic/kafka'))
  const cluster = createCluster(driver, createConnections(driver, target, `fanfold-${process.pid}`), target)
  try {
    await checkVersion(cluster, target)
    return { cluster, brokers: await cluster.brokerCount() }
  } catch (error) {
    await cluster.close()
    throw error instanceof KafkaError ? unreachable(error, target) : error
  }
}

function unreachable(cause: KafkaError, target: KafkaTarget): AppError {
  const advice = cause.is('AUTHENTICATION')
    ? 'check user, password and ?sasl= in the URL'
    : cause.code === 'ECONNREFUSED'
      ? 'is it running, and is this the port of a broker (not of a controller)?'
      : target.isSafe
        ? 'does this port speak TLS?'
        : 'does this port speak Kafka, without TLS? With TLS write kafkas:, with a password user:password@'
  return new AppError('engine_unreachable', `${target.shown} could not be opened: ${cause.message}; ${advice}`, {
    cause,
  })
}

/** What is asked of brokers, in the version it is asked in. */
const requestsOf = (driver: KafkaDriver) => [
  ...[driver.metadataV12.api, driver.produceV9.api, driver.fetchV12.api, driver.listOffsetsV8.api],
  ...[driver.findCoordinatorV4.api, driver.joinGroupV9.api, driver.syncGroupV5.api, driver.heartbeatV4.api],
  ...[driver.leaveGroupV5.api, driver.offsetCommitV8.api, driver.offsetFetchV8.api, driver.createTopicsV7.api],
  ...[driver.initProducerIdV4.api, driver.deleteRecordsV2.api],
]

async function spoken(cluster: Cluster): Promise<Map<number, { minVersion: number; maxVersion: number }>> {
  const { apiKeys } = await cluster.ask(cluster.driver.apiVersionsV3.api, 'fanfold', '1')
  return new Map(apiKeys.map(({ apiKey, ...versions }) => [apiKey, versions]))
}

async function checkVersion(cluster: Cluster, target: KafkaTarget): Promise<void> {
  const versions = await spoken(cluster)
  for (const { key, version } of requestsOf(cluster.driver)) {
    const range = versions.get(key)
    if (range !== undefined && range.minVersion <= version && version <= range.maxVersion) continue
    throw new AppError('engine_unsupported', `${target.shown} is a Kafka of another age: ${OLDEST} or newer is needed`)
  }
}

/** A broker does not tell its version, but what it speaks: requests that came with a version tell it apart. */
const MARKS: readonly (readonly [key: number, version: number, name: string])[] = [
  [1, 18, '4.1 or newer'],
  [78, 1, '4.1 or newer'],
  [78, 0, '4.0'],
  [68, 1, '4.0'],
  [1, 17, '3.9'],
  [1, 16, '3.7 or 3.8'],
]

async function versionOf(cluster: Cluster): Promise<string> {
  const versions = await spoken(cluster)
  const mark = MARKS.find(([key, version]) => (versions.get(key)?.maxVersion ?? -1) >= version)
  return mark?.[2] ?? OLDEST
}
