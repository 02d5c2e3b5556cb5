import { afterEach, describe, expect, it } from 'vitest'
import type { TimelineStore } from '../../src/social/ports.ts'
import { createSocial, type Social } from '../../src/social/social.ts'
import { until } from '../../src/testing/until.ts'
import { timelinePlaces } from '../setup/by-hand.ts'
import { openRedisTimelines, redisServers } from '../setup/redis.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const AUTHORS = ['a1', 'a2', 'a3', 'a4']
const READERS = Array.from({ length: 12 }, (_, n) => `r${n}`)
const SIZES = { chunkFollowers: 3, planChunks: 2, smallLaneFollowers: 6 }
const POSTS_EACH = 40

interface Place {
  readonly name: string
  open(): Promise<SocialUnderTest>
}

/** The last SQL engine is a server when there is one: there things happen side by side. */
const engine = () => sqlEngines().at(-1)!
const places: Place[] = [
  { name: engine().name, open: () => openSocial(engine(), SIZES) },
  ...redisServers().map(({ name, url }) => ({
    name,
    async open() {
      const redis = await openRedisTimelines(url)
      const under = await openSocial(engine(), { ...SIZES, timelines: redis.store })
      const close = async () => {
        await under.close()
        await redis.close()
      }
      return { ...under, close }
    },
  })),
]

async function walk(social: Social, userId: string): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await social.timeline(userId, { limit: 30, cursor })
    ids.push(...page.items.map((post) => post.post_id))
    if (page.next_cursor === undefined) return ids
    cursor = page.next_cursor
  }
}
const descending = (ids: readonly string[]) => ids.toSorted((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1))

for (const place of places) {
  describe(`timelines built while posts arrive, on ${place.name}`, () => {
    const cleanups: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const clean of cleanups.splice(0).reverse()) await clean()
    })

    async function opened(): Promise<SocialUnderTest> {
      const under = await place.open()
      cleanups.push(under.close)
      await under.people(...AUTHORS, ...READERS)
      for (const reader of READERS) for (const author of AUTHORS) await under.social.follow(reader, author)
      return under
    }

    /** Authors post as fast as they can, with workers, until each has said so much, while `work` goes on and on. */
    async function whilePosting(under: SocialUnderTest, work: () => Promise<void>): Promise<string[]> {
      const posts: string[] = []
      const workers = under.social.startWorkers({ concurrency: 4 })
      cleanups.push(() => workers.close())
      let posting = true
      const disturbing = (async () => {
        while (posting) await work()
      })()
      await Promise.all(
        AUTHORS.map(async (author) => {
          for (let n = 0; n < POSTS_EACH; n++) {
            posts.push((await under.social.publish({ user_id: author, content: { text: 'x' } })).post_id)
          }
        }),
      ).finally(() => {
        posting = false
      })
      await disturbing
      await until('all is delivered', async () => (await under.deps.posts.ledger.backlog(1)).posts === 0, 40_000)
      return descending(posts)
    }

    async function expectWhole(under: SocialUnderTest, posts: readonly string[]): Promise<void> {
      for (const reader of READERS) expect(await walk(under.social, reader)).toEqual(posts)
      expect(await under.social.verify()).toMatchObject({ ok: true, pending: 0, findings: [] })
    }

    it('lose and double nothing when readers are forgotten and come back', async () => {
      const under = await opened()
      const { social, deps } = under
      const said: string[] = []
      for (let n = 0; n < 25; n++) {
        said.push((await social.publish({ user_id: AUTHORS[n % 4]!, content: { text: 'x' } })).post_id)
      }
      let returned = 0
      const posts = await whilePosting(under, async () => {
        const reader = READERS[returned++ % READERS.length]!
        await deps.timelines.drop([reader])
        // Full at once, from the posts themselves.
        expect((await social.timeline(reader)).items).toHaveLength(20)
        const ids = await walk(social, reader)
        expect(ids).toEqual(descending([...new Set(ids)]))
        expect(said.filter((id) => !ids.includes(id))).toEqual([])
      })
      expect(returned).toBeGreaterThan(3)
      await expectWhole(under, descending([...posts, ...said]))
    })

    it('lose and double nothing when all are rebuilt again and again by two processes', async () => {
      const under = await opened()
      const other = createSocial(under.deps, SIZES)
      cleanups.push(() => other.close())
      for (const reader of READERS) await under.social.rebuildTimelines({ userId: reader })
      let rebuilt = 0
      const posts = await whilePosting(under, async () => {
        const built = await Promise.all([under.social.rebuildTimelines(), other.rebuildTimelines()])
        rebuilt += built[0] + built[1]
      })
      expect(rebuilt).toBeGreaterThan(0)
      await expectWhole(under, posts)
    })
  })
}

for (const place of timelinePlaces()) {
  describe(`a build that is disturbed, on ${place.name}`, () => {
    const cleanups: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const clean of cleanups.splice(0).reverse()) await clean()
    })

    /** Something happens once the sources are read, before the timeline is installed; the first so many times. */
    async function disturbed(times: number, disturb: (store: TimelineStore) => Promise<unknown>) {
      const hand = await place.open()
      cleanups.push(hand.close)
      await hand.under.people('reader', 'author', 'other')
      await hand.social.follow('reader', 'author')
      const { timelines } = hand.under.deps
      let left = times
      let begun = 0
      const meddled: TimelineStore = {
        ...timelines,
        begin(userId) {
          begun += 1
          return timelines.begin(userId)
        },
        async install(...args) {
          if (left-- > 0) await disturb(timelines)
          return await timelines.install(...args)
        },
      }
      const social = createSocial({ ...hand.under.deps, timelines: meddled })
      cleanups.push(() => social.close())
      return { hand, social, begun: () => begun }
    }
    const stored = async (store: TimelineStore) => (await store.read('reader', undefined, 50))?.postIds.map(String)

    it('by a follow has the earlier posts of who was followed', async () => {
      const theirs: string[] = []
      const { hand, social } = await disturbed(1, () => hand.social.follow('reader', 'other'))
      theirs.push(await hand.say('author'), await hand.say('other'))
      await hand.work()
      await social.rebuildTimelines({ userId: 'reader' })
      expect(await stored(hand.under.deps.timelines)).toEqual(theirs.toReversed())
    })

    it('by an arrival has it', async () => {
      const ids: string[] = []
      const { hand, social } = await disturbed(1, async () => {
        ids.push(await hand.say('author'))
        await hand.work()
      })
      ids.push(await hand.say('author'))
      await hand.work()
      await social.rebuildTimelines({ userId: 'reader' })
      expect(await stored(hand.under.deps.timelines)).toEqual(ids.toSorted().toReversed())
      expect(await hand.walk('reader')).toEqual(ids.toSorted().toReversed())
    })

    it('by another process that builds the same is finished by one of the two', async () => {
      const { hand, social } = await disturbed(1, () => hand.social.rebuildTimelines({ userId: 'reader' }))
      const id = await hand.say('author')
      await hand.work()
      await social.rebuildTimelines({ userId: 'reader' })
      expect(await stored(hand.under.deps.timelines)).toEqual([id])
    })

    it('by its reader is not begun again, though it is not there for him yet', async () => {
      const opened = await disturbed(1, async () => {
        expect((await opened.social.timeline('reader')).items).toHaveLength(1)
      })
      const { hand, social, begun } = opened
      const id = await hand.say('author')
      await hand.work()
      await social.rebuildTimelines({ userId: 'reader' })
      await social.close()
      expect(begun()).toBe(1)
      expect(await stored(hand.under.deps.timelines)).toEqual([id])
    })

    it('each time that it is tried leaves none, and the reader has all of it even so', async () => {
      const { hand, social } = await disturbed(100, (store) => store.drop(['reader']))
      const id = await hand.say('author')
      await hand.work()
      await social.rebuildTimelines({ userId: 'reader' })
      expect(await stored(hand.under.deps.timelines)).toBeUndefined()
      expect((await social.timeline('reader')).items.map((post) => post.post_id)).toEqual([id])
    })
  })
}
