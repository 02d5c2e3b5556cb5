import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Edge, FollowStore } from '../social/ports.ts'
import { later, NOON, type StoreHarness } from './social-values.ts'

const edge = (followerId: string, followeeId: string): Edge => ({ followerId, followeeId })
const MANY = 20_000

/** The promises of {@link FollowStore}, for any engine. */
export function testFollowStore(name: string, create: () => Promise<StoreHarness<FollowStore>>): void {
  describe(`follow store on ${name}`, () => {
    let follows: FollowStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      follows = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    const followees = async (id: string) => (await follows.followees(id, undefined, 100)).map((item) => item.userId)
    const followers = async (id: string) => (await follows.followers(id, undefined, 100)).map((item) => item.userId)
    const relation = async (a: string, b: string) => (await follows.relations(a, [b])).get(b)

    it('follows once, and keeps the first moment', async () => {
      expect(await follows.follow(edge('a1', 'b1'), NOON, MANY)).toEqual({ kind: 'following', pending: true })
      expect(await follows.follow(edge('a1', 'b1'), later(60_000), MANY)).toEqual({ kind: 'following', pending: true })
      expect(await follows.followees('a1', undefined, 10)).toEqual([{ userId: 'b1', since: NOON }])
      expect(await follows.followers('b1', undefined, 10)).toEqual([{ userId: 'a1', since: NOON }])
    })

    it('unfollows, also what is not followed', async () => {
      await follows.follow(edge('a2', 'b2'), NOON, MANY)
      await follows.unfollow(edge('a2', 'b2'))
      await follows.unfollow(edge('a2', 'b2'))
      expect(await followees('a2')).toEqual([])
      expect(await followers('b2')).toEqual([])
    })

    it('stops at the limit, but not for whom is followed already', async () => {
      for (const followee of ['l1', 'l2', 'l3']) await follows.follow(edge('a3', followee), NOON, 3)
      expect(await follows.follow(edge('a3', 'l4'), NOON, 3)).toEqual({ kind: 'limit' })
      expect(await follows.follow(edge('a3', 'l2'), NOON, 3)).toEqual({ kind: 'following', pending: true })
      expect(await followees('a3')).toEqual(['l1', 'l2', 'l3'])
    })

    it('keeps a follow pending until its backfill is done', async () => {
      await follows.follow(edge('a4', 'b4'), later(-10_000), MANY)
      await follows.follow(edge('a4', 'c4'), later(-5_000), MANY)
      expect(await follows.pendingBackfills(later(-4_000), 2)).toEqual([edge('a4', 'b4'), edge('a4', 'c4')])
      expect(await follows.pendingBackfills(later(-5_000), 2)).toEqual([edge('a4', 'b4')])
      await follows.backfilled([edge('a4', 'b4')])
      expect(await follows.pendingBackfills(later(-4_000), 2)).toEqual([edge('a4', 'c4')])
      expect(await follows.follow(edge('a4', 'b4'), NOON, MANY)).toEqual({ kind: 'following', pending: false })
      await follows.backfilled([edge('a4', 'c4')])
    })

    it('adds many edges, names the new ones, and adds nothing the second time', async () => {
      await follows.follow(edge('m1', 'm2'), NOON, MANY)
      const batch = [edge('m1', 'm2'), edge('m1', 'm3'), edge('m2', 'm3'), edge('m1', 'm3')]
      const added = await follows.followMany(batch, NOON)
      expect(added.sort((x, y) => (x.followerId < y.followerId ? -1 : 1))).toEqual([edge('m1', 'm3'), edge('m2', 'm3')])
      expect(await follows.followMany(batch, NOON)).toEqual([])
      expect(await followers('m3')).toEqual(['m1', 'm2'])
    })

    it('walks lists byte by byte, in pages and in ranges', async () => {
      const ids = ['w-B', 'w-a', 'w-10', 'w-9', 'w-_']
      await follows.followMany(
        ids.map((id) => edge(id, 'walked')),
        NOON,
      )
      const sorted = [...ids].sort()
      expect(await followers('walked')).toEqual(sorted)
      const page = async (after: string | undefined, limit: number, upTo?: string) =>
        (await follows.followers('walked', after, limit, upTo)).map((item) => item.userId)
      expect(await page(undefined, 2)).toEqual(sorted.slice(0, 2))
      expect(await page(sorted[1], 2)).toEqual(sorted.slice(2, 4))
      expect(await page(sorted[0], 100, sorted[3])).toEqual(sorted.slice(1, 4))
      expect(await page(sorted[3], 100, sorted[3])).toEqual([])
    })

    it('cuts followers into chunks that cover all of them', async () => {
      const ids = Array.from({ length: 25 }, (_, n) => `cut-${String(n).padStart(2, '0')}`)
      await follows.followMany(
        ids.map((id) => edge(id, 'giant')),
        NOON,
      )
      expect(await follows.followerCuts('giant', undefined, 10, 100)).toEqual(['cut-09', 'cut-19'])
      expect(await follows.followerCuts('giant', undefined, 10, 1)).toEqual(['cut-09'])
      expect(await follows.followerCuts('giant', 'cut-09', 10, 100)).toEqual(['cut-19'])
      expect(await follows.followerCuts('giant', 'cut-19', 10, 100)).toEqual([])
      expect(await follows.followerCuts('giant', undefined, 5, 100)).toHaveLength(5)
    })

    it('tells how one user stands to others', async () => {
      await follows.follow(edge('v', 'followed'), NOON, MANY)
      await follows.follow(edge('fan', 'v'), NOON, MANY)
      await follows.block('v', 'blocked', NOON)
      await follows.block('blocker', 'v', NOON)
      await follows.mute('v', 'muted', NOON)
      await follows.mute('muter', 'v', NOON)
      const none = { follows: false, blocked: false, muted: false }
      const others = ['followed', 'fan', 'blocked', 'blocker', 'muted', 'muter', 'stranger']
      expect(Object.fromEntries(await follows.relations('v', others))).toEqual({
        followed: { ...none, follows: true },
        fan: none,
        blocked: { ...none, blocked: true },
        blocker: { ...none, blocked: true },
        muted: { ...none, muted: true },
        muter: none,
        stranger: none,
      })
    })

    it('blocks and mutes once, and undoes it', async () => {
      for (let n = 0; n < 2; n++) {
        await follows.block('u1', 'u2', NOON)
        await follows.mute('u1', 'u2', NOON)
      }
      await follows.unblock('u1', 'u2')
      await follows.unmute('u1', 'u2')
      expect(await relation('u1', 'u2')).toEqual({ follows: false, blocked: false, muted: false })
    })

    it('erases every relation that names a user, a part at a time, and no other', async () => {
      const edges = [edge('e', 'x1'), edge('e', 'x2'), edge('x1', 'e'), edge('x1', 'x2')]
      await follows.backfilled(await follows.followMany(edges, NOON))
      await follows.block('e', 'x1', NOON)
      await follows.block('x2', 'e', NOON)
      await follows.mute('x1', 'e', NOON)
      let erased = 0
      for (let n = await follows.erase('e', 2); n > 0; n = await follows.erase('e', 2)) {
        expect(n).toBeLessThanOrEqual(2)
        erased += n
      }
      expect(erased).toBe(6)
      expect(await followees('e')).toEqual([])
      expect(await followers('e')).toEqual([])
      expect(await relation('x1', 'e')).toEqual({ follows: false, blocked: false, muted: false })
      expect(await relation('x2', 'e')).toEqual({ follows: false, blocked: false, muted: false })
      expect(await followees('x1')).toEqual(['x2'])
    })
  })
}
