import { afterEach, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { openTimelineStore } from '../../src/engines/postgres/timeline-store.ts'
import { createFanout } from '../../src/social/fanout/fanout.ts'
import type { TimelineStore } from '../../src/social/ports.ts'
import { createSocial } from '../../src/social/social.ts'
import { type ByHand, timelinePlaces } from '../setup/by-hand.ts'

const refused = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
const SIZES = { pullFollowers: 3, chunkFollowers: 2, planChunks: 2, smallLaneFollowers: 2 }

describe('while the timelines’ store is away', () => {
  let hand: ByHand
  afterEach(() => hand.close())

  async function opened() {
    hand = await timelinePlaces()[0]!.open(SIZES)
    const real = await openTimelineStore(hand.under.database.sql, { ...hand.under.deps, poolSize: 1 })
    const state = { away: false, asked: 0 }
    const guarded = Object.entries(real).map(([name, method]) => [
      name,
      (...args: unknown[]) => {
        state.asked += 1
        return state.away ? refused() : (method as (...all: unknown[]) => unknown).apply(real, args)
      },
    ])
    const deps = { ...hand.under.deps, timelines: Object.fromEntries(guarded) as TimelineStore }
    const social = createSocial(deps, SIZES)
    await hand.under.readers('reader', 'author')
    await social.follow('reader', 'author')
    const say = async () => {
      await hand.clock.advance(1)
      return (await social.publish({ user_id: 'author', content: { text: 'x' } })).post_id
    }
    const idsOf = async (userId: string, more = {}) =>
      (await social.timeline(userId, more)).items.map((post) => post.post_id)
    return { state, deps, social, say, idsOf, fanout: createFanout(deps, SIZES) }
  }

  it('pages come from the posts, and what came since begins anew', async () => {
    const { state, social, say, idsOf } = await opened()
    const first = await say()
    await hand.work()
    const { newer_token } = await social.timeline('reader')
    state.away = true
    const second = await say()
    expect(await idsOf('reader')).toEqual([second, first])
    expect(await social.timeline('reader', { newer: newer_token })).toMatchObject({ reset: true })
    const { newer_token: during } = await social.timeline('reader')
    const third = await say()
    expect(await idsOf('reader', { newer: during })).toEqual([third])
    await social.close()
  })

  it('is asked by one caller at a time, now and then, and used again when it answers', async () => {
    const { state, social, idsOf, say } = await opened()
    const id = await say()
    await hand.work()
    state.away = true
    await idsOf('reader')
    state.asked = 0
    for (let n = 0; n < 5; n++) expect(await idsOf('reader')).toEqual([id])
    expect(state.asked).toBe(0)
    await hand.clock.advance(LIMITS.timelineAwayMs)
    await Promise.all(Array.from({ length: 5 }, () => idsOf('reader')))
    expect(state.asked).toBe(1)
    state.away = false
    await hand.clock.advance(LIMITS.timelineAwayMs)
    for (let n = 0; n < 5; n++) expect(await idsOf('reader')).toEqual([id])
    expect(state.asked).toBe(6)
    await social.close()
  })

  it('following and publishing go on, and what is missing is made up for', async () => {
    const { state, deps, social, fanout, idsOf, say } = await opened()
    await hand.under.people('other')
    await hand.under.readers('late')
    const earlier = (await social.publish({ user_id: 'other', content: { text: 'x' } })).post_id
    await hand.queue.drain(fanout.handle)
    state.away = true
    await social.follow('late', 'other')
    expect(await idsOf('late')).toEqual([earlier])
    const id = await say()
    expect(await idsOf('author')).toEqual([id])
    const [message] = hand.queue.waiting.splice(0)
    await expect(fanout.handle(message!)).rejects.toThrow('ECONNREFUSED')
    // The sweeper says so, and does what can be done.
    await hand.clock.advance(20 * 60_000)
    await expect(social.sweep()).rejects.toThrow('ECONNREFUSED')
    expect(hand.queue.waiting.map(({ payload }) => payload['post_id'])).toEqual([id])
    state.away = false
    await hand.clock.advance(LIMITS.timelineAwayMs)
    while (await social.sweep());
    await hand.queue.drain(fanout.handle)
    expect((await deps.timelines.read('late', undefined, 5))?.postIds).toEqual([BigInt(earlier)])
    expect((await deps.timelines.read('author', undefined, 5))?.postIds).toEqual([BigInt(id)])
    expect(await social.verify()).toMatchObject({ ok: true, pending: 0 })
    await social.close()
  })

  it('an author of whom nobody knows how many followers read is pulled', async () => {
    const { state, deps, social, say } = await opened()
    const followers = Array.from({ length: 5 }, (_, n) => `idle-${n}`)
    await hand.under.people(...followers)
    for (const id of followers) await social.follow(id, 'author')
    const modeOf = async (id: string) => (await deps.posts.find([BigInt(id)]))[0]?.mode
    expect(await modeOf(await say())).toBe('push')
    await hand.clock.advance(61_000)
    state.away = true
    expect(await modeOf(await say())).toBe('pull')
    state.away = false
    await hand.clock.advance(LIMITS.timelineAwayMs)
    await social.timeline('reader')
    expect(await modeOf(await say())).toBe('push')
    await social.close()
  })

  it('a planner that died before it sent its chunks is followed by one who does', async () => {
    const { deps, social, fanout } = await opened()
    const ids = Array.from({ length: 9 }, (_, n) => `f${n}`)
    await hand.under.readers(...ids)
    for (const id of ids) await social.follow(id, 'author')
    const [postId] = [deps.ids.next(1)]
    const at = new Date(hand.clock.now())
    const post = { postId, userId: 'author', content: { text: 'x' }, visibility: 'public', mode: 'push' } as const
    await deps.posts.insert([{ ...post, timestamp: at, sweepAt: at }])
    await fanout.handle({ payload: { post_id: `${postId}` } })
    const next = hand.queue.waiting.pop()!
    expect(next.payload).toEqual({ post_id: `${postId}`, from: 2 })
    await hand.queue.drain(fanout.handle)
    // It dies after writing the plan: nothing that comes of it is sent.
    await fanout.handle(next)
    hand.queue.waiting.splice(0)
    await fanout.handle(next)
    expect(hand.queue.waiting).toEqual([])
    await fanout.handle({ ...next, attempt: 2 })
    await hand.queue.drain(fanout.handle)
    expect(await deps.posts.ledger.state(postId)).toMatchObject({ followersScanned: 10, doneChunks: 6 })
    expect((await deps.posts.ledger.state(postId))?.doneAt).toBeInstanceOf(Date)
    await social.close()
  })
})
