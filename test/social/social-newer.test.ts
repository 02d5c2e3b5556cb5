import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createIdMaker } from '../../src/core/ids.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { createSocial, type Social } from '../../src/social/social.ts'
import { type ByHand, timelinePlaces } from '../setup/by-hand.ts'

const SIZES = { pullFollowers: 3 }
const LAG_MS = 3_000

for (const place of timelinePlaces()) {
  describe(`what is newer in a timeline, timelines on ${place.name}`, () => {
    let hand: ByHand
    /** A process whose clock lags. */
    let lagging: Social
    let tests = 0
    let reader: string
    let author: string
    beforeAll(async () => {
      hand = await place.open(SIZES)
      const clock = { ...hand.clock, now: () => hand.clock.now() - LAG_MS }
      lagging = createSocial({ ...hand.under.deps, ids: createIdMaker({ node: 2, clock }) }, SIZES)
    })
    beforeEach(async () => {
      tests += 1
      reader = `reader-${tests}`
      author = `author-${tests}`
      await hand.under.readers(reader, author)
      await hand.social.follow(reader, author)
    })
    afterAll(async () => {
      await lagging.close()
      await hand.close()
    })

    async function said(by = author): Promise<string> {
      const id = await hand.say(by)
      await hand.work()
      return id
    }
    async function token(): Promise<string> {
      return (await hand.social.timeline(reader)).newer_token!
    }
    const since = (newer: string, limit = 20) => hand.social.timeline(reader, { newer, limit })
    const idsOf = (page: Awaited<ReturnType<Social['timeline']>>) => page.items.map((post) => post.post_id)

    /** Makes an author whose posts are pulled, followed by the reader. */
    async function pullAuthor(): Promise<string> {
      const others = [1, 2, 3].map((n) => `other-${tests}-${n}`)
      await hand.under.readers(...others)
      for (const id of others) await hand.social.follow(id, author)
      await hand.clock.advance(61_000)
      return author
    }

    it('is nothing when nothing came, as often as it is asked', async () => {
      await said()
      let newer = await token()
      for (let n = 0; n < 3; n++) {
        const page = await since(newer)
        expect(page).toMatchObject({ items: [] })
        expect([page.gap, page.reset, page.next_cursor]).toEqual([undefined, undefined, undefined])
        newer = page.newer_token!
      }
      const id = await said()
      expect(idsOf(await since(newer))).toEqual([id])
    })

    it('is everything that came, the newest first, and once', async () => {
      const newer = await token()
      const posts = [await said(), await said(reader), await said()]
      const page = await since(newer)
      expect(idsOf(page)).toEqual(posts.toReversed())
      expect(idsOf(await since(page.newer_token!))).toEqual([])
      expect(idsOf(await since(newer))).toEqual(posts.toReversed())
    })

    it('has posts that are late: their ids are smaller than what was seen before', async () => {
      const first = await said()
      const newer = await token()
      const late = (await lagging.publish({ user_id: author, content: { text: 'late' } })).post_id
      await hand.work()
      expect(BigInt(late)).toBeLessThan(BigInt(first))
      const page = await since(newer)
      expect(idsOf(page)).toEqual([late])
      expect(idsOf(await since(page.newer_token!))).toEqual([])
      expect(await hand.walk(reader)).toEqual([first, late])
    })

    it('with more than is asked for says that there is a gap, and leads down through it without a hole', async () => {
      const before = [await said(), await said()]
      const newer = await token()
      const came: string[] = []
      for (let n = 0; n < 7; n++) came.push(await said())
      const page = await since(newer, 3)
      expect(page.gap).toBe(true)
      const ids = idsOf(page)
      for (let cursor = page.next_cursor; cursor !== undefined; ) {
        const more = await hand.social.timeline(reader, { cursor, limit: 3 })
        ids.push(...idsOf(more))
        cursor = more.next_cursor
      }
      expect(ids).toEqual([...before, ...came].toReversed())
      expect(idsOf(await since(page.newer_token!))).toEqual([])
    })

    it.each(['rebuilt', 'dropped'])('begins anew when the timeline was %s meanwhile', async (what) => {
      const newer = await token()
      const id = await said()
      if (what === 'rebuilt') await hand.social.rebuildTimelines({ userId: reader })
      else await hand.under.deps.timelines.drop([reader])
      const page = await since(newer)
      expect(page.reset).toBe(true)
      expect(idsOf(page)).toEqual([id])
      const next = await said()
      const after = await since(page.newer_token!)
      expect(idsOf(after)).toEqual([next])
      expect(after.reset).toBeUndefined()
    })

    it('can’t be asked for with the token of somebody else', async () => {
      const theirs = (await hand.social.timeline(author)).newer_token!
      await expect(since(theirs)).rejects.toMatchObject({ code: 'invalid_cursor' })
    })

    it('is told to who first looked when his timeline was not there', async () => {
      const new1 = `new-${tests}`
      await hand.under.people(new1)
      await hand.social.follow(new1, author)
      const first = await said()
      const page = await hand.social.timeline(new1)
      expect(idsOf(page)).toEqual([first])
      let newer = page.newer_token!
      for (let n = 0; n < 4; n++) {
        const id = await said()
        const next = await hand.social.timeline(new1, { newer })
        expect(idsOf(next)).toEqual([id])
        newer = next.newer_token!
      }
    })

    it('has a pull post once', async () => {
      await pullAuthor()
      const newer = await token()
      const id = await said()
      expect((await hand.under.deps.posts.find([BigInt(id)]))[0]?.mode).toBe('pull')
      await hand.clock.advance(LIMITS.outboxFreshMs)
      const page = await since(newer)
      expect(idsOf(page)).toEqual([id])
      await hand.clock.advance(LIMITS.outboxFreshMs)
      const again = await since(page.newer_token!)
      expect(idsOf(again)).toEqual([])
      const next = await said()
      await hand.clock.advance(LIMITS.outboxFreshMs)
      expect(idsOf(await since(again.newer_token!))).toEqual([next])
    })

    it.each(['unfollow', 'mute', 'block'] as const)('has nothing of who is met with %s meanwhile', async (what) => {
      const newer = await token()
      await said()
      await hand.social[what](reader, author)
      const own = await said(reader)
      expect(idsOf(await since(newer))).toEqual([own])
    })

    it('has the earlier posts of who is followed meanwhile', async () => {
      const other = `followed-${tests}`
      await hand.under.readers(other)
      const earlier = [await said(other), await said(other)]
      const seen = await said()
      const newer = await token()
      await hand.social.follow(reader, other)
      const page = await since(newer)
      expect(idsOf(page)).toEqual(earlier.toReversed())
      expect(idsOf(await since(page.newer_token!))).toEqual([])
      expect(await hand.walk(reader)).toEqual([seen, ...earlier.toReversed()])
    })
  })
}
