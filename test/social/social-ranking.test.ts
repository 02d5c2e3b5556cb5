import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import type { Post } from '../../src/social/schemas.ts'
import { createSocial, type Social } from '../../src/social/social.ts'
import type { RankTimeline } from '../../src/social/timelines/ranking.ts'
import { type ByHand, timelinePlaces } from '../setup/by-hand.ts'
import { seededRandom } from '../setup/random.ts'

const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
/** More than a ranking function is given at a time. */
const POSTS = 2 * LIMITS.rankCandidates + 30

describe(`a ranking function, seed ${SEED}`, () => {
  let hand: ByHand
  let rank: RankTimeline<Post>
  let asked: { readonly posts: number; readonly viewer: string }[] = []
  let ranked: Social
  const posts: string[] = []
  beforeAll(async () => {
    hand = await timelinePlaces()[0]!.open({
      rankTimeline: (candidates, reader) => {
        asked.push({ posts: candidates.length, viewer: reader.viewer })
        return rank(candidates, reader)
      },
    })
    ranked = hand.social
    await hand.under.readers('reader', 'author')
    await hand.social.follow('reader', 'author')
    for (let n = 0; n < POSTS; n++) posts.push(await hand.say('author', `post ${n}`))
    await hand.work()
  })
  afterAll(() => hand.close())

  const shuffledBy = (seed: number, drops: number): RankTimeline<Post> => {
    const weight = (post: Post) => seededRandom(Number(BigInt(post.post_id) % 1_000_003n) + seed).int(1_000)
    return (candidates) =>
      candidates.filter((post) => weight(post) % 10 >= drops).toSorted((a, b) => weight(a) - weight(b))
  }

  it('orders; whatever its order and the pages, each post is shown once, without what it leaves out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: 9 }), fc.integer({ min: 20, max: 100 }), async (seed, drops, limit) => {
        rank = shuffledBy(seed, drops)
        const kept = await rank((await ranked.posts('author', { limit: 100 })).items, { viewer: 'reader' })
        const walked = await hand.walk('reader', limit, 'ranked')
        expect(new Set(walked).size).toBe(walked.length)
        if (drops === 0) expect(walked.toSorted()).toEqual(posts.toSorted())
        for (const post of kept) expect(walked).toContain(post.post_id)
        const first = walked.slice(0, kept.length)
        expect(first).toEqual(kept.map((post) => post.post_id))
      }),
      { numRuns: 15, seed: SEED },
    )
  })

  it('is given the reader, and no more candidates than the limit', async () => {
    asked = []
    rank = (candidates) => candidates
    expect(await hand.walk('reader', 50, 'ranked')).toEqual(posts.toReversed())
    expect(new Set(asked.map(({ viewer }) => viewer))).toEqual(new Set(['reader']))
    expect(Math.max(...asked.map((call) => call.posts))).toBe(LIMITS.rankCandidates)
  })

  it('shows every post once that was there when a walk began, whatever is published during it', async () => {
    rank = shuffledBy(5, 0)
    const before = [...posts]
    const shown: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await ranked.timeline('reader', { order: 'ranked', limit: 40, cursor })
      shown.push(...page.items.map((post) => post.post_id))
      if (page.next_cursor === undefined) break
      cursor = page.next_cursor
      posts.push(await hand.say('author'))
      await hand.work()
    }
    expect(new Set(shown).size).toBe(shown.length)
    expect(before.filter((id) => !shown.includes(id))).toEqual([])
  })

  it('may name a post twice, or one that was no candidate, without harm', async () => {
    rank = (candidates) => [...candidates, ...candidates, { ...candidates[0]!, post_id: '1' }]
    expect(await hand.walk('reader', 50, 'ranked')).toEqual(posts.toReversed())
  })

  it('that fails fails the page with its own error, and the timeline by time goes on', async () => {
    rank = () => {
      throw new Error('no model was loaded')
    }
    await expect(ranked.timeline('reader', { order: 'ranked' })).rejects.toThrow('no model was loaded')
    rank = async () => Promise.reject(new Error('the model is away'))
    await expect(ranked.timeline('reader', { order: 'ranked' })).rejects.toThrow('the model is away')
    expect(await hand.walk('reader', 50)).toEqual(posts.toReversed())
  })

  it('that is not given leaves the order by time', async () => {
    const plain = createSocial(hand.under.deps)
    try {
      const page = await plain.timeline('reader', { order: 'ranked', limit: 30 })
      expect(page.items.map((post) => post.post_id)).toEqual(posts.toReversed().slice(0, 30))
    } finally {
      await plain.close()
    }
  })
})
