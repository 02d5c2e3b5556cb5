import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { createOutboxes } from '../../src/social/timelines/outboxes.ts'
import { createGate } from '../../src/testing/gate.ts'
import { type ByHand, timelinePlaces } from '../setup/by-hand.ts'

const THRESHOLD = 3
/** Long enough for an author's followers to be counted anew. */
const MINUTE_MS = 61_000

for (const place of timelinePlaces()) {
  describe(`push and pull side by side, timelines on ${place.name}`, () => {
    let hand: ByHand
    let tests = 0
    beforeAll(async () => {
      hand = await place.open({ pullFollowers: THRESHOLD })
    })
    afterAll(() => hand.close())

    /** People of this test alone; all read. */
    async function readers(count: number): Promise<string[]> {
      tests += 1
      const ids = Array.from({ length: count }, (_, n) => `t${tests}-${n}`)
      await hand.under.readers(...ids)
      return ids
    }
    const modes = async (ids: readonly string[]) => {
      const found = await hand.under.deps.posts.find(ids.map(BigInt))
      return ids.map((id) => found.find((post) => `${post.postId}` === id)?.mode)
    }
    const newestFirst = (ids: readonly string[]) => ids.toReversed()

    it('an outbox that was read before a newer post was known is not kept', async () => {
      const [author] = (await readers(1)) as [string]
      const { follows, ids, posts } = hand.under.deps
      const at = new Date(hand.clock.now())
      async function pulled(): Promise<bigint> {
        const postId = ids.next(1)
        const post = { postId, userId: author, content: { text: 'x' }, visibility: 'public', mode: 'pull' } as const
        await posts.insert([{ ...post, timestamp: at, sweepAt: at }])
        return postId
      }
      const first = await pulled()
      const read = createGate()
      const answered = createGate()
      let calls = 0
      const slow: typeof posts = {
        ...posts,
        async outboxes(...args) {
          calls += 1
          const isFirst = calls === 1
          const found = await posts.outboxes(...args)
          read.open()
          if (isFirst) await answered.opened
          return found
        },
      }
      const outboxes = createOutboxes({ follows, posts: slow }, hand.clock)
      const all = async () => (await outboxes.between([author], undefined, 0n, 10)).postIds
      const early = all()
      await read.opened
      const second = await pulled()
      expect((await outboxes.newest([author])).get(author)).toBe(second)
      answered.open()
      expect(await early).toEqual([first])
      expect(await all()).toEqual([second, first])
    })

    it('an author who crosses the threshold up and down is shown whole and once, to everybody, all the time', async () => {
      const [author, ...rest] = (await readers(6)) as [string, ...string[]]
      const followers = rest.slice(0, 2)
      const posts: string[] = []
      for (const id of followers) await hand.social.follow(id, author)
      async function expectAllShown() {
        for (const id of [author, ...followers]) expect(await hand.walk(id, 2)).toEqual(newestFirst(posts))
      }
      async function post(mode: string) {
        posts.push(await hand.say(author))
        expect(await modes(posts.slice(-1))).toEqual([mode])
        // Pulled posts need no worker.
        if (mode === 'push') await hand.work()
        else await hand.clock.advance(LIMITS.outboxFreshMs)
        await expectAllShown()
        await hand.work()
        await expectAllShown()
      }
      await post('push')
      for (const id of rest.slice(2)) {
        await hand.social.follow(id, author)
        followers.push(id)
      }
      await hand.clock.advance(MINUTE_MS)
      await post('pull')
      await post('pull')
      // Those who do not read any more do not count.
      await hand.under.deps.timelines.drop(rest.slice(2))
      await hand.clock.advance(MINUTE_MS)
      posts.push(await hand.say(author))
      expect(await modes(posts.slice(-1))).toEqual(['push'])
      await hand.work()
      await expectAllShown()
      for (const id of rest.slice(2)) await hand.social.rebuildTimelines({ userId: id })
      await hand.clock.advance(MINUTE_MS)
      await post('pull')
      for (const id of rest.slice(2)) await hand.social.unfollow(id, author)
      followers.splice(2)
      await hand.clock.advance(MINUTE_MS)
      await post('push')
      expect(await modes(posts)).toEqual(['push', 'pull', 'pull', 'push', 'pull', 'push'])
      for (const id of rest.slice(2)) expect(await hand.walk(id)).toEqual([])
      expect(await hand.social.verify({ userIds: [author, ...rest] })).toMatchObject({ ok: true, pending: 0 })
    })

    it('a burst of a small author is pulled, and shown in order with what was pushed before', async () => {
      const [author, ...followers] = (await readers(3)) as [string, ...string[]]
      for (const id of followers) await hand.social.follow(id, author)
      await hand.clock.advance(MINUTE_MS)
      const posts: string[] = []
      for (let n = 0; n < 20; n++) posts.push(await hand.say(author))
      await hand.work()
      const used = await modes(posts)
      // Two followers, fifteen times: that is ten times the threshold.
      expect(used.slice(0, 15)).toEqual(Array(15).fill('push'))
      expect(used.slice(15)).toEqual(Array(5).fill('pull'))
      await hand.clock.advance(LIMITS.outboxFreshMs)
      for (const id of [author, ...followers]) expect(await hand.walk(id, 7)).toEqual(newestFirst(posts))
      await hand.clock.advance(MINUTE_MS)
      expect(await modes([await hand.say(author)])).toEqual(['push'])
      await hand.work()
    })

    it('pull posts obey deletes, mutes, blocks, visibility and a past that is kept', async () => {
      const [author, one, muting, kept, blocking] = (await readers(6)) as [string, string, string, string, string]
      for (const id of [one, muting, kept, blocking]) await hand.social.follow(id, author)
      await hand.clock.advance(MINUTE_MS)
      const open = await hand.say(author)
      const closed = await hand.say(author, 'x', 'followers')
      const gone = await hand.say(author)
      expect(await modes([open, closed, gone])).toEqual(['pull', 'pull', 'pull'])
      await hand.clock.advance(LIMITS.outboxFreshMs)
      await hand.social.deletePost(gone)
      await hand.social.mute(muting, author)
      await hand.social.unfollow(kept, author, { keep_history: true })
      await hand.social.block(blocking, author)
      const after = await hand.say(author)
      await hand.clock.advance(LIMITS.outboxFreshMs)
      expect(await hand.walk(one)).toEqual([after, closed, open])
      expect(await hand.walk(author)).toEqual([after, closed, open])
      expect(await hand.walk(muting)).toEqual([])
      expect(await hand.walk(kept)).toEqual([open])
      expect(await hand.walk(blocking)).toEqual([])
      await hand.social.unmute(muting, author)
      expect(await hand.walk(muting)).toEqual([after, closed, open])
      await hand.work()
      expect(await hand.social.verify({ userIds: [author, one, muting, kept, blocking] })).toMatchObject({ ok: true })
    })

    it('a pull author’s posts beyond what is kept in memory are walked without hole or repeat', async () => {
      const [author, other, one, ...rest] = (await readers(6)) as [string, string, string, ...string[]]
      for (const id of [one, ...rest, other]) await hand.social.follow(id, author)
      await hand.social.follow(one, other)
      await hand.clock.advance(MINUTE_MS)
      const posts: string[] = []
      for (let n = 0; n < LIMITS.outboxCachedPosts + 44; n++) posts.push(await hand.say(n % 50 === 7 ? other : author))
      await hand.work()
      await hand.clock.advance(LIMITS.outboxFreshMs)
      expect(await hand.walk(one, 7)).toEqual(newestFirst(posts))
      expect(await hand.walk(one, 100)).toEqual(newestFirst(posts))
      expect(new Set(await modes(posts))).toEqual(new Set(['push', 'pull']))
    })
  })
}

describe('more pull authors than one question names', () => {
  it('are found among those whom a reader follows', { timeout: 120_000 }, async () => {
    const hand = await timelinePlaces()[0]!.open()
    try {
      const { deps } = hand.under
      await hand.under.readers('reader')
      const authors = Array.from({ length: 1_010 }, (_, n) => `giant-${n}`)
      const followed = [authors[3]!, authors[700]!, authors[1_009]!]
      const edges = followed.map((followeeId) => ({ followerId: 'reader', followeeId }))
      await hand.social.importFollows(authors.map((author) => `somebody ${author}`))
      await deps.follows.backfilled(await deps.follows.followMany(edges, new Date()), new Date())
      const posts = authors.map((userId) => ({
        ...({ postId: deps.ids.next(1), userId, content: { text: 'x' }, visibility: 'public', mode: 'pull' } as const),
        ...{ timestamp: new Date(hand.clock.now()), sweepAt: new Date(hand.clock.now()) },
      }))
      for (let from = 0; from < posts.length; from += 200) await deps.posts.insert(posts.slice(from, from + 200))
      const due = posts.filter((post) => followed.includes(post.userId)).map((post) => `${post.postId}`)
      expect(due).toHaveLength(3)
      expect(await hand.walk('reader', 2)).toEqual(due.reverse())
    } finally {
      await hand.close()
    }
  })
})
