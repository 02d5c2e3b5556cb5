import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { Notifications } from '../../src/social/notifications.ts'
import { createSocial, type Social } from '../../src/social/social.ts'
import { createHandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

for (const engine of sqlEngines()) {
  describe(`notifications on ${engine.name}`, () => {
    const clock = fakeClock()
    let under: SocialUnderTest
    let social: Social
    beforeAll(async () => {
      under = await openSocial(engine, { clock, queue: createHandQueue() })
      // Ids are made of the same time as everything else.
      social = createSocial({ ...under.deps, ids: createIdMaker({ node: 2, clock }) })
    })
    afterAll(async () => {
      await social.close()
      await under.close()
    })

    const say = async (userId: string, text: string, more: { visibility?: 'followers'; repost_of?: string } = {}) => {
      await clock.advance(MINUTE_MS)
      return (await social.publish({ user_id: userId, content: { text }, ...more })).post_id
    }
    const later = async (work: () => Promise<unknown>, ms = MINUTE_MS) => {
      await clock.advance(ms)
      await work()
    }
    const brief = (page: Notifications) =>
      page.items.map(({ kind, post_id, count, actors }) => [kind, post_id, count, actors.join(' ')])
    const list = async (userId: string) => brief(await social.notifications(userId))

    it('tells of follows, likes, comments, mentions and reposts, newest first, by post and day', async () => {
      await under.people('ann', 'bob', 'cyd', 'dan', 'eve')
      const post = await say('ann', 'hello')
      await later(() => social.follow('bob', 'ann'))
      for (const fan of ['bob', 'cyd', 'dan', 'eve', 'ann']) await later(() => social.like(post, fan))
      await later(() => social.comment(post, { user_id: 'bob', text: 'one' }))
      await later(() => social.comment(post, { user_id: 'ann', text: 'mine' }))
      await later(() => social.comment(post, { user_id: 'bob', text: 'two' }))
      const mention = await say('cyd', 'thanks @ann and @nobody_here')
      await clock.advance(MINUTE_MS)
      await social.publish({ user_id: 'dan', repost_of: post })
      await say('eve', 'so true', { repost_of: post })
      expect(await list('ann')).toEqual([
        ['repost', post, 2, 'eve dan'],
        ['mention', mention, 1, 'cyd'],
        ['comment', post, 2, 'bob'],
        ['like', post, 4, 'eve dan cyd'],
        ['follow', undefined, 1, 'bob'],
      ])
      expect(await list('bob')).toEqual([])
      await later(() => social.like(post, 'bob'), DAY_MS)
      expect((await list('ann'))[0]).toEqual(['repost', post, 2, 'eve dan'])
      await social.unlike(post, 'cyd')
      await later(() => social.like(post, 'cyd'))
      expect((await list('ann')).filter(([kind]) => kind === 'like')).toEqual([
        ['like', post, 1, 'cyd'],
        ['like', post, 3, 'eve dan bob'],
      ])
      await later(() => social.follow('cyd', 'ann'))
      expect((await list('ann'))[0]).toEqual(['follow', undefined, 1, 'cyd'])
      await social.unfollow('cyd', 'ann')
      expect((await list('ann'))[0]).toEqual(['like', post, 1, 'cyd'])
    })

    it('follows edits: a mention that is added or taken out comes and goes', async () => {
      await under.people('ed-author', 'ed-one', 'ed-two')
      const post = await say('ed-author', 'with @ed_one')
      expect(await list('ed-one')).toEqual([['mention', post, 1, 'ed-author']])
      await social.editPost(post, { content: { text: 'with @ed_two and @ed_author' } })
      expect(await list('ed-one')).toEqual([])
      expect(await list('ed-two')).toEqual([['mention', post, 1, 'ed-author']])
      expect(await list('ed-author')).toEqual([])
      await social.deletePost(post)
      expect(await list('ed-two')).toEqual([])
    })

    it('tells nobody of a mention in a post that he may not read', async () => {
      await under.people('pv-author', 'pv-friend', 'pv-stranger')
      await social.follow('pv-friend', 'pv-author')
      const post = await say('pv-author', 'for @pv_friend not @pv_stranger', { visibility: 'followers' })
      expect(await list('pv-friend')).toEqual([['mention', post, 1, 'pv-author']])
      expect(await list('pv-stranger')).toEqual([])
    })

    it('names nobody muted or blocked either way, and leaves out what only they did', async () => {
      await under.people('me', 'muted', 'blocked', 'blocker', 'nice')
      const [a, b] = [await say('me', 'a'), await say('me', 'b')]
      for (const fan of ['nice', 'muted', 'blocked', 'blocker']) {
        await later(() => social.like(a, fan))
        await later(() => social.follow(fan, 'me'))
      }
      for (const fan of ['muted', 'blocked', 'blocker']) {
        await later(() => social.like(b, fan))
        await say(fan, 'hey @me')
      }
      expect(await list('me')).toHaveLength(6)
      await social.mute('me', 'muted')
      await social.block('me', 'blocked')
      await social.block('blocker', 'me')
      expect(await list('me')).toEqual([
        ['follow', undefined, 4, 'nice'],
        ['like', a, 4, 'nice'],
      ])
      expect(await social.notifications('me')).toMatchObject({ unread_count: 2 })
      await social.unmute('me', 'muted')
      expect((await list('me')).map(([kind, , , actors]) => [kind, actors])).toEqual([
        ['like', 'muted'],
        ['mention', 'muted'],
        ['follow', 'muted nice'],
        ['like', 'muted nice'],
      ])
    })

    it('looks past many hidden people for some to name', async () => {
      const crowd = Array.from({ length: 130 }, (_, n) => `crowd${n}`)
      await under.people('famous', 'early', ...crowd)
      const post = await say('famous', 'look')
      await social.like(post, 'early')
      await clock.advance(MINUTE_MS)
      await Promise.all(crowd.map((fan) => social.like(post, fan)))
      for (const fan of crowd) await under.deps.follows.mute('famous', fan, new Date(clock.now()))
      expect(await list('famous')).toEqual([['like', post, 131, 'early']])
    })

    it('fills every page though some are hidden, shows each once, and ends where it ends', async () => {
      await under.people('paged', 'pest', 'fan')
      const posts: string[] = []
      for (let n = 0; n < 14; n++) {
        const post = await say('paged', `${n}`)
        posts.push(post)
        await later(() => social.like(post, n % 2 === 0 ? 'pest' : 'fan'))
        if (n % 3 === 0) await later(() => social.comment(post, { user_id: 'fan', text: 'c' }))
        if (n % 5 === 0) await later(() => social.follow(n === 0 ? 'pest' : 'fan', 'paged'))
        await clock.advance(DAY_MS / 3)
      }
      await social.mute('paged', 'pest')
      const all = brief(await social.notifications('paged', { limit: 100 }))
      // Seven liked, five commented, and the fan followed on one day; the pest's follow was on another.
      expect(all).toHaveLength(7 + 5 + 1)
      const seen: unknown[] = []
      for (let cursor: string | undefined; ; ) {
        const page = await social.notifications('paged', { limit: 2, cursor })
        seen.push(...brief(page))
        expect(page.unread_count).toBe(all.length)
        if (page.next_cursor === undefined) break
        expect(page.items).toHaveLength(2)
        cursor = page.next_cursor
      }
      expect(seen).toEqual(all)
    })

    it('remembers what was seen, never falls back, and counts the unread up to the limit', async () => {
      await under.people('seer', 'doer')
      const first = await say('seer', 'first')
      await later(() => social.like(first, 'doer'))
      const second = await say('seer', 'second')
      await later(() => social.like(second, 'doer'))
      const page = await social.notifications('seer')
      expect(page).toMatchObject({ unread_count: 2, items: [{ unread: true }, { unread: true }] })
      await social.seeNotifications('seer', { up_to: page.items[1]!.latest_at })
      expect(await social.notifications('seer')).toMatchObject({
        unread_count: 1,
        items: [
          { post_id: second, unread: true },
          { post_id: first, unread: false },
        ],
      })
      await social.seeNotifications('seer', { up_to: page.items[0]!.latest_at })
      await social.seeNotifications('seer', { up_to: page.items[1]!.latest_at })
      expect(await social.notifications('seer', { limit: 1 })).toMatchObject({ unread_count: 0 })
      await social.seeNotifications('seer', { up_to: '2999-01-01T00:00:00Z' })
      await later(() => social.comment(first, { user_id: 'doer', text: 'new' }))
      expect(await social.notifications('seer', { limit: 1 })).toMatchObject({
        unread_count: 1,
        items: [{ kind: 'comment', unread: true }],
      })
      for (let n = 0; n <= LIMITS.unreadCountMax; n++) await social.like(await say('seer', `${n}`), 'doer')
      expect((await social.notifications('seer', { limit: 1 })).unread_count).toBe(LIMITS.unreadCountMax)
    })

    it('refuses strangers to the system, moments that are none, and cursors of another list', async () => {
      await under.people('odd1', 'odd2')
      const userNotFound = { code: 'user_not_found' }
      await expect(social.notifications('no-such')).rejects.toMatchObject(userNotFound)
      await expect(social.seeNotifications('no-such', { up_to: '2026-01-01T00:00:00Z' })).rejects.toMatchObject(
        userNotFound,
      )
      await expect(social.notifications('no such')).rejects.toMatchObject({ code: 'invalid_input' })
      for (const up_to of ['yesterday', '2026-01-01', '']) {
        await expect(social.seeNotifications('odd1', { up_to })).rejects.toMatchObject({
          code: 'invalid_input',
          fields: [{ pointer: '/up_to' }],
        })
      }
      for (let n = 0; n < 2; n++) await social.like(await say('odd1', `${n}`), 'odd2')
      const { next_cursor } = await social.notifications('odd1', { limit: 1 })
      expect(next_cursor).toBeDefined()
      await expect(social.notifications('odd2', { cursor: next_cursor })).rejects.toMatchObject({
        code: 'invalid_cursor',
      })
    })

    it('forgets an erased user, who did it and whom it was done to', async () => {
      await under.people('er-author', 'er-gone', 'er-stays')
      const post = await say('er-author', 'x')
      await Promise.all(['er-gone', 'er-stays'].map((fan) => social.like(post, fan)))
      await social.comment(post, { user_id: 'er-gone', text: 'c' })
      await social.follow('er-gone', 'er-author')
      await say('er-gone', 'hi @er_author')
      await social.eraseUser('er-gone')
      expect(await list('er-author')).toEqual([['like', post, 1, 'er-stays']])
      await expect(social.notifications('er-gone')).rejects.toMatchObject({ code: 'user_not_found' })
    })
  })
}
