import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { createFanout, type FanoutService } from '../../src/social/fanout/fanout.ts'
import { createSocial, type Social } from '../../src/social/social.ts'
import { cassandraServer, openCassandraTimelines } from '../setup/cassandra.ts'
import { mongodbServer, openMongodbPosts } from '../setup/mongodb.ts'
import { neo4jServer, openNeo4jFollows } from '../setup/neo4j.ts'
import { seededRandom } from '../setup/random.ts'
import { openRedisTimelines, redisServers } from '../setup/redis.ts'
import { createHandQueue, type HandQueue, openSocial, type SocialUnderTest, windowOf } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'
import { createModel, type Model, PEOPLE, type Step, step } from './social-model.ts'

/**
 * Goal: whatever people do, in whatever order, timelines and counts are what a naive model says. Method: random histories
 * against an embedded database, with tiny chunks and windows, authors who cross between push and pull, two processes of
 * which one has a clock that lags, a queue that hands its messages out late, twice and in any order, a broker that is
 * away now and then, readers who are forgotten and come back, and a store of timelines that forgets its last writes. At
 * the end every timeline is walked in small pages and compared, and so is what readers were told by `newer`.
 */
const SIZES = { chunkFollowers: 2, planChunks: 2, smallLaneFollowers: 2, pullFollowers: 2 }
const WINDOW = 4
const RUNS = Number(process.env['FANFOLD_TEST_RUNS'] ?? 40)
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20260131)
const START = Date.UTC(2026, 0, 31)

/** Where timelines, follows and posts are, and how the timelines lose their last writes. */
interface Place {
  readonly name: string
  /** Fewer histories where each step takes many milliseconds. */
  readonly runs?: number
  open(clock: FakeClock): Promise<{
    readonly timelines?: SocialUnderTest['deps']['timelines']
    readonly follows?: SocialUnderTest['deps']['follows']
    readonly posts?: SocialUnderTest['deps']['posts']
    /** Remembers what is stored now. */
    save(): Promise<void>
    /** Goes back to what was stored then, as another incarnation. */
    crash(): Promise<void>
    close(): Promise<void>
  }>
}

const nothing = async () => undefined
const embedded: Place = { name: 'pglite', open: async () => ({ save: nothing, crash: nothing, close: nothing }) }

const redisPlaces = redisServers().map(
  ({ name, url }): Place => ({
    name,
    async open() {
      const { store, raw, keys, close } = await openRedisTimelines(url, windowOf(WINDOW))
      let saved = new Map<string, Buffer>()
      let incarnation = 1
      return {
        timelines: { ...store, incarnation: async () => `${incarnation}` },
        async save() {
          const names = await keys()
          const values = await Promise.all(names.map(async (key) => [key, await raw.getBuffer(key)] as const))
          saved = new Map(values.flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
        },
        async crash() {
          for (const key of await keys()) if (!saved.has(key)) await raw.unlink(key)
          for (const [key, value] of saved) await raw.set(key, value)
          incarnation += 1
        },
        close,
      }
    },
  }),
)

const cassandraPlaces = [cassandraServer() ?? []].flat().map(
  (url): Place => ({
    name: 'cassandra',
    runs: Math.ceil(RUNS / 10),
    async open(clock) {
      const { store, close } = await openCassandraTimelines(url, { ...windowOf(WINDOW), clock })
      return { timelines: store, save: nothing, crash: nothing, close }
    },
  }),
)

const neo4jPlaces = [neo4jServer() ?? []].flat().map(
  (url): Place => ({
    name: 'pglite with follows on neo4j',
    runs: Math.ceil(RUNS / 10),
    async open() {
      const { store, close } = await openNeo4jFollows(url)
      return { follows: store, save: nothing, crash: nothing, close }
    },
  }),
)

const mongodbPlaces = [mongodbServer() ?? []].flat().map(
  (url): Place => ({
    name: 'pglite with posts on mongodb',
    runs: Math.ceil(RUNS / 10),
    async open() {
      const { store, close } = await openMongodbPosts(url)
      return { posts: store, save: nothing, crash: nothing, close }
    },
  }),
)

/** What a client knows of a timeline, kept up to date by `newer`. */
interface Client {
  token: string | undefined
  readonly seen: Set<string>
}

for (const place of [embedded, ...redisPlaces, ...cassandraPlaces, ...neo4jPlaces, ...mongodbPlaces]) {
  describe(`timelines and counts under random histories, timelines on ${place.name}`, () => {
    let clock: FakeClock
    let queue: HandQueue
    let under: SocialUnderTest
    let lagging: Social
    let lagMs = 0
    let fanout: FanoutService
    let store: Awaited<ReturnType<Place['open']>>
    let runs = 0
    beforeAll(async () => {
      clock = fakeClock(START)
      queue = createHandQueue()
      store = await place.open(clock)
      const { timelines, follows, posts } = store
      under = await openSocial(sqlEngines()[0]!, {
        ...{ clock, queue, ...SIZES, window: WINDOW },
        ...(timelines === undefined ? {} : { timelines }),
        ...(follows === undefined ? {} : { follows }),
        ...(posts === undefined ? {} : { posts }),
      })
      const slowClock = { ...clock, now: () => clock.now() - lagMs }
      lagging = createSocial(
        { ...under.deps, ids: createIdMaker({ node: 2, clock: slowClock }) },
        { ...SIZES, timelineEntries: WINDOW },
      )
      fanout = createFanout(under.deps, SIZES)
    })
    afterAll(async () => {
      await lagging.close()
      await under.close()
      await store.close()
    })

    /** A refusal is part of the rules: it must come exactly when the model says so. True when there was none. */
    async function done(work: Promise<unknown>, refused: boolean, codes: string[]): Promise<boolean> {
      const code = await work.then(
        () => undefined,
        (error: { code?: string }) => error.code ?? String(error),
      )
      if (refused) expect(codes).toContain(code)
      else expect(code).toBeUndefined()
      return !refused
    }

    async function walk(social: Social, userId: string, limit: number) {
      const items = []
      for (let cursor: string | undefined; ; ) {
        const page = await social.timeline(userId, { limit, cursor })
        items.push(...page.items)
        if (page.next_cursor === undefined) return items
        expect(page.items).toHaveLength(limit)
        cursor = page.next_cursor
      }
    }

    async function play(steps: readonly Step[], seed: number): Promise<void> {
      const { social } = under
      const random = seededRandom(seed)
      const model = createModel()
      const clients = new Map<string, Client>()
      runs += 1
      let erased = 0
      const names = Array.from({ length: PEOPLE }, (_, n) => `r${runs}-${n}`)
      await under.people(...names)
      await social.sweep()
      await store.save()
      const nameOf = (index: number) => names[index]!

      /** Some of what waits, in any order, some of it twice. */
      async function work(messages: number): Promise<void> {
        for (let n = 0; n < messages && queue.waiting.length > 0; n++) {
          const at = random.int(queue.waiting.length)
          const message = queue.waiting[at]!
          if (random.int(4) > 0) queue.waiting.splice(at, 1)
          // The broker was away while more work was to be sent: the queue would hand the message out again.
          await fanout.handle(message).catch((error: Error) => expect(error.message).toBe('the broker is away'))
        }
      }

      async function publish(
        author: string,
        closed: boolean,
        root: string | undefined,
        quote: boolean,
        skewMs: number,
      ) {
        lagMs = skewMs
        const pure = root !== undefined && !quote
        const through = skewMs > 0 ? lagging : social
        const made = await through.publish({
          user_id: author,
          ...(pure ? {} : { content: { text: 'x' } }),
          ...(root === undefined ? {} : { repost_of: root }),
          visibility: closed ? 'followers' : 'public',
        })
        const common = { author, closed, root: made.repost_of, pure, text: 'x', versions: 1 }
        const atMs = Date.parse(made.timestamp)
        model.add({ id: made.post_id, atMs, ...common, likes: new Set(), comments: [] })
      }

      /** Looks at the timeline as a client does: everything at first, and then what is newer. */
      async function look(who: string): Promise<void> {
        const client = clients.get(who) ?? { token: undefined, seen: new Set() }
        const first = await social.timeline(who, client.token === undefined ? {} : { newer: client.token, limit: 3 })
        if (client.token === undefined || first.gap || first.reset) {
          for (const post of await walk(social, who, 5)) client.seen.add(post.post_id)
        }
        for (const post of first.items) client.seen.add(post.post_id)
        client.token = first.newer_token
        clients.set(who, client)
      }

      /** What was hidden from a client may be shown from now on: he has to look at everything again. */
      const changed = (...people: string[]) => {
        for (const who of people) clients.delete(who)
      }

      for (const s of steps) await take(s)

      async function take(s: Step): Promise<void> {
        await clock.advance(random.int(3))
        const posts = model.posts()
        const post = 'post' in s ? posts[s.post % Math.max(1, posts.length)] : undefined
        if ('post' in s && post === undefined) return
        if (s.do === 'publish')
          await publish(nameOf(s.a), s.closed, undefined, false, random.int(3) === 0 ? s.skewMs : 0)
        else if (s.do === 'work') await work(s.messages)
        else if (s.do === 'minute') await clock.advance(61_000)
        else if (s.do === 'broker') queue.failing = s.failing
        else if (s.do === 'read') await look(nameOf(s.a))
        else if (s.do === 'forget') await under.deps.timelines.drop([nameOf(s.a)])
        else if (s.do === 'crash') await store.crash()
        else if (s.do === 'sweep') {
          await clock.advance(5_000)
          await social.sweep().catch((error: Error) => expect(error.message).toBe('the broker is away'))
          await store.save()
        } else if (s.do === 'erase') {
          const gone = nameOf(s.a)
          await social.eraseUser(gone)
          model.erase(gone)
          erased += 1
          names[s.a] = `r${runs}-${s.a}-again${erased}`
          await under.people(nameOf(s.a))
        } else if (s.do === 'delete') {
          await social.deletePost(post!.id)
          model.remove(post!.id)
          changed(...names)
        } else if (s.do === 'edit') {
          const text = `edit ${post!.versions}`
          const editing = social.editPost(post!.id, { content: { text } })
          const gone = post!.pure && model.find(post!.root) === undefined
          if (!(await done(editing, post!.pure, gone ? ['post_not_found', 'not_editable'] : ['not_editable']))) return
          post!.text = text
          post!.versions += 1
        } else if (s.do === 'repost') await repost(nameOf(s.a), post!.id, s.quote)
        else if (s.do === 'like' || s.do === 'unlike' || s.do === 'comment') await engage(s.do, nameOf(s.a), post!.id)
        else if ('b' in s) await relate(s.do, nameOf(s.a), nameOf(s.b), 'keep' in s && s.keep)
      }

      async function repost(who: string, id: string, quote: boolean): Promise<void> {
        const named = model.find(id)!
        const root = named.pure ? model.find(named.root) : named
        const twice = !quote && model.posts().some((one) => one.pure && one.author === who && one.root === root?.id)
        const may = root !== undefined && model.mayRead(who, named) && model.mayRead(who, root) && !root.closed
        const codes = ['post_not_found', 'interaction_blocked', 'not_repostable', 'already_exists']
        await done(publish(who, false, id, quote, 0), !may || twice, codes)
      }

      async function engage(what: 'like' | 'unlike' | 'comment', who: string, id: string): Promise<void> {
        const post = model.find(id)!
        const gone = post.pure && model.find(post.root) === undefined
        const refused = (what !== 'unlike' && (gone || !model.mayRead(who, post))) || false
        const doing = what === 'comment' ? social.comment(id, { user_id: who, text: 'c' }) : social[what](id, who)
        if (!(await done(doing, refused, ['interaction_blocked', 'post_not_found']))) return
        if (what === 'comment') post.comments.push(who)
        else if (what === 'like') post.likes.add(who)
        else post.likes.delete(who)
      }

      type Relating = 'follow' | 'unfollow' | 'block' | 'unblock' | 'mute' | 'unmute'
      async function relate(what: Relating, a: string, b: string, keep: boolean): Promise<void> {
        const refused = a === b || (what === 'follow' && model.blocked(a, b))
        const doing = what === 'unfollow' ? social.unfollow(a, b, { keep_history: keep }) : social[what](a, b)
        if (!(await done(doing, refused, ['self_reference', 'interaction_blocked']))) return
        changed(a, b)
        if (what === 'follow') model.follow(a, b)
        else if (what === 'unfollow') model.unfollow(a, b, keep ? clock.now() : undefined)
        else {
          const set = what.endsWith('block') ? model.blocks : model.mutes
          if (what.startsWith('un')) set.delete(model.pair(a, b))
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
        const home = model.home(who)
        const walked = await walk(social, who, 1 + random.int(5))
        expect(walked.map((post) => post.post_id)).toEqual(home)
        for (const item of walked) compare(model, who, item)
        const client = clients.get(who)
        if (client === undefined) continue
        await look(who)
        expect(home.filter((id) => !client.seen.has(id))).toEqual([])
      }
      const postIds = model.posts().map(({ id }) => BigInt(id))
      expect(await under.deps.posts.ledger.pending(postIds)).toEqual([])
      expect(await social.verify({ userIds: names })).toMatchObject({ ok: true, pending: 0, findings: [] })
    }

    function compare(model: Model, who: string, item: Awaited<ReturnType<Social['timeline']>>['items'][number]): void {
      const truth = model.find(item.post_id)!
      expect(item).toMatchObject({
        like_count: truth.likes.size,
        comment_count: truth.comments.length,
        repost_count: model.reposts(truth.id),
        version: truth.versions,
        liked: truth.likes.has(who),
        ...(truth.pure ? { content: {} } : { content: { text: truth.text } }),
      })
    }

    it('are what the naive model says', { timeout: 300_000 }, async () => {
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 70, size: 'max' }), fc.nat(), play), {
        numRuns: place.runs ?? RUNS,
        // A failure is made smaller for as long as this; the runs themselves take a fraction of it.
        interruptAfterTimeLimit: 200_000,
        markInterruptAsFailure: true,
        seed: SEED,
      })
    })
  })
}
