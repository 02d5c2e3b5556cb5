import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { openTimelineStore } from '../../src/engines/postgres/timeline-store.ts'
import { testTimelineStore } from '../../src/testing/timeline-store.ts'
import { openRedisTimelines, redisServers } from '../setup/redis.ts'
import { sqlEngines } from '../setup/sql.ts'

const DAY_MS = 24 * 60 * 60_000

for (const engine of sqlEngines()) {
  testTimelineStore(engine.name, async (window) => {
    const { sql, context, drop } = await engine.create()
    return { store: await openTimelineStore(sql, context, { ...window, trimOneIn: 1 }), close: drop }
  })

  describe(`timelines as rows on ${engine.name}`, () => {
    it('are dropped when nobody has read them, a few at a time', async () => {
      const { sql, context, drop } = await engine.create()
      try {
        const clock = fakeClock()
        const store = await openTimelineStore(sql, { ...context, clock })
        const readers = Array.from({ length: 20 }, (_, n) => `reader-${n}`)
        for (const userId of readers) await store.install(userId, await store.begin(userId), [1n, 2n], 0n)
        await clock.advance(3 * DAY_MS)
        await store.read('reader-7', undefined, 1)
        await store.read('reader-8', undefined, 1, { visit: false })
        const unreadSince = new Date(clock.now() - DAY_MS)
        expect(await store.expire(unreadSince, 12)).toBe(12)
        expect(await store.active(readers)).toBe(8)
        expect(await store.expire(unreadSince, 100)).toBe(7)
        expect(await store.expire(unreadSince, 100)).toBe(0)
        expect((await store.read('reader-7', undefined, 5))?.postIds).toEqual([2n, 1n])
        expect(await sql.query('select distinct user_id from user_feed_timeline')).toEqual([{ user_id: 'reader-7' }])
      } finally {
        await drop()
      }
    })

    it('leave no row behind when they are dropped amid appends', async () => {
      const { sql, context, drop } = await engine.create()
      try {
        const store = await openTimelineStore(sql, context, { trimOneIn: 1 })
        const readers = Array.from({ length: 20 }, (_, n) => `reader-${n}`)
        for (let round = 0; round < 10; round++) {
          for (const userId of readers) await store.install(userId, await store.begin(userId), [], 0n)
          await Promise.all([
            ...Array.from({ length: 10 }, (_, n) => store.append(BigInt(1 + n), readers)),
            store.drop(readers),
            store.merge('reader-1', [100n], 0n),
            store.append(11n, readers),
          ])
          expect(await sql.query('select user_id from user_feeds')).toEqual([])
          expect(await sql.query('select user_id, post_id from user_feed_timeline')).toEqual([])
        }
      } finally {
        await drop()
      }
    })
  })
}

for (const { name, url } of redisServers()) testTimelineStore(name, (window) => openRedisTimelines(url, window))
