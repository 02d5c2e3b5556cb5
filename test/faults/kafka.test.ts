import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFanfold } from '../../src/app/fanfold.ts'
import { openQueueTransport } from '../../src/engines/kafka/queue-transport.ts'
import type { Queue } from '../../src/queue/port.ts'
import { createQueue } from '../../src/queue/queue.ts'
import { FANOUT_TOPIC } from '../../src/social/fanout/fanout.ts'
import { until } from '../../src/testing/until.ts'
import {
  hasKafkaProgram,
  type KafkaUnderTest,
  kafkaContext,
  kafkaUnderTest,
  kafkaUrl,
  SESSION_MS,
  startKafka,
} from '../setup/kafka.ts'
import { seededRandom } from '../setup/random.ts'
import { buildScript, type Script, type ScriptProcess } from '../setup/script.ts'
import type { WorkerNews, WorkerOptions } from './kafka-worker.ts'

/**
 * Claims: whoever is killed when, every message is handled at least once; messages of a key are handled in order by
 * whoever holds their partition, one after the other; a message that kills its process is seen to do so. And while the
 * broker is away posts are published, and afterwards no reader lacks one.
 *
 * Method: real processes on the common server that are killed and replaced at random; and a server of the test's own
 * that is killed during a fan-out.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_123)
const url = kafkaUrl()
const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface Worker extends ScriptProcess {
  readonly news: WorkerNews[]
}

describe.skipIf(url === undefined)(`Kafka under faults, seed ${SEED}`, () => {
  const random = seededRandom(SEED)
  const cleanups: (() => Promise<unknown>)[] = []
  let script: Script
  beforeAll(async () => {
    process.stderr.write(`Kafka under faults, seed ${SEED}\n`)
    script = await buildScript(new URL('./kafka-worker.ts', import.meta.url))
  })
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })
  afterAll(() => script?.remove())

  async function createWorld(): Promise<{ kafka: KafkaUnderTest; queue: Queue }> {
    const kafka = kafkaUnderTest(url!, 'partitions=6')
    cleanups.push(() => kafka.remove())
    const cluster = await kafka.connect()
    cleanups.push(() => cluster.close())
    const context = kafkaContext()
    const queue = createQueue(openQueueTransport(cluster, kafka.names, context), context)
    cleanups.push(() => queue.close())
    return { kafka, queue }
  }

  let nodes = 0
  function start({ url }: KafkaUnderTest, options: Partial<WorkerOptions> = {}): Promise<Worker> {
    const all: WorkerOptions = {
      ...{ url, topic: 'work', node: 1 + (nodes++ % 60), sessionMs: SESSION_MS, concurrency: 6 },
      ...options,
    }
    const news: WorkerNews[] = []
    return new Promise((resolve, reject) => {
      const worker = script.start([JSON.stringify(all)], (message) => {
        news.push(message as WorkerNews)
        if ('ready' in (message as WorkerNews)) resolve({ ...worker, news })
      })
      void worker.ended.then((code) => reject(new Error(`a worker did not start, ${code}:\n${worker.stderr()}`)))
      cleanups.push(() => worker.kill())
    })
  }

  const depthOf = async (queue: Queue) => (await queue.depths()).reduce((sum, { depth }) => sum + depth, 0)

  /** The messages of each key in the order in which this worker began them, for the first time each. */
  function expectOrder({ news }: Worker): void {
    const seen = new Map<string, number[]>()
    const underWay = new Map<string, number>()
    for (const each of news) {
      if ('begun' in each) {
        expect(underWay.get(each.key), `two of ${each.key} at the same time`).toBe(undefined)
        underWay.set(each.key, each.begun)
        const before = seen.get(each.key) ?? []
        if (!before.includes(each.begun)) seen.set(each.key, [...before, each.begun])
      } else if ('done' in each) underWay.delete(each.key)
    }
    for (const [key, numbers] of seen) expect(numbers, key).toEqual([...numbers].sort((a, b) => a - b))
  }

  it('loses nothing and keeps the order of each key while processes join and are killed', async () => {
    const { kafka, queue } = await createWorld()
    const workers = [await start(kafka), await start(kafka)]
    let count = 0
    let killed = 0
    let isPublishing = true
    const publishing = (async () => {
      while (isPublishing) {
        await queue.publish(
          Array.from({ length: 20 }, () => ({ topic: 'work', key: `k${count % 30}`, payload: { n: count++ } })),
        )
        await rest(20)
      }
    })()
    cleanups.push(() => {
      isPublishing = false
      return publishing
    })
    const live = [...workers]
    for (; killed < 3; killed++) {
      const joined = await start(kafka)
      workers.push(joined)
      live.push(joined)
      // Partitions come to it one by one, as those who have them finish their work.
      await until('the newcomer works', () => joined.news.filter((each) => 'done' in each).length > 20, 90_000)
      await rest(random.int(1_000))
      const [victim] = live.splice(random.int(live.length), 1)
      await victim!.kill()
      expect(await victim!.ended, victim!.stderr()).toBe('SIGKILL')
    }
    isPublishing = false
    await publishing
    await until('all is done', async () => (await depthOf(queue)) === 0, 90_000)
    const done = workers.flatMap(({ news }) => news.flatMap((each) => ('done' in each ? [each.done] : [])))
    expect([...new Set(done)].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n))
    for (const worker of workers) expectOrder(worker)
    expect(await queue.deadLetters(undefined, 10)).toEqual([])
    expect(workers.filter(({ news }) => news.some((each) => 'done' in each)).length).toBeGreaterThan(2)
  }, 240_000)

  it('counts a try that ended with its process', async () => {
    const { kafka, queue } = await createWorld()
    await queue.publish([{ topic: 'work', key: 'poison', payload: { n: 0 } }])
    for (const attempt of [1, 2, 3]) {
      const worker = await start(kafka, { poison: 'poison' })
      expect(await worker.ended).toBe('SIGKILL')
      expect(worker.news).toContainEqual({ begun: 0, key: 'poison', attempt })
    }
    const healthy = await start(kafka)
    await until('it is done', () => healthy.news.some((each) => 'done' in each), 30_000)
  }, 120_000)

  describe.runIf(hasKafkaProgram())('when the broker is killed', () => {
    it('posts are published meanwhile, and no reader lacks one afterwards', async () => {
      const kafka = await startKafka()
      cleanups.push(() => kafka.remove())
      const folder = await mkdtemp(join(tmpdir(), 'fanfold-pglite-'))
      cleanups.push(() => rm(folder, { recursive: true, force: true }))
      const fanfold = await createFanfold({ database: `pglite:${folder}/data`, queue: `${kafka.url}?partitions=3` })
      cleanups.push(() => fanfold.close())
      const { social } = fanfold
      const follows = function* () {
        for (let reader = 0; reader < 100; reader++) for (const n of [0, 1, 2]) yield `r${reader} author${n}`
      }
      await social.importFollows(follows())
      await social.rebuildTimelines()
      const posts: bigint[] = []
      const publish = async (n: number) => {
        const { post_id } = await social.publish({ user_id: `author${n % 3}`, content: { text: `post ${n}` } })
        posts.push(BigInt(post_id))
      }
      for (let n = 0; n < 20; n++) await publish(n)
      await kafka.kill()
      for (let n = 0; n < 5; n++) await publish(n)
      await expect(fanfold.queue.depths()).rejects.toThrow('Kafka at 127.0.0.1')
      await kafka.start()
      for (let n = 0; n < 5; n++) await publish(n)
      // The sweeper waits the longer, the longer the broker was away.
      const isDone = async () => {
        await rest(1_000)
        return (await social.verify()).pending === 0
      }
      await until('the fan-out is done', isDone, 300_000)
      await until('the queue is empty', async () => (await depthOf(fanfold.queue)) === 0, 30_000)
      const report = await social.verify()
      expect(report, JSON.stringify(report.findings.slice(0, 5))).toMatchObject({ ok: true, pending: 0, findings: [] })
      expect(await fanfold.queue.deadLetters(FANOUT_TOPIC, 10)).toEqual([])
      const page = await social.timeline('r7', { limit: 100 })
      expect(page.items.map(({ post_id }) => BigInt(post_id)).sort()).toEqual([...posts].sort())
    }, 600_000)
  })
})
