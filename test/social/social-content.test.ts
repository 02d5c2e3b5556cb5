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

      it('is refused when there have been so many', async () => {
        await under.people('tireless')
        const post = await say('tireless', 'x')
        const update = 'update posts set version = $2 where post_id = $1'
        await under.database.sql.query(update, [BigInt(post.post_id), LIMITS.postEditsMax])
        const last = await social.editPost(post.post_id, { content: { text: 'y' } })
        expect(last.version).toBe(LIMITS.postEditsMax + 1)
        const limit = { data: { limit: LIMITS.postEditsMax } }
        await refused(social.editPost(post.post_id, { content: { text: 'z' } }), 'too_many_edits', limit)
        expect(await social.editPost(post.post_id, { content: { text: 'y' } })).toEqual(last)
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
