import * as driver from '@platformatic/kafka'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { isTransient } from '../../src/core/retry.ts'
import type { Cluster } from '../../src/engines/kafka/cluster.ts'
import { type Connections, createConnections } from '../../src/engines/kafka/connections.ts'
import { openCluster } from '../../src/engines/kafka/engine.ts'
import { isPassing, KafkaError, kafkaError } from '../../src/engines/kafka/failure.ts'
import { createProducer } from '../../src/engines/kafka/producer.ts'
import { targetOf } from '../../src/engines/kafka/target.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { kafkaUrl } from '../setup/kafka.ts'
import { silentAddress } from '../setup/silent-address.ts'

const url = kafkaUrl()

/** Claim: a broker whose packets are dropped is passed over like one that refuses, by whoever asks next. */
describe('a broker of Kafka that is silent', () => {
  const cleanups: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    vi.useRealTimers()
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })

  it('counts as not reached, and as something that passes', async () => {
    const { port } = await opened()
    const connections = createConnections(driver, targetOf(parseUrl('kafka://h/')), 'test')
    cleanups.push(() => connections.close())
    const broker = { host: '127.0.0.1', port }
    const failure = await connections.call({ role: 'test', broker }, driver.apiVersionsV3.api, 'test', '1').catch(same)
    const late = Object.assign(new Error('timed out'), { code: 'PLT_KFK_TIMEOUT' })
    for (const error of [failure, kafkaError(late, 'Kafka at h:1', false)]) {
      expect(isPassing(error) && error.is('NETWORK')).toBe(true)
      expect(error).toMatchObject({ code: 'ECONNREFUSED' })
      expect(isTransient(error)).toBe(true)
    }
  })

  it.skipIf(url === undefined)('may be the first of several at the start', async () => {
    const { port } = await opened()
    const { host } = new URL(url!)
    const { cluster, brokers } = await openCluster(targetOf(parseUrl(`kafka://127.0.0.1:${port},${host}/`)))
    cleanups.push(() => cluster.close())
    expect(brokers).toBeGreaterThan(0)
  })

  it('is asked once by a producer: who sends next looks for the leader anew', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let asked = 0
    let leader = 'silent'
    const stored = { responses: [{ name: 't', partitionResponses: [{ index: 0, errorCode: 0 }] }] }
    async function call({ broker }: Parameters<Connections['call']>[0]) {
      asked += 1
      if (broker.host === 'alive') return stored
      vi.setSystemTime(Date.now() + LIMITS.kafkaSendMsMax)
      throw new KafkaError('no answer', 'ETIMEDOUT', ['NETWORK'])
    }
    const cluster: Partial<Cluster> = {
      driver,
      ask: async () => ({ producerId: 1n, producerEpoch: 0 }) as never,
      leaderOf: async () => ({ id: 1, host: leader, port: 1 }),
      forgetLeaders: () => {
        leader = 'alive'
      },
      connections: {
        call: call as unknown as Connections['call'],
        drop: () => undefined,
        close: async () => undefined,
      },
    }
    const producer = createProducer(cluster as Cluster, 'test')
    const record = { topic: 't', partition: 0, key: 'k', value: 'v', headers: {} }
    await expect(producer.send([record])).rejects.toThrow('no answer')
    await producer.send([record])
    expect(asked).toBe(2)
  })

  async function opened() {
    const address = await silentAddress()
    cleanups.push(() => address.close())
    return address
  }
  const same = (error: unknown) => error
})
