import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { openSqlQueue } from '../../src/engines/postgres/queue.ts'
import { openQueueTransport } from '../../src/engines/postgres/queue-transport.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import type { Message } from '../../src/queue/port.ts'
import type { StoredMessage, Subscription } from '../../src/queue/transport.ts'
import { testQueue } from '../../src/testing/queue.ts'
import { until } from '../../src/testing/until.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'

/** The same database as one that can't skip locked rows. */
const withoutSkipLocked = (sql: SqlClient): SqlClient => ({ ...sql, profile: { ...sql.profile, skipLocked: false } })

for (const engine of sqlEngines()) {
  if (engine.name === 'postgres') {
    testQueue('postgres without skip locked', async () => {
      const database = await engine.create()
      const sql = withoutSkipLocked(database.sql)
      return {
        open: (options) => openSqlQueue(sql, database.context, { ...options, pollMs: 50 }),
        close: () => database.drop(),
      }
    })
  }

  describe(`queue tables on ${engine.name}`, () => {
    let database: TestDatabase
    let topics = 0
    let ids = 1_000
    beforeAll(async () => {
      database = await engine.create()
    })
    afterAll(() => database.drop())

    const newTopic = () => `held-${++topics}`
    const never = new AbortController().signal
    const stored = (topic: string): StoredMessage => ({
      id: String(++ids),
      topic,
      lane: 'small',
      key: 'k',
      payloadJson: '{}',
      delayMs: 0,
    })
    function worker(topic: string, leaseMs: number): Subscription {
      return openQueueTransport(database.sql, systemClock, { leaseMs, pollMs: 5 }).subscribe(topic, 'small', 100)
    }
    const send = (...messages: StoredMessage[]) => openQueueTransport(database.sql, systemClock).send(messages)
    const rows = (topic: string) =>
      database.sql.query('select attempt, claimed, last_error from queue_messages where topic = $1', [topic])

    it('gives the message of a worker that died to another when the lease has run out', async () => {
      const topic = newTopic()
      await send(stored(topic))
      const [first] = await worker(topic, 50).receive(10, never)
      const [second] = await worker(topic, 60_000).receive(10, never)
      expect([first?.attempt, second?.attempt]).toEqual([1, 2])
      expect(second?.id).toBe(first?.id)
    })

    it('lets the old holder of a message do nothing to it, but say that it is handled', async () => {
      const topic = newTopic()
      const [dead, alive] = [worker(topic, 1), worker(topic, 60_000)]
      await send(stored(topic))
      const old = await dead.receive(1, never)
      const held = await alive.receive(1, never)
      await dead.retry(old[0]!, 0, 'too late')
      await dead.bury(old[0]!, 'too late')
      await dead.giveBack(old)
      expect(await dead.extend(old)).toEqual(old)
      expect(await rows(topic)).toEqual([{ attempt: 2, claimed: true, last_error: null }])
      expect(await alive.extend(held)).toEqual([])
      await dead.ack(old)
      expect(await rows(topic)).toEqual([])
      expect(await alive.extend(held)).toEqual(held)
    })

    it('may repeat every answer', async () => {
      const topic = newTopic()
      const holder = worker(topic, 60_000)
      const take = async () => (await holder.receive(1, never))[0]!
      await send(stored(topic))
      const first = await take()
      await holder.retry(first, 0, 'once')
      await holder.retry(first, 60_000, 'twice')
      const second = await take()
      expect(second.attempt).toBe(2)
      await holder.giveBack([second])
      await holder.giveBack([second])
      const third = await take()
      expect(third.attempt).toBe(2)
      await holder.bury(third, 'dead')
      await holder.bury(third, 'dead')
      expect(
        await database.sql.query('select attempts, reason from queue_dead_letters where topic = $1', [topic]),
      ).toEqual([{ attempts: 2, reason: 'dead' }])
      expect(await rows(topic)).toEqual([])
    })

    it('takes nothing from its next holder when giving back is repeated as its answer was lost', async () => {
      const topic = newTopic()
      let isCut = true
      const cut: SqlClient = {
        ...database.sql,
        async query(text, params) {
          const answer = await database.sql.query<never>(text, params)
          if (!isCut || !text.includes('attempt = attempt - 1')) return answer
          isCut = false
          throw Object.assign(new Error('the connection broke'), { code: 'ECONNRESET' })
        },
      }
      const first = openQueueTransport(cut, systemClock, { leaseMs: 60_000, pollMs: 5 }).subscribe(topic, 'small', 100)
      await send(stored(topic))
      const held = await first.receive(1, never)
      await expect(first.giveBack(held)).rejects.toThrow('the connection broke')
      const second = worker(topic, 60_000)
      const taken = await second.receive(1, never)
      await first.giveBack(held)
      expect(await second.extend(taken)).toEqual([])
      expect(await rows(topic)).toEqual([{ attempt: 1, claimed: true, last_error: null }])
    })

    it('finds a message that was committed late, below what was claimed before', async () => {
      const topic = newTopic()
      const [holder, early] = [worker(topic, 60_000), stored(topic)]
      await send(stored(topic))
      expect(await holder.receive(1, never)).toHaveLength(1)
      await send(early)
      await database.sql.query(
        `update queue_messages set visible_at = now() - interval '1 hour' where message_id = $1`,
        [early.id],
      )
      expect((await holder.receive(1, never))[0]?.id).toBe(early.id)
    })

    it('never hands one message to two of many that claim at the same time', async () => {
      const topic = newTopic()
      await send(...Array.from({ length: 300 }, () => stored(topic)))
      const seen: Message[] = []
      const claimers = Array.from({ length: 6 }, () => worker(topic, 60_000))
      const stop = new AbortController()
      const all = claimers.map(async (claimer) => {
        while (!stop.signal.aborted) seen.push(...(await claimer.receive(7, stop.signal)))
      })
      await until('all are claimed', () => seen.length >= 300)
      stop.abort()
      await Promise.all(all)
      expect(new Set(seen.map((message) => message.id)).size).toBe(300)
      expect(seen).toHaveLength(300)
    })

    it.runIf(engine.name === 'pglite')(
      'frees what a dead process had claimed when an embedded database is opened again',
      async () => {
        const topic = newTopic()
        await send(stored(topic))
        await worker(topic, 3_600_000).receive(1, never)
        const queue = await openSqlQueue(database.sql, database.context)
        const seen: Message[] = []
        queue.consume(topic, async (message) => void seen.push(message))
        await until('it came again', () => seen.length)
        expect(seen[0]?.attempt).toBe(2)
        await queue.close()
      },
    )
  })
}
