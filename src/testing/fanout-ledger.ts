import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeliveryCounts, FanoutLedger, PostStore } from '../social/ports.ts'
import { aPost, later, NOON, type StoreHarness } from './social-values.ts'

const counts = (delivered: number, duplicate = 0, inactive = 0) => ({ delivered, duplicate, inactive })

/** The promises of {@link FanoutLedger}, for any engine. */
export function testFanoutLedger(name: string, create: () => Promise<StoreHarness<PostStore>>): void {
  describe(`fan-out ledger on ${name}`, () => {
    let posts: PostStore
    let ledger: FanoutLedger
    let close: () => Promise<void>
    let lastId = 1_000n
    beforeAll(async () => {
      const harness = await create()
      posts = harness.store
      ledger = posts.ledger
      close = () => harness.close()
    })
    afterAll(() => close())

    const find = async (postId: bigint) => (await ledger.find([postId]))[0]
    const chunk = async (postId: bigint, number: number) => (await ledger.chunks([{ postId, chunk: number }]))[0]
    const plan = (postId: bigint, plannedChunks: number, upTo: (string | undefined)[], finished: boolean, round = 0) =>
      ledger.plan({ postId, round, plannedChunks }, upTo, finished)
    const finishWhole = async (postId: bigint, done: DeliveryCounts, at: Date, round = 0) =>
      (await ledger.finishWhole([{ postId, round, ...done }], at))[0]
    const finishChunk = async (postId: bigint, number: number, done: DeliveryCounts, at: Date, round = 0) =>
      (await ledger.finishChunks([{ postId, chunk: number, round, ...done }], at))[0]

    async function published(sweepAt = later(1e9)): Promise<bigint> {
      const postId = ++lastId
      await posts.insert([aPost(postId, 'author', { sweepAt })])
      return postId
    }

    it('begins pending and without a plan', async () => {
      const postId = await published()
      expect(await find(postId)).toEqual({
        postId,
        authorId: 'author',
        mode: 'push',
        timestamp: NOON,
        round: 0,
        plannedChunks: 0,
        planned: false,
        plannedUpTo: undefined,
        done: false,
      })
      expect(await ledger.pending([postId, 1n])).toEqual([postId])
      expect(await find(1n)).toBeUndefined()
    })

    it('records a fan-out in one piece, once', async () => {
      const postId = await published()
      expect(await finishWhole(postId, counts(3, 1), later(5))).toBe(true)
      expect(await finishWhole(postId, counts(0, 4), later(9))).toBe(false)
      expect(await ledger.state(postId)).toEqual({
        mode: 'push',
        ...counts(3, 1),
        followersScanned: 4,
        plannedChunks: 1,
        planned: true,
        doneChunks: 1,
        doneAt: later(5),
      })
      expect(await ledger.pending([postId])).toEqual([])
      expect(await plan(postId, 1, [undefined], true)).toBe(false)
    })

    it('lets one of two planners through, and its chunks follow each other', async () => {
      const postId = await published()
      const tries = await Promise.all([plan(postId, 0, ['b', 'd'], false), plan(postId, 0, ['c', 'e'], false)])
      expect(tries.filter(Boolean)).toHaveLength(1)
      const end = (await find(postId))?.plannedUpTo
      expect(['d', 'e']).toContain(end)
      expect(await plan(postId, 2, [undefined], true)).toBe(true)
      expect(await plan(postId, 3, [undefined], true)).toBe(false)
      const common = { postId, authorId: 'author', timestamp: NOON, round: 0 }
      const middle = end === 'd' ? 'b' : 'c'
      expect(await chunk(postId, 0)).toEqual({ ...common, chunk: 0, after: undefined, upTo: middle })
      expect(await chunk(postId, 1)).toEqual({ ...common, chunk: 1, after: middle, upTo: end })
      expect(await chunk(postId, 2)).toEqual({ ...common, chunk: 2, after: end, upTo: undefined })
      expect(await chunk(postId, 3)).toBeUndefined()
      expect(await finishWhole(postId, counts(1), NOON)).toBe(false)
      expect(await find(postId)).toMatchObject({
        plannedChunks: 3,
        planned: true,
        plannedUpTo: undefined,
        done: false,
      })
    })

    it('is done when every chunk of a finished plan is, and not before', async () => {
      const postId = await published()
      await plan(postId, 0, ['m'], false)
      expect(await finishChunk(postId, 0, counts(10), later(1))).toEqual({ recorded: true, postDone: false })
      expect((await find(postId))?.done).toBe(false)
      expect(await ledger.state(postId)).toMatchObject({ planned: false, plannedChunks: 1, doneChunks: 1 })
      await plan(postId, 1, ['t', undefined], true)
      expect(await ledger.openChunks(postId)).toEqual([1, 2])
      expect(await finishChunk(postId, 2, counts(4, 1, 2), later(2))).toEqual({
        recorded: true,
        postDone: false,
      })
      expect(await finishChunk(postId, 2, counts(0, 5, 2), later(3))).toEqual({
        recorded: false,
        postDone: false,
      })
      expect(await finishChunk(postId, 1, counts(6), later(4))).toEqual({ recorded: true, postDone: true })
      expect(await finishChunk(postId, 1, counts(6), later(5))).toEqual({ recorded: false, postDone: false })
      expect(await ledger.state(postId)).toEqual({
        mode: 'push',
        ...counts(20, 1, 2),
        followersScanned: 23,
        plannedChunks: 3,
        planned: true,
        doneChunks: 3,
        doneAt: later(4),
      })
      expect(await ledger.openChunks(postId)).toEqual([])
      expect(await chunk(postId, 1)).toBeUndefined()
    })

    it('records chunks that end at the same moment, each once', async () => {
      const postId = await published()
      const ends = Array.from({ length: 19 }, (_, n) => `k${String(n).padStart(2, '0')}`)
      await plan(postId, 0, [...ends, undefined], true)
      const twice = Array.from({ length: 40 }, (_, n) => finishChunk(postId, n % 20, counts(5), NOON))
      const outcomes = await Promise.all(twice)
      expect(outcomes.filter((outcome) => outcome?.recorded)).toHaveLength(20)
      expect(outcomes.filter((outcome) => outcome?.postDone)).toHaveLength(1)
      expect(await ledger.state(postId)).toMatchObject({ delivered: 100, doneChunks: 20 })
    })

    it('records many at once, of many posts, and each by itself', async () => {
      const [whole, cut, planned] = [await published(), await published(), await published()]
      await plan(cut, 0, ['m', undefined], true)
      await plan(planned, 0, ['m', undefined], true)
      const one = counts(1)
      const wholes = [whole, planned].map((postId) => ({ postId, round: 0, ...one }))
      expect(await ledger.finishWhole(wholes, NOON)).toEqual([true, false])
      const chunks = [
        { postId: cut, chunk: 1, round: 0, ...one },
        { postId: planned, chunk: 0, round: 0, ...one },
        { postId: planned, chunk: 7, round: 0, ...one },
        { postId: cut, chunk: 0, round: 0, ...one },
      ]
      expect(await ledger.finishChunks(chunks, NOON)).toEqual([
        { recorded: true, postDone: true },
        { recorded: true, postDone: false },
        { recorded: false, postDone: false },
        { recorded: true, postDone: true },
      ])
      expect(await ledger.state(cut)).toMatchObject({ delivered: 2, doneChunks: 2, doneAt: NOON })
      expect(await ledger.state(planned)).toMatchObject({ delivered: 1, doneChunks: 1, doneAt: undefined })
    })

    it('begins a new round of what was done lately or is under way, and records nothing of the earlier one', async () => {
      const [old, lately, underWay] = [await published(), await published(), await published()]
      const pull = ++lastId
      await posts.insert([aPost(pull, 'author', { mode: 'pull', sweepAt: later(1e9) })])
      await finishWhole(old, counts(1), later(1_000))
      await finishWhole(lately, counts(1), later(9_000))
      await finishWhole(pull, counts(0), later(9_000))
      await plan(underWay, 0, ['m', undefined], true)
      await finishChunk(underWay, 0, counts(5), later(9_000))
      expect(await ledger.reopen(later(5_000), later(20_000))).toBeGreaterThanOrEqual(2)
      expect((await ledger.pending([old, pull, lately, underWay])).sort()).toEqual([lately, underWay, pull])
      expect(await find(underWay)).toMatchObject({ round: 1, plannedChunks: 0, planned: false, done: false })
      expect(await chunk(underWay, 1)).toBeUndefined()
      expect(await finishWhole(lately, counts(9), NOON)).toBe(false)
      await plan(underWay, 0, ['k', undefined], true, 1)
      expect(await finishChunk(underWay, 1, counts(9), NOON)).toEqual({ recorded: false, postDone: false })
      expect(await finishWhole(lately, counts(2), NOON, 1)).toBe(true)
      expect(await finishChunk(underWay, 1, counts(3), NOON, 1)).toEqual({ recorded: true, postDone: false })
      expect(await ledger.state(underWay)).toMatchObject({ delivered: 3, plannedChunks: 2, doneChunks: 1 })
      expect(await ledger.claimPending(later(20_000), 1_000, 1_000)).toContain(underWay)
    })

    it('remembers what the timelines said they were', async () => {
      expect(await ledger.incarnation()).toBeUndefined()
      await ledger.confirm('a', later(1))
      await ledger.confirm('b', later(2))
      expect(await ledger.incarnation()).toEqual({ value: 'b', confirmedAt: later(2) })
    })

    it('tells how much is not done, and since when', async () => {
      const before = await ledger.backlog(10_000)
      const postId = await published()
      const { posts: open, oldest } = await ledger.backlog(10_000)
      expect(open).toBe(before.posts + 1)
      expect(oldest).toEqual(NOON)
      expect((await ledger.backlog(1)).posts).toBe(1)
      await finishWhole(postId, counts(0), NOON)
      expect((await ledger.backlog(10_000)).posts).toBe(before.posts)
    })

    it('hands a pending post to one sweeper, and again after twice the wait', async () => {
      const postId = await published(later(0))
      const done = await published(later(0))
      await finishWhole(done, counts(1), NOON)
      expect(await ledger.claimPending(later(-1), 1_000, 10)).toEqual([])
      const claims = await Promise.all([1, 2, 3, 4].map(() => ledger.claimPending(later(0), 1_000, 10)))
      expect(claims.flat()).toEqual([postId])
      expect(await ledger.claimPending(later(1_999), 1_000, 10)).toEqual([])
      expect(await ledger.claimPending(later(2_000), 1_000, 10)).toEqual([postId])
      expect(await ledger.claimPending(later(5_999), 1_000, 10)).toEqual([])
      expect(await ledger.claimPending(later(6_000), 1_000, 10)).toEqual([postId])
    })

    it('looks later at what is in the queue, and never earlier', async () => {
      const [waiting, done] = [await published(later(30_000)), await published(later(30_000))]
      await finishWhole(done, counts(1), NOON)
      await ledger.enqueued([waiting, done, 1n], later(90_000))
      await ledger.enqueued([waiting], later(40_000))
      expect(await ledger.claimPending(later(89_999), 1_000, 10)).not.toContain(waiting)
      expect(await ledger.claimPending(later(90_000), 1_000, 10)).toContain(waiting)
    })

    it('forgets a deleted post', async () => {
      const postId = await published(later(10_000))
      await plan(postId, 0, ['m', undefined], true)
      await posts.delete(postId, NOON)
      expect(await find(postId)).toBeUndefined()
      expect(await chunk(postId, 0)).toBeUndefined()
      expect(await finishChunk(postId, 0, counts(1), NOON)).toEqual({ recorded: false, postDone: false })
      expect(await ledger.claimPending(later(20_000), 1_000, 10)).not.toContain(postId)
    })

    it('takes no plan of a round that is over, and leaves no chunk of one behind', async () => {
      const postIds: bigint[] = []
      for (let n = 0; n < 20; n++) postIds.push(await published())
      const round = (await find(postIds[0]!))!.round
      await Promise.all([
        ...postIds.map((postId) => plan(postId, 0, ['m', undefined], true, round)),
        ledger.reopen(later(1e9), NOON),
        ...postIds.map((postId) => finishChunk(postId, 0, counts(1), later(5), round)),
      ])
      for (const postId of postIds) {
        expect(await find(postId)).toMatchObject({ round: round + 1, plannedChunks: 0 })
        expect(await ledger.openChunks(postId)).toEqual([])
        expect(await plan(postId, 0, ['m', undefined], true, round)).toBe(false)
        expect(await plan(postId, 0, [undefined], true, round + 1)).toBe(true)
        expect(await finishChunk(postId, 0, counts(2), later(6), round + 1)).toEqual({ recorded: true, postDone: true })
      }
    })
  })
}
