import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { isAppError } from '../../src/core/errors.ts'
import { composeId } from '../../src/core/ids.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { failureKind } from '../../src/core/retry.ts'
import type { CassandraClient } from '../../src/engines/cassandra/client.ts'
import { checkVersions } from '../../src/engines/cassandra/engine.ts'
import { failureOf } from '../../src/engines/cassandra/failure.ts'
import { openTimelineStore } from '../../src/engines/cassandra/timeline-store.ts'
import { createEngines, portOf } from '../../src/engines/registry.ts'
import { testTimelineStore } from '../../src/testing/timeline-store.ts'
import {
  type CassandraUnderTest,
  cassandraServer,
  newKeyspace,
  openCassandraTimelines,
  openRaw,
  withKeyspace,
} from '../setup/cassandra.ts'
import { testContext } from '../setup/context.ts'
import { seededRandom } from '../setup/random.ts'

const server = cassandraServer()
const DAY_MS = 24 * 60 * 60_000
const START = Date.UTC(2026, 0, 31)
const MINUTE_MS = 60_000

const newestFirst = (ids: Iterable<bigint>) => [...new Set(ids)].sort((a, b) => (a < b ? 1 : -1))
const readers = Array.from({ length: 40 }, (_, n) => `reader-${n}`)
let sequence = 0
/** An id of that moment, another each time. */
const idAt = (timestampMs: number) => {
  sequence += 1
  return composeId({ timestampMs, route: 0, node: sequence >> 6, sequence: sequence & 63 })
}
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

const prefixOf = (test: CassandraUnderTest) => test.keyOf('').slice(0, -1)

async function make({ store }: CassandraUnderTest, userId: string, postIds: readonly bigint[] = []): Promise<void> {
  expect(await store.install(userId, await store.begin(userId), postIds, 0n)).toBe(true)
}

describe.skipIf(server === undefined)('on a ring of Cassandra', () => {
  testTimelineStore('cassandra', (window) => openCassandraTimelines(server!, window), {
    cutsAppends: false,
    timelinesMany: 300,
  })

  describe('timelines on cassandra', () => {
    const clock = fakeClock(START)
    let test: CassandraUnderTest
    beforeAll(async () => {
      test = await openCassandraTimelines(server!, { clock })
    }, 120_000)
    afterAll(() => test?.close())

    it('are a header, and rows by weeks of the posts: the earlier and the future ones in two more', async () => {
      await make(test, 'weeks', [idAt(START - 400 * DAY_MS), idAt(START - 40 * DAY_MS), idAt(START)])
      await test.store.append(idAt(START + 8 * DAY_MS), ['weeks'])
      const key = test.keyOf('weeks')
      const { user_feeds, user_feed_timeline } = await test.rows()
      expect(user_feeds!.filter((row) => row['user_id'] === key)).toHaveLength(1)
      const weeks = user_feed_timeline!.filter((row) => row['user_id'] === key).map((row) => row['week'])
      const now = Math.floor(START / (7 * DAY_MS))
      expect(weeks.sort()).toEqual([0, 0, now, 2 ** 31 - 1].sort())
    })

    it('show what a plain set says through appends, builds, merges and weeks, page by page', async () => {
      let highestFloor = 0n
      for (const seed of [1, 2, 3]) {
        const random = seededRandom(seed)
        const userId = `model-${seed}`
        let due = new Set<bigint>()
        let lastFloor = 0n
        await make(test, userId)
        for (let step = 0; step < 60; step++) {
          await clock.advance(random.int(3 * DAY_MS))
          const now = clock.now()
          const ages = [MINUTE_MS, 3 * DAY_MS, 20 * DAY_MS, 500 * DAY_MS, -3 * DAY_MS, -30 * DAY_MS]
          const some = Array.from({ length: 1 + random.int(3) }, () =>
            idAt(now - random.int(ages[random.int(ages.length)]!)),
          )
          const kind = random.int(60)
          if (kind === 0) {
            due = new Set(some)
            lastFloor = 0n
            await make(test, userId, some)
          } else {
            for (const id of some) due.add(id)
            if (kind < 10) await test.store.merge(userId, some, 0n)
            else for (const id of some) await test.store.append(id, [userId])
          }
          const limit = 1 + random.int(5)
          const shown: bigint[] = []
          for (let below: bigint | undefined; ; below = shown.at(-1)) {
            const page = (await test.store.read(userId, below, limit))!
            expect(page.floor).toBeGreaterThanOrEqual(lastFloor)
            lastFloor = page.floor
            shown.push(...page.postIds)
            if (page.postIds.length < limit) break
          }
          expect(shown).toEqual(newestFirst(due).filter((id) => id > lastFloor))
        }
        if (lastFloor > highestFloor) highestFloor = lastFloor
      }
      expect(highestFloor).toBeGreaterThan(0n)
    })

    it('hide what has been there for too long before it goes by itself', async () => {
      const begun = clock.now()
      const old = idAt(begun - 300 * DAY_MS)
      await make(test, 'aging', [old])
      const late = idAt(begun + 1)
      await test.store.append(late, ['aging'])
      await clock.advance((LIMITS.cassandraEntryDays - 1) * DAY_MS - 1)
      expect(await test.store.read('aging', undefined, 5)).toMatchObject({ postIds: [late, old], floor: 0n })
      await clock.advance(2)
      const slice = await test.store.read('aging', undefined, 5)
      expect(slice?.postIds).toEqual([late])
      expect(slice?.floor).toBeGreaterThan(old)
      await clock.advance(DAY_MS)
      expect((await test.store.read('aging', undefined, 5))?.postIds).toEqual([])
    })

    it('tell everything that came since a mark, however late it came and whoever asks when', async () => {
      for (const seed of [1, 2, 3, 4]) {
        const random = seededRandom(seed)
        const userId = `since-${seed}`
        await make(test, userId)
        const told = new Set<bigint>()
        const due = new Set<bigint>()
        let mark = (await test.store.read(userId, undefined, 5))!.mark
        for (let step = 0; step < 40; step++) {
          await clock.advance(random.int([5, 2_000, 30_000, 3_600_000][random.int(4)]!))
          const delays = [0, 1_000, LIMITS.cassandraLateMs - 1, LIMITS.cassandraLateMs, MINUTE_MS, 90 * DAY_MS]
          const id = idAt(clock.now() - delays[random.int(delays.length)]!)
          due.add(id)
          if (random.int(6) === 0) await test.store.merge(userId, [id], 0n)
          else await test.store.append(id, [userId])
          if (random.int(3) > 0) continue
          const since = await test.store.since(userId, mark)
          if (since.kind === 'reset') throw new Error('reset')
          expect(since.gap).toBe(false)
          expect(since.postIds).toEqual(newestFirst(since.postIds))
          for (const each of since.postIds) told.add(each)
          expect([...due].filter((each) => !told.has(each))).toEqual([])
          mark = since.mark
        }
      }
    })

    it('say that there is a gap to who asks after the order of arrival is forgotten', async () => {
      await make(test, 'gone')
      const { mark } = (await test.store.read('gone', undefined, 5))!
      await clock.advance((LIMITS.cassandraArrivalHours - 2) * 3_600_000)
      expect(await test.store.since('gone', mark)).toMatchObject({ kind: 'arrived', gap: false })
      await clock.advance(2 * 3_600_000)
      expect(await test.store.since('gone', mark)).toMatchObject({ kind: 'arrived', gap: true })
    })

    it('say that there is a gap when more has come than is told at once', async () => {
      await make(test, 'flood')
      const { mark } = (await test.store.read('flood', undefined, 5))!
      const ids = Array.from({ length: LIMITS.timelineEntriesMax + 1 }, () => idAt(clock.now() - 90 * DAY_MS))
      await test.store.merge('flood', ids, 0n)
      const since = await test.store.since('flood', mark)
      expect(since).toMatchObject({ kind: 'arrived', gap: true })
    })

    it('are kept for so many days after a visit, which nothing else is', async () => {
      const { cassandra, store } = test
      await make(test, 'visit')
      const daysLeft = async () => {
        const cql = `select ttl(version) as ttl from ${cassandra.keyspace}.user_feeds where user_id = ?`
        const [row] = await cassandra.run(cql, [test.keyOf('visit')])
        return Math.round((row!['ttl'] as number) / 86_400)
      }
      expect(await daysLeft()).toBe(LIMITS.timelineIdleDays)
      await clock.advance(10 * DAY_MS)
      await store.append(idAt(clock.now()), ['visit'])
      await store.merge('visit', [idAt(clock.now())], idAt(START))
      const slice = await store.read('visit', undefined, 5, { visit: false })
      await store.since('visit', slice!.mark)
      await store.marks(['visit'])
      expect(await daysLeft()).toBe(LIMITS.timelineIdleDays - 10)
      await store.read('visit', undefined, 5)
      expect(await daysLeft()).toBe(LIMITS.timelineIdleDays)
    })

    it('leave no row behind when they are dropped amid appends, builds and merges', async () => {
      const { store } = test
      const mine = (rows: Record<string, object[]>) =>
        Object.values(rows).flatMap((table) => table.filter((row) => JSON.stringify(row, text).includes(':reader-')))
      for (const userId of readers) await make(test, userId, [idAt(clock.now())])
      expect(mine(await test.rows()).length).toBeGreaterThan(readers.length)
      const write = () => store.append(idAt(clock.now() - DAY_MS), readers)
      await Promise.all([
        ...Array.from({ length: 10 }, write),
        ...readers.slice(0, 10).map((userId) => store.merge(userId, [idAt(clock.now())], 0n)),
        store.drop(readers),
        ...Array.from({ length: 10 }, write),
      ])
      expect(await store.active(readers)).toBe(0)
      expect(mine(await test.rows())).toEqual([])
      // Who is there again is not touched by what was deleted.
      for (const userId of readers.slice(0, 5)) await make(test, userId)
      const id = idAt(clock.now())
      await store.append(id, readers.slice(0, 5))
      for (const userId of readers.slice(0, 5)) {
        expect((await store.read(userId, undefined, 5))?.postIds).toEqual([id])
      }
      await store.begin('reader-1')
      await store.drop(readers)
      expect(mine(await test.rows())).toEqual([])
    })

    it('keep what they are given when they are begun anew while they are dropped', async () => {
      const { cassandra, store } = test
      const [built, early, late] = [idAt(clock.now()), idAt(clock.now()), idAt(clock.now())]
      await make(test, 'anew', [idAt(clock.now())])
      const client: CassandraClient = {
        ...cassandra,
        async swap(cql, values) {
          const isApplied = await cassandra.swap(cql, values)
          // The header is gone, and of the rows nothing is deleted yet.
          await make(test, 'anew', [built])
          await store.append(early, ['anew'])
          return isApplied
        },
      }
      const dropping = await openTimelineStore(client, testContext({ clock }), { prefix: prefixOf(test) })
      await dropping.drop(['anew'])
      await store.append(late, ['anew'])
      expect((await store.read('anew', undefined, 5))?.postIds).toEqual([late, early, built])
    })

    it('are changed as they were to be when the connection breaks under each change of a header', async () => {
      const client: CassandraClient = {
        ...test.cassandra,
        async swap(cql, values) {
          await test.cassandra.swap(cql, values)
          throw failureOf(Object.assign(new Error('Socket was closed'), { isSocketError: true }))
        },
      }
      const store = await openTimelineStore(client, testContext({ clock }), { prefix: prefixOf(test) })
      const id = idAt(clock.now())
      expect(await store.install('cut', await store.begin('cut'), [id], 0n)).toBe(true)
      expect((await test.store.read('cut', undefined, 5))?.postIds).toEqual([id])
      await store.drop(['cut'])
      expect(await test.store.active(['cut'])).toBe(0)
    })

    it('may be begun, merged into and dropped by many at once: one of them wins', async () => {
      const { store } = test
      await Promise.all(Array.from({ length: 8 }, () => store.begin('contested')))
      const tokens = await Promise.all(Array.from({ length: 4 }, () => store.begin('contested')))
      const installed = await Promise.all(tokens.map((token) => store.install('contested', token, [], 0n)))
      expect(installed.filter((each) => each)).toHaveLength(1)
      await Promise.all([1n, 2n, 3n, 4n].map((floor) => store.merge('contested', [], floor)))
      expect(await store.read('contested', undefined, 1)).toMatchObject({ floor: 4n })
      await Promise.all(Array.from({ length: 4 }, () => store.drop(['contested'])))
      expect(await store.active(['contested'])).toBe(0)
    })
  })

  describe('the engine of cassandra', () => {
    const openFailure = async (url: string) => {
      const engines = createEngines(testContext())
      const error = await failure(engines.open(url))
      await engines.close()
      return error
    }

    it('makes its keyspace and tables, when many do so at once too, and says what is missing', async () => {
      const url = withKeyspace(server!, newKeyspace())
      const engines = [0, 1, 2].map(() => createEngines(testContext()))
      try {
        const [one, two, three] = await Promise.all(engines.map((each) => each.open(url)))
        expect(await one!.pendingMigrations()).toBe(4)
        expect((await one!.migrate({ dryRun: true })).pending).toHaveLength(4)
        expect(await one!.pendingMigrations()).toBe(4)
        const store = await portOf(one!, 'timelines')(testContext())
        expect(String(await failure(store.active(['a'])))).toMatch(/fanfold_test_\w+/)
        await Promise.all([one!.migrate(), two!.migrate(), three!.migrate()])
        for (const engine of [one!, two!, three!]) {
          expect(await engine.pendingMigrations()).toBe(0)
          const timelines = await portOf(engine, 'timelines')(testContext())
          expect(await timelines.append(1n, ['nobody'])).toMatchObject({ inactive: 1 })
        }
        expect(await one!.migrate()).toMatchObject({ pending: [], version: 4 })
        expect(one!.url).not.toContain(':cassandra@')
        expect(await one!.version()).toMatch(/^Cassandra \d+\.\d+\.\d+ \(\d+ nodes?\)$/)
        expect(() => portOf(one!, 'posts')).toThrow('does not serve posts')
      } finally {
        for (const each of engines) await each.close()
        const raw = await openRaw(url)
        await raw.define(`drop keyspace if exists ${raw.keyspace}`)
        await raw.close()
      }
    }, 120_000)

    it('says which part of its URL is wrong', async () => {
      const plain = server!.replace(/\?.*/, '')
      type Case = readonly [url: string, code: string, words: RegExp]
      // A server without users lets everybody in.
      const refused: readonly Case[] = server!.includes('@')
        ? [
            [server!.replace(/:[^:@/]+@/, ':secret-word@'), 'engine_unreachable', /refuses this user or password/],
            [server!.replace(/\/\/[^@]*@/, '//'), 'engine_unreachable', /wants a user and a password/],
          ]
        : []
      const wrong: readonly Case[] = [
        [server!.replaceAll(/:59\d+/g, ':1'), 'engine_unreachable', /connection refused: is Cassandra up/],
        ...refused,
        [`${plain}?dc=mars`, 'invalid_config', /no datacenter "mars", but datacenter1: set \?dc=/],
        [`${plain}?pool=3`, 'invalid_config', /\?pool= is not known/],
        [`${plain}?prefix=a:b`, 'invalid_config', /\?prefix= may have/],
        [`${plain}?replication=0`, 'invalid_config', /\?replication= is a number/],
        [withKeyspace(server!, 'Fan-fold'), 'invalid_config', /is not the name of a keyspace/],
        [withKeyspace(server!, ''), 'invalid_config', /is not the name of a keyspace/],
        [server!.replace(/:\d+\//, ':1,127.0.0.9:9999/'), 'invalid_config', /same port/],
      ]
      for (const [url, code, words] of wrong) {
        const error = await openFailure(url)
        expect(isAppError(error), url).toBe(true)
        expect(error).toMatchObject({ code })
        expect(String(error)).toMatch(words)
        expect(`${error} ${(error as Error).stack} ${String((error as Error).cause)}`).not.toContain('secret-word')
      }
    })

    it('does not make a keyspace with more copies than there are nodes', async () => {
      const engines = createEngines(testContext())
      try {
        const engine = await engines.open(`${withKeyspace(server!, newKeyspace())}?replication=5`)
        const error = await failure(engine.migrate())
        expect(isAppError(error, 'invalid_config')).toBe(true)
        expect(String(error)).toMatch(/set \?replication=1/)
      } finally {
        await engines.close()
      }
    })

    it('refuses servers that are too old', () => {
      expect(() => checkVersions(['4.1.7', '3.11.17'], 'cassandra://x/y')).toThrow(/is Cassandra 3.11.17; 4.0 or newer/)
      expect(() => checkVersions(['4.0.0', '5.0.2'], 'cassandra://x/y')).not.toThrow()
    })

    it('fails in a way that may be tried again when it was closed under way', async () => {
      const { store, close } = await openCassandraTimelines(server!)
      await close()
      expect(failureKind(await failure(store.active(['a'])))).not.toBe('permanent')
    })
  })
})

const text = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
