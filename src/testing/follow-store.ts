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

    const none = { follows: false, blocked: false, muted: false }
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

    it('takes no edge that somebody else removes or adds meanwhile for too many', async () => {
      const pair = edge('a3b', 'b3b')
      for (let round = 0; round < 100; round++) {
        // At times it is the last one that there is room for.
        const followsMax = 1 + (round % 2)
        const [one, two] = await Promise.all([
          follows.follow(pair, NOON, followsMax),
          follows.follow(pair, NOON, followsMax),
          follows.unfollow(pair),
        ])
        expect([one.kind, two.kind]).toEqual(['following', 'following'])
      }
    })

    it('keeps a follow pending until its backfill is done', async () => {
      await follows.follow(edge('a4', 'b4'), later(-10_000), MANY)
      await follows.follow(edge('a4', 'c4'), later(-5_000), MANY)
      expect(await follows.pendingBackfills(later(-4_000), 2)).toEqual([edge('a4', 'b4'), edge('a4', 'c4')])
      expect(await follows.pendingBackfills(later(-5_000), 2)).toEqual([edge('a4', 'b4')])
      await follows.backfilled([edge('a4', 'b4')], NOON)
      expect(await follows.pendingBackfills(later(-4_000), 2)).toEqual([edge('a4', 'c4')])
      expect(await follows.follow(edge('a4', 'b4'), NOON, MANY)).toEqual({ kind: 'following', pending: false })
      await follows.backfilled([edge('a4', 'c4')], NOON)
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
      const page = async (after: string | undefined, limit: number) =>
        (await follows.followers('walked', after, limit)).map((item) => item.userId)
      expect(await page(undefined, 2)).toEqual(sorted.slice(0, 2))
      expect(await page(sorted[1], 2)).toEqual(sorted.slice(2, 4))
      const ranges = [
        { userId: 'walked', after: sorted[0], upTo: sorted[3] },
        { userId: 'nobody' },
        { userId: 'walked', after: sorted[3], upTo: sorted[3] },
        { userId: 'walked' },
      ]
      expect(await follows.followerIds(ranges, 100)).toEqual([sorted.slice(1, 4), [], [], sorted])
      expect(await follows.followerIds([{ userId: 'walked', after: sorted[0] }], 2)).toEqual([sorted.slice(1, 3)])
      expect(await follows.followerIds([], 2)).toEqual([])
    })

    it('counts among them those who left with the past kept, for posts until then', async () => {
      for (const id of ['q1', 'q2', 'q3', 'q4']) await follows.follow(edge(id, 'left'), NOON, MANY)
      await follows.unfollow(edge('q1', 'left'))
      await follows.unfollow(edge('q2', 'left'), NOON)
      const at = (ms: number) => ({ userId: 'left', leftSince: new Date(NOON.getTime() + ms) })
      const ranges = [at(-1), at(0), at(1), { ...at(0), after: 'q2' }, { ...at(0), upTo: 'q2' }, { userId: 'left' }]
      const [there, gone] = [
        ['q2', 'q3', 'q4'],
        ['q3', 'q4'],
      ]
      expect(await follows.followerIds(ranges, 100)).toEqual([there, there, gone, gone, ['q2'], gone])
      expect(await follows.followerIds([at(0)], 2)).toEqual([['q2', 'q3']])
      await follows.follow(edge('q2', 'left'), NOON, MANY)
      expect(await follows.followerIds([at(0)], 100)).toEqual([there])
    })

    it('counts followers up to a limit', async () => {
      for (const id of ['n1', 'n2', 'n3']) await follows.follow(edge(id, 'counted'), NOON, MANY)
      expect(await follows.followerCount('counted', 10)).toBe(3)
      expect(await follows.followerCount('counted', 2)).toBe(2)
      expect(await follows.followerCount('nobody', 2)).toBe(0)
    })

    it('opens again the backfills that were done lately, until they are forgotten', async () => {
      const [early, late] = [edge('o1', 'o2'), edge('o1', 'o3')]
      await follows.followMany([early, late], NOON)
      await follows.backfilled([early], later(1_000))
      await follows.backfilled([late], later(9_000))
      expect(await follows.reopenBackfills(later(9_000))).toBe(1)
      const pending = await follows.pendingBackfills(later(1), 1_000)
      expect(pending).toContainEqual(late)
      expect(pending).not.toContainEqual(early)
      await follows.backfilled([late], later(9_000))
      await follows.forgetBackfills(later(9_500), 1_000)
      expect(await follows.reopenBackfills(later(0))).toBe(0)
      expect(await follows.follow(late, NOON, MANY)).toEqual({ kind: 'following', pending: false })
    })

    it('keeps the past of an ended follow when asked to, until it is followed again', async () => {
      await follows.follow(edge('k1', 'k2'), NOON, MANY)
      await follows.follow(edge('k1', 'k3'), NOON, MANY)
      await follows.unfollow(edge('k1', 'k2'), later(5))
      await follows.unfollow(edge('k1', 'never'), later(5))
      expect(await relation('k1', 'k2')).toEqual({ ...none, keptUntil: later(5) })
      expect(await follows.kept('k1', undefined, 10)).toEqual([{ userId: 'k2', until: later(5) }])
      expect(await follows.kept('k1', 'k2', 10)).toEqual([])
      expect((await follows.followsAmong('k1', ['k2', 'k3', 'never'])).sort()).toEqual(['k2', 'k3'])
      expect(await followees('k1')).toEqual(['k3'])
      expect(await follows.follow(edge('k1', 'k2'), NOON, MANY)).toEqual({ kind: 'following', pending: true })
      expect(await relation('k1', 'k2')).toEqual({ ...none, follows: true })
      await follows.unfollow(edge('k1', 'k2'), later(9))
      await follows.unfollow(edge('k1', 'k2'))
      expect(await relation('k1', 'k2')).toEqual(none)
      await follows.unfollow(edge('k1', 'k3'), later(9))
      await follows.followMany([edge('k1', 'k3')], NOON)
      expect(await follows.kept('k1', undefined, 10)).toEqual([])
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
      await follows.backfilled(await follows.followMany(edges, NOON), NOON)
      await follows.block('e', 'x1', NOON)
      await follows.block('x2', 'e', NOON)
      await follows.mute('x1', 'e', NOON)
      await follows.follow(edge('e', 'x3'), NOON, MANY)
      await follows.unfollow(edge('e', 'x3'), NOON)
      let erased = 0
      for (let n = await follows.erase('e', 2); n > 0; n = await follows.erase('e', 2)) {
        expect(n).toBeLessThanOrEqual(2)
        erased += n
      }
      // Seven relations; an engine may count as one what it keeps about the backfill of each of the four follows.
      expect([7, 11]).toContain(erased)
      await follows.reopenBackfills(later(-1_000))
      const pending = await follows.pendingBackfills(later(1), 1_000)
      expect(pending.filter(({ followerId, followeeId }) => [followerId, followeeId].includes('e'))).toEqual([])
      expect(await followees('e')).toEqual([])
      expect(await followers('e')).toEqual([])
      expect(await relation('x1', 'e')).toEqual({ follows: false, blocked: false, muted: false })
      expect(await relation('x2', 'e')).toEqual({ follows: false, blocked: false, muted: false })
      expect(await followees('x1')).toEqual(['x2'])
    })
  })
}
