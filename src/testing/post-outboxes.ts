import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostStore } from '../social/ports.ts'
import { aPost, NOON, type StoreHarness } from './social-values.ts'

/** The promises of {@link PostStore} about pull posts, for any engine. */
export function testPostOutboxes(name: string, create: () => Promise<StoreHarness<PostStore>>): void {
  describe(`outboxes on ${name}`, () => {
    let posts: PostStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      posts = harness.store
      close = () => harness.close()
      await posts.insert([
        aPost(11n, 'small'),
        aPost(12n, 'giant', { mode: 'pull' }),
        aPost(13n, 'giant'),
        aPost(14n, 'titan', { mode: 'pull' }),
        aPost(15n, 'giant', { mode: 'pull' }),
      ])
    })
    afterAll(() => close())

    it('names each author who has pull posts once, in the order in which they came to have them', async () => {
      const all = await posts.pullAuthors(undefined, 10)
      expect(all.map((author) => author.userId).sort()).toEqual(['giant', 'titan'])
      expect(await posts.pullAuthors(all.at(-1)?.since, 10)).toEqual([])
      await posts.insert([aPost(16n, 'giant', { mode: 'pull' }), aPost(17n, 'late', { mode: 'pull' })])
      const more = await posts.pullAuthors(all.at(-1)?.since, 10)
      expect(more.map((author) => author.userId)).toEqual(['late'])
      expect(await posts.pullAuthors(undefined, 1)).toHaveLength(1)
    })

    it('lists the pull posts of each author, newest first, below an id', async () => {
      const everybody = ['small', 'giant', 'titan', 'nobody']
      const outboxes = (below: bigint, limit: number) => posts.outboxes(everybody, below, limit)
      expect(await outboxes(16n, 10)).toEqual(
        new Map([
          ['giant', [15n, 12n]],
          ['titan', [14n]],
        ]),
      )
      expect(await outboxes(16n, 1)).toEqual(
        new Map([
          ['giant', [15n]],
          ['titan', [14n]],
        ]),
      )
      expect(await outboxes(14n, 10)).toEqual(new Map([['giant', [12n]]]))
      expect(await posts.outboxes([], undefined, 10)).toEqual(new Map())
    })

    it('leaves out deleted posts', async () => {
      await posts.delete(15n, NOON)
      expect(await posts.outboxes(['giant'], 16n, 10)).toEqual(new Map([['giant', [12n]]]))
    })
  })
}
