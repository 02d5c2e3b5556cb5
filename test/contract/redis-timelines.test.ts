import { describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { Logger } from '../../src/core/logger.ts'
import { failureKind } from '../../src/core/retry.ts'
import { CLUSTER_TAGS } from '../../src/engines/redis/groups.ts'
import { createEngines, portOf } from '../../src/engines/registry.ts'
import { until } from '../../src/testing/until.ts'
import { testContext } from '../setup/context.ts'
import type { OwnProgram } from '../setup/own-server.ts'
import { hasRedisProgram, openRedisTimelines, type RedisUnderTest, redisServers, startRedis } from '../setup/redis.ts'

const IDLE_S = LIMITS.timelineIdleDays * 24 * 60 * 60
const readers = Array.from({ length: 100 }, (_, n) => `reader-${n}`)

/** What a failed call was rejected with. */
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

async function withTimelines(url: string, work: (test: RedisUnderTest) => Promise<void>, window = {}): Promise<void> {
  const test = await openRedisTimelines(url, window)
  try {
    await work(test)
  } finally {
    await test.close()
  }
}

async function make({ store }: RedisUnderTest, userId: string, postIds: readonly bigint[] = []): Promise<void> {
  expect(await store.install(userId, await store.begin(userId), postIds, 0n)).toBe(true)
}

for (const { name, url } of redisServers()) {
  describe(`timelines on ${name}`, () => {
    it('are one string of 24 bytes and 8 for each entry, and are cut when they have one too many', () =>
      withTimelines(url, async (test) => {
        await make(test, 'full')
        for (let id = 1n; id <= LIMITS.timelineEntriesMax; id++) await test.store.append(id, ['full'])
        const key = await test.keyOf('full')
        expect(await test.raw.strlen(key)).toBe(24 + 8 * LIMITS.timelineEntriesMax)
        await test.store.append(5_000n, ['full'])
        expect(await test.raw.strlen(key)).toBe(24 + 8 * LIMITS.timelineEntriesKept)
        expect(await test.store.read('full', undefined, 2)).toMatchObject({
          postIds: [5_000n, 1_000n],
          floor: BigInt(LIMITS.timelineEntriesMax + 1 - LIMITS.timelineEntriesKept),
        })
      }))

    it('are forgotten by Redis when nobody reads them, and a visit is what counts', () =>
      withTimelines(
        url,
        async (test) => {
          await test.store.begin('t')
          const key = await test.keyOf('t')
          const days = async () => Math.round((await test.raw.ttl(key)) / 86_400)
          expect(await days()).toBe(LIMITS.timelineIdleDays)
          await test.raw.expire(key, IDLE_S / 2)
          await make(test, 't', [1n])
          await test.raw.expire(key, IDLE_S / 2)
          for (let id = 2n; id < 20n; id++) await test.store.append(id, ['t'])
          await test.store.merge('t', [30n], 0n)
          const slice = await test.store.read('t', undefined, 5, { visit: false })
          await test.store.since('t', slice?.mark ?? '')
          await test.store.marks(['t'])
          expect(await days()).toBe(LIMITS.timelineIdleDays / 2)
          await test.store.read('t', undefined, 5)
          expect(await days()).toBe(LIMITS.timelineIdleDays)
        },
        { entriesMax: 8, entriesKept: 4 },
      ))

    it('leave no key behind when they are dropped amid appends, merges and cuts', () =>
      withTimelines(
        url,
        async (test) => {
          const { store } = test
          for (const userId of readers) await make(test, userId, [1n])
          expect(await test.keys()).toHaveLength(readers.length)
          await Promise.all([
            ...Array.from({ length: 30 }, (_, n) => store.append(BigInt(10 + n), readers)),
            ...readers.map((userId) => store.merge(userId, [5n], 0n)),
            store.drop(readers),
            ...Array.from({ length: 30 }, (_, n) => store.append(BigInt(50 + n), readers)),
          ])
          expect(await test.keys()).toEqual([])
        },
        { entriesMax: 10, entriesKept: 4 },
      ))

    it('come from no append, whether most users have one or hardly any', () =>
      withTimelines(url, async (test) => {
        const { store } = test
        for (const userId of readers.slice(0, 3)) await make(test, userId)
        for (let id = 1n; id <= 40n; id++) {
          expect(await store.append(id, readers)).toEqual({ delivered: 3, duplicate: 0, inactive: readers.length - 3 })
        }
        for (let id = 41n; id <= 80n; id++) {
          expect(await store.append(id, readers.slice(0, 4))).toEqual({ delivered: 3, duplicate: 0, inactive: 1 })
        }
        expect(await test.keys()).toHaveLength(3)
        expect((await store.read('reader-2', undefined, 100))?.postIds).toHaveLength(80)
      }))

    it('take at most 8.3 KB each, once they were cut', () =>
      withTimelines(url, async (test) => {
        await make(test, 'm')
        const last = LIMITS.timelineEntriesMax + 1
        for (let id = 1; id <= last; id++) await test.store.append(BigInt(id), ['m'])
        const key = await test.keyOf('m')
        for (let id = last + 1; (await test.raw.strlen(key)) < 24 + 8 * LIMITS.timelineEntriesMax; id++) {
          await test.store.append(BigInt(id), ['m'])
        }
        expect(await test.raw.memory('USAGE', key)).toBeLessThan(8_300)
      }))

    it('go on when the server has forgotten the scripts', () =>
      withTimelines(url, async (test) => {
        const { store } = test
        for (const userId of readers) await make(test, userId)
        await test.flushScripts()
        expect(await store.append(7n, readers)).toMatchObject({ delivered: readers.length })
        await test.flushScripts()
        expect((await store.marks(readers)).size).toBe(readers.length)
        await test.flushScripts()
        expect((await store.read('reader-5', undefined, 5))?.postIds).toEqual([7n])
        await test.flushScripts()
        await store.merge('reader-5', [3n], 0n)
        expect((await store.read('reader-5', undefined, 5))?.postIds).toEqual([7n, 3n])
      }))

    it('notice that the server has lost entries which a mark had counted', () =>
      withTimelines(url, async (test) => {
        const { store, raw } = test
        await make(test, 'lossy', [1n, 2n])
        const key = await test.keyOf('lossy')
        const before = await raw.getBuffer(key)
        for (const id of [3n, 4n]) await store.append(id, ['lossy'])
        const mark = (await store.read('lossy', undefined, 5))?.mark ?? ''
        await raw.set(key, before ?? '')
        expect(await store.since('lossy', mark)).toEqual({ kind: 'reset' })
        for (const id of [5n, 3n, 4n]) await store.append(id, ['lossy'])
        expect(await store.since('lossy', mark)).toEqual({ kind: 'reset' })
      }))

    it('have no gap for a reader who had seen all that is cut', () =>
      withTimelines(
        url,
        async (test) => {
          await make(test, 'g')
          for (let id = 1n; id <= 20n; id++) await test.store.append(id, ['g'])
          const mark = (await test.store.read('g', undefined, 1))?.mark ?? ''
          for (const id of [21n, 22n]) await test.store.append(id, ['g'])
          expect(await test.store.read('g', undefined, 50)).toMatchObject({ floor: 13n })
          expect(await test.store.since('g', mark)).toMatchObject({ kind: 'arrived', postIds: [22n, 21n], gap: false })
        },
        { entriesMax: 20, entriesKept: 8 },
      ))

    it('are served by an engine that says what it is', async () => {
      const engines = createEngines(testContext())
      try {
        const engine = await engines.open(`${url}?prefix=test-engine`)
        expect(engine.name).toBe(name)
        expect(engine.url).toBe(`${url.replace(/\/$/, '')}?prefix=test-engine`)
        expect(await engine.version()).toMatch(/^Redis \d+\.\d+/)
        expect(await engine.migrate()).toMatchObject({ pending: [] })
        expect(await engine.pendingMigrations()).toBe(0)
        const store = await portOf(engine, 'timelines')(testContext())
        expect(await store.append(1n, ['nobody'])).toMatchObject({ inactive: 1 })
        expect(() => portOf(engine, 'posts')).toThrow('does not serve posts')
      } finally {
        await engines.close()
      }
    })

    it('refuse the scheme of the other kind of server, and say why', async () => {
      const engines = createEngines(testContext())
      const other = name === 'redis' ? url.replace('redis:', 'redis-cluster:').replace(/\/\d*$/, '') : undefined
      const error = await failure(engines.open(other ?? url.replace('redis-cluster:', 'redis:').replace(/,.*/, '')))
      expect(isAppError(error, other === undefined ? 'invalid_config' : 'engine_unreachable')).toBe(true)
      expect(String(error)).toMatch(other === undefined ? /use redis-cluster:/ : /cluster support disabled/)
      await engines.close()
    })
  })
}

describe.runIf(redisServers().some(({ name }) => name === 'redis-cluster'))('the tags of a cluster', () => {
  it('lie in the middle of equal parts of the slots, one each', async () => {
    const { url } = redisServers().find(({ name }) => name === 'redis-cluster')!
    await withTimelines(url, async ({ redis }) => {
      const part = 16_384 / CLUSTER_TAGS.length
      for (const [place, tag] of CLUSTER_TAGS.entries()) {
        const slot = Number(await redis.command('cluster', ['KEYSLOT', `t{${tag}}:somebody`]))
        expect(Math.abs(slot - (place + 0.5) * part)).toBeLessThan(part / 8)
      }
    })
  })

  it('share the users out evenly', async () => {
    const { url } = redisServers().find(({ name }) => name === 'redis-cluster')!
    await withTimelines(url, async (test) => {
      const many = Array.from({ length: 640 }, (_, n) => `user-${n}`)
      await Promise.all(many.map((userId) => test.store.begin(userId)))
      const counts = new Map<string, number>()
      for (const key of await test.keys()) {
        const tag = /\{(\d+)\}/.exec(key)?.[1] ?? ''
        counts.set(tag, (counts.get(tag) ?? 0) + 1)
      }
      expect([...counts.keys()].sort()).toEqual([...CLUSTER_TAGS].sort())
      expect(Math.max(...counts.values())).toBeLessThan(60)
    })
  })
})

describe.runIf(hasRedisProgram())('a Redis server of its own', () => {
  async function withServer(args: readonly string[], work: (server: OwnProgram) => Promise<void>): Promise<void> {
    const server = await startRedis(args)
    try {
      await work(server)
    } finally {
      await server.remove()
    }
  }
  const openFailure = async (url: string) => {
    const engines = createEngines(testContext())
    const error = await failure(engines.open(url))
    await engines.close()
    return error
  }

  it('may be killed amid appends: calls fail for a while, then all that was kept is there, by another name', () =>
    withServer(['--appendonly', 'yes', '--appendfsync', 'everysec'], (server) =>
      withTimelines(server.url, async (test) => {
        const { store } = test
        for (const userId of readers) await make(test, userId, [1n])
        const before = await store.incarnation()
        let stop = false
        const kinds = new Set<string>()
        const appending = (async () => {
          for (let id = 10n; !stop; id++) {
            const error = await failure(store.append(id, readers))
            if (error !== undefined) kinds.add(failureKind(error))
          }
        })()
        await store.read('reader-1', undefined, 5)
        await server.kill()
        const away = await failure(store.read('reader-1', undefined, 5))
        expect(failureKind(away)).not.toBe('permanent')
        await server.start()
        await until('it answers', async () => (await failure(store.read('reader-1', undefined, 5))) === undefined)
        stop = true
        await appending
        expect([...kinds].filter((kind) => kind === 'permanent')).toEqual([])
        expect(await store.active(readers)).toBe(readers.length)
        expect(await store.append(1_000_000n, readers)).toMatchObject({ delivered: readers.length })
        expect(await store.incarnation()).not.toBe(before)
      }),
    ))

  it('may hang: a call fails in bounded time and is not lost for good', () =>
    withServer([], (server) =>
      withTimelines(server.url, async (test) => {
        await make(test, 'h', [1n])
        server.signal('SIGSTOP')
        try {
          expect(failureKind(await failure(test.store.read('h', undefined, 5)))).toBe('ambiguous')
        } finally {
          server.signal('SIGCONT')
        }
        await until('it answers', async () => (await failure(test.store.read('h', undefined, 5))) === undefined)
        expect((await test.store.read('h', undefined, 5))?.postIds).toEqual([1n])
      }),
    ))

  it('may be full: nothing is written, and it is worth trying again', () =>
    withServer([], (server) =>
      withTimelines(server.url, async (test) => {
        await make(test, 'o', [1n])
        await test.raw.config('SET', 'maxmemory', '1')
        expect(failureKind(await failure(test.store.append(2n, ['o'])))).toBe('unreachable')
        await test.raw.config('SET', 'maxmemory', '0')
        expect((await test.store.read('o', undefined, 5))?.postIds).toEqual([1n])
      }),
    ))

  it('is told by its password, which no error shows', () =>
    withServer(['--requirepass', 'open-sesame'], async (server) => {
      const wrong = server.url.replace('redis://', 'redis://:open-barley@')
      const error = await openFailure(wrong)
      expect(isAppError(error, 'engine_unreachable')).toBe(true)
      expect(String(error)).toContain('WRONGPASS')
      const cause = (error as Error).cause as Error
      expect(`${error} ${JSON.stringify(error)} ${JSON.stringify({ ...cause })} ${cause.stack}`).not.toContain('barley')
      expect(String(await openFailure(server.url))).toContain('NOAUTH')
      await withTimelines(server.url.replace('redis://', 'redis://:open-sesame@'), async (test) => {
        await make(test, 'p', [1n])
      })
    }))

  it('that may evict timelines is used, with a warning', () =>
    withServer(['--maxmemory-policy', 'allkeys-lru'], async (server) => {
      const warnings: object[] = []
      const logger = { ...testContext().logger, warn: (fields: object) => warnings.push(fields) } as Logger
      const engines = createEngines({ ...testContext(), logger })
      await engines.open(server.url)
      await engines.close()
      expect(warnings).toEqual([{ url: server.url, policy: 'allkeys-lru' }])
    }))

  it('that is away is named when it is opened', async () => {
    const server = await startRedis([])
    await server.remove()
    for (const url of [server.url, server.url.replace('redis:', 'redis-cluster:').replace(/\/0$/, '')]) {
      const error = await openFailure(url.replace('//', '//someone:secret-word@'))
      expect(isAppError(error, 'engine_unreachable')).toBe(true)
      expect(String(error)).toContain('ECONNREFUSED')
      expect(String(error)).not.toContain('secret-word')
    }
  })
})
