import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page } from '../../src/core/cursor.ts'
import type { Post } from '../../src/social/schemas.ts'
import { until } from '../../src/testing/until.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const texts = (page: Page<Post>) => page.items.map((post) => post.content.text)

for (const engine of sqlEngines()) {
  describe(`social on ${engine.name}`, () => {
    let under: SocialUnderTest
    let social: SocialUnderTest['social']
    let workers: ReturnType<SocialUnderTest['social']['startWorkers']>
    beforeAll(async () => {
      under = await openSocial(engine)
      social = under.social
      workers = social.startWorkers()
    })
    afterAll(async () => {
      await workers.close()
      await under.close()
    })

    const say = (userId: string, text: string, visibility: 'public' | 'followers' = 'public') =>
      social.publish({ user_id: userId, content: { text }, visibility })
    const delivered = (post: Post) =>
      until('the fan-out is done', async () => (await under.deps.posts.ledger.state(BigInt(post.post_id)))?.doneAt)

    it('creates a user once per key, and says what is taken', async () => {
      const input = { handle: 'Kay', name: 'Kay' }
      let replays = 0
      const context = { idempotencyKey: 'kay-1', onReplay: () => void replays++ }
      const first = await social.createUser(input, context)
      expect(await social.createUser(input, context)).toEqual(first)
      expect(replays).toBe(1)
      await expect(social.createUser({ ...input, name: 'Other' }, context)).rejects.toMatchObject({
        code: 'idempotency_key_reused',
      })
      await expect(social.createUser({ handle: 'KAY', name: 'x' })).rejects.toMatchObject({
        code: 'already_exists',
        fields: [{ pointer: '/handle', detail: 'is taken' }],
      })
      expect(await social.user(first.user_id)).toEqual(first)
      await expect(social.user('nobody')).rejects.toMatchObject({ code: 'user_not_found' })
    })

    it('brings a post to the author at once and to followers by the queue', async () => {
      await under.people('ada', 'bob', 'cy')
      await social.follow('bob', 'ada')
      const post = await say('ada', 'hello')
      expect(texts(await social.timeline('ada'))).toEqual(['hello'])
      await delivered(post)
      expect((await social.timeline('bob')).items).toEqual([{ ...post, liked: false }])
      expect((await social.timeline('cy')).items).toEqual([])
      expect(await social.post(post.post_id)).toEqual(post)
    })

    it('keeps media as they are, and refuses a post without content', async () => {
      await under.people('photo')
      const content = { media: [{ url: 'https://cdn.example.com/a.jpg', type: 'image' as const, alt: 'a' }] }
      const post = await social.publish({ user_id: 'photo', content })
      expect((await social.post(post.post_id)).content).toEqual(content)
      const refused = { code: 'invalid_input' }
      await expect(social.publish({ user_id: 'photo', content: {} })).rejects.toMatchObject(refused)
      await expect(social.publish({ user_id: 'photo', content: { text: '' } })).rejects.toMatchObject(refused)
      await expect(social.publish({ user_id: 'photo', content: { text: 'x'.repeat(5_001) } })).rejects.toMatchObject(
        refused,
      )
      await expect(social.publish({ user_id: 'nobody', content: { text: 'x' } })).rejects.toMatchObject({
        code: 'user_not_found',
      })
      await expect(
        social.publish({ user_id: 'photo', content: { text: 'pay with 4111 1111 1111 1111' } }),
      ).rejects.toMatchObject({
        code: 'card_number_refused',
      })
    })

    it('publishes once per author and key', async () => {
      await under.people('once')
      const input = { user_id: 'once', content: { text: 'only one' } }
      let replays = 0
      const context = { idempotencyKey: 'p-1', onReplay: () => void replays++ }
      const posts = await Promise.all(Array.from({ length: 8 }, () => social.publish(input, context)))
      expect(new Set(posts.map((post) => post.post_id)).size).toBe(1)
      expect(replays).toBe(7)
      await social.like(posts[0]!.post_id, 'once')
      expect(await social.publish(input, context)).toEqual(posts[0])
      const other = { ...input, content: { text: 'another' } }
      await expect(social.publish(other, context)).rejects.toMatchObject({ code: 'idempotency_key_reused' })
      expect((await social.posts('once')).items).toHaveLength(1)
    })

    it('backfills on follow and hides on unfollow, at the next read', async () => {
      await under.people('early', 'late')
      await say('early', '1')
      await say('early', '2')
      await social.follow('late', 'early')
      await social.follow('late', 'early')
      expect(texts(await social.timeline('late'))).toEqual(['2', '1'])
      await social.unfollow('late', 'early')
      await social.unfollow('late', 'early')
      expect(texts(await social.timeline('late'))).toEqual([])
      await say('early', '3')
      await social.follow('late', 'early')
      expect(texts(await social.timeline('late'))).toEqual(['3', '2', '1'])
    })

    it('refuses to follow oneself, strangers to the system, and across a block', async () => {
      await under.people('r1', 'r2')
      await expect(social.follow('r1', 'r1')).rejects.toMatchObject({ code: 'self_reference' })
      await expect(social.follow('r1', 'nobody')).rejects.toMatchObject({ code: 'user_not_found' })
      await expect(social.follow('r1', 'no body')).rejects.toMatchObject({ code: 'invalid_input' })
      await social.block('r2', 'r1')
      await expect(social.follow('r1', 'r2')).rejects.toMatchObject({ code: 'interaction_blocked' })
      await expect(social.follow('r2', 'r1')).rejects.toMatchObject({ code: 'interaction_blocked' })
    })

    it('fills every page though many posts are hidden, and shows each post once', async () => {
      await under.people('reader', 'kept', 'muted', 'blocked', 'left')
      for (const author of ['kept', 'muted', 'blocked', 'left']) await social.follow('reader', author)
      const posts: Post[] = []
      for (let n = 0; n < 12; n++) {
        for (const author of ['muted', 'kept', 'blocked', 'left']) posts.push(await say(author, `${author} ${n}`))
      }
      for (const post of posts) await delivered(post)
      await social.mute('reader', 'muted')
      await social.block('blocked', 'reader')
      await social.unfollow('reader', 'left')
      await social.deletePost(posts[5]!.post_id)
      const seen: (string | undefined)[] = []
      for (let cursor: string | undefined; ; ) {
        const page = await social.timeline('reader', { limit: 3, cursor })
        seen.push(...texts(page))
        if (page.next_cursor === undefined) break
        expect(page.items).toHaveLength(3)
        cursor = page.next_cursor
        // What is published during the walk does not disturb it.
        await say('reader', 'in between')
      }
      expect(seen).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 0].map((n) => `kept ${n}`))
      await social.unmute('reader', 'muted')
      expect(
        (await social.timeline('reader', { limit: 100 })).items.filter((post) => post.user_id === 'muted'),
      ).toHaveLength(12)
    })

    it('refuses a cursor of another list', async () => {
      await under.people('cur1', 'cur2')
      await say('cur1', 'a')
      await say('cur1', 'b')
      const { next_cursor } = await social.timeline('cur1', { limit: 1 })
      await expect(social.timeline('cur2', { cursor: next_cursor })).rejects.toMatchObject({ code: 'invalid_cursor' })
      await expect(social.posts('cur1', { cursor: next_cursor })).rejects.toMatchObject({ code: 'invalid_cursor' })
      await expect(social.timeline('cur1', { limit: 0 })).rejects.toMatchObject({ code: 'invalid_input' })
    })

    it('hides posts for followers from strangers, and everything from the blocked', async () => {
      await under.people('private', 'friend', 'stranger', 'enemy')
      await social.follow('friend', 'private')
      await social.block('private', 'enemy')
      const open = await say('private', 'open')
      const closed = await say('private', 'closed', 'followers')
      const profile = async (viewer?: string) => texts(await social.posts('private', { viewer }))
      expect(await profile()).toEqual(['closed', 'open'])
      expect(await profile('friend')).toEqual(['closed', 'open'])
      expect(await profile('private')).toEqual(['closed', 'open'])
      expect(await profile('stranger')).toEqual(['open'])
      expect(await profile('enemy')).toEqual([])
      const notFound = { code: 'post_not_found' }
      await expect(social.post(closed.post_id, { viewer: 'stranger' })).rejects.toMatchObject(notFound)
      await expect(social.post(open.post_id, { viewer: 'enemy' })).rejects.toMatchObject(notFound)
      await expect(social.like(closed.post_id, 'stranger')).rejects.toMatchObject(notFound)
      await expect(social.comments(closed.post_id, { viewer: 'stranger' })).rejects.toMatchObject(notFound)
      await social.like(closed.post_id, 'friend')
      expect((await social.post(closed.post_id, { viewer: 'friend' })).like_count).toBe(1)
    })

    it('counts likes and comments exactly, and refuses them across a block', async () => {
      await under.people('star', 'fan1', 'fan2', 'foe')
      const post = await say('star', 'like me')
      await Promise.all(['fan1', 'fan2', 'fan1', 'star'].map((id) => social.like(post.post_id, id)))
      await social.unlike(post.post_id, 'star')
      await social.unlike(post.post_id, 'star')
      const comment = await social.comment(post.post_id, { user_id: 'fan1', text: 'first' }, { idempotencyKey: 'c' })
      expect(await social.comment(post.post_id, { user_id: 'fan1', text: 'first' }, { idempotencyKey: 'c' })).toEqual(
        comment,
      )
      const second = await social.comment(post.post_id, { user_id: 'fan2', text: 'second' })
      expect(await social.comments(post.post_id, { limit: 1 })).toMatchObject({ items: [comment] })
      await social.deleteComment(second.comment_id)
      await expect(social.deleteComment(second.comment_id)).rejects.toMatchObject({ code: 'comment_not_found' })
      expect(await social.post(post.post_id)).toMatchObject({ like_count: 2, comment_count: 1 })
      await social.block('foe', 'star')
      await expect(social.like(post.post_id, 'foe')).rejects.toMatchObject({ code: 'interaction_blocked' })
      await expect(social.comment(post.post_id, { user_id: 'foe', text: 'x' })).rejects.toMatchObject({
        code: 'interaction_blocked',
      })
      await expect(social.like('1', 'fan1')).rejects.toMatchObject({ code: 'post_not_found' })
      await expect(social.like('not-an-id', 'fan1')).rejects.toMatchObject({ code: 'post_not_found' })
      await expect(social.like(post.post_id, 'nobody')).rejects.toMatchObject({ code: 'user_not_found' })
    })

    it('lets the last of several wishes of one person count', async () => {
      await under.people('fickle')
      const post = await say('fickle', 'to like or not')
      await Promise.all([
        social.like(post.post_id, 'fickle'),
        social.like(post.post_id, 'fickle'),
        social.like(post.post_id, 'fickle'),
      ])
      await social.unlike(post.post_id, 'fickle')
      expect((await social.post(post.post_id)).like_count).toBe(0)
    })

    it('deletes a post for everybody at once, once', async () => {
      await under.people('del', 'seer')
      await social.follow('seer', 'del')
      const post = await say('del', 'oops')
      await delivered(post)
      await social.like(post.post_id, 'seer')
      await social.deletePost(post.post_id)
      await social.deletePost(post.post_id)
      expect(texts(await social.timeline('seer'))).toEqual([])
      expect(texts(await social.posts('del'))).toEqual([])
      await expect(social.post(post.post_id)).rejects.toMatchObject({ code: 'post_not_found' })
      await expect(social.deletePost('12345')).rejects.toMatchObject({ code: 'post_not_found' })
    })

    it('lists follows and followers by id, in pages', async () => {
      await under.people('hub', 'h3', 'h1', 'h2')
      for (const id of ['h3', 'h1', 'h2']) {
        await social.follow('hub', id)
        await social.follow(id, 'hub')
      }
      const first = await social.followers('hub', { limit: 2 })
      expect(first.items.map((item) => item.user_id)).toEqual(['h1', 'h2'])
      expect(first.items[0]).toMatchObject({ handle: 'h1', name: 'h1' })
      const rest = await social.followers('hub', { limit: 2, cursor: first.next_cursor })
      expect(rest.items.map((item) => item.user_id)).toEqual(['h3'])
      expect(rest.next_cursor).toBeUndefined()
      expect((await social.follows('hub')).items).toHaveLength(3)
    })

    it('erases a user so that no table but the list of taken ids names him', async () => {
      await under.people('gone-1', 'stays')
      await social.follow('gone-1', 'stays')
      await social.follow('stays', 'gone-1')
      await social.block('gone-1', 'stays')
      await social.unblock('gone-1', 'stays')
      await social.mute('stays', 'gone-1')
      const mine = await say('stays', 'mine')
      const his = await social.publish({ user_id: 'gone-1', content: { text: 'his' } }, { idempotencyKey: 'his' })
      await delivered(his)
      await social.like(mine.post_id, 'gone-1')
      await social.like(his.post_id, 'stays')
      await social.comment(mine.post_id, { user_id: 'gone-1', text: 'c' })
      await social.comment(his.post_id, { user_id: 'stays', text: 'c' })
      await social.eraseUser('gone-1')
      expect(await social.post(mine.post_id)).toMatchObject({ like_count: 0, comment_count: 0 })
      await expect(social.user('gone-1')).rejects.toMatchObject({ code: 'user_not_found' })
      await expect(social.post(his.post_id)).rejects.toMatchObject({ code: 'post_not_found' })
      expect(texts(await social.timeline('stays'))).toEqual(['mine'])
      expect(await namedIn(under, 'gone-1')).toEqual(['users'])
      await under.deps.users.remove('gone-1')
      expect(await namedIn(under, 'gone-1')).toEqual([])
    })

    it('finds nothing wrong with any timeline or count', async () => {
      await until('the queue is empty', async () =>
        (await under.deps.queue.depths()).every((topic) => topic.depth === 0),
      )
      const report = await social.verify()
      expect(report.findings).toEqual([])
      expect(report).toMatchObject({ ok: true, missing: 0, extra: 0, duplicate: 0, pending: 0, wrong_counts: 0 })
      expect(report.timelines).toBeGreaterThan(20)
      expect(report.entries).toBeGreaterThan(50)
    })
  })
}

/** The tables that hold a text anywhere. */
async function namedIn(under: SocialUnderTest, text: string): Promise<string[]> {
  const { sql } = under.database
  const tables = await sql.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  )
  const naming: string[] = []
  for (const { name } of tables) {
    const rows = await sql.query(`select 1 from ${name} as t where t::text like $1 limit 1`, [`%${text}%`])
    if (rows.length > 0) naming.push(name)
  }
  return naming
}
