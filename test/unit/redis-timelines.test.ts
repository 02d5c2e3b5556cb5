import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import { checkServer, targetOf } from '../../src/engines/redis/engine.ts'
import { groupTags } from '../../src/engines/redis/groups.ts'
import {
  cutTimeline,
  decodeMark,
  decodeTimeline,
  encodeHeader,
  encodeMark,
  encodeTimeline,
  isBuilding,
  markOf,
  newEpoch,
  newest,
  readyEpoch,
  type Timeline,
} from '../../src/engines/redis/timeline-bytes.ts'
import { parseUrl, redactUrl } from '../../src/engines/registry.ts'

const id = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n })
const smallId = fc.bigInt({ min: 1n, max: 60n })
const ids = (values: readonly bigint[]) => BigUint64Array.from(values)
const timeline = (entries: readonly bigint[], more: Partial<Timeline> = {}): Timeline => ({
  epoch: 2n,
  base: 0n,
  floor: 0n,
  entries: ids(entries),
  ...more,
})

describe('the bytes of a timeline', () => {
  it('are a header of three numbers and the ids, big-endian, and come back as they were', () => {
    const bytes = encodeTimeline(timeline([5n, 2n ** 62n + 3n], { epoch: 2n ** 63n, base: 7n, floor: 4n }))
    expect(bytes.toString('hex').match(/.{16}/g)).toEqual([
      '8000000000000000',
      '0000000000000007',
      '0000000000000004',
      '0000000000000005',
      '4000000000000003',
    ])
    fc.assert(
      fc.property(fc.array(id), id, id, id, (entries, epoch, base, floor) => {
        const whole = timeline(entries, { epoch, base, floor })
        expect(decodeTimeline(encodeTimeline(whole))).toEqual(whole)
        // A driver hands out parts of larger buffers.
        const part = Buffer.concat([Buffer.from('abc'), encodeTimeline(whole)]).subarray(3)
        expect(decodeTimeline(part)).toEqual(whole)
        expect(encodeTimeline(whole).subarray(0, 24)).toEqual(encodeHeader(whole))
      }),
    )
  })

  it('are refused when they are not whole', () => {
    expect(() => decodeTimeline(Buffer.alloc(16))).toThrow('16 bytes')
    expect(() => decodeTimeline(Buffer.alloc(30))).toThrow('30 bytes')
  })

  it('say in the epoch whether it is built', () => {
    const epoch = newEpoch()
    expect(isBuilding(epoch)).toBe(true)
    expect(isBuilding(readyEpoch(epoch))).toBe(false)
    expect(newEpoch()).not.toBe(epoch)
  })
})

describe('a page of a timeline', () => {
  it('is what a plain filter and sort would make of it', () => {
    fc.assert(
      fc.property(
        fc.array(smallId),
        smallId,
        fc.option(smallId, { nil: undefined }),
        fc.nat(20),
        (all, above, below, limit) => {
          const wanted = [...new Set(all)].filter((each) => each > above && (below === undefined || each < below))
          const page = wanted.sort((a, b) => (a < b ? 1 : -1)).slice(0, limit)
          expect(newest(ids(all), above, below, limit)).toEqual(page)
        },
      ),
    )
  })
})

describe('a cut', () => {
  const window = { entriesMax: 20, entriesKept: 8 }

  it('leaves a timeline alone that is not too long', () => {
    expect(cutTimeline(timeline(Array.from({ length: 20 }, (_, n) => BigInt(n + 1))), window)).toBeUndefined()
  })

  it('keeps everything above the floor that it sets, in order, and never lets floor and base fall', () => {
    fc.assert(
      fc.property(
        fc.array(smallId, { minLength: 21, maxLength: 60 }),
        smallId,
        id,
        fc.boolean(),
        (all, floor, base, building) => {
          const before = timeline(all, { floor, base, epoch: building ? 3n : 2n })
          const after = cutTimeline(before, window)!
          expect(after.floor).toBeGreaterThanOrEqual(floor)
          expect(after.base).toBeGreaterThan(base)
          expect(after.entries.length).toBeLessThanOrEqual(14)
          expect(after.base - base).toBe(BigInt(all.length - after.entries.length))
          const above = (entries: Iterable<bigint>) =>
            [...new Set([...entries].filter((each) => each > after.floor))].sort()
          expect(above(after.entries)).toEqual(above(all))
          expect(new Set(after.entries).size).toBeGreaterThanOrEqual(Math.min(8, new Set(all).size))
          // Positions stay true unless the epoch changes, which takes the marks with it.
          if (after.epoch === before.epoch && !building)
            expect([...after.entries]).toEqual(all.slice(-after.entries.length))
          if (building) expect(after.epoch).toBe(before.epoch)
          else expect(isBuilding(after.epoch)).toBe(false)
        },
      ),
    )
  })

  it('takes off the front what came first', () => {
    const after = cutTimeline(
      timeline(
        Array.from({ length: 21 }, (_, n) => BigInt(n + 1)),
        { base: 100n },
      ),
      window,
    )
    expect(after).toEqual(timeline([14n, 15n, 16n, 17n, 18n, 19n, 20n, 21n], { base: 113n, floor: 13n }))
  })

  it('repacks, in a new epoch, when the newest came first', () => {
    const after = cutTimeline(timeline(Array.from({ length: 21 }, (_, n) => BigInt(21 - n))), window)
    expect(after).toMatchObject({ floor: 13n, entries: ids([21n, 20n, 19n, 18n, 17n, 16n, 15n, 14n]) })
    expect(after?.epoch).not.toBe(2n)
  })
})

describe('a mark', () => {
  it('comes back as it was and fits its limits', () => {
    fc.assert(
      fc.property(id, fc.bigInt({ min: 0n, max: 10n ** 17n }), id, (epoch, position, last) => {
        const mark = encodeMark(epoch, position, last)
        expect(mark).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
        expect(decodeMark(mark)).toEqual({ epoch, position, last })
      }),
    )
    expect(decodeMark(markOf(timeline([], { base: 3n })))).toEqual({ epoch: 2n, position: 3n, last: 0n })
  })

  it('is refused when it is none', () => {
    for (const text of ['', '1.2', '1.2.3.4', 'g.1.1', '1.x.1', '11111111111111111.1.1', '1.1.1\n']) {
      expect(decodeMark(text)).toBeUndefined()
    }
  })
})

describe('keys', () => {
  it('stay where they are for ever', () => {
    const users = ['alice', 'bob', 'user-0000001', 'Zoë']
    expect(users.map(groupTags(false).keyOf)).toEqual(users.map((userId) => `t{0}:${userId}`))
    expect(users.map(groupTags(true, 'app').keyOf)).toMatchInlineSnapshot(`
      [
        "app:t{683}:alice",
        "app:t{935}:bob",
        "app:t{617}:user-0000001",
        "app:t{25}:Zoë",
      ]
    `)
  })

  it('of one call have one tag, and none is left out', () => {
    const users = Array.from({ length: 2_000 }, (_, n) => `user-${n}`)
    for (const groups of [groupTags(false), groupTags(true)]) {
      const parts = groups.split(users, 30)
      expect(parts.flat().sort()).toEqual([...users].sort())
      for (const part of parts) {
        expect(part.length).toBeLessThanOrEqual(30)
        expect(new Set(part.map((userId) => groups.keyOf(userId).split(':')[0])).size).toBe(1)
      }
    }
  })
})

describe('the URL of a Redis', () => {
  it('names a server, its user, its database and TLS', () => {
    expect(targetOf(parseUrl('rediss://me:p%40ss@cache.example:7000/3?prefix=shop'))).toEqual({
      isCluster: false,
      prefix: 'shop',
      addresses: [{ host: 'cache.example', port: 7000 }],
      options: { username: 'me', password: 'p@ss', db: 3, tls: {} },
    })
    expect(targetOf(parseUrl('redis://[::1]')).addresses).toEqual([{ host: '::1', port: 6379 }])
  })

  it('lists nodes of a cluster', () => {
    expect(targetOf(parseUrl('redis-cluster://:secret@a:7001,b,[::1]:7003?tls=true'))).toEqual({
      isCluster: true,
      prefix: '',
      addresses: [
        { host: 'a', port: 7001 },
        { host: 'b', port: 6379 },
        { host: '::1', port: 7003 },
      ],
      options: { password: 'secret', tls: {} },
    })
    expect(redactUrl('redis-cluster://:secret@a:7001,b:7002')).toBe('redis-cluster://:***@a:7001,b:7002')
  })

  it.each([
    'redis://h/one',
    'redis-cluster://a:1,b:2/1',
    'redis://h?db=2',
    'redis://h?prefix={x}',
    'redis://h?tls=true',
    'redis-cluster://a:1,b:x',
  ])('%s is refused', (url) => {
    let error: unknown
    try {
      targetOf(parseUrl(url))
    } catch (thrown) {
      error = thrown
    }
    expect(isAppError(error, 'invalid_config')).toBe(true)
  })
})

describe('a Redis server', () => {
  const server = { url: 'redis://h/0', isCluster: false }
  const info = (version: string, more: Record<string, string> = {}) =>
    new Map(Object.entries({ redis_version: version, cluster_enabled: '0', maxmemory_policy: 'noeviction', ...more }))

  it.each(['6.2.0', '6.10.1', '7.0.15', '8.2.1', '10.0.0'])('of version %s is good enough', (version) => {
    expect(() => checkServer(info(version), server, silentLogger)).not.toThrow()
  })

  it.each(['6.0.16', '5.0.14', ''])('of version "%s" is refused', (version) => {
    expect(() => checkServer(info(version), server, silentLogger)).toThrow('6.2 is needed')
  })

  it('that is a node of a cluster is refused unless the URL says so', () => {
    const node = info('7.0.0', { cluster_enabled: '1' })
    expect(() => checkServer(node, server, silentLogger)).toThrow('use redis-cluster:')
    expect(() => checkServer(node, { ...server, isCluster: true }, silentLogger)).not.toThrow()
  })

  it('that may evict keys is used with a warning', () => {
    const warnings: object[] = []
    const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) } as Logger
    checkServer(info('7.0.0'), server, logger)
    expect(warnings).toEqual([])
    checkServer(info('7.0.0', { maxmemory_policy: 'volatile-lru' }), server, logger)
    expect(warnings).toEqual([{ url: 'redis://h/0', policy: 'volatile-lru' }])
  })
})
