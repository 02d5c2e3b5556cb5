import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page } from '../../src/core/cursor.ts'
import type { Post } from '../../src/social/schemas.ts'
import { createHandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

/** Goal: a repost is shown to whoever may read what it passes on, made once and counted exactly, whatever crosses. */
const ids = (page: Page<Post>) => page.items.map((post) => post.post_id)
const PAGES_MAX = 100

for (const engine of sqlEngines()) {
  describe(`reposts on ${engine.name}`, () => {
    let under: SocialUnderTest
    let social: SocialUnderTest['social']
    beforeAll(async () => {
      under = await openSocial(engine, { queue: createHandQueue() })
      social = under.social
    })
    afterAll(() => under.close())

    const say = (userId: string, text: string, visibility: 'public' | 'followers' = 'public') =>
      social.publish({ user_id: userId, content: { text }, visibility })
    const repost = (userId: string, post: Post) => social.publish({ user_id: userId, repost_of: post.post_id })
    const quote = (userId: string, post: Post, text: string) =>
      social.publish({ user_id: userId, repost_of: post.post_id, content: { text } })
    const refused = (work: Promise<unknown>, code: string, more: object = {}) =>
      expect(work).rejects.toMatchObject({ code, ...more })
    async function walk(read: (cursor: string | undefined) => Promise<Page<Post>>, limit: number): Promise<Post[]> {
      const seen: Post[] = []
      let cursor: string | undefined
      for (let pages = 0; pages < PAGES_MAX; pages++) {
        const page = await read(cursor)
        seen.push(...page.items)
        if (page.next_cursor === undefined) return seen
        expect(page.items).toHaveLength(limit)
        cursor = page.next_cursor
      }
      throw new Error('the walk does not end')
    }

    async function wrongCounts() {
      const problems = []
      for (let after: bigint | undefined; ; ) {
        const page = await under.deps.posts.audit(after, 200)
        problems.push(...page.problems.filter((problem) => problem.what !== 'ledger'))
        if (page.last === undefined) return problems
        after = page.last
      }
    }

    describe('a repost', () => {
      it('brings the post that it passes on, and is counted by it', async () => {
        await under.people('author', 'fan')
        const post = await say('author', 'pass it on')
        const passed = await repost('fan', post)
        expect(passed).toMatchObject({ user_id: 'fan', content: {}, repost_of: post.post_id, repost_count: 0 })
        const counted = { ...post, repost_count: 1 }
        expect(passed.reposted).toEqual(counted)
        expect(await social.post(passed.post_id)).toEqual(passed)
        expect(await social.post(passed.post_id, { viewer: 'author' })).toMatchObject(passed)
        expect((await social.posts('fan')).items).toEqual([passed])
        expect(await social.post(post.post_id)).toEqual(counted)
        await social.editPost(post.post_id, { content: { text: 'edited' } })
        expect((await social.post(passed.post_id)).reposted?.content.text).toBe('edited')
      })

      it('of a repost passes on what that one does; of a quote, the quote', async () => {
        await under.people('r1', 'r2', 'r3')
        const post = await say('r1', 'root')
        const first = await repost('r2', post)
        expect(await repost('r3', first)).toMatchObject({ repost_of: post.post_id, reposted: { repost_count: 2 } })
        const quoted = await quote('r2', first, 'look')
        expect(quoted).toMatchObject({ repost_of: post.post_id, content: { text: 'look' } })
        const again = await repost('r3', quoted)
        expect(again).toMatchObject({ repost_of: quoted.post_id, reposted: { content: { text: 'look' } } })
        expect(again.reposted).not.toHaveProperty('reposted')
        expect((await social.post(post.post_id)).repost_count).toBe(3)
      })

      it('is made once per user and post, a quote as often as one likes', async () => {
        await under.people('o1', 'o2')
        const post = await say('o1', 'root')
        const first = await repost('o2', post)
        await refused(repost('o2', post), 'already_exists', { status: 409, data: { post_id: first.post_id } })
        await refused(repost('o2', first), 'already_exists', { data: { post_id: first.post_id } })
        await quote('o2', post, 'a')
        await quote('o2', post, 'a')
        expect((await social.post(post.post_id)).repost_count).toBe(3)
        await social.deletePost(first.post_id)
        await social.deletePost(first.post_id)
        expect((await social.post(post.post_id)).repost_count).toBe(2)
        await repost('o2', post)
        expect((await social.post(post.post_id)).repost_count).toBe(3)
        const race = await Promise.allSettled(Array.from({ length: 8 }, () => repost('o1', post)))
        expect(race.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
        for (const outcome of race)
          if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'already_exists' })
        expect((await social.post(post.post_id)).repost_count).toBe(4)
      })

      it('passes on only public posts that the user may read and whose author he has no block with', async () => {
        await under.people('p1', 'p2', 'p3')
        await social.follow('p2', 'p1')
        const [open, closed] = [await say('p1', 'open'), await say('p1', 'closed', 'followers')]
        await refused(repost('p2', closed), 'not_repostable', { status: 422 })
        await refused(quote('p1', closed, 'mine'), 'not_repostable')
        await refused(repost('p3', closed), 'post_not_found')
        const among = await social.publish({ user_id: 'p1', repost_of: open.post_id, visibility: 'followers' })
        expect(among.visibility).toBe('followers')
        await refused(repost('p3', among), 'post_not_found')
        await social.block('p1', 'p2')
        await refused(repost('p2', open), 'interaction_blocked')
        await social.unblock('p1', 'p2')
        await social.block('p2', 'p1')
        await refused(quote('p2', open, 'x'), 'interaction_blocked')
        await refused(social.publish({ user_id: 'p2', repost_of: '1' }), 'post_not_found')
        await refused(social.publish({ user_id: 'p2', repost_of: 'x' }), 'invalid_input', {
          fields: [{ pointer: '/repost_of', detail: expect.any(String) }],
        })
        await refused(social.publish({ user_id: 'nobody', repost_of: open.post_id }), 'user_not_found')
        await refused(social.publish({ user_id: 'p2' }), 'invalid_input', {
          fields: [{ pointer: '/content', detail: 'is required unless repost_of is given' }],
        })
      })

      it('goes with the post that it passes on; a quote stays without it', async () => {
        await under.people('g1', 'g2')
        const post = await say('g1', 'root')
        const [passed, quoted] = [await repost('g2', post), await quote('g2', post, 'look')]
        await social.deletePost(post.post_id)
        await refused(social.post(passed.post_id), 'post_not_found')
        await refused(social.like(passed.post_id, 'g1'), 'post_not_found')
        const left = await social.post(quoted.post_id)
        expect(left).toMatchObject({ content: { text: 'look' }, repost_of: post.post_id })
        expect(left).not.toHaveProperty('reposted')
        expect((await social.posts('g2')).items).toEqual([left])
        await refused(
          repost('g1', quoted).then(() => repost('g2', post)),
          'post_not_found',
        )
      })

      it('is hidden from those whom the author of the post keeps out', async () => {
        await under.people('h1', 'h2', 'h3')
        const post = await say('h1', 'root')
        const [passed, quoted] = [await repost('h2', post), await quote('h2', post, 'look')]
        await social.block('h1', 'h3')
        await refused(social.post(passed.post_id, { viewer: 'h3' }), 'post_not_found')
        expect(await social.post(quoted.post_id, { viewer: 'h3' })).not.toHaveProperty('reposted')
        expect(ids(await social.posts('h2', { viewer: 'h3' }))).toEqual([quoted.post_id])
        expect(ids(await social.posts('h2', { viewer: 'h1' }))).toEqual([quoted.post_id, passed.post_id])
        await social.mute('h1', 'h2')
        expect(ids(await social.posts('h2', { viewer: 'h1' }))).toEqual([quoted.post_id, passed.post_id])
      })

      it('leaves the pages of a profile full when it is not shown', async () => {
        await under.people('full', 'fleeting')
        const shown: string[] = []
        for (let n = 0; n < 7; n++) {
          shown.unshift((await say('full', `own ${n}`)).post_id)
          for (let m = 0; m < 3; m++) {
            const post = await say('fleeting', `${n} ${m}`)
            const passed = await repost('full', post)
            if (m === 0 && n % 3 === 0) shown.unshift(passed.post_id)
            else await social.deletePost(post.post_id)
          }
        }
        const seen = await walk((cursor) => social.posts('full', { limit: 4, cursor }), 4)
        expect(seen.map((post) => post.post_id)).toEqual(shown)
      })

      it('is repeated by its key alone, also when the post is gone or forbidden since', async () => {
        await under.people('k1', 'k2')
        const post = await say('k1', 'root')
        const input = { user_id: 'k2', repost_of: post.post_id }
        let replays = 0
        const context = { idempotencyKey: 'k', onReplay: () => void replays++ }
        const passed = await social.publish(input, context)
        expect(await social.publish(input, context)).toEqual(passed)
        const other = { ...input, content: { text: 'x' } }
        await refused(social.publish(other, context), 'idempotency_key_reused')
        await social.block('k1', 'k2')
        expect((await social.publish(input, context)).post_id).toBe(passed.post_id)
        await social.unblock('k1', 'k2')
        await social.deletePost(post.post_id)
        expect((await social.publish(input, context)).post_id).toBe(passed.post_id)
        expect(replays).toBe(3)
        await refused(social.publish(input, { idempotencyKey: 'new' }), 'post_not_found')
      })

      it('is counted exactly when reposts, quotes and deletions cross', async () => {
        const fans = Array.from({ length: 10 }, (_, n) => `x${n}`)
        await under.people('xroot', ...fans)
        const [kept, gone] = [await say('xroot', 'kept'), await say('xroot', 'gone')]
        const ignore = () => undefined
        await Promise.all(
          [
            ...fans.flatMap((fan) => [repost(fan, kept), repost(fan, kept).catch(ignore), quote(fan, kept, 'q')]),
            ...fans.flatMap((fan) => [repost(fan, gone).catch(ignore), quote(fan, gone, 'q').catch(ignore)]),
            social.deletePost(gone.post_id),
          ].map((work) => work.catch(ignore)),
        )
        expect((await social.post(kept.post_id)).repost_count).toBe(20)
        const own = (await social.posts('x0')).items.filter((post) => post.repost_of === kept.post_id)
        expect(own).toHaveLength(2)
        await Promise.all([...own, ...own].map((post) => social.deletePost(post.post_id)))
        await Promise.all([social.eraseUser('x1'), social.eraseUser('x2')])
        expect((await social.post(kept.post_id)).repost_count).toBe(14)
        expect(await wrongCounts()).toEqual([])
      })
    })
  })
}
