import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFanout } from '../../src/social/fanout/fanout.ts'
import { createHandQueue, type HandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const WINDOW = 20

describe('the window of a timeline', () => {
  let under: SocialUnderTest
  let queue: HandQueue
  beforeAll(async () => {
    queue = createHandQueue()
    under = await openSocial(sqlEngines()[0]!, { queue, window: WINDOW })
    await under.readers('reader', 'a', 'b', 'c')
  })
  afterAll(() => under.close())

  async function say(userId: string, count: number): Promise<string[]> {
    const fanout = createFanout(under.deps)
    const ids: string[] = []
    for (let n = 0; n < count; n++) {
      ids.push((await under.social.publish({ user_id: userId, content: { text: `${userId} ${n}` } })).post_id)
    }
    await queue.drain(fanout.handle)
    return ids
  }
  async function walk(userId: string, limit: number): Promise<string[]> {
    const seen: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await under.social.timeline(userId, { limit, cursor })
      seen.push(...page.items.map((post) => post.post_id))
      if (page.next_cursor === undefined) return seen
      expect(page.items).toHaveLength(limit)
      cursor = page.next_cursor
    }
  }
  const newestFirst = (ids: string[]) => [...ids].sort((x, y) => (BigInt(x) < BigInt(y) ? 1 : -1))

  it('goes on below the window without a gap or a repeat, whatever the size of the pages', async () => {
    await under.social.follow('reader', 'a')
    await under.social.follow('reader', 'b')
    const all = [...(await say('a', 30)), ...(await say('b', 30)), ...(await say('a', 10))]
    const slice = await under.deps.timelines.read('reader', undefined, 1_000)
    expect(slice?.postIds).toHaveLength(WINDOW)
    expect(slice?.floor).toBeGreaterThan(0n)
    for (const limit of [1, 7, WINDOW - 1, WINDOW, WINDOW + 1, 69, 70, 100]) {
      expect(await walk('reader', limit), `pages of ${limit}`).toEqual(newestFirst(all))
    }
  })

  it('backfills an author with more posts than the window holds', async () => {
    const posts = await say('c', WINDOW + 15)
    const before = await walk('reader', 100)
    await under.social.follow('reader', 'c')
    expect(await walk('reader', 9)).toEqual(newestFirst([...before, ...posts]))
    expect((await under.deps.timelines.read('reader', undefined, 1_000))?.postIds).toHaveLength(WINDOW)
  })

  it('goes on rightly when the window moves past the cursor during a walk', async () => {
    const all = await walk('reader', 100)
    const first = await under.social.timeline('reader', { limit: 10 })
    await say('a', WINDOW + 5)
    const rest: string[] = []
    for (let cursor = first.next_cursor; cursor !== undefined; ) {
      const page = await under.social.timeline('reader', { limit: 10, cursor })
      rest.push(...page.items.map((post) => post.post_id))
      cursor = page.next_cursor
    }
    expect([...first.items.map((post) => post.post_id), ...rest]).toEqual(all)
  })

  it('hides and shows again below the window too', async () => {
    const all = await walk('reader', 100)
    const theirs = new Set((await under.social.posts('a', { limit: 100 })).items.map((post) => post.post_id))
    await under.social.unfollow('reader', 'a')
    expect(await walk('reader', 10)).toEqual(all.filter((id) => !theirs.has(id)))
    await under.social.follow('reader', 'a')
    expect(await walk('reader', 10)).toEqual(all)
    expect(await under.social.verify()).toMatchObject({ ok: true })
  })
})
