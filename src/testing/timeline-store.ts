import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TimelineStore } from '../social/ports.ts'
import type { StoreHarness } from './social-values.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => BigInt(from + n))
const newestFirst = (ids: bigint[]) => [...ids].reverse()
const BIG = 2n ** 63n - 10n

/** The promises of {@link TimelineStore}, for any engine. */
export function testTimelineStore(name: string, create: () => Promise<StoreHarness<TimelineStore>>): void {
  describe(`timeline store on ${name}`, () => {
    let timelines: TimelineStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      timelines = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    const all = async (userId: string) => (await timelines.read(userId, undefined, 10_000)).postIds

    it('answers an empty timeline for somebody it has never seen', async () => {
      expect(await timelines.read('nobody', undefined, 10)).toEqual({ postIds: [], floor: 0n })
    })

    it('appends to many, and counts only those who did not have it', async () => {
      expect(await timelines.append(5n, ['a1', 'a2', 'a3'])).toBe(3)
      expect(await timelines.append(5n, ['a1', 'a2', 'a3', 'a4'])).toBe(1)
      expect(await timelines.append(6n, [])).toBe(0)
      expect(await all('a1')).toEqual([5n])
    })

    it('keeps neighbouring 63-bit ids apart and in order', async () => {
      for (const id of [BIG + 2n, BIG, BIG + 1n]) await timelines.append(id, ['big'])
      expect(await all('big')).toEqual([BIG + 2n, BIG + 1n, BIG])
    })

    it('reads newest first below an id, whatever the order of arrival', async () => {
      for (const id of [30n, 10n, 20n, 40n]) await timelines.append(id, ['r'])
      expect((await timelines.read('r', undefined, 2)).postIds).toEqual([40n, 30n])
      expect((await timelines.read('r', 30n, 2)).postIds).toEqual([20n, 10n])
      expect((await timelines.read('r', 10n, 2)).postIds).toEqual([])
    })

    it('merges a backfill without doubling', async () => {
      await timelines.append(2n, ['b'])
      await timelines.backfill('b', [1n, 2n, 3n])
      await timelines.backfill('b', [])
      expect(await all('b')).toEqual([3n, 2n, 1n])
    })

    it('hides what lies at or below the floor, which never falls', async () => {
      await timelines.backfill('f', range(1, 9))
      await timelines.raiseFloor(['f', 'f'], 4n)
      await timelines.raiseFloor(['f', 'f-empty'], 2n)
      expect(await timelines.read('f', undefined, 100)).toEqual({ postIds: newestFirst(range(5, 9)), floor: 4n })
      expect(await timelines.read('f-empty', undefined, 100)).toEqual({ postIds: [], floor: 2n })
      await timelines.append(3n, ['f'])
      expect((await timelines.read('f', undefined, 100)).postIds).toEqual(newestFirst(range(5, 9)))
    })

    it('trims to the newest entries with the floor at the largest one cut', async () => {
      await timelines.backfill('t1', range(1, 25))
      await timelines.backfill('t2', range(1, 10))
      await timelines.trim(['t1', 't2', 't-none'], 10)
      expect(await timelines.read('t1', undefined, 100)).toEqual({ postIds: newestFirst(range(16, 25)), floor: 15n })
      expect(await timelines.read('t2', undefined, 100)).toEqual({ postIds: newestFirst(range(1, 10)), floor: 0n })
    })

    it('never shows a hole while it is appended to and trimmed at once', async () => {
      const writes = range(1, 300).map((id) => timelines.append(id, ['busy']))
      const trims = Array.from({ length: 20 }, () => timelines.trim(['busy'], 50))
      await Promise.all([...writes, ...trims])
      await timelines.trim(['busy'], 50)
      const { postIds, floor } = await timelines.read('busy', undefined, 1_000)
      expect(postIds).toEqual(newestFirst(range(Number(floor) + 1, 300)))
      expect(postIds.length).toBe(50)
    })

    it('erases a timeline a part at a time', async () => {
      await timelines.backfill('e', range(1, 12))
      await timelines.trim(['e'], 10)
      let erased = 0
      for (let n = await timelines.erase('e', 4); n > 0; n = await timelines.erase('e', 4)) erased += n
      expect(erased).toBe(10)
      expect(await timelines.read('e', undefined, 10)).toEqual({ postIds: [], floor: 0n })
    })
  })
}
