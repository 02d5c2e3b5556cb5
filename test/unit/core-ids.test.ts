import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import {
  composeId,
  createIdMaker,
  decomposeId,
  firstIdAt,
  hashToBucket,
  ID_EPOCH_MS,
  parseId,
  prefixedId,
  shardOfPrefixedId,
} from '../../src/core/ids.ts'

const NOON = Date.UTC(2026, 5, 1, 12)

describe('composeId', () => {
  it('packs time, route, node and sequence into 63 bits', () => {
    const parts = { timestampMs: NOON, route: 1023, node: 63, sequence: 63 }
    expect(decomposeId(composeId(parts))).toEqual(parts)
    expect(composeId({ timestampMs: ID_EPOCH_MS, route: 0, node: 0, sequence: 1 })).toBe(1n)
    expect(composeId({ timestampMs: ID_EPOCH_MS + 2 ** 41 - 1, route: 1023, node: 63, sequence: 63 })).toBe(
      2n ** 63n - 1n,
    )
  })

  it.each([
    { timestampMs: ID_EPOCH_MS - 1 },
    { timestampMs: ID_EPOCH_MS + 2 ** 41 },
    { timestampMs: NOON + 0.5 },
    { route: 1024 },
    { route: -1 },
    { node: 64 },
    { sequence: 64 },
    { route: 0.5 },
  ])('refuses %j', (wrong) => {
    expect(() => composeId({ timestampMs: NOON, route: 0, node: 0, sequence: 0, ...wrong })).toThrow('assertion failed')
  })
})

describe('createIdMaker', () => {
  it('makes ids of the past for a caller whom the clock has set back, and of now for the others', () => {
    let past: number | undefined = NOON - 86_400_000
    const maker = createIdMaker({ node: 5, clock: { ...fakeClock(NOON), past: () => past } })
    const first = maker.next(7)
    expect(decomposeId(first)).toMatchObject({ timestampMs: NOON - 86_400_000, route: 7, node: 5 })
    expect(maker.next(7)).not.toBe(first)
    past = undefined
    expect(decomposeId(maker.next(7))).toEqual({ timestampMs: NOON, route: 7, node: 5, sequence: 0 })
  })

  it('makes ids of the current moment with the given route and its node', () => {
    const maker = createIdMaker({ node: 5, clock: fakeClock(NOON) })
    expect(decomposeId(maker.next(77))).toEqual({ timestampMs: NOON, route: 77, node: 5, sequence: 0 })
  })

  it('borrows the next millisecond when the 48 ids of one are used up, and does not fall back when it comes', async () => {
    const clock = fakeClock(NOON)
    const maker = createIdMaker({ node: 0, clock })
    const ids = Array.from({ length: 49 }, () => maker.next(0))
    expect(decomposeId(ids[47]!)).toMatchObject({ timestampMs: NOON, sequence: 47 })
    expect(decomposeId(ids[48]!)).toMatchObject({ timestampMs: NOON + 1, sequence: 0 })
    await clock.advance(1)
    expect(decomposeId(maker.next(0))).toMatchObject({ timestampMs: NOON + 1, sequence: 1 })
  })

  it('makes ids of the past without using a moment twice, also when neighbouring moments overflow', () => {
    const maker = createIdMaker({ node: 0, clock: fakeClock(NOON) })
    const day = Date.UTC(2014, 0, 3)
    const ids = [day, day + 1, day].flatMap((atMs) => Array.from({ length: 200 }, () => maker.next(3, atMs)))
    expect(new Set(ids).size).toBe(600)
    for (const id of ids) expect(decomposeId(id).timestampMs - day).toBeLessThan(600 / 16 + 1)
  })

  it('does not make an id of the past that it made when that moment was now', async () => {
    const clock = fakeClock(NOON)
    const maker = createIdMaker({ node: 0, clock })
    const live = maker.next(0)
    await clock.advance(10)
    expect(maker.next(0, NOON)).not.toBe(live)
  })

  it('gives what happened before 2010 ids of the first moment that ids can name', () => {
    const maker = createIdMaker({ node: 0, clock: fakeClock(NOON) })
    const [first, second] = [maker.next(9, Date.UTC(1999, 0, 1)), maker.next(9, Date.UTC(2004, 0, 1))]
    expect(first).not.toBe(second)
    expect(decomposeId(first).timestampMs).toBeLessThan(Date.UTC(2010, 0, 2))
    expect(decomposeId(first).route).toBe(9)
  })
})

describe('firstIdAt', () => {
  it('is the smallest id of its moment', () => {
    expect(decomposeId(firstIdAt(NOON))).toEqual({ timestampMs: NOON, route: 0, node: 0, sequence: 0 })
    expect(firstIdAt(0)).toBe(0n)
  })
})

describe('parseId', () => {
  it.each(['0', '1', '9223372036854775807'])('reads %s', (text) => {
    expect(parseId(text)).toBe(BigInt(text))
  })

  it.each(['', '-1', '+1', '01', '1.0', '1e3', ' 1', '0x1', '٣', '9223372036854775808', '12345678901234567890'])(
    'refuses "%s"',
    (text) => {
      expect(parseId(text)).toBeUndefined()
    },
  )
})

describe('hashToBucket', () => {
  it('never changes: stored ids depend on it', () => {
    expect([hashToBucket('alice', 1024), hashToBucket('bob', 1024), hashToBucket('', 4)]).toEqual([713, 984, 2])
  })
})

describe('prefixedId', () => {
  const clock = fakeClock(NOON)

  it('looks like pi_ and 24 characters of Crockford base 32', () => {
    expect(prefixedId('pi', 3, clock)).toMatch(/^pi_03[0-9a-hjkmnp-tv-z]{22}$/)
  })

  it('sorts by time inside a shard', () => {
    const earlier = prefixedId('pi', 1, clock)
    const later = prefixedId('pi', 1, fakeClock(NOON + 1))
    expect(earlier < later).toBe(true)
  })

  it('is not guessed: two of one moment differ in 13 characters of chance', () => {
    const ids = Array.from({ length: 100 }, () => prefixedId('pi', 0, clock))
    expect(new Set(ids.map((id) => id.slice(-13))).size).toBe(100)
    expect(new Set(ids.map((id) => id.slice(0, -13))).size).toBe(1)
  })

  it.each([
    '',
    'pi_',
    'po_0000000000000000000000000',
    'pi_0u0000000000000000000000',
    'pi_00',
    `pi_${'0'.repeat(25)}`,
    `PI_${'0'.repeat(24)}`,
  ])('finds no shard in "%s"', (text) => {
    expect(shardOfPrefixedId('pi', text)).toBeUndefined()
  })
})
