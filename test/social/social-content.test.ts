import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page } from '../../src/core/cursor.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { Post } from '../../src/social/schemas.ts'
import { createHandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

/** Goal: what posts say, pass on and name is exact, whoever looks and whatever happens at the same time. */
const ids = (page: Page<Post>) => page.items.map((post) => post.post_id)
const PAGES_MAX = 100

for (const engine of sqlEngines()) {
  describe(`content of posts on ${engine.name}`, () => {
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
    const rowsOf = async (table: string, post: Post) =>
      (await under.database.sql.query(`select 1 from ${table} where post_id = $1`, [BigInt(post.post_id)])).length

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

    describe('an edit', () => {
      it('shows the new content at once and keeps the old', async () => {
        await under.people('ed')
        const post = await say('ed', 'first')
        expect(post).toMatchObject({ version: 1, repost_count: 0 })
        expect(post).not.toHaveProperty('edited_at')
        const edited = await social.editPost(post.post_id, { content: { text: 'second' } })
        expect(edited).toEqual({ ...post, content: { text: 'second' }, version: 2, edited_at: expect.any(String) })
        expect(await social.post(post.post_id)).toEqual(edited)
        const content = { media: [{ url: 'https://cdn.example.com/a.jpg', type: 'image' as const }] }
        const third = await social.editPost(post.post_id, { content })
        expect(third.content).toEqual(content)
        expect(await social.postVersions(post.post_id)).toEqual({
          items: [
            { version: 2, content: { text: 'second' }, timestamp: edited.edited_at, replaced_at: third.edited_at },
            { version: 1, content: { text: 'first' }, timestamp: post.timestamp, replaced_at: edited.edited_at },
          ],
        })
        const first = await social.postVersions(post.post_id, { limit: 1 })
        expect(first.items.map((version) => version.version)).toEqual([2])
        const rest = await social.postVersions(post.post_id, { limit: 1, cursor: first.next_cursor })
        expect(rest.items.map((version) => version.version)).toEqual([1])
        expect(rest.next_cursor).toBeUndefined()
      })

      it('that changes nothing makes no version, whatever version it was sent with', async () => {
        await under.people('same')
        const content = { text: 'x', media: [{ url: 'https://x.example/a', type: 'image' as const, alt: 'a' }] }
        const post = await social.publish({ user_id: 'same', content })
        const again = { media: [{ alt: 'a', type: 'image' as const, url: 'https://x.example/a' }], text: 'x' }
        expect(await social.editPost(post.post_id, { content: again })).toEqual(post)
        const edited = await social.editPost(post.post_id, { content: { text: 'y' } }, { expectedVersion: 1 })
        expect(await social.editPost(post.post_id, { content: { text: 'y' } }, { expectedVersion: 1 })).toEqual(edited)
        expect((await social.postVersions(post.post_id)).items).toHaveLength(1)
      })

      it('of a version that is not there any more is refused', async () => {
        await under.people('stale')
        const post = await say('stale', '1')
        await social.editPost(post.post_id, { content: { text: '2' } }, { expectedVersion: 1 })
        const late = social.editPost(post.post_id, { content: { text: '3' } }, { expectedVersion: 1 })
        await refused(late, 'version_mismatch', { data: { version: 2 } })
        expect((await social.post(post.post_id)).content.text).toBe('2')
      })

      it('crossing others gets a version of its own, and none is lost', async () => {
        await under.people('crowd')
        const post = await say('crowd', 'start')
        const texts = Array.from({ length: 12 }, (_, n) => `edit ${n}`)
        const edits = await Promise.all(texts.map((text) => social.editPost(post.post_id, { content: { text } })))
        const byVersion = new Map(edits.map((edit) => [edit.version, edit.content.text]))
        expect([...byVersion.keys()].sort((a, b) => a - b)).toEqual(texts.map((_, n) => n + 2))
        const { items } = await social.postVersions(post.post_id, { limit: 100 })
        byVersion.set(1, 'start')
        expect(items.map(({ version, content }) => [version, content.text])).toEqual(
          texts.map((_, n) => [texts.length - n, byVersion.get(texts.length - n)]),
        )
        expect(await social.post(post.post_id)).toMatchObject({ version: 13, content: { text: byVersion.get(13) } })
        const racing = texts.map((text) =>
          social.editPost(post.post_id, { content: { text: `${text} again` } }, { expectedVersion: 13 }),
        )
        const outcomes = await Promise.allSettled(racing)
        expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
        expect((await social.post(post.post_id)).version).toBe(14)
      })

      it('is for posts that are there and have content, and takes what a new post may say', async () => {
        await under.people('rules')
        const post = await say('rules', 'x')
        const content = { text: 'y' }
        await refused(social.editPost('1', { content }), 'post_not_found')
        await refused(social.editPost('not-an-id', { content }), 'post_not_found')
        await refused(social.editPost(post.post_id, { content: {} }), 'invalid_input')
        await refused(social.editPost(post.post_id, { content: { text: '' } }), 'invalid_input')
        await refused(
          social.editPost(post.post_id, { content: { text: '4111 1111 1111 1111' } }),
          'card_number_refused',
        )
        await refused(social.editPost((await repost('rules', post)).post_id, { content }), 'not_editable')
        await social.deletePost(post.post_id)
        await refused(social.editPost(post.post_id, { content }), 'post_not_found')
        await refused(social.postVersions(post.post_id), 'post_not_found')
      })

      it('shows earlier versions to those who may read the post', async () => {
        await under.people('closed', 'insider', 'outsider')
        await social.follow('insider', 'closed')
        const post = await say('closed', 'x', 'followers')
        await social.editPost(post.post_id, { content: { text: 'y' } })
        expect((await social.postVersions(post.post_id, { viewer: 'insider' })).items).toHaveLength(1)
        await refused(social.postVersions(post.post_id, { viewer: 'outsider' }), 'post_not_found')
      })

      it('does not change what a repeat of the publication is answered', async () => {
        await under.people('keyed', 'keyed_friend')
        const input = { user_id: 'keyed', content: { text: 'hello @keyed_friend #one' } }
        const post = await social.publish(input, { idempotencyKey: 'k' })
        await social.editPost(post.post_id, { content: { text: 'something else #two' } })
        await social.like(post.post_id, 'keyed')
        expect(await social.publish(input, { idempotencyKey: 'k' })).toEqual(post)
      })

      it('leaves nothing of any version when the post is deleted or its author erased', async () => {
        await under.people('leaver', 'named')
        const posts = [await say('leaver', '@named #tag'), await say('leaver', '@named #tag')]
        for (const post of posts) await social.editPost(post.post_id, { content: { text: '@named #tag2' } })
        const tables = ['post_versions', 'post_mentions', 'post_hashtags']
        for (const table of tables) for (const post of posts) expect(await rowsOf(table, post)).toBe(1)
        await social.deletePost(posts[0]!.post_id)
        await social.eraseUser('leaver')
        for (const table of tables)
          for (const post of posts) expect([table, await rowsOf(table, post)]).toEqual([table, 0])
      })
    })

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

    describe('a mention', () => {
      it('names those who exist, whatever the case of the handle, and follows edits', async () => {
        await under.people('teller', 'm-a', 'm-b')
        const post = await say('teller', 'hi @M_A, @m_b and @m_c; not x@m_a')
        expect(post.mentions).toEqual(['m-a', 'm-b'])
        expect((await social.post(post.post_id)).mentions).toEqual(['m-a', 'm-b'])
        expect((await social.posts('teller')).items[0]?.mentions).toEqual(['m-a', 'm-b'])
        const edited = await social.editPost(post.post_id, { content: { text: 'only @m_b' } })
        expect(edited.mentions).toEqual(['m-b'])
        expect((await social.post(post.post_id)).mentions).toEqual(['m-b'])
        expect(await social.editPost(post.post_id, { content: { text: 'nobody' } })).not.toHaveProperty('mentions')
        expect(await rowsOf('post_mentions', post)).toBe(0)
      })

      it('counts at most so many, and forgets the erased', async () => {
        const many = Array.from({ length: LIMITS.mentionsPerPostMax + 2 }, (_, n) => `crowd-${n}`)
        await under.people('caller', ...many)
        const text = many.map((id) => `@${id.replace('-', '_')}`).join(' ')
        const post = await say('caller', text)
        expect(post.mentions).toEqual(many.slice(0, LIMITS.mentionsPerPostMax).sort())
        await social.eraseUser('crowd-0')
        expect((await social.post(post.post_id)).mentions).toHaveLength(LIMITS.mentionsPerPostMax - 1)
        expect(await social.publish({ user_id: 'caller', content: { text: '@crowd_0' } })).not.toHaveProperty(
          'mentions',
        )
      })
    })

    describe('a hashtag', () => {
      const feed = async (tag: string, viewer?: string) => ids(await social.hashtag(tag, { viewer }))

      it('lists public posts newest first, whatever its case and form', async () => {
        await under.people('tagger')
        const first = await say('tagger', 'we like #Café')
        await say('tagger', 'inner #café', 'followers')
        const second = await say('tagger', '#CAFE\u0301 and #other')
        expect(second.hashtags).toEqual(['café', 'other'])
        expect(await feed('café')).toEqual([second.post_id, first.post_id])
        expect(await feed('Cafe\u0301')).toEqual([second.post_id, first.post_id])
        await social.editPost(first.post_id, { content: { text: 'now #other' } })
        expect(await feed('café')).toEqual([second.post_id])
        expect(await feed('other')).toEqual([second.post_id, first.post_id])
        await social.deletePost(second.post_id)
        expect(await feed('other')).toEqual([first.post_id])
        expect(await feed('never')).toEqual([])
        for (const wrong of ['', '#café', 'two words', '123', 'x'.repeat(LIMITS.hashtagCharsMax + 1)]) {
          await refused(social.hashtag(wrong), 'invalid_input')
        }
      })

      it('fills its pages with what the viewer may see', async () => {
        await under.people('looker', 'fine', 'mutedone', 'blockedone', 'blocker')
        const shown: string[] = []
        for (let n = 0; n < 6; n++) {
          for (const author of ['mutedone', 'blockedone', 'blocker']) await say(author, '#busy')
          shown.unshift((await say('fine', '#busy')).post_id)
          if (n === 3) shown.unshift((await say('looker', '#busy')).post_id)
        }
        await social.mute('looker', 'mutedone')
        await social.block('looker', 'blockedone')
        await social.block('blocker', 'looker')
        const seen = await walk((cursor) => social.hashtag('busy', { viewer: 'looker', limit: 2, cursor }), 2)
        expect(seen.map((post) => post.post_id)).toEqual(shown)
        expect(await walk((cursor) => social.hashtag('busy', { limit: 5, cursor }), 5)).toHaveLength(25)
        const { next_cursor: cursor } = await social.hashtag('busy', { limit: 1 })
        await refused(social.hashtag('other', { cursor }), 'invalid_cursor')
      })

      it('lists quotes with what they pass on', async () => {
        await under.people('q1', 'q2')
        const post = await say('q1', 'root')
        const quoted = await quote('q2', post, 'see #quoted')
        await repost('q2', quoted)
        expect((await social.hashtag('quoted')).items).toMatchObject([
          { post_id: quoted.post_id, reposted: { post_id: post.post_id } },
        ])
      })
    })

    it('imports posts with their hashtags and mentions', async () => {
      await under.people('imp', 'impfriend')
      const lines = [
        { user_id: 'imp', text: 'old #imported @impfriend', timestamp: '2020-01-01T00:00:00Z' },
        { user_id: 'imp', text: 'plain', timestamp: '2020-01-02T00:00:00Z' },
        { user_id: 'imp', text: 'inner #imported', visibility: 'followers', timestamp: '2020-01-03T00:00:00Z' },
      ].map((line) => JSON.stringify(line))
      for (const added of [3, 0]) {
        expect(await social.importPosts(lines, { name: 'old' })).toMatchObject({ posts_added: added, bad: [] })
      }
      expect((await social.hashtag('imported')).items).toMatchObject([
        { content: { text: 'old #imported @impfriend' }, mentions: ['impfriend'], hashtags: ['imported'], version: 1 },
      ])
      const { items } = await social.posts('imp')
      expect(items.map((post) => post.mentions)).toEqual([undefined, undefined, ['impfriend']])
    })
  })
}
