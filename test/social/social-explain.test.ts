import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { type ByHand, timelinePlaces } from '../setup/by-hand.ts'

/** So that old posts are soon below what a timeline holds. */
const WINDOW = 4

for (const place of timelinePlaces()) {
  describe(`why a post is or is not in a timeline, timelines on ${place.name}`, () => {
    let hand: ByHand
    let tests = 0
    beforeAll(async () => {
      hand = await place.open({ window: WINDOW, pullFollowers: 3 })
    })
    afterAll(() => hand.close())

    async function people(): Promise<{ reader: string; author: string }> {
      tests += 1
      const [reader, author] = [`reader-${tests}`, `author-${tests}`] as const
      await hand.under.readers(reader, author)
      await hand.social.follow(reader, author)
      return { reader, author }
    }
    async function said(author: string, visibility: 'public' | 'followers' = 'public'): Promise<string> {
      const id = await hand.say(author, 'x', visibility)
      await hand.work()
      return id
    }
    /** What is told must be what a walk shows. */
    async function expectTold(reader: string, id: string, told: { shown: boolean; due: boolean }, reason: RegExp) {
      const { shown, due, steps } = await hand.social.explainTimeline(reader, id)
      expect({ shown, due }, JSON.stringify(steps, null, 1)).toEqual(told)
      expect(steps.map((step) => `${step.check}: ${step.detail}`).join('\n')).toMatch(reason)
      expect((await hand.walk(reader)).includes(id)).toBe(shown)
    }
    const YES = { shown: true, due: true }
    const NO = { shown: false, due: false }

    it('an entry, one’s own, and one of somebody who is not followed', async () => {
      const { reader, author } = await people()
      const stranger = (await people()).author
      await expectTold(reader, await said(author), YES, /timeline: it is an entry of the timeline/)
      await expectTold(reader, await said(reader), YES, /relation: it is the user’s own/)
      await expectTold(reader, await said(stranger), NO, /relation: the user does not follow author/)
    })

    it('muted, blocked, deleted, never there', async () => {
      const { reader, author } = await people()
      const id = await said(author)
      await hand.social.mute(reader, author)
      await expectTold(reader, id, NO, /relation: the user has muted/)
      await hand.social.unmute(reader, author)
      await hand.social.block(author, reader)
      await expectTold(reader, id, NO, /relation: the user and author-\d+ block one another/)
      await hand.social.unblock(author, reader)
      await expectTold(reader, id, YES, /follows/)
      await hand.social.deletePost(id)
      await expectTold(reader, id, NO, /post: it does not exist/)
      await expectTold(reader, '12345', NO, /post: it does not exist/)
      await expect(hand.social.explainTimeline('nobody', id)).rejects.toMatchObject({ code: 'user_not_found' })
    })

    it('on its way', async () => {
      const { reader, author } = await people()
      const id = await hand.say(author)
      await expectTold(
        reader,
        id,
        { shown: false, due: true },
        /fan-out: push: under way[\s\S]*no entry of the timeline/,
      )
      await hand.work()
      await expectTold(reader, id, YES, /fan-out: push: done at/)
    })

    it('older than the timeline reaches, and read from the posts because there is no timeline', async () => {
      const { reader, author } = await people()
      const id = await said(author)
      for (let n = 0; n < 2 * WINDOW; n++) await said(author)
      await expectTold(reader, id, YES, /timeline: it is older than the timeline reaches/)
      await hand.under.deps.timelines.drop([reader])
      await expectTold(reader, id, YES, /timeline: not ready/)
    })

    it('pulled', async () => {
      const { reader, author } = await people()
      const others = [1, 2, 3].map((n) => `other-${tests}-${n}`)
      await hand.under.readers(...others)
      for (const other of others) await hand.social.follow(other, author)
      await hand.clock.advance(61_000)
      const id = await said(author)
      await hand.clock.advance(LIMITS.outboxFreshMs)
      await expectTold(reader, id, YES, /fan-out: pull[\s\S]*it comes from its author’s outbox/)
    })

    it('of somebody unfollowed with the past kept: before, after, and for followers', async () => {
      const { reader, author } = await people()
      const [open, closed] = [await said(author), await said(author, 'followers')]
      await hand.clock.advance(1)
      await hand.social.unfollow(reader, author, { keep_history: true })
      const later = await said(author)
      await expectTold(reader, open, YES, /kept what was published until then/)
      await expectTold(reader, closed, NO, /for followers, which the user is no more/)
      await expectTold(reader, later, NO, /before it/)
    })

    it('kept and still on its way when its author was unfollowed: it comes all the same', async () => {
      const { reader, author } = await people()
      const id = await hand.say(author)
      await hand.clock.advance(1)
      await hand.social.unfollow(reader, author, { keep_history: true })
      await expectTold(reader, id, { shown: false, due: true }, /under way/)
      await hand.work()
      await expectTold(reader, id, YES, /it is an entry of the timeline/)
    })

    it('a repost of what is gone, of what may not be seen, and a quote of it', async () => {
      const { reader, author } = await people()
      const { author: passedOn, reader: quoter } = await people()
      await hand.social.follow(reader, quoter)
      const root = await said(passedOn)
      const repost = (await hand.social.publish({ user_id: author, repost_of: root })).post_id
      await hand.clock.advance(1)
      const quote = (await hand.social.publish({ user_id: quoter, content: { text: 'see' }, repost_of: root })).post_id
      await hand.work()
      await expectTold(reader, repost, YES, /reposted: post \d+ of author-\d+ may be shown/)
      await hand.social.block(reader, passedOn)
      await expectTold(reader, repost, NO, /reposted: post \d+ of author-\d+ may not be shown/)
      await hand.social.unblock(reader, passedOn)
      await hand.social.deletePost(root)
      await expectTold(reader, repost, NO, /reposted: post \d+ is gone/)
      await expectTold(reader, quote, YES, /reposted: post \d+ is gone/)
    })
  })
}
