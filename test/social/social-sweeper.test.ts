import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { SocialDeps } from '../../src/social/deps.ts'
import { createBackfill } from '../../src/social/timelines/backfill.ts'
import { createOutage } from '../../src/social/timelines/outage.ts'
import { createHandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

describe('the sweeper of the social model', () => {
  let clock: FakeClock
  let under: SocialUnderTest
  beforeAll(async () => {
    clock = fakeClock(Date.UTC(2026, 0, 31))
    under = await openSocial(sqlEngines()[0]!, { clock, queue: createHandQueue() })
  })
  afterAll(() => under.close())
  const now = () => new Date(clock.now())

  it('finishes a backfill that a crash cut short after the follow was stored', async () => {
    await under.readers('late')
    await under.people('early')
    await under.social.publish({ user_id: 'early', content: { text: 'before' } })
    await under.deps.follows.follow({ followerId: 'late', followeeId: 'early' }, now(), 10)
    expect((await under.social.timeline('late')).items).toEqual([])
    await under.social.sweep()
    expect((await under.social.timeline('late')).items).toEqual([])
    await clock.advance(LIMITS.fanoutPendingMs + 1)
    await under.social.sweep()
    expect((await under.social.timeline('late')).items).toHaveLength(1)
    expect(await under.deps.follows.pendingBackfills(new Date(clock.now() + 1), 10)).toEqual([])
  })

  it('has done no backfill while the timelines’ store is away, so that it rests, and does them afterwards', async () => {
    const { follows, timelines } = under.deps
    const fans = ['fan-1', 'fan-2', 'fan-3']
    await under.people('missed', ...fans)
    await under.social.publish({ user_id: 'missed', content: { text: 'x' } })
    for (const followerId of fans) await follows.follow({ followerId, followeeId: 'missed' }, now(), 10)
    let isAway = true
    const away = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
    const deps: SocialDeps = {
      ...under.deps,
      timelines: { ...timelines, merge: (...args) => (isAway ? away() : timelines.merge(...args)) },
    }
    const backfill = createBackfill(deps, clock, createOutage(deps))
    await clock.advance(1)
    expect(await backfill.resume(now(), 2)).toBe(0)
    expect(await follows.pendingBackfills(now(), 10)).toHaveLength(3)
    isAway = false
    await clock.advance(LIMITS.timelineAwayMs)
    expect(await backfill.resume(now(), 2)).toBe(2)
    expect(await backfill.resume(now(), 2)).toBe(1)
    expect(await follows.pendingBackfills(now(), 10)).toEqual([])
  })

  it('finishes an erasure that a crash cut short, and frees the id when requests under way are over', async () => {
    await under.people('gone', 'fan')
    const { post_id } = await under.social.publish({ user_id: 'gone', content: { text: 'x' } })
    await under.social.follow('fan', 'gone')
    await under.deps.users.markErasing('gone', now())
    await expect(under.social.user('gone')).rejects.toMatchObject({ code: 'user_not_found' })
    await clock.advance(LIMITS.eraseSettleMs)
    await under.social.sweep()
    await expect(under.social.createUser({ user_id: 'gone', handle: 'g', name: 'g' })).rejects.toMatchObject({
      code: 'already_exists',
    })
    await clock.advance(1)
    await under.social.sweep()
    await expect(under.social.post(post_id)).rejects.toMatchObject({ code: 'post_not_found' })
    expect((await under.social.follows('fan')).items).toEqual([])
    await under.social.createUser({ user_id: 'gone', handle: 'g', name: 'g' })
    expect((await under.social.timeline('gone')).items).toEqual([])
  })

  it('clears away what hung on deleted posts', async () => {
    await under.people('poster', 'liker')
    const { post_id } = await under.social.publish({ user_id: 'poster', content: { text: 'x' } })
    await under.social.like(post_id, 'liker')
    await under.social.comment(post_id, { user_id: 'liker', text: 'c' })
    await under.social.deletePost(post_id)
    while (await under.social.sweep());
    expect(await under.deps.posts.likedBy('liker', [BigInt(post_id)])).toEqual([])
    expect(await under.deps.posts.comments(BigInt(post_id), undefined, 10)).toEqual([])
  })
})
