import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import { createFanout, type FanoutService } from '../../src/social/fanout/fanout.ts'
import { seededRandom } from '../setup/random.ts'
import { createHandQueue, type HandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

/**
 * Goal: whatever people do, in whatever order, timelines and counts are what a naive model says. Method: random histories
 * against an embedded database, with tiny chunks and windows, a queue that hands its messages out late, twice and in any
 * order, and a broker that is away now and then; at the end every timeline is walked in small pages and compared.
 */
const PEOPLE = 5
const SIZES = { chunkFollowers: 2, planChunks: 2, smallLaneFollowers: 2, timelineEntries: 4 }
const RUNS = 40

const person = fc.nat({ max: PEOPLE - 1 })
const pick = fc.nat({ max: 1_000 })
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), a: person, closed: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('follow' as const), a: person, b: person }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unfollow' as const), a: person, b: person }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('block' as const, 'unblock' as const), a: person, b: person }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('mute' as const, 'unmute' as const), a: person, b: person }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), post: pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('like' as const, 'unlike' as const), a: person, post: pick }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('comment' as const), a: person, post: pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), a: person }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('work' as const), messages: fc.nat({ max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('broker' as const), failing: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface ModelPost {
  readonly id: string
  readonly author: string
  readonly closed: boolean
  readonly likes: Set<string>
  comments: string[]
}

/** The naive truth: sets of relations and a list of posts. */
function createModel() {
  const follows = new Set<string>()
  const blocks = new Set<string>()
  const mutes = new Set<string>()
  let posts: ModelPost[] = []
  const pair = (a: string, b: string) => `${a}>${b}`
  const blocked = (a: string, b: string) => blocks.has(pair(a, b)) || blocks.has(pair(b, a))
  return {
    follows,
    blocks,
    mutes,
    pair,
    blocked,
    posts: () => posts,
    add: (post: ModelPost) => void posts.push(post),
    remove: (id: string) => {
      posts = posts.filter((post) => post.id !== id)
    },
    mayTouch: (who: string, post: ModelPost) =>
      who === post.author || (!blocked(who, post.author) && (!post.closed || follows.has(pair(who, post.author)))),
    home: (who: string) =>
      posts
        .filter(({ author }) => {
          if (author === who) return true
          return follows.has(pair(who, author)) && !blocked(who, author) && !mutes.has(pair(who, author))
        })
        .map((post) => post.id)
        .sort((x, y) => (BigInt(x) < BigInt(y) ? 1 : -1)),
    erase(who: string) {
      posts = posts.filter((post) => post.author !== who)
      for (const post of posts) {
        post.likes.delete(who)
        post.comments = post.comments.filter((author) => author !== who)
      }
      for (const set of [follows, blocks, mutes]) {
        for (const entry of set) if (entry.split('>').includes(who)) set.delete(entry)
      }
    },
  }
}

describe('timelines and counts under random histories', () => {
  let clock: FakeClock
  let queue: HandQueue
  let under: SocialUnderTest
  let fanout: FanoutService
  let runs = 0
  beforeAll(async () => {
    clock = fakeClock(Date.UTC(2026, 0, 31))
    queue = createHandQueue()
    under = await openSocial(sqlEngines()[0]!, { clock, queue, ...SIZES, random: () => 0 })
    fanout = createFanout(under.deps, { ...SIZES, random: () => 0 })
  })
  afterAll(() => under.close())

  async function play(steps: readonly Step[], seed: number): Promise<void> {
    const { social } = under
    const random = seededRandom(seed)
    const model = createModel()
    runs += 1
    let erased = 0
    const names = Array.from({ length: PEOPLE }, (_, n) => `r${runs}-${n}`)
    await under.people(...names)
    const nameOf = (index: number) => names[index]!
    /** A refusal is part of the rules: it must come exactly when the model says so. */
    const expectRefused = async (work: Promise<unknown>, refused: boolean, codes: string[]) => {
      const code = await work.then(
        () => undefined,
        (error: { code: string }) => error.code,
      )
      if (refused) expect(codes).toContain(code)
      else expect(code).toBeUndefined()
      return !refused
    }

    /** Some of what waits, in any order, some of it twice. */
    async function work(messages: number): Promise<void> {
      for (let n = 0; n < messages && queue.waiting.length > 0; n++) {
        const at = random.int(queue.waiting.length)
        const message = queue.waiting[at]!
        if (random.int(4) > 0) queue.waiting.splice(at, 1)
        await fanout.handle(message).catch((error: Error) => {
          // The broker was away while more work was to be sent: the queue would hand the message out again.
          expect(error.message).toBe('the broker is away')
        })
      }
    }

    for (const s of steps) {
      clock.advance(random.int(3))
      const posts = model.posts()
      const post = 'post' in s ? posts[s.post % Math.max(1, posts.length)] : undefined
      if (s.do === 'publish') {
        const author = nameOf(s.a)
        const visibility = s.closed ? 'followers' : 'public'
        const made = await social.publish({ user_id: author, content: { text: 'x' }, visibility })
        model.add({ id: made.post_id, author, closed: s.closed, likes: new Set(), comments: [] })
      } else if (s.do === 'work') await work(s.messages)
      else if (s.do === 'sweep') {
        await clock.advance(5_000)
        await social.sweep().catch((error: Error) => expect(error.message).toBe('the broker is away'))
      } else if (s.do === 'broker') queue.failing = s.failing
      else if (s.do === 'erase') {
        const gone = nameOf(s.a)
        await social.eraseUser(gone)
        model.erase(gone)
        erased += 1
        names[s.a] = `r${runs}-${s.a}-again${erased}`
        await under.people(nameOf(s.a))
      } else if (s.do === 'delete') {
        if (post === undefined) continue
        await social.deletePost(post.id)
        model.remove(post.id)
      } else if (s.do === 'like' || s.do === 'unlike' || s.do === 'comment') {
        if (post === undefined) continue
        const who = nameOf(s.a)
        const refused = s.do !== 'unlike' && !model.mayTouch(who, post)
        const codes = ['interaction_blocked', 'post_not_found']
        const done =
          s.do === 'comment'
            ? social.comment(post.id, { user_id: who, text: 'c' })
            : s.do === 'like'
              ? social.like(post.id, who)
              : social.unlike(post.id, who)
        if (!(await expectRefused(done, refused, codes))) continue
        if (s.do === 'comment') post.comments.push(who)
        else if (s.do === 'like') post.likes.add(who)
        else post.likes.delete(who)
      } else if ('b' in s) {
        const [a, b] = [nameOf(s.a), nameOf(s.b)]
        const refused = a === b || (s.do === 'follow' && model.blocked(a, b))
        if (!(await expectRefused(social[s.do](a, b), refused, ['self_reference', 'interaction_blocked']))) continue
        const set = {
          follow: model.follows,
          unfollow: model.follows,
          block: model.blocks,
          unblock: model.blocks,
          mute: model.mutes,
          unmute: model.mutes,
        }[s.do]
        if (s.do.startsWith('un')) set.delete(model.pair(a, b))
        else set.add(model.pair(a, b))
      }
    }

    // Quiescence: the broker is back, the sweeper has come by, nothing waits.
    queue.failing = false
    for (let rounds = 0; rounds < 3; rounds++) {
      await clock.advance(20 * 60_000)
      while (await social.sweep());
      await queue.drain(fanout.handle)
    }
    for (const who of names) {
      const walked: string[] = []
      const limit = 1 + random.int(5)
      for (let cursor: string | undefined; ; ) {
        const page = await social.timeline(who, { limit, cursor })
        walked.push(...page.items.map((item) => item.post_id))
        for (const item of page.items) {
          const truth = model.posts().find(({ id }) => id === item.post_id)
          expect(item).toMatchObject({ like_count: truth?.likes.size, comment_count: truth?.comments.length })
        }
        if (page.next_cursor === undefined) break
        expect(page.items).toHaveLength(limit)
        cursor = page.next_cursor
      }
      expect(walked).toEqual(model.home(who))
    }
    const postIds = model.posts().map(({ id }) => BigInt(id))
    expect(await under.deps.posts.ledger.pending(postIds)).toEqual([])
    expect(await social.verify({ userIds: names })).toMatchObject({ ok: true, pending: 0, findings: [] })
  }

  it('are what the naive model says', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), fc.nat(), (steps, seed) =>
        play(steps, seed),
      ),
      { numRuns: RUNS, seed: 20260131 },
    )
  })
})
