import type { OutgoingMessage, Queue } from '../src/queue/port.ts'
import type { Measured } from './bench.ts'
import { closedLoop } from './closed-loop.ts'
import type { Case } from './engines.ts'

const BATCH = 100
const PUBLISHERS = 4
const CONCURRENCY = 64
const WARM_UP_MS = 500

const stores = new WeakMap<object, Promise<Queue>>()

function queueOf(engine: Parameters<Case>[0]): Promise<Queue> {
  let queue = stores.get(engine)
  if (queue === undefined) {
    queue = engine.open('queue')
    stores.set(engine, queue)
  }
  return queue
}

const batch = (topic: string, from: number): OutgoingMessage[] =>
  Array.from({ length: BATCH }, (_, n) => ({ topic, key: `key-${(from + n) % 1_000}`, payload: { n: from + n } }))

export const publishing: Case = async (engine) => {
  if (!engine.serves('queue')) return undefined
  const queue = await queueOf(engine)
  let next = 0
  return {
    name: engine.name,
    unit: 'messages',
    async run(seconds) {
      const measured = await closedLoop(PUBLISHERS, seconds, async () => {
        next += BATCH
        await queue.publish(batch('bench', next))
      })
      return { ...measured, operations: measured.latenciesMs.length * BATCH }
    },
  }
}

/** Messages that were published before, handled and acknowledged; publishers keep them coming. */
export const consuming: Case = async (engine) => {
  if (!engine.serves('queue')) return undefined
  const queue = await queueOf(engine)
  const topic = 'bench-consumed'
  let published = 0
  async function publishBatch(): Promise<void> {
    await queue.publish(batch(topic, published))
    published += BATCH
  }
  return {
    name: engine.name,
    unit: 'messages',
    async run(seconds): Promise<Measured> {
      for (let n = 0; n < 20; n++) await publishBatch()
      let handled = 0
      const count = () => {
        handled += 1
      }
      const consumer = queue.consume(topic, async () => count(), { concurrency: CONCURRENCY })
      const until = performance.now() + WARM_UP_MS + seconds * 1_000
      const publisher = (async () => {
        // As many are published as are handled, so that there is always something to do.
        while (performance.now() < until) {
          await publishBatch()
          while (published - handled > 20_000 && performance.now() < until) await new Promise((go) => setTimeout(go, 5))
        }
      })()
      await new Promise((go) => setTimeout(go, WARM_UP_MS))
      const [first, startedAt] = [handled, performance.now()]
      await new Promise((go) => setTimeout(go, seconds * 1_000))
      const operations = handled - first
      const tookSeconds = (performance.now() - startedAt) / 1_000
      await publisher
      await consumer.close()
      return { seconds: tookSeconds, latenciesMs: new Float64Array(), operations }
    },
  }
}
