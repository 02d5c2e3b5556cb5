import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findCardNumber } from '../../src/core/card-number.ts'
import type { Clock } from '../../src/core/clock.ts'
import {
  composeId,
  createIdMaker,
  decomposeId,
  firstIdAt,
  hashToBucket,
  parseId,
  prefixedId,
  shardOfPrefixedId,
} from '../../src/core/ids.ts'

const moment = fc.integer({ min: Date.UTC(2010, 0, 1), max: Date.UTC(2036, 0, 1) - 1 })
const parts = fc.record({
  timestampMs: moment,
  route: fc.integer({ min: 0, max: 1023 }),
  node: fc.integer({ min: 0, max: 63 }),
  sequence: fc.integer({ min: 0, max: 63 }),
})

/** A clock that shows the given times, one after the other, and then the last one for ever. */
function clockOf(times: readonly number[]): Clock {
  let at = 0
  return { now: () => times[Math.min(at++, times.length - 1)]!, sleep: () => Promise.resolve() }
}

describe('ids', () => {
  it('come apart into what they were made of, also through their decimal text', () => {
    fc.assert(
      fc.property(parts, (given) => {
        expect(decomposeId(parseId(String(composeId(given)))!)).toEqual(given)
      }),
    )
  })

  it('are ordered by time', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        fc.pre(a.timestampMs < b.timestampMs)
        expect(composeId(a)).toBeLessThan(firstIdAt(b.timestampMs))
        expect(firstIdAt(b.timestampMs)).toBeLessThanOrEqual(composeId(b))
      }),
    )
  })

  it('of one maker and route only ever grow, whatever the clock does', () => {
    const start = Date.UTC(2026, 0, 1)
    const times = fc.array(fc.integer({ min: start - 5, max: start + 5 }), { minLength: 200, maxLength: 400 })
    fc.assert(
      fc.property(times, fc.nat(1023), (given, route) => {
        const maker = createIdMaker({ node: 1, clock: clockOf(given) })
        let last = -1n
        for (const _ of given) {
          const id = maker.next(route)
          expect(id).toBeGreaterThan(last)
          last = id
        }
      }),
      { numRuns: 50 },
    )
  })

  it('of the past are unique, near their moment, and differ from those of the present', () => {
    const start = Date.UTC(2026, 0, 1)
    const wish = fc.option(fc.integer({ min: start - 20, max: start + 20 }), { nil: undefined })
    fc.assert(
      fc.property(fc.array(wish, { minLength: 300, maxLength: 1_500 }), (wishes) => {
        const maker = createIdMaker({ node: 1, clock: clockOf([start]) })
        const ids = wishes.map((atMs) => maker.next(7, atMs))
        expect(new Set(ids).size).toBe(ids.length)
        wishes.forEach((atMs, index) => {
          if (atMs !== undefined) expect(Math.abs(decomposeId(ids[index]!).timestampMs - atMs)).toBeLessThan(100)
        })
      }),
      { numRuns: 50 },
    )
  })

  it('are never taken for card numbers', () => {
    fc.assert(
      fc.property(moment, fc.nat(1023), fc.nat(63), (now, route, node) => {
        const maker = createIdMaker({ node, clock: clockOf([now]) })
        expect(
          findCardNumber({ order_id: String(maker.next(route)), text: `see ${maker.next(route)}, please` }),
        ).toBeUndefined()
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('prefixed ids', () => {
  it('carry their shard', () => {
    fc.assert(
      fc.property(fc.nat(1023), moment, (shard, now) => {
        expect(shardOfPrefixedId('pi', prefixedId('pi', shard, clockOf([now])))).toBe(shard)
      }),
    )
  })

  it('are not read out of any other text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(shardOfPrefixedId('pi', text)).toBeUndefined()
      }),
    )
  })
})

describe('hashToBucket', () => {
  it('stays inside its buckets', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 1024 }), (text, buckets) => {
        const bucket = hashToBucket(text, buckets)
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets).toBe(true)
      }),
    )
  })
})
