import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import type { SocialDeps } from '../../src/social/deps.ts'
import { createSocial, type Social, type SocialOptions } from '../../src/social/social.ts'
import type { TimelineEvent } from '../../src/social/timelines/news.ts'
import type { StreamRequest } from '../../src/social/timelines/stream.ts'
import { until } from '../../src/testing/until.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const NEVER_MS = 1e9
/** Streams that are looked at at once. */
const QUICK = { lookMs: 5, fullLookMs: 20 }

/** A stream that is read all the time. */
function follow(social: Social, userId: string, request: StreamRequest = {}) {
  const stop = new AbortController()
  const events: TimelineEvent[] = []
  const done = (async () => {
    for await (const event of social.timelineStream(userId, { ...request, signal: stop.signal })) events.push(event)
  })()
  done.catch(() => undefined)
  const posts = () => events.flatMap((event) => (event.type === 'post' ? [event] : []))
  return {
    events,
    posts,
    texts: () => posts().map((event) => event.post.content.text ?? ''),
    types: () => events.map((event) => event.type),
    begun: () => until('the stream begins', () => events.length > 0),
    done,
    async stop() {
      stop.abort()
      await done.catch(() => undefined)
    },
  }
}

/** The events that are there when a stream is opened with a token. */
async function readAll(social: Social, userId: string, newer: string, count: number): Promise<TimelineEvent[]> {
  const stream = follow(social, userId, { newer })
  await until(`${count} events`, () => stream.events.length >= count)
  await stream.stop()
  return stream.events
}

describe.each(sqlEngines())('streams of timelines on $name', (engine) => {
  let under: SocialUnderTest
  const opened: Social[] = []
  beforeEach(async () => {
    under = await openSocial(engine)
    await under.readers('reader', 'ada', 'bob')
    await under.social.follow('reader', 'ada')
    await under.social.follow('reader', 'bob')
  })
  afterEach(async () => {
    for (const social of opened.splice(0)) await social.close()
    await under.close()
  })

  function start(options: SocialOptions = { streams: QUICK }, deps: SocialDeps = under.deps): Social {
    const social = createSocial(deps, options)
    opened.push(social)
    return social
  }
  /** Publishes and delivers. */
  async function say(social: Social, userId: string, ...texts: string[]): Promise<void> {
    for (const text of texts) await social.publish({ user_id: userId, content: { text } })
    const workers = social.startWorkers()
    await until('delivered', async () => (await under.deps.posts.ledger.backlog(1)).posts === 0)
    await workers.close()
  }
  const tokenOf = async (social: Social) => (await social.timeline('reader')).newer_token!

  it('begin with their position and tell what is published from then on, oldest first, with likes', async () => {
    const social = start()
    await say(social, 'ada', 'before')
    const stream = follow(social, 'reader')
    await stream.begun()
    await say(social, 'ada', 'one')
    await say(social, 'ada', 'two')
    await until('both came', () => stream.texts().length >= 2)
    expect(stream.types()).toEqual(['position', 'post', 'post'])
    expect(stream.texts()).toEqual(['one', 'two'])
    expect(stream.posts()[0]!.post.liked).toBe(false)
    await stream.stop()
  })

  it('resume exactly behind each event of a batch', async () => {
    const social = start()
    const token = await tokenOf(social)
    // More than a token can name.
    const texts = Array.from({ length: 30 }, (_, n) => `${n}`)
    await say(social, 'ada', ...texts)
    const all = await readAll(social, 'reader', token, 31)
    expect(all.map((event) => (event.type === 'post' ? event.post.content.text : event.type))).toEqual([
      'position',
      ...texts,
    ])
    for (const [index, event] of all.entries()) {
      if (index % 5 !== 0) continue
      const rest = await readAll(social, 'reader', event.newer_token, 31 - index)
      const seen = rest.flatMap((each) => (each.type === 'post' ? [each.post.content.text] : []))
      expect(seen, `behind event ${index}`).toEqual(texts.slice(index))
      const asked = await social.timeline('reader', { newer: event.newer_token, limit: 100 })
      expect(asked.items.map((post) => post.content.text).toReversed()).toEqual(texts.slice(index))
    }
  })

  it('tell of a gap, and lead to what it left out', async () => {
    const social = start({ streams: { ...QUICK, batchPosts: 2 } })
    const token = await tokenOf(social)
    await say(social, 'ada', '1', '2', '3', '4', '5')
    const events = await readAll(social, 'reader', token, 4)
    expect(events.map((event) => event.type)).toEqual(['position', 'gap', 'post', 'post'])
    const gap = events.find((event) => event.type === 'gap')!
    const page = await social.timeline('reader', { cursor: gap.next_cursor })
    expect(page.items.map((post) => post.content.text)).toEqual(['3', '2', '1'])
    const behind = await readAll(social, 'reader', events.at(-1)!.newer_token, 1)
    expect(behind.map((event) => event.type)).toEqual(['position'])
  })

  it('say when what was seen says nothing any more, also while they are open', async () => {
    const social = start()
    const token = await tokenOf(social)
    const open = follow(social, 'reader')
    await open.begun()
    await social.rebuildTimelines({ userId: 'reader' })
    const events = await readAll(social, 'reader', token, 2)
    expect(events.slice(0, 2).map((event) => event.type)).toEqual(['position', 'reset'])
    await until('the open one is told', () => open.types().includes('reset'))
    await say(social, 'ada', 'afterwards')
    await until('the open one goes on', () => open.texts().includes('afterwards'))
    const rest = await readAll(social, 'reader', events[1]!.newer_token, 2)
    expect(rest.map((event) => event.type)).toEqual(['position', 'post'])
    await open.stop()
  })

  it('of one user share their look-ups, each telling every post once whenever it joined', async () => {
    const social = start()
    const token = await tokenOf(social)
    const first = follow(social, 'reader')
    await first.begun()
    await say(social, 'ada', 'one')
    const second = follow(social, 'reader', { newer: token })
    await say(social, 'bob', 'two')
    const third = follow(social, 'reader')
    await third.begun()
    await say(social, 'ada', 'three')
    await until('all have all', () => [first, second, third].every((stream) => stream.texts().includes('three')))
    expect([first.texts(), second.texts(), third.texts()]).toEqual([
      ['one', 'two', 'three'],
      ['one', 'two', 'three'],
      ['three'],
    ])
    for (const stream of [first, second, third]) await stream.stop()
  })

  it('tell nothing that may not be shown when it is told', async () => {
    const social = start()
    const token = await tokenOf(social)
    await say(social, 'ada', 'deleted', 'kept')
    await say(social, 'bob', 'muted')
    const deleted = (await social.posts('ada')).items.find((post) => post.content.text === 'deleted')!
    await social.deletePost(deleted.post_id)
    await social.mute('reader', 'bob')
    const stream = follow(social, 'reader', { newer: token })
    await say(social, 'bob', 'muted too')
    await say(social, 'ada', 'last')
    await until('the last', () => stream.texts().includes('last'))
    expect(stream.texts()).toEqual(['kept', 'last'])
    await stream.stop()
  })

  it('get posts of pulled authors as soon as those of others', async () => {
    await under.social.follow('bob', 'ada')
    const social = start({ pullFollowers: 1, streams: { lookMs: 5, fullLookMs: NEVER_MS } })
    await social.publish({ user_id: 'ada', content: { text: 'known' } })
    expect((await under.deps.posts.pullAuthors(undefined, 10)).map((author) => author.userId)).toEqual(['ada'])
    const stream = follow(social, 'reader')
    await stream.begun()
    for (const text of ['x', 'y', 'z']) {
      await social.publish({ user_id: 'ada', content: { text } })
      await until(`${text} came`, () => stream.texts().includes(text))
    }
    await stream.stop()
  })

  it('tell posts of pulled authors that become visible late, after many others', async () => {
    await under.readers('x', 'y')
    for (const follower of ['reader', 'bob', 'x', 'y']) await under.social.follow(follower, 'ada')
    await under.social.follow('reader', 'x')
    let hidden: bigint | undefined
    const { posts } = under.deps
    const late: SocialDeps = {
      ...under.deps,
      posts: {
        ...posts,
        // As when the statement that writes a post takes long.
        async outboxes(userIds, below, limit) {
          const found = await posts.outboxes(userIds, below, limit)
          return new Map([...found].map(([userId, ids]) => [userId, ids.filter((id) => id !== hidden)]))
        },
      },
    }
    const social = start({ pullFollowers: 2, streams: QUICK }, late)
    const first = await social.publish({ user_id: 'ada', content: { text: 'pulled' } })
    await until('it is pulled', async () =>
      (await social.timeline('reader')).items.some((post) => post.post_id === first.post_id),
    )
    const token = await tokenOf(social)
    const stream = follow(social, 'reader', { newer: token })
    const { post_id } = await social.publish({ user_id: 'ada', content: { text: 'late' } })
    hidden = BigInt(post_id)
    const many = (userId: string) => Array.from({ length: 15 }, (_, n) => `${userId} ${n}`)
    for (const userId of ['bob', 'x']) await say(social, userId, ...many(userId))
    await until('all others came', () => stream.texts().length >= 30)
    const { newer_token, items } = await social.timeline('reader', { newer: token, limit: 100 })
    expect(items.map((post) => post.content.text)).not.toContain('late')
    hidden = undefined
    await until('the late one came', () => stream.texts().includes('late'))
    await until('it is told to who asks', async () => {
      const answer = await social.timeline('reader', { newer: newer_token! })
      return answer.items.some((post) => post.post_id === post_id)
    })
    await stream.stop()
  })

  it('end when the user is erased, and refuse users who are not there', async () => {
    const social = start()
    const stream = follow(social, 'reader')
    await stream.begun()
    await social.eraseUser('reader')
    await stream.done
    for (const gone of ['reader', 'nobody']) {
      await expect(follow(social, gone).done).rejects.toSatisfy((error) => isAppError(error, 'user_not_found'))
    }
    await expect(follow(social, 'ada', { newer: 'nonsense' }).done).rejects.toMatchObject({
      code: 'invalid_cursor',
      fields: [{ pointer: 'query/newer' }],
    })
  })

  it('are limited per user and per process, and leave nothing behind', async () => {
    const asked: (readonly string[])[] = []
    const { timelines } = under.deps
    const watched: SocialDeps = {
      ...under.deps,
      timelines: {
        ...timelines,
        marks(userIds) {
          asked.push(userIds)
          return timelines.marks(userIds)
        },
      },
    }
    const social = start({ streams: { ...QUICK, perUserMax: 2, max: 3 } }, watched)
    const both = [follow(social, 'reader'), follow(social, 'reader')]
    for (const stream of both) await stream.begun()
    await expect(follow(social, 'reader').done).rejects.toMatchObject({ code: 'too_many_streams', status: 429 })
    const third = follow(social, 'ada')
    await third.begun()
    await expect(follow(social, 'bob').done).rejects.toMatchObject({ code: 'overloaded', status: 503 })
    const figure = async () => (await under.deps.metrics.streams.get()).values[0]!.value
    expect(await figure()).toBe(3)
    await until('both are asked about at once', () => asked.at(-1)?.length === 2)
    for (const stream of both) await stream.stop()
    expect(await figure()).toBe(1)
    asked.length = 0
    await until('a round', () => asked.length > 1)
    expect(asked.at(-1)).toEqual(['ada'])
    await third.stop()
    expect(await figure()).toBe(0)
    const again = follow(social, 'bob')
    await again.begun()
    await again.stop()
  })

  it('cut a reader off who does not keep up, who then goes on where he was', async () => {
    const social = start({ streams: { ...QUICK, bufferBytesMax: 1 } })
    const events = social.timelineStream('reader')[Symbol.asyncIterator]()
    const first = await events.next()
    const other = follow(social, 'reader')
    await other.begun()
    const stream = social.timelineStream('reader', { newer: first.value!.newer_token })
    const slow = stream[Symbol.asyncIterator]()
    await slow.next()
    await say(social, 'ada', 'one')
    await until('one came', () => other.texts().length === 1)
    await say(social, 'ada', 'two')
    await until('the cut', () => stream.ended.aborted)
    await expect(slow.next()).rejects.toSatisfy((error) => isAppError(error, 'reader_too_slow'))
    expect((await under.deps.metrics.streamsCut.get()).values[0]!.value).toBeGreaterThan(0)
    const resumed = await readAll(social, 'reader', first.value!.newer_token, 3)
    expect(resumed.flatMap((event) => (event.type === 'post' ? [event.post.content.text] : []))).toEqual(['one', 'two'])
    await events.return()
    await other.stop()
  })

  it('ask nothing about timelines in which nothing happens but whether they changed', async () => {
    let looked = 0
    let rounds = 0
    const { timelines } = under.deps
    const counted: SocialDeps = {
      ...under.deps,
      timelines: {
        ...timelines,
        since(userId, mark) {
          looked += 1
          return timelines.since(userId, mark)
        },
        marks(userIds) {
          rounds += 1
          return timelines.marks(userIds)
        },
      },
    }
    const social = start({ streams: { lookMs: 1, fullLookMs: NEVER_MS } }, counted)
    const streams = ['reader', 'ada', 'bob'].map((userId) => follow(social, userId))
    for (const stream of streams) await stream.begun()
    // Timelines that are not built yet change once more when they are.
    await until('all are ready', async () => (await timelines.marks(['reader', 'ada', 'bob'])).size === 3)
    const before = rounds
    await until('they were all asked about', () => rounds > before + 5)
    looked = 0
    const settled = rounds
    await until('20 rounds', () => rounds > settled + 20)
    expect(looked).toBe(0)
    await say(social, 'ada', 'news')
    await until('it came', () => streams[0]!.texts().length === 1)
    expect(streams[1]!.texts()).toEqual(['news'])
    for (const stream of streams) await stream.stop()
  })

  it('lose nothing of what several authors publish at once, however often they are cut', {
    timeout: 120_000,
  }, async () => {
    const social = start()
    const workers = social.startWorkers()
    const published: string[] = []
    async function author(userId: string) {
      for (let n = 0; n < 40; n++) {
        published.push((await social.publish({ user_id: userId, content: { text: `${userId} ${n}` } })).post_id)
      }
    }
    let token = await tokenOf(social)
    const received: string[] = []
    const steady = follow(social, 'reader', { newer: token })
    const all = Promise.all([author('ada'), author('bob'), author('reader')])
    const isComplete = () => published.length === 120 && new Set(received).size === 120
    for (let cuts = 0; !isComplete(); cuts++) {
      expect(cuts).toBeLessThan(1_000)
      let left = 1 + Math.floor(Math.random() * 12)
      const stop = new AbortController()
      const giveUp = setTimeout(() => stop.abort(), 200)
      for await (const event of social.timelineStream('reader', { newer: token, signal: stop.signal })) {
        token = event.newer_token
        if (event.type === 'post') received.push(event.post.post_id)
        if (event.type !== 'position' && --left === 0) break
      }
      clearTimeout(giveUp)
    }
    await all
    await until('the steady one has all', () => new Set(steady.posts().map(({ post }) => post.post_id)).size === 120)
    expect(steady.posts()).toHaveLength(120)
    expect(new Set(received)).toEqual(new Set(published))
    await steady.stop()
    await workers.close()
  })
})
