import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firstIdAt } from '../core/ids.ts'
import type { NewPost, PostStore, StoredNotice } from '../social/ports.ts'
import { aComment, aPost, later, NOON, type StoreHarness } from './social-values.ts'

const HOUR_MS = 3_600_000

/** The promises of {@link PostNotices}, for any engine. */
export function testPostNotices(name: string, create: () => Promise<StoreHarness<PostStore>>): void {
  describe(`notices of the post store on ${name}`, () => {
    let posts: PostStore
    let close: () => Promise<void>
    let made = 0n
    beforeAll(async () => {
      const harness = await create()
      posts = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    const nextId = (afterMs = 0) => firstIdAt(NOON.getTime() + afterMs) + ++made
    async function published(userId: string, more: Partial<NewPost> = {}, afterMs = 0): Promise<bigint> {
      const id = nextId(afterMs)
      await posts.insert([aPost(id, userId, { timestamp: later(afterMs), ...more })])
      return id
    }
    const like = (postId: bigint, afterMs: number, ...userIds: string[]) =>
      posts.applyLikes(
        userIds.map((userId) => ({ postId, userId, liked: true })),
        later(afterMs),
      )
    const unlike = (postId: bigint, ...userIds: string[]) =>
      posts.applyLikes(
        userIds.map((userId) => ({ postId, userId, liked: false })),
        NOON,
      )
    async function comment(postId: bigint, userId: string, afterMs = 0): Promise<bigint> {
      const stored = { ...aComment(nextId(afterMs), postId, userId), timestamp: later(afterMs) }
      expect(await posts.insertComment(stored, undefined)).toEqual({ kind: 'created' })
      return stored.commentId
    }
    const brief = ({ kind, postId, count, latestAt }: StoredNotice) => ({ kind, postId, count, latestAt })
    const noticesOf = async (userId: string) => (await posts.notices(userId, undefined, 100)).map(brief)
    async function everyProblem() {
      const problems = []
      for (let after: bigint | undefined; ; ) {
        const page = await posts.audit(after, 7)
        problems.push(...page.problems)
        if (page.last === undefined) return problems
        after = page.last
      }
    }

    it('counts the likes of a post by UTC day, the own one aside', async () => {
      const id = await published('liked')
      await like(id, 0, 'a', 'b', 'liked')
      await like(id, 11 * HOUR_MS, 'c', 'a')
      await like(id, 12 * HOUR_MS, 'd')
      expect(await noticesOf('liked')).toEqual([
        { kind: 'like', postId: id, count: 1, latestAt: later(12 * HOUR_MS) },
        { kind: 'like', postId: id, count: 3, latestAt: later(11 * HOUR_MS) },
      ])
      expect(await noticesOf('a')).toEqual([])
    })

    it('takes an unlike from the day of its like, and lets a notice of nobody go', async () => {
      const id = await published('unliked')
      await like(id, 0, 'a', 'b')
      await like(id, 24 * HOUR_MS, 'c')
      await unlike(id, 'a', 'x', 'c')
      expect(await noticesOf('unliked')).toEqual([{ kind: 'like', postId: id, count: 1, latestAt: NOON }])
      await unlike(id, 'a', 'b')
      expect(await noticesOf('unliked')).toEqual([])
      await like(id, 1, 'b')
      expect(await noticesOf('unliked')).toEqual([{ kind: 'like', postId: id, count: 1, latestAt: later(1) }])
    })

    it('counts comments of others by day until they are deleted', async () => {
      const id = await published('commented')
      const first = await comment(id, 'a')
      await comment(id, 'commented', 5)
      await comment(id, 'a', 7)
      expect(await noticesOf('commented')).toEqual([{ kind: 'comment', postId: id, count: 2, latestAt: later(7) }])
      await posts.deleteComment(first)
      expect(await noticesOf('commented')).toMatchObject([{ kind: 'comment', count: 1 }])
    })

    it('counts reposts and quotes of others by day until they are deleted', async () => {
      const root = await published('reposted')
      const repost = await published('a', { content: {}, repostOf: root }, 1)
      await published('b', { repostOf: root }, 2)
      await published('reposted', { repostOf: root }, 3)
      expect(await noticesOf('reposted')).toEqual([{ kind: 'repost', postId: root, count: 2, latestAt: later(2) }])
      await posts.delete(repost, NOON)
      expect(await noticesOf('reposted')).toMatchObject([{ kind: 'repost', count: 1 }])
    })

    it('tells of each mention once, with the post, and not of one by oneself', async () => {
      const mentions = ['named']
      const open = await published('a', { mentions }, 1)
      const closed = await published('b', { mentions, visibility: 'followers' }, 2)
      const gone = await published('c', { mentions }, 3)
      await published('named', { mentions }, 4)
      await posts.delete(gone, NOON)
      expect(await posts.notices('named', undefined, 10)).toEqual([
        {
          ...{ kind: 'mention', postId: closed, count: 1, latestAt: later(2) },
          post: { userId: 'b', visibility: 'followers' },
        },
        { kind: 'mention', postId: open, count: 1, latestAt: later(1), post: { userId: 'a', visibility: 'public' } },
      ])
    })

    it('goes by time, then post, then kind, whatever the pages', async () => {
      const ids = [await published('sorted'), await published('sorted')]
      for (const id of ids) {
        await like(id, 10, 'a')
        await comment(id, 'a', 10)
        await like(id, 24 * HOUR_MS, 'b')
      }
      await published('a', { mentions: ['sorted'] }, 10)
      await published('b', { mentions: ['sorted'] }, 11)
      const all = await posts.notices('sorted', undefined, 100)
      expect(all.map(({ kind, postId, latestAt }) => [latestAt.getTime() - NOON.getTime(), postId, kind])).toEqual([
        [24 * HOUR_MS, ids[1], 'like'],
        [24 * HOUR_MS, ids[0], 'like'],
        [11, all[2]!.postId, 'mention'],
        [10, all[3]!.postId, 'mention'],
        [10, ids[1], 'like'],
        [10, ids[1], 'comment'],
        [10, ids[0], 'like'],
        [10, ids[0], 'comment'],
      ])
      for (const [at, place] of all.entries()) {
        expect(await posts.notices('sorted', place, 3)).toEqual(all.slice(at + 1, at + 4))
      }
    })

    it('names the newest of a day first, and nobody of another day, post or kind', async () => {
      const [id, other] = [await published('named-by'), await published('named-by')]
      await like(id, 0, 'b', 'a')
      await like(id, 3, 'c', 'named-by')
      await like(id, -13 * HOUR_MS, 'before')
      await like(id, 12 * HOUR_MS, 'after')
      await like(other, 4, 'd')
      await comment(id, 'e', 1)
      await comment(id, 'f', 2)
      await comment(id, 'e', 3)
      const repost = await published('g', { content: {}, repostOf: id }, 5)
      await published('h', { repostOf: id }, 6)
      const asked = (kind: StoredNotice['kind'], postId = id, afterMs = 0) => ({
        kind,
        postId,
        latestAt: later(afterMs),
      })
      const groups = [asked('comment'), asked('like'), asked('like', other), asked('repost'), asked('like', id, 5e7)]
      expect(await posts.noticeActors('named-by', groups, 10)).toEqual([
        ['e', 'f', 'e'],
        ['c', 'a', 'b'],
        ['d'],
        ['h', 'g'],
        ['after'],
      ])
      expect(await posts.noticeActors('named-by', [asked('like')], 2)).toEqual([['c', 'a']])
      expect(await posts.noticeActors('named-by', [], 2)).toEqual([])
      await posts.delete(repost, NOON)
      expect(await posts.noticeActors('named-by', [asked('repost')], 2)).toEqual([['h']])
    })

    it('forgets the notices of a deleted post', async () => {
      const id = await published('deleting')
      await like(id, 0, 'a')
      await comment(id, 'b')
      await posts.delete(id, NOON)
      expect(await noticesOf('deleting')).toEqual([])
    })

    it('erases a user from the notices of others exactly, and all notices to him', async () => {
      const [mine, root] = [await published('erased'), await published('stays')]
      await like(mine, 0, 'stays')
      await like(root, 0, 'erased', 'z')
      await comment(root, 'erased')
      await comment(root, 'erased')
      await comment(root, 'z')
      await published('erased', { content: {}, repostOf: root }, 1)
      await published('z', { repostOf: root }, 2)
      await published('erased', { mentions: ['stays'] }, 3)
      await published('stays', { mentions: ['erased'] }, 4)
      for (let rounds = 0; (await posts.erase('erased', 3)) > 0; rounds++) expect(rounds).toBeLessThan(50)
      expect(await noticesOf('erased')).toEqual([])
      expect((await noticesOf('stays')).map(({ kind, count }) => [kind, count])).toEqual([
        ['repost', 1],
        ['like', 1],
        ['comment', 1],
      ])
      expect((await posts.find([root]))[0]).toMatchObject({ likeCount: 1, commentCount: 1, repostCount: 1 })
    })

    it('keeps notices as exact as rows when likes, comments, reposts, deletions and an erasure cross', async () => {
      const hot = [await published('hot'), await published('hot')]
      const people = Array.from({ length: 12 }, (_, n) => `fan${n}`)
      await Promise.all(
        people.flatMap((person, n) => [
          ...hot.map((id) => like(id, n * HOUR_MS, person, 'goes')),
          comment(hot[n % 2]!, n % 3 === 0 ? 'goes' : person, n * HOUR_MS).then((id) =>
            n % 4 === 0 ? posts.deleteComment(id) : undefined,
          ),
          ...hot.map((id) => unlike(id, people[(n * 5) % 12]!)),
          published(person, { content: {}, repostOf: hot[n % 2]! }, n).then((id) =>
            n % 4 === 1 ? posts.delete(id, NOON) : undefined,
          ),
          posts.erase('goes', 2),
        ]),
      )
      while ((await posts.erase('goes', 100)) > 0);
      expect(await everyProblem()).toEqual([])
      const counted = await posts.find(hot)
      const total = (kind: string) =>
        noticesOf('hot').then((all) => all.filter((one) => one.kind === kind).reduce((sum, one) => sum + one.count, 0))
      expect(await total('like')).toBe(counted.reduce((sum, post) => sum + post.likeCount, 0))
      expect(await total('comment')).toBe(counted.reduce((sum, post) => sum + post.commentCount, 0))
      expect(await total('repost')).toBe(counted.reduce((sum, post) => sum + post.repostCount, 0))
      expect(await total('repost')).toBe(9)
    })
  })
}
