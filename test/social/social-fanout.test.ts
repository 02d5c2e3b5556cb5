import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { GiveUp, type OutgoingMessage } from '../../src/queue/port.ts'
import { createFanout, type FanoutService } from '../../src/social/fanout/fanout.ts'
import { seededRandom } from '../setup/random.ts'
import { createHandQueue, type HandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const SIZES = { chunkFollowers: 3, planChunks: 2, smallLaneFollowers: 6 }

describe('the fan-out of a post', () => {
  let clock: FakeClock
  let queue: HandQueue
  let under: SocialUnderTest
  let fanout: FanoutService
  let tests = 0
  let author: string
  beforeAll(async () => {
    clock = fakeClock(Date.UTC(2026, 0, 31))
    queue = createHandQueue()
    under = await openSocial(sqlEngines()[0]!, { clock, queue, ...SIZES })
    fanout = createFanout(under.deps, SIZES)
  })
  beforeEach(() => {
    tests += 1
    author = `author-${tests}`
  })
  afterAll(() => under.close())

  /** People of this test alone. */
  const named = (...names: string[]) => names.map((name) => `${name}-${tests}`)

  async function authorWith(followers: number): Promise<string[]> {
    const ids = named(...Array.from({ length: followers }, (_, n) => `f${String(n).padStart(2, '0')}`))
    await under.readers(author, ...ids)
    for (const id of ids) await under.social.follow(id, author)
    return ids
  }
  async function publish(): Promise<bigint> {
    return BigInt((await under.social.publish({ user_id: author, content: { text: 'x' } })).post_id)
  }
  const receivers = async (ids: readonly string[], postId: bigint) => {
    const reads = ids.map(async (id) => (await under.deps.timelines.read(id, undefined, 10))?.postIds.includes(postId))
    return (await Promise.all(reads)).filter(Boolean).length
  }
  /** As if an entry had never been written. */
  const lose = (userId: string, postId: bigint) =>
    under.database.sql.query('delete from user_feed_timeline where user_id = $1 and post_id = $2', [userId, postId])
  const state = (postId: bigint) => under.deps.posts.ledger.state(postId)
  const payloads = (messages: readonly OutgoingMessage[]) => messages.map(({ lane, payload }) => ({ lane, ...payload }))

  it('serves few followers at once', async () => {
    const ids = await authorWith(3)
    const postId = await publish()
    expect(payloads(queue.waiting)).toEqual([{ lane: 'small', post_id: String(postId) }])
    expect(await queue.drain(fanout.handle)).toBe(1)
    expect(await receivers(ids, postId)).toBe(3)
    expect(await state(postId)).toMatchObject({ delivered: 3, duplicate: 0, followersScanned: 3, doneChunks: 1 })
    expect((await state(postId))?.doneAt).toBeInstanceOf(Date)
  })

  it('cuts more followers into chunks of key ranges, on the small lane while they are not many', async () => {
    const ids = await authorWith(5)
    const postId = await publish()
    await fanout.handle(queue.waiting.shift()!)
    const post_id = String(postId)
    expect(payloads(queue.waiting)).toEqual([
      { lane: 'small', post_id, chunk: 0 },
      { lane: 'small', post_id, chunk: 1 },
    ])
    expect((await state(postId))?.doneAt).toBeUndefined()
    await queue.drain(fanout.handle)
    expect(await receivers(ids, postId)).toBe(5)
    expect(await state(postId)).toMatchObject({ delivered: 5, plannedChunks: 2, doneChunks: 2 })
  })

  it('plans a giant a few chunks at a time, on the bulk lane', async () => {
    const ids = await authorWith(20)
    const postId = await publish()
    await fanout.handle(queue.waiting.shift()!)
    const post_id = String(postId)
    expect(payloads(queue.waiting)).toEqual([
      { lane: 'bulk', post_id, chunk: 0 },
      { lane: 'bulk', post_id, chunk: 1 },
      { lane: 'bulk', post_id, from: 2 },
    ])
    await queue.drain(fanout.handle)
    expect(await receivers(ids, postId)).toBe(20)
    expect(await state(postId)).toMatchObject({
      delivered: 20,
      duplicate: 0,
      followersScanned: 20,
      plannedChunks: 7,
      doneChunks: 7,
    })
  })

  it('is not spoiled when every message comes twice, and the second time in reverse', async () => {
    const ids = await authorWith(20)
    const postId = await publish()
    const handled: OutgoingMessage[] = []
    await queue.drain(async (message) => {
      handled.push(message as OutgoingMessage)
      await Promise.all([fanout.handle(message), fanout.handle(message)])
    })
    const before = await state(postId)
    for (const message of handled.reverse()) await fanout.handle(message)
    expect(queue.waiting).toEqual([])
    expect(await state(postId)).toEqual(before)
    expect(before).toMatchObject({ followersScanned: 20, plannedChunks: 7, doneChunks: 7 })
    expect(before!.delivered + before!.duplicate).toBe(20)
    expect(before?.doneAt).toBeInstanceOf(Date)
    expect(await receivers(ids, postId)).toBe(20)
  })

  it('counts what a worker delivered before it was killed as duplicate, and stays balanced', async () => {
    await authorWith(3)
    const postId = await publish()
    await under.deps.timelines.append(postId, named('f00', 'f01'))
    await queue.drain(fanout.handle)
    expect(await state(postId)).toMatchObject({ delivered: 1, duplicate: 2, followersScanned: 3 })
  })

  it('loses nothing when the broker is away at publishing', async () => {
    const ids = await authorWith(3)
    queue.failing = true
    const postId = await publish()
    queue.failing = false
    expect(queue.waiting).toEqual([])
    await clock.advance(LIMITS.fanoutPendingMs - 1)
    expect(await fanout.sweep(10)).toBe(0)
    await clock.advance(1)
    expect(await fanout.sweep(10)).toBe(1)
    await queue.drain(fanout.handle)
    expect(await receivers([author, ...ids], postId)).toBe(4)
    await clock.advance(60_000)
    expect(await fanout.sweep(10)).toBe(0)
  })

  it('loses nothing when the process dies between storing a post and anything else', async () => {
    const ids = await authorWith(3)
    const postId = under.deps.ids.next(0)
    const [outcome] = await under.deps.posts.insert([
      {
        postId,
        userId: author,
        content: { text: 'x' },
        visibility: 'public',
        mode: 'push',
        timestamp: new Date(clock.now()),
        sweepAt: new Date(clock.now() + LIMITS.fanoutPendingMs),
      },
    ])
    expect(outcome).toEqual({ kind: 'created' })
    await clock.advance(LIMITS.fanoutPendingMs)
    await fanout.sweep(10)
    await queue.drain(fanout.handle)
    expect(await receivers([author, ...ids], postId)).toBe(4)
  })

  it('sends lost chunks again, whenever they were lost', async () => {
    const ids = await authorWith(20)
    const postId = await publish()
    const random = seededRandom(7)
    let lost = 0
    for (let sweeps = 0; sweeps < 40 && (await state(postId))?.doneAt === undefined; sweeps++) {
      // Half of the messages are lost on the way.
      while (queue.waiting.length > 0) {
        const message = queue.waiting.shift()!
        if (random.int(2) === 0) await fanout.handle(message)
        else lost += 1
      }
      await clock.advance(15 * 60_000)
      await fanout.sweep(10)
    }
    expect(lost).toBeGreaterThan(5)
    expect(await state(postId)).toMatchObject({ doneChunks: 7, plannedChunks: 7, followersScanned: 20 })
    expect(await receivers(ids, postId)).toBe(20)
  })

  it('keeps every follower when people follow and unfollow between plan and chunks', async () => {
    const ids = await authorWith(12)
    const postId = await publish()
    await fanout.handle(queue.waiting.shift()!)
    const gone = named('f02', 'f03', 'f08')
    const come = named('a-first', 'f05x', 'z-last')
    await under.readers(...come)
    for (const id of gone) await under.social.unfollow(id, author)
    for (const id of come) await under.social.follow(id, author)
    await queue.drain(fanout.handle)
    const still = [...ids.filter((id) => !gone.includes(id)), ...come]
    expect(await receivers(still, postId)).toBe(still.length)
    expect(await under.social.verify({ userIds: still })).toMatchObject({ ok: true, pending: 0 })
  })

  it('stops when the post is deleted on the way', async () => {
    const ids = await authorWith(12)
    const postId = await publish()
    await fanout.handle(queue.waiting.shift()!)
    await under.social.deletePost(String(postId))
    await queue.drain(fanout.handle)
    expect(await receivers(ids, postId)).toBe(0)
    await clock.advance(60 * 60_000)
    expect(await fanout.sweep(10)).toBe(0)
  })

  it('gives up on a message that is not one of its own', async () => {
    await expect(fanout.handle({ payload: {} })).rejects.toBeInstanceOf(GiveUp)
    await expect(fanout.handle({ payload: { post_id: '1', chunk: 'x' } })).rejects.toBeInstanceOf(GiveUp)
    await fanout.handle({ payload: { post_id: '1' } })
  })

  it('skips those who do not read, and says how many', async () => {
    const ids = await authorWith(3)
    const idle = named('idle-1', 'idle-2')
    await under.people(...idle)
    for (const id of idle) await under.social.follow(id, author)
    const postId = await publish()
    await queue.drain(fanout.handle)
    expect(await state(postId)).toMatchObject({ delivered: 3, inactive: 2, followersScanned: 5 })
    expect(await receivers([...ids, ...idle], postId)).toBe(3)
    for (const id of idle)
      expect((await under.social.timeline(id)).items.map((post) => post.post_id)).toEqual([`${postId}`])
  })

  it('records nothing of a fan-out that began before its store lost its last writes', async () => {
    const ids = await authorWith(5)
    const postId = await publish()
    await fanout.handle(queue.waiting.shift()!)
    const chunks = queue.waiting.splice(0)
    await fanout.handle(chunks[0]!)
    await under.deps.posts.ledger.reopen(new Date(0), new Date(clock.now()))
    for (const chunk of chunks) await fanout.handle(chunk)
    expect(await state(postId)).toMatchObject({ doneChunks: 0, followersScanned: 0, doneAt: undefined })
    await clock.advance(1)
    await fanout.sweep(100)
    await queue.drain(fanout.handle)
    expect(await state(postId)).toMatchObject({ followersScanned: 5, doneChunks: 2 })
    expect(await receivers(ids, postId)).toBe(5)
  })

  it('finds missing entries and says which', async () => {
    const ids = await authorWith(3)
    const [whole, lacking, muting] = ids as [string, string, string]
    const postId = await publish()
    expect(await under.social.verify({ userIds: ids })).toMatchObject({ ok: true, pending: 3, missing: 0 })
    await queue.drain(fanout.handle)
    await lose(lacking, postId)
    await under.social.mute(muting, author)
    await lose(muting, postId)
    await under.database.sql.query('update posts set like_count = 5 where post_id = $1', [postId])
    const post_id = String(postId)
    expect(await under.social.verify()).toMatchObject({
      ok: false,
      missing: 1,
      not_stored: 1,
      wrong_counts: 1,
      pending: 0,
      findings: [
        { kind: 'missing', user_id: lacking, post_id },
        { kind: 'not_stored', user_id: muting, post_id },
        { kind: 'like_count', post_id, stored: 5, actual: 0 },
      ],
    })
    expect(await under.social.verify({ userIds: [whole] })).toMatchObject({ timelines: 1, missing: 0 })
  })
})
