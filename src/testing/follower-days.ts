import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../core/limits.ts'
import type { FollowStore } from '../social/ports.ts'
import { later, NOON, type StoreHarness } from './social-values.ts'

const HOUR_MS = 3_600_000

/** What {@link FollowStore.followerDays} promises, for any engine. */
export function testFollowerDays(name: string, create: () => Promise<StoreHarness<FollowStore>>): void {
  describe(`days of new followers on ${name}`, () => {
    let follows: FollowStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      follows = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    const follow = async (followeeId: string, afterMs: number, ...followerIds: string[]) => {
      await follows.followMany(
        followerIds.map((followerId) => ({ followerId, followeeId })),
        later(afterMs),
      )
    }

    it('counts the followers of each UTC day, newest day first, and names the newest of them', async () => {
      await follow('star', 0, 'a', 'b')
      await follow('star', 5, 'e', 'd')
      await follow('star', 12 * HOUR_MS - 1, 'c')
      await follow('star', 12 * HOUR_MS, 'next')
      await follow('star', -400 * HOUR_MS, 'old')
      await follow('other', 1, 'a')
      expect(await follows.followerDays('star', undefined, 10)).toEqual([
        { latestAt: later(12 * HOUR_MS), count: 1, actors: ['next'] },
        { latestAt: later(12 * HOUR_MS - 1), count: 5, actors: ['c', 'd', 'e'] },
        { latestAt: later(-400 * HOUR_MS), count: 1, actors: ['old'] },
      ])
      expect(await follows.followerDays('a', undefined, 10)).toEqual([])
    })

    it('goes on below a day, and leaves one out whose latest follow is not below', async () => {
      const all = await follows.followerDays('star', undefined, 10)
      for (const [at, { latestAt }] of all.entries()) {
        expect(await follows.followerDays('star', latestAt, 1)).toEqual(all.slice(at + 1, at + 2))
      }
      expect(await follows.followerDays('star', later(3), 10)).toEqual(all.slice(2))
      expect(await follows.followerDays('star', later(12 * HOUR_MS + 1), 2)).toEqual(all.slice(0, 2))
    })

    it('forgets who unfollowed, and names nobody muted or blocked by either', async () => {
      await follow('shy', 0, 'gone', 'muted', 'blocked', 'blocker', 'friend')
      await follow('shy', 30 * HOUR_MS, 'muted-2')
      await follows.unfollow({ followerId: 'gone', followeeId: 'shy' })
      await follows.mute('shy', 'muted', NOON)
      await follows.mute('shy', 'muted-2', NOON)
      await follows.mute('friend', 'shy', NOON)
      await follows.block('shy', 'blocked', NOON)
      await follows.block('blocker', 'shy', NOON)
      expect(await follows.followerDays('shy', undefined, 10)).toEqual([
        { latestAt: later(30 * HOUR_MS), count: 1, actors: [] },
        { latestAt: NOON, count: 4, actors: ['friend'] },
      ])
    })

    it('counts no further than the limit', async () => {
      const many = Array.from({ length: LIMITS.noticeFollowersMax + 5 }, (_, n) => `m${String(n).padStart(4, '0')}`)
      await follow('crowded', 0, ...many)
      expect(await follows.followerDays('crowded', undefined, 10)).toEqual([
        { latestAt: NOON, count: LIMITS.noticeFollowersMax, actors: many.slice(0, LIMITS.noticeActorsMax) },
      ])
    })
  })
}
