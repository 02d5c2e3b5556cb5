import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import type { PortContext } from '../../src/engines/engine.ts'
import type { Cluster } from '../../src/engines/kafka/cluster.ts'
import { openCluster } from '../../src/engines/kafka/engine.ts'
import { type Names, namesOf } from '../../src/engines/kafka/names.ts'
import { targetOf } from '../../src/engines/kafka/target.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { testContext } from './context.ts'
import { type OwnServer, startEngine } from './own-server.ts'

/** The common server, if it answers; see `engines.ts` beside this file. */
export const kafkaUrl = (): string | undefined => inject('kafkaUrl')

let nodes = 0
export const kafkaContext = (): PortContext => testContext({ node: nodes++ % 60 })

/** Sessions as short as a broker allows. */
export const SESSION_MS = 6_000

export interface KafkaUnderTest {
  /** With a prefix of its own, for other processes. */
  readonly url: string
  readonly names: Names
  connect(): Promise<Cluster>
  /** Removes all topics of the prefix. */
  remove(): Promise<void>
}

/** Topics and groups under a prefix that nobody else uses. */
export function kafkaUnderTest(url: string, options = 'partitions=3'): KafkaUnderTest {
  const prefix = `t${randomBytes(5).toString('hex')}.`
  const own = `${url}?prefix=${prefix}&${options}`
  const target = targetOf(parseUrl(own))
  const connect = async () => (await openCluster(target)).cluster
  return {
    url: own,
    names: namesOf(target),
    connect,
    async remove() {
      const cluster = await connect()
      const topics = [...(await cluster.partitionCounts()).keys()].filter((name) => name.startsWith(prefix))
      if (topics.length > 0) {
        const wanted = topics.map((name) => ({ name }))
        await cluster.ask(cluster.driver.deleteTopicsV6.api, wanted, 5_000)
      }
      await cluster.close()
    },
  }
}

/** Whether this machine can run a server of the test's own. */
export const hasKafkaProgram = (): boolean =>
  ['java', 'mvn'].every((program) => spawnSync(program, ['--version']).status === 0)

/** A broker for one test; the second port is its controller's. */
export const startKafka = (): Promise<OwnServer> => startEngine('kafka', 2)
