import { afterEach, describe, expect, it } from 'vitest'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import type { Cluster } from '../../src/engines/kafka/cluster.ts'
import { createDeadLetters } from '../../src/engines/kafka/dead-letters.ts'
import { openKafkaEngine } from '../../src/engines/kafka/engine.ts'
import { EARLIEST, LATEST, offsetsOf, purge } from '../../src/engines/kafka/offsets.ts'
import { createProducer } from '../../src/engines/kafka/producer.ts'
import { openQueueTransport } from '../../src/engines/kafka/queue-transport.ts'
import { buried } from '../../src/engines/kafka/records.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { createQueue } from '../../src/queue/queue.ts'
import { testContext } from '../setup/context.ts'
import { type KafkaUnderTest, kafkaUnderTest, kafkaUrl } from '../setup/kafka.ts'

const url = kafkaUrl()

describe.skipIf(url === undefined)('dead letters on Kafka', () => {
  const cleanups: (() => Promise<unknown>)[] = []
  const topic = 'work'
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (_, words = '') => void warnings.push(words) }
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
    warnings.length = 0
  })

  async function createWorld() {
    const kafka = kafkaUnderTest(url!, 'partitions=1')
    cleanups.push(() => kafka.remove())
    const cluster = await kafka.connect()
    cleanups.push(() => cluster.close())
    return { kafka, cluster, id: { topic: kafka.names.deadLetters, partition: 0 } }
  }

  async function openQueue({ connect, names }: KafkaUnderTest) {
    const cluster = await connect()
    const context = testContext({ logger })
    const queue = createQueue(openQueueTransport(cluster, names, context), context)
    cleanups.push(() => queue.close().then(() => cluster.close()))
    return queue
  }

  async function migrate(kafka: KafkaUnderTest): Promise<void> {
    const engine = await openKafkaEngine(parseUrl(kafka.url), testContext({ logger: silentLogger }))
    await engine.migrate()
    await engine.close()
  }

  async function bury(cluster: Cluster, { names }: KafkaUnderTest, count: number): Promise<void> {
    const producer = createProducer(cluster, 'bury')
    await producer.send(
      Array.from({ length: count }, (_, n) => {
        const message = { id: `${n}`, topic, lane: 'small' as const, key: 'k', payload: { n }, attempt: 3 }
        return buried(names.deadLetters, message, JSON.stringify({ n }), 'broken', 0)
      }),
    )
  }

  const numbersOf = (letters: readonly { payload: Record<string, unknown> }[]) =>
    letters.map(({ payload }) => payload['n'])
  const kept = async (cluster: Cluster, id: { topic: string; partition: number }) => {
    const [first, end] = [await offsetsOf(cluster, [id], EARLIEST), await offsetsOf(cluster, [id], LATEST)]
    return [...end.values()][0]! - [...first.values()][0]!
  }

  it('that were redriven are deleted, and gone for those who had seen them, too', async () => {
    const { kafka, cluster, id } = await createWorld()
    await migrate(kafka)
    await bury(cluster, kafka, 3)
    const [queue, other] = [await openQueue(kafka), await openQueue(kafka)]
    expect(numbersOf(await other.deadLetters(topic, 10))).toEqual([2, 1, 0])
    expect(await queue.redrive(topic)).toBe(3)
    expect(await kept(cluster, id)).toBe(0)
    expect(await other.deadLetters(topic, 10)).toEqual([])
    expect((await other.depths()).map(({ deadLetters }) => deadLetters)).toEqual([0])
    expect(await other.redrive(topic)).toBe(0)
    expect(warnings).toEqual([])
  })

  it('are redriven also where the broker refuses to delete them, which migrating corrects', async () => {
    const { kafka, cluster, id } = await createWorld()
    await cluster.ensureTopics([{ name: id.topic, partitions: 1, configs: { 'cleanup.policy': 'compact' } }])
    const queue = await openQueue(kafka)
    await bury(cluster, kafka, 2)
    expect(await queue.redrive(topic)).toBe(2)
    expect(await queue.deadLetters(topic, 10)).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('POLICY_VIOLATION')])
    await migrate(kafka)
    await bury(cluster, kafka, 2)
    expect(await queue.redrive(topic)).toBe(2)
    expect(await kept(cluster, id)).toBe(0)
    expect(warnings).toHaveLength(1)
  })

  it('that another process deletes while they are read are left out', async () => {
    const { kafka, cluster, id } = await createWorld()
    await migrate(kafka)
    await bury(cluster, kafka, 450)
    const seen: unknown[] = []
    for await (const letters of createDeadLetters(cluster, id.topic, 'test').chosen(topic, undefined)) {
      seen.push(...numbersOf(letters))
      await purge(cluster, [{ ...id, offset: 440 }])
    }
    expect(seen).toEqual([
      ...Array.from({ length: 200 }, (_, n) => n),
      ...Array.from({ length: 10 }, (_, n) => 440 + n),
    ])
  })
})
