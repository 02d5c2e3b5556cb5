import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LikeChange, PostStore } from '../social/ports.ts'
import { aPost, later, NOON, type StoreHarness } from './social-values.ts'

/** What {@link PostStore} promises of who likes what, for any engine. */
export function testPostLikes(name: string, create: () => Promise<StoreHarness<PostStore>>): void {
  describe(`likes of the post store on ${name}`, () => {
    let posts: PostStore
    let close: () => Promise<void>
    let lastId = 1_000n
    beforeAll(async () => {
      const harness = await create()
      posts = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    async function published(userId = 'author'): Promise<bigint> {
      lastId += 1n
      await posts.insert([aPost(lastId, userId)])
      return lastId
    }
    const changes = (postId: bigint, liked: boolean, ...userIds: string[]): LikeChange[] =>
      userIds.map((userId) => ({ postId, userId, liked }))

    it('lists who likes a post newest first, of one moment by id, each once over all pages', async () => {
      const id = await published()
      const other = await published()
      await posts.applyLikes(changes(id, true, 'c', 'a', 'B', 'e'), NOON)
      await posts.applyLikes([...changes(id, true, 'late', 'a'), ...changes(other, true, 'z')], later(5))
      await posts.applyLikes(changes(id, false, 'c'), later(6))
      const everybody = await posts.likers(id, undefined, 10)
      expect(everybody).toEqual([
        { userId: 'late', since: later(5) },
        { userId: 'B', since: NOON },
        { userId: 'a', since: NOON },
        { userId: 'e', since: NOON },
      ])
      for (let at = 0; at < everybody.length; at++) {
        expect(await posts.likers(id, everybody[at], 2)).toEqual(everybody.slice(at + 1, at + 3))
      }
      expect(await posts.likers(7n, undefined, 10)).toEqual([])
    })

    it('says which of many likes there are', async () => {
      const [a, b] = [await published(), await published()]
      await posts.applyLikes([...changes(a, true, 'x', 'y'), ...changes(b, true, 'y')], NOON)
      const asked = [a, b, 7n].flatMap((postId) => ['x', 'y', 'z'].map((userId) => ({ postId, userId })))
      const found = await posts.likesAmong(asked)
      expect(found.map(({ postId, userId }) => `${postId} ${userId}`).sort()).toEqual([`${a} x`, `${a} y`, `${b} y`])
      expect(await posts.likesAmong([])).toEqual([])
    })

    it('counts likes and unlikes that cross on a hot post as the rows say, and each outcome once', async () => {
      const id = await published()
      const people = Array.from({ length: 40 }, (_, n) => `p${n}`)
      const outcomes = await Promise.all(
        people.flatMap((_, n) =>
          [true, false, true].map((liked, step) =>
            posts.applyLikes(changes(id, liked, ...people.slice(n, n + 5)), later(n + step)),
          ),
        ),
      )
      const [post] = await posts.find([id])
      const likers = await posts.likers(id, undefined, 1_000)
      expect(post?.likeCount).toBe(likers.length)
      const given = outcomes.filter((_, index) => index % 3 !== 1).flat()
      const taken = outcomes.filter((_, index) => index % 3 === 1).flat()
      const changed = (list: readonly string[]) => list.filter((outcome) => outcome === 'changed').length
      expect(changed(given) - changed(taken)).toBe(likers.length)
    })
  })
}
