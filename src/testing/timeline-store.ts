import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TimelineSlice, TimelineStore, TimelineWindow } from '../social/ports.ts'
import { numbersFrom } from './random-numbers.ts'
import type { StoreHarness } from './social-values.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => BigInt(from + n))
const newestFirst = (ids: readonly bigint[]) => [...ids].sort((a, b) => (a < b ? 1 : -1))
const users = (start: string, count: number) => Array.from({ length: count }, (_, n) => `${start}-${n}`)
const BIG = 2n ** 63n - 10n
const SMALL: TimelineWindow = { entriesMax: 20, entriesKept: 8 }

export interface TimelineCapabilities {
  /** False when what is appended goes by its age, not by its number; what is built and merged is cut all the same. */
  readonly cutsAppends: boolean
  /** Timelines of the largest append: more than the store takes at once, fewer where making one takes long. */
  readonly timelinesMany?: number
}

/**
 * The promises of {@link TimelineStore}, for any engine. `create` opens a store without timelines and with this window;
 * engines that look for cuts only now and then do so after each append.
 */
export function testTimelineStore(
  name: string,
  create: (window: Partial<TimelineWindow>) => Promise<StoreHarness<TimelineStore>>,
  { cutsAppends, timelinesMany = 700 }: TimelineCapabilities = { cutsAppends: true },
): void {
  describe(`timeline store on ${name}`, () => {
    let timelines: TimelineStore
    let narrow: TimelineStore
    const harnesses: StoreHarness<TimelineStore>[] = []
    beforeAll(async () => {
      harnesses.push(await create({}), await create(SMALL))
      timelines = harnesses[0]!.store
      narrow = harnesses[1]!.store
    })
    afterAll(async () => {
      for (const harness of harnesses) await harness.close()
    })

    async function slice(userId: string, store = timelines): Promise<TimelineSlice> {
      const read = await store.read(userId, undefined, 10_000)
      if (read === undefined) throw new Error(`${userId} has no timeline`)
      return read
    }
    const all = async (userId: string, store = timelines) => (await slice(userId, store)).postIds
    async function make(userId: string, postIds: readonly bigint[] = [], floor = 0n, store = timelines) {
      expect(await store.install(userId, await store.begin(userId), postIds, floor)).toBe(true)
    }
    async function arrivals(userId: string, mark: string, store = timelines) {
      const since = await store.since(userId, mark)
      if (since.kind !== 'arrived') throw new Error(`${userId}: ${since.kind}`)
      return since
    }

    it('never makes a timeline for somebody who has none', async () => {
      expect(await timelines.append(5n, ['nobody'])).toEqual({ delivered: 0, duplicate: 0, inactive: 1 })
      await timelines.merge('nobody', [1n, 2n], 0n)
      expect(await timelines.read('nobody', undefined, 10)).toBeUndefined()
      expect(await timelines.active(['nobody'])).toBe(0)
      expect(await timelines.marks(['nobody'])).toEqual(new Map())
      expect(await timelines.since('nobody', '1.1')).toEqual({ kind: 'reset' })
    })

    it('shows a timeline only when it is built, with what arrived meanwhile', async () => {
      const token = await timelines.begin('b')
      expect(await timelines.active(['b', 'b-none'])).toBe(1)
      expect(await timelines.append(7n, ['b'])).toMatchObject({ delivered: 1, inactive: 0 })
      expect(await timelines.read('b', undefined, 10)).toBeUndefined()
      expect(await timelines.marks(['b'])).toEqual(new Map())
      expect(await timelines.install('b', token, [3n, 9n, 7n], 2n)).toBe(true)
      expect(await slice('b')).toMatchObject({ postIds: [9n, 7n, 3n], floor: 2n })
    })

    it('counts whom a post reached, and shows it once however often it is appended', async () => {
      await make('c1')
      await make('c2')
      expect(await timelines.append(5n, ['c1', 'c-none', 'c2'])).toEqual({ delivered: 2, duplicate: 0, inactive: 1 })
      const again = await timelines.append(5n, ['c1', 'c2', 'c-none'])
      expect(again.inactive).toBe(1)
      expect(again.delivered + again.duplicate).toBe(2)
      expect(await all('c1')).toEqual([5n])
      expect(await timelines.append(6n, [])).toEqual({ delivered: 0, duplicate: 0, inactive: 0 })
    })

    it('keeps neighbouring 63-bit ids apart and in order', async () => {
      await make('big', [BIG + 3n, BIG + 1n], BIG - 1n)
      for (const id of [BIG + 2n, BIG, BIG - 2n]) await timelines.append(id, ['big'])
      expect(await slice('big')).toMatchObject({ postIds: [BIG + 3n, BIG + 2n, BIG + 1n, BIG], floor: BIG - 1n })
      expect((await timelines.read('big', BIG + 3n, 1))?.postIds).toEqual([BIG + 2n])
    })

    it('reads newest first below an id, whatever the order of arrival', async () => {
      await make('r')
      for (const id of [30n, 10n, 20n, 40n]) await timelines.append(id, ['r'])
      expect((await timelines.read('r', undefined, 2))?.postIds).toEqual([40n, 30n])
      expect((await timelines.read('r', 30n, 2))?.postIds).toEqual([20n, 10n])
      expect((await timelines.read('r', 10n, 2))?.postIds).toEqual([])
      expect((await timelines.read('r', undefined, 2, { visit: false }))?.postIds).toEqual([40n, 30n])
      expect(await timelines.read('r-none', undefined, 2, { visit: false })).toBeUndefined()
    })

    it('hides what lies at or below the floor, which merges can only raise', async () => {
      await make('f', range(1, 9), 2n)
      expect(await slice('f')).toMatchObject({ postIds: newestFirst(range(3, 9)), floor: 2n })
      await timelines.merge('f', [], 4n)
      await timelines.merge('f', [], 3n)
      await timelines.append(3n, ['f'])
      expect(await slice('f')).toMatchObject({ postIds: newestFirst(range(5, 9)), floor: 4n })
    })

    it('merges earlier posts without doubling', async () => {
      await make('m', [4n, 8n])
      await timelines.merge('m', [6n, 4n, 2n], 1n)
      await timelines.merge('m', [6n, 4n, 2n], 1n)
      expect(await slice('m')).toMatchObject({ postIds: [8n, 6n, 4n, 2n], floor: 1n })
    })

    it('loses nothing that is appended and merged at once', async () => {
      await make('am')
      await Promise.all([
        ...range(1, 60).map((id) => timelines.append(id * 2n, ['am'])),
        ...range(0, 9).map((n) => timelines.merge('am', [n * 12n + 1n, n * 12n + 7n], 0n)),
      ])
      const merged = range(0, 9).flatMap((n) => [n * 12n + 1n, n * 12n + 7n])
      expect(await all('am')).toEqual(newestFirst([...range(1, 60).map((id) => id * 2n), ...merged]))
    })

    it('loses nothing that is appended while a timeline is built', async () => {
      for (const round of range(1, 5)) {
        const readers = users(`build-${round}`, 8)
        const stored: bigint[] = []
        // A post is stored, then appended; whoever builds begins first and reads what is stored after that.
        const publish = async (ids: readonly bigint[]) => {
          for (const id of ids) {
            stored.push(id)
            await timelines.append(id, readers)
          }
        }
        const build = async (userId: string) => {
          for (;;) {
            const token = await timelines.begin(userId)
            if (await timelines.install(userId, token, [...stored], 0n)) return
          }
        }
        await Promise.all([
          publish(range(1, 20)),
          publish(range(21, 40)),
          ...readers.map(async (userId, n) => {
            for (let i = 0; i < n; i++) await timelines.active([userId])
            await build(userId)
          }),
        ])
        for (const userId of readers) expect(await all(userId)).toEqual(newestFirst(range(1, 40)))
      }
    })

    it('forgets what was there when a timeline is built again', async () => {
      await make('re', range(1, 9), 0n)
      const { mark } = await slice('re')
      const token = await timelines.begin('re')
      expect(await timelines.read('re', undefined, 10)).toBeUndefined()
      expect(await timelines.install('re', token, [5n], 3n)).toBe(true)
      expect(await slice('re')).toMatchObject({ postIds: [5n], floor: 3n })
      expect(await timelines.since('re', mark)).toEqual({ kind: 'reset' })
    })

    it('refuses to install what was begun again, merged into, dropped or installed since', async () => {
      const first = await timelines.begin('i')
      const second = await timelines.begin('i')
      expect(await timelines.install('i', first, [1n], 0n)).toBe(false)
      expect(await timelines.read('i', undefined, 10)).toBeUndefined()
      expect(await timelines.install('i', second, [2n], 0n)).toBe(true)
      expect(await timelines.install('i', second, [3n], 0n)).toBe(false)

      const third = await timelines.begin('i')
      await timelines.merge('i', [4n], 0n)
      expect(await timelines.install('i', third, [3n], 0n)).toBe(false)
      expect(await timelines.read('i', undefined, 10)).toBeUndefined()

      const fourth = await timelines.begin('i')
      await timelines.drop(['i'])
      expect(await timelines.install('i', fourth, [3n], 0n)).toBe(false)
      await make('i', [9n])
      expect(await timelines.install('i', fourth, [3n], 0n)).toBe(false)
      expect(await all('i')).toEqual([9n])
    })

    it('tells what arrived since a mark, late posts below the floor included', async () => {
      await make('s', range(10, 20), 9n)
      const { mark } = await slice('s')
      for (const id of [30n, 5n, 25n]) await timelines.append(id, ['s'])
      const first = await arrivals('s', mark)
      expect(first.gap).toBe(false)
      expect(first.postIds).toEqual(newestFirst([...new Set(first.postIds)]))
      expect(first.postIds).toEqual(expect.arrayContaining([30n, 25n, 5n]))
      await timelines.append(40n, ['s'])
      await timelines.merge('s', [15n, 17n, 19n, 21n], 0n)
      const second = await arrivals('s', first.mark)
      expect(second.postIds).toEqual(expect.arrayContaining([40n, 21n]))
      expect(second.gap).toBe(false)
      for (const each of [mark, first.mark, second.mark]) expect(each).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
    })

    it('names every post to somebody who asks what is new while many arrive', async () => {
      await make('live')
      let { mark } = await slice('live')
      const seen = new Set<bigint>()
      async function look() {
        const since = await arrivals('live', mark)
        for (const id of since.postIds) seen.add(id)
        mark = since.mark
      }
      let writing = true
      const writers = Promise.all(
        range(0, 3).map(async (writer) => {
          for (const n of range(0, 39)) await timelines.append(n * 4n + writer + 1n, ['live'])
        }),
      ).finally(() => {
        writing = false
      })
      while (writing) await look()
      await writers
      await look()
      expect(newestFirst([...seen])).toEqual(newestFirst(range(1, 160)))
    })

    it('answers reset to what is no mark of this timeline', async () => {
      await make('g', [1n])
      await make('g-other', [1n])
      const { mark } = await slice('g-other')
      for (const text of ['', 'x', '1.1', '..', `${'9'.repeat(30)}.1`, mark, `${mark}0000`]) {
        expect(await timelines.since('g', text)).toEqual({ kind: 'reset' })
      }
    })

    it('has marks of ready timelines that change when a newest post arrives', async () => {
      await make('k1', [1n])
      await make('k2', [1n])
      await timelines.begin('k3')
      const before = await timelines.marks(['k1', 'k2', 'k3', 'k-none'])
      expect([...before.keys()].sort()).toEqual(['k1', 'k2'])
      await timelines.append(2n, ['k1'])
      const after = await timelines.marks(['k1', 'k2'])
      expect(after.get('k1')).not.toBe(before.get('k1'))
      expect(after.get('k2')).toBe(before.get('k2'))
      await make('k2', [1n])
      expect((await timelines.marks(['k2'])).get('k2')).not.toBe(before.get('k2'))
      expect(await timelines.marks([])).toEqual(new Map())
    })

    it('reaches many users with one append', async () => {
      const many = users('many', timelinesMany)
      for (let from = 0; from < many.length; from += 50) {
        await Promise.all(many.slice(from, from + 50).map((userId) => make(userId)))
      }
      const absent = users('many-none', timelinesMany - 100)
      const mixed = many.flatMap((userId, n) => (absent[n] === undefined ? [userId] : [userId, absent[n]]))
      expect(await timelines.append(11n, mixed)).toEqual({
        delivered: many.length,
        duplicate: 0,
        inactive: absent.length,
      })
      expect(await timelines.active(mixed)).toBe(many.length)
      const marks = await timelines.marks(mixed)
      expect(marks.size).toBe(many.length)
      for (const userId of many) expect((await timelines.read(userId, undefined, 5))?.postIds).toEqual([11n])
      await timelines.drop(mixed)
      expect(await timelines.active(mixed)).toBe(0)
    })

    it('forgets a dropped timeline altogether', async () => {
      await make('d', range(1, 5))
      const { mark } = await slice('d')
      await timelines.drop(['d', 'd-none'])
      expect(await timelines.read('d', undefined, 10)).toBeUndefined()
      expect(await timelines.append(6n, ['d'])).toEqual({ delivered: 0, duplicate: 0, inactive: 1 })
      expect(await timelines.since('d', mark)).toEqual({ kind: 'reset' })
      await make('d', [8n])
      expect(await all('d')).toEqual([8n])
      expect(await timelines.since('d', mark)).toEqual({ kind: 'reset' })
    })

    it.skipIf(cutsAppends)('keeps all that is appended, and the floor where it was', async () => {
      await make('whole', [], 0n, narrow)
      const { mark } = await slice('whole', narrow)
      for (const id of range(1, 60)) await narrow.append(id, ['whole'])
      expect(await slice('whole', narrow)).toMatchObject({ postIds: newestFirst(range(1, 60)), floor: 0n })
      expect(await arrivals('whole', mark, narrow)).toMatchObject({ postIds: newestFirst(range(1, 60)), gap: false })
    })

    it.runIf(cutsAppends)('cuts a timeline that grew too long, with the floor at the largest id cut', async () => {
      await make('t', [], 0n, narrow)
      for (const id of range(1, 20)) await narrow.append(id, ['t'])
      expect(await slice('t', narrow)).toMatchObject({ postIds: newestFirst(range(1, 20)), floor: 0n })
      await narrow.append(21n, ['t'])
      expect(await slice('t', narrow)).toMatchObject({ postIds: newestFirst(range(14, 21)), floor: 13n })
    })

    it('cuts what is built and merged too', async () => {
      await make('tb', range(1, 50), 0n, narrow)
      expect(await slice('tb', narrow)).toMatchObject({ postIds: newestFirst(range(43, 50)), floor: 42n })
      await narrow.merge('tb', range(44, 70), 5n)
      expect(await slice('tb', narrow)).toMatchObject({ postIds: newestFirst(range(63, 70)), floor: 62n })
    })

    it.runIf(cutsAppends)('says that there is a gap when what arrived since was cut off again', async () => {
      await make('gap', [1n], 0n, narrow)
      const { mark } = await slice('gap', narrow)
      for (const id of range(2, 60)) await narrow.append(id, ['gap'])
      const since = await narrow.since('gap', mark)
      if (since.kind === 'arrived') {
        expect(since.gap).toBe(true)
        expect(since.postIds).toEqual(expect.arrayContaining(range(53, 60)))
      } else expect(since).toEqual({ kind: 'reset' })
    })

    it('keeps the newest when posts arrive in the wrong order', async () => {
      await make('wrong', [], 0n, narrow)
      for (const id of newestFirst(range(1, 90))) await narrow.append(id, ['wrong'])
      const { postIds, floor } = await slice('wrong', narrow)
      expect(postIds).toEqual(newestFirst(range(Number(floor) + 1, 90)))
      expect(postIds.length).toBeGreaterThanOrEqual(SMALL.entriesKept)
      if (cutsAppends) expect(postIds.length).toBeLessThanOrEqual(SMALL.entriesMax)
    })

    it('never shows a hole while it is appended to and cut', async () => {
      await make('busy', [], 0n, narrow)
      let appended = 0n
      const write = async () => {
        for (const id of range(1, 300)) {
          await narrow.append(id, ['busy'])
          appended = id
        }
      }
      const look = async () => {
        while (appended < 300n) {
          const atLeast = appended
          const { postIds, floor } = await slice('busy', narrow)
          const newest = postIds[0] ?? floor
          expect(newest).toBeGreaterThanOrEqual(atLeast)
          expect(postIds).toEqual(newestFirst(range(Number(floor) + 1, Number(newest))))
        }
      }
      await Promise.all([write(), look(), look()])
    })

    it('has no hole after many wrote at once', async () => {
      const readers = users('crowd', 5)
      for (const userId of readers) await make(userId, [], 0n, narrow)
      await Promise.all(range(1, 300).map((id) => narrow.append(id, readers)))
      await narrow.append(301n, readers)
      for (const userId of readers) {
        const { postIds, floor } = await slice(userId, narrow)
        expect(postIds).toEqual(newestFirst(range(Number(floor) + 1, 301)))
        expect(postIds.length).toBeGreaterThanOrEqual(SMALL.entriesKept)
        if (cutsAppends) expect(postIds.length).toBeLessThanOrEqual(SMALL.entriesMax)
      }
    })

    it('stays true to a plain set through appends, builds and merges in any order', async () => {
      let highestFloor = 0n
      for (const seed of [1, 2, 3]) {
        const below = numbersFrom(seed)
        const userId = `model-${seed}`
        let due = new Set<bigint>()
        let lastFloor = 0n
        await make(userId, [], 0n, narrow)
        for (let step = 0; step < 150; step++) {
          const ids = Array.from({ length: 1 + below(4) }, () => BigInt(1 + below(200)))
          const kind = below(20)
          if (kind === 0) {
            due = new Set(ids)
            lastFloor = 0n
            await make(userId, ids, 0n, narrow)
          } else {
            for (const id of ids) due.add(id)
            if (kind < 4) await narrow.merge(userId, ids, 0n)
            else for (const id of ids) await narrow.append(id, [userId])
          }
          const { postIds, floor } = await slice(userId, narrow)
          expect(floor).toBeGreaterThanOrEqual(lastFloor)
          expect(postIds).toEqual(newestFirst([...due].filter((id) => id > floor)))
          lastFloor = floor
          if (floor > highestFloor) highestFloor = floor
        }
      }
      expect(highestFloor).toBeGreaterThan(0n)
    })

    it('is the same store from call to call', async () => {
      const incarnation = await timelines.incarnation()
      expect(incarnation.length).toBeLessThanOrEqual(4_000)
      expect(await timelines.incarnation()).toBe(incarnation)
    })
  })
}
