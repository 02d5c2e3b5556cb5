import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { GiveUp, type Message, type OutgoingMessage, type Queue } from '../queue/port.ts'
import { createGate } from './gate.ts'
import type { QueueHarness, QueueTestOptions } from './queue-harness.ts'
import { until } from './until.ts'

const FAST: QueueTestOptions = { leaseMs: 60_000, triesMax: 3, backoff: { firstMs: 1, maxMs: 5 } }

/** The promises of {@link Queue}, for any broker. */
export function testQueue(name: string, create: () => Promise<QueueHarness>): void {
  describe(`queue on ${name}`, () => {
    let harness: QueueHarness
    let topics = 0
    const queues: Queue[] = []

    beforeAll(async () => {
      harness = await create()
    })
    afterAll(async () => {
      for (const queue of queues) await queue.close()
      await harness.close()
    })

    async function open(options: Partial<QueueTestOptions> = {}): Promise<Queue> {
      const queue = await harness.open({ ...FAST, ...options })
      queues.push(queue)
      return queue
    }
    const newTopic = () => `topic-${++topics}`
    const numbered = (topic: string, count: number, more: Partial<OutgoingMessage> = {}): OutgoingMessage[] =>
      Array.from({ length: count }, (_, n) => ({ topic, key: `key-${n}`, payload: { n }, ...more }))
    const numbersOf = (messages: readonly Message[]) =>
      messages.map((m) => m.payload['n'] as number).sort((a, b) => a - b)
    const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)
    async function depthOf(queue: Queue, topic: string) {
      const rows = (await queue.depths()).filter((row) => row.topic === topic)
      return {
        depth: rows.reduce((sum, row) => sum + row.depth, 0),
        dead: rows.reduce((sum, row) => sum + row.deadLetters, 0),
      }
    }
    const isEmpty = async (queue: Queue, topic: string) => (await depthOf(queue, topic)).depth === 0

    it('hands out every message once when nothing fails', async () => {
      const [topic, queue] = [newTopic(), await open()]
      const seen: Message[] = []
      await queue.publish(numbered(topic, 700))
      const consumer = queue.consume(topic, async (message) => void seen.push(message))
      await queue.publish(numbered(topic, 3).map((m) => ({ ...m, payload: { n: 700 + Number(m.payload['n']) } })))
      await until('the topic is empty', () => isEmpty(queue, topic))
      await consumer.close()
      expect(numbersOf(seen)).toEqual(upTo(703))
      expect(new Set(seen.map((m) => m.id)).size).toBe(703)
    })

    it('gives the handler the message as it was published', async () => {
      const [topic, queue] = [newTopic(), await open()]
      const payload = {
        text: 'a "quoted" \\ é 漢 \u0000 {}',
        list: [1, null, { deep: true }],
        big: Number.MAX_SAFE_INTEGER,
        '': '',
      }
      const seen: Message[] = []
      const consumer = queue.consume(topic, async (message) => void seen.push(message))
      await queue.publish([{ topic, key: 'user:"1",{}', payload, lane: 'bulk' }])
      await until('it is handled', () => seen.length)
      await consumer.close()
      expect(seen[0]).toEqual({
        id: expect.stringMatching(/^.+$/),
        topic,
        lane: 'bulk',
        key: 'user:"1",{}',
        payload,
        attempt: 1,
      })
    })

    it('keeps what was published while nobody consumed and the publisher is gone', async () => {
      const topic = newTopic()
      const publisher = await open()
      await publisher.publish(numbered(topic, 5))
      await publisher.close()
      const queue = await open()
      const seen: Message[] = []
      queue.consume(topic, async (message) => void seen.push(message))
      await until('all are handled', () => seen.length === 5)
    })

    it('divides the work among processes without handing a message to two', async () => {
      const topic = newTopic()
      const all = await Promise.all([open(), open(), open()])
      const seen: Message[] = []
      for (const queue of all) queue.consume(topic, async (message) => void seen.push(message), { concurrency: 4 })
      await Promise.all(
        all.map((queue, i) =>
          queue.publish(numbered(topic, 100).map((m) => ({ ...m, payload: { n: i * 100 + Number(m.payload['n']) } }))),
        ),
      )
      for (const queue of all) await until('the topic is empty', () => isEmpty(queue, topic))
      expect(numbersOf(seen)).toEqual(upTo(300))
    })

    it('counts what is under way here, and elsewhere where the broker can tell', async () => {
      const { countsWorkElsewhere = true } = harness.capabilities ?? {}
      const topic = newTopic()
      const [queue, other] = [await open(), await open()]
      const gate = createGate()
      let begun = 0
      queue.consume(topic, async () => {
        begun += 1
        await gate.opened
      })
      await queue.publish(numbered(topic, 3))
      await until('they are under way', () => begun === 3)
      expect((await depthOf(queue, topic)).depth).toBe(3)
      expect((await depthOf(other, topic)).depth).toBe(countsWorkElsewhere ? 3 : 0)
      gate.open()
      await until('the topic is empty', () => isEmpty(queue, topic))
    })

    it('tries a failed message again, with the next attempt, until it succeeds', async () => {
      const [topic, queue] = [newTopic(), await open()]
      const attempts: number[] = []
      queue.consume(topic, async ({ attempt }) => {
        attempts.push(attempt)
        if (attempt < 3) throw new Error('not yet')
      })
      await queue.publish(numbered(topic, 1))
      await until('it succeeded', () => isEmpty(queue, topic))
      expect(attempts).toEqual([1, 2, 3])
      expect(await queue.deadLetters(topic, 10)).toEqual([])
    })

    it('makes a message that keeps failing a dead letter with its reason', async () => {
      const [topic, queue] = [newTopic(), await open()]
      let tries = 0
      queue.consume(topic, async () => {
        tries += 1
        throw new Error(`broken \0 ${tries}`)
      })
      await queue.publish([{ topic, key: 'k', payload: { n: 7 }, lane: 'bulk' }])
      await until('it is dead', async () => (await depthOf(queue, topic)).dead)
      expect(await queue.deadLetters(topic, 10)).toEqual([
        {
          id: expect.any(String),
          topic,
          lane: 'bulk',
          key: 'k',
          payload: { n: 7 },
          attempts: 3,
          reason: expect.stringMatching(/^broken .*3$/),
          diedAt: expect.any(Date),
        },
      ])
      expect(await depthOf(queue, topic)).toEqual({ depth: 0, dead: 1 })
      expect(tries).toBe(3)
    })

    it('gives up at once when the handler says so', async () => {
      const [topic, queue] = [newTopic(), await open()]
      let tries = 0
      queue.consume(topic, async () => {
        tries += 1
        throw new GiveUp('the post is gone')
      })
      await queue.publish(numbered(topic, 1))
      await until('it is dead', async () => (await depthOf(queue, topic)).dead)
      const [letter] = await queue.deadLetters(topic, 10)
      expect(letter).toMatchObject({ attempts: 1, reason: 'the post is gone' })
      expect(tries).toBe(1)
    })

    it('lists dead letters newest first and puts chosen ones, then all of a topic back to work', async () => {
      const [topic, other, queue] = [newTopic(), newTopic(), await open()]
      let broken = true
      const seen: Message[] = []
      for (const each of [topic, other]) {
        queue.consume(each, async (message) => {
          if (broken) throw new GiveUp('broken')
          seen.push(message)
        })
      }
      for (const message of numbered(topic, 3)) {
        const { dead } = await depthOf(queue, topic)
        await queue.publish([message])
        await until('it is dead', async () => (await depthOf(queue, topic)).dead > dead)
      }
      await queue.publish(numbered(other, 1).map((message) => ({ ...message, lane: 'bulk' })))
      await until('the other is dead too', async () => (await depthOf(queue, other)).dead)
      const letters = await queue.deadLetters(topic, 2)
      expect(letters.map((letter) => letter.payload)).toEqual([{ n: 2 }, { n: 1 }])
      expect((await queue.deadLetters(undefined, 100)).map((letter) => letter.topic)).toContain(other)
      expect(await queue.deadLetters(topic, 2, 'small')).toEqual(letters)
      expect(await queue.deadLetters(topic, 2, 'bulk')).toEqual([])
      expect(await queue.deadLetters(other, 2, 'bulk')).toMatchObject([{ topic: other, lane: 'bulk' }])
      expect((await queue.deadLetters(undefined, 100, 'bulk')).filter(({ lane }) => lane !== 'bulk')).toEqual([])

      broken = false
      expect(await queue.redrive(topic, [letters[0]!.id, '123456789'])).toBe(1)
      await until('the chosen one is handled', () => seen.length === 1)
      expect(seen[0]).toMatchObject({ payload: { n: 2 }, attempt: 1 })
      expect(await queue.redrive(topic)).toBe(2)
      await until('the others are handled', () => seen.length === 3)
      expect(await queue.redrive(topic)).toBe(0)
      expect((await depthOf(queue, other)).dead).toBe(1)
    })

    it('runs at most `concurrency` handlers per lane', async () => {
      const [topic, queue] = [newTopic(), await open()]
      let [now, most] = [0, 0]
      queue.consume(
        topic,
        async () => {
          most = Math.max(most, ++now)
          await new Promise((resolve) => setImmediate(resolve))
          now -= 1
        },
        { concurrency: 3, prefetch: 20 },
      )
      await queue.publish(numbered(topic, 60))
      await until('the topic is empty', () => isEmpty(queue, topic))
      expect(most).toBe(3)
    })

    it('runs at most `bulkConcurrency` of them on the bulk lane', async () => {
      const [topic, queue] = [newTopic(), await open()]
      const now = { small: 0, bulk: 0 }
      const most = { small: 0, bulk: 0 }
      queue.consume(
        topic,
        async ({ lane }) => {
          most[lane] = Math.max(most[lane], ++now[lane])
          await new Promise((resolve) => setImmediate(resolve))
          now[lane] -= 1
        },
        { concurrency: 3, bulkConcurrency: 2, prefetch: 20 },
      )
      await queue.publish(numbered(topic, 60))
      await queue.publish(numbered(topic, 60, { lane: 'bulk' }))
      await until('the topic is empty', () => isEmpty(queue, topic))
      expect(most).toEqual({ small: 3, bulk: 2 })
    })

    it('does not let bulk work hold up small work', async () => {
      const [topic, queue] = [newTopic(), await open()]
      const gate = createGate()
      const small: Message[] = []
      queue.consume(
        topic,
        (message) => (message.lane === 'bulk' ? gate.opened : Promise.resolve(void small.push(message))),
        {
          concurrency: 1,
          prefetch: 4,
        },
      )
      await queue.publish(numbered(topic, 50, { lane: 'bulk' }))
      await queue.publish(numbered(topic, 10))
      await until('the small lane is through', () => small.length === 10)
      expect((await depthOf(queue, topic)).depth).toBeGreaterThanOrEqual(50)
      gate.open()
      await until('the bulk lane is through too', () => isEmpty(queue, topic))
    })

    it('holds a delayed message back', async () => {
      const [topic, queue] = [newTopic(), await open()]
      const seen: Message[] = []
      queue.consume(topic, async (message) => void seen.push(message))
      const publishedAt = Date.now()
      await queue.publish([
        { topic, key: 'later', payload: {}, delayMs: 300 },
        { topic, key: 'much later', payload: {}, delayMs: 3_600_000 },
        { topic, key: 'now', payload: {} },
      ])
      await until('the delayed one came', () => seen.length === 2)
      expect(Date.now() - publishedAt).toBeGreaterThanOrEqual(300)
      expect(seen.map((message) => message.key)).toEqual(['now', 'later'])
    })

    it('leaves a message with a handler that takes longer than the lease', async () => {
      const topic = newTopic()
      const [queue, other] = [await open({ leaseMs: 300 }), await open({ leaseMs: 300 })]
      const gate = createGate()
      const seen: Message[] = []
      const handler = async (message: Message) => {
        seen.push(message)
        await gate.opened
      }
      queue.consume(topic, handler)
      other.consume(topic, handler)
      const startedAt = Date.now()
      await queue.publish(numbered(topic, 1))
      await until('the lease would have ended twice', () => Date.now() - startedAt > 900)
      gate.open()
      await until('it is handled', () => isEmpty(queue, topic))
      expect(seen).toHaveLength(1)
    })

    it('gives back at once what it had fetched ahead when it closes, and waits for the handlers under way', async () => {
      const topic = newTopic()
      const [queue, other] = [await open(), await open()]
      const gate = createGate()
      const begun: Message[] = []
      let aborted = false
      const consumer = queue.consume(
        topic,
        async (message, signal) => {
          begun.push(message)
          signal.addEventListener('abort', () => {
            aborted = true
          })
          await gate.opened
        },
        { concurrency: 1, prefetch: 10 },
      )
      await queue.publish(numbered(topic, 6))
      await until('one is under way', () => begun.length === 1)
      let closed = false
      const closing = consumer.close().then(() => {
        closed = true
      })
      expect(aborted).toBe(true)

      const taken: Message[] = []
      other.consume(topic, async (message) => void taken.push(message))
      await until('another worker has the five others', () => taken.length === 5)
      expect(taken.every((message) => message.attempt === 1)).toBe(true)
      expect(closed).toBe(false)
      gate.open()
      await closing
      await until('all are handled', () => isEmpty(other, topic))
      expect(numbersOf([...begun, ...taken])).toEqual(upTo(6))
    })

    it('takes a handler that stops because of closing as not tried', async () => {
      const topic = newTopic()
      const queue = await open()
      let begun = 0
      queue.consume(topic, async (_message, signal) => {
        begun += 1
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        throw new Error('stopped half-way')
      })
      await queue.publish(numbered(topic, 1))
      await until('it is under way', () => begun)
      await queue.close()

      const other = await open()
      const seen: Message[] = []
      other.consume(topic, async (message) => void seen.push(message))
      await until('it came again', () => seen.length)
      expect(seen[0]?.attempt).toBe(1)
    })

    it('refuses what breaks a limit, and stores nothing of it', async () => {
      const [topic, queue] = [newTopic(), await open()]
      const fine: OutgoingMessage = { topic, key: 'k', payload: {} }
      const tooLarge = { text: 'x'.repeat(LIMITS.queuePayloadBytesMax) }
      for (const wrong of [
        { ...fine, payload: tooLarge },
        { ...fine, topic: 'no spaces' },
        { ...fine, key: 'nul \0' },
        { ...fine, key: 'x'.repeat(201) },
      ]) {
        await expect(queue.publish([fine, wrong])).rejects.toSatisfy((error) => isAppError(error, 'invalid_input'))
      }
      expect(await isEmpty(queue, topic)).toBe(true)
    })

    it('refuses messages for a topic that is full, and only for that one', async () => {
      const [topic, other, queue] = [newTopic(), newTopic(), await open({ depthMax: 100 })]
      await queue.publish(numbered(topic, 100))
      await expect(queue.publish(numbered(topic, 1))).rejects.toSatisfy((error) => isAppError(error, 'overloaded'))
      await queue.publish(numbered(other, 1))
      expect((await depthOf(queue, topic)).depth).toBe(100)
    })

    it('publishes many at once and nothing of nothing', async () => {
      const [topic, queue] = [newTopic(), await open()]
      await queue.publish([])
      await queue.publish(numbered(topic, 2_500))
      expect((await depthOf(queue, topic)).depth).toBe(2_500)
    })

    it('refuses to publish or consume after closing, and closes twice', async () => {
      const [topic, queue] = [newTopic(), await open()]
      await Promise.all([queue.close(), queue.close()])
      await expect(queue.publish(numbered(topic, 1))).rejects.toSatisfy((error) => isAppError(error, 'shutting_down'))
      expect(() => queue.consume(topic, async () => undefined)).toThrow('shutting down')
    })
  })
}
