import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { createDemoClock } from '../../src/demo/clock.ts'
import { createRandom } from '../../src/demo/random.ts'
import { demandOn } from '../../src/demo/sales.ts'
import { SIZES } from '../../src/demo/size.ts'
import { makeWorld } from '../../src/demo/world.ts'

const NOW = Date.UTC(2026, 10, 20, 15)
const DAY_MS = 86_400_000
const world = makeWorld(1, SIZES.small, NOW)

describe('a made-up world', () => {
  it('is the same for the same seed, size and present, and another one for another seed', () => {
    expect(makeWorld(1, SIZES.small, NOW)).toEqual(world)
    const other = makeWorld(2, SIZES.small, NOW)
    expect(other.people.persons[0]).not.toEqual(world.people.persons[0])
    expect(other.sales.living).not.toEqual(world.sales.living)
  })

  it('has people with different handles, and nobody who follows himself or somebody twice', () => {
    const { persons, follows } = world.people
    expect(new Set(persons.map(({ handle }) => handle.toLowerCase())).size).toBe(SIZES.small.users)
    for (const { handle } of persons) expect(handle).toMatch(/^[a-z0-9_]{1,30}$/)
    expect(persons.some(({ name }) => /[^ -~]/.test(name))).toBe(true)
    expect(follows.length).toBe(SIZES.small.follows)
    expect(new Set(follows.map(({ userId, otherId }) => `${userId} ${otherId}`)).size).toBe(follows.length)
    expect(follows.filter(({ userId, otherId }) => userId === otherId)).toEqual([])
  })

  it('has a few whom very many follow, and many whom few follow', () => {
    const followers = new Map(world.people.persons.map(({ userId }) => [userId, 0]))
    for (const { otherId } of world.people.follows) followers.set(otherId, followers.get(otherId)! + 1)
    const sorted = [...followers.values()].sort((a, b) => b - a)
    expect(sorted[0]).toBeGreaterThan(SIZES.small.users / 2)
    expect(sorted[SIZES.small.users / 2]!).toBeLessThan(sorted[0]! / 10)
  })

  it('has posts and reactions that the rules allow, each reaction after its post', () => {
    const { posts, likes, comments } = world.feed
    const blocks = new Set(world.people.blocks.flatMap((b) => [`${b.userId} ${b.otherId}`, `${b.otherId} ${b.userId}`]))
    expect(posts.every(({ content }) => content.text.length <= LIMITS.postTextCharsMax)).toBe(true)
    expect(posts.some(({ content }) => content.media !== undefined)).toBe(true)
    expect(posts.some(({ content }) => content.text.includes('#'))).toBe(true)
    expect(posts.some(({ content }) => content.text.includes('@'))).toBe(true)
    expect(likes.length).toBe(SIZES.small.likes)
    for (const { post, userId, agoMs } of [...likes, ...comments]) {
      expect(agoMs).toBeLessThanOrEqual(posts[post]!.agoMs)
      expect(posts[post]!.userId).not.toBe(userId)
      expect(posts[post]!.followersOnly || blocks.has(`${userId} ${posts[post]!.userId}`)).toBe(false)
    }
  })

  it('sells more before Christmas, on Mondays and with the time', () => {
    const plain = demandOn(Date.UTC(2026, 4, 13), 100)
    expect(demandOn(Date.UTC(2026, 11, 16), 100)).toBeGreaterThan(1.5 * plain)
    expect(demandOn(Date.UTC(2026, 4, 11), 100)).toBeGreaterThan(plain)
    expect(demandOn(Date.UTC(2026, 4, 13), 300)).toBeLessThan(plain)
  })

  it('has a year of orders of every fate, all of them in the past', () => {
    const { imported, living } = world.sales
    expect([imported.length, living.length]).toEqual([SIZES.small.importedOrders, SIZES.small.orders])
    for (const { agoMs } of [...imported, ...living]) {
      expect(agoMs).toBeGreaterThan(0)
      expect(agoMs).toBeLessThan(366 * DAY_MS)
    }
    expect(new Set(living.map(({ fate }) => fate)).size).toBeGreaterThan(6)
    expect(new Set(imported.map(({ customer }) => customer.address.city)).size).toBeGreaterThan(15)
  })
})

describe('random', () => {
  it('has forks that do not depend on how much was drawn before', () => {
    const [first, second] = [createRandom(3), createRandom(3)]
    first.next()
    expect(first.fork('a').next()).toBe(second.fork('a').next())
    expect(first.fork('a').next()).not.toBe(first.fork('b').next())
  })

  it('prefers small ranks', () => {
    const random = createRandom(4)
    const ranks = Array.from({ length: 1_000 }, () => random.rank(100, 2.5))
    expect(ranks.filter((rank) => rank < 10).length).toBeGreaterThan(300)
    expect(Math.max(...ranks)).toBeLessThan(100)
  })
})

describe('the clock of the demo', () => {
  it('is set back for what is done at a moment, also across waits, and for nobody else', async () => {
    const clock = createDemoClock(fakeClock(NOW))
    const seen = await Promise.all([
      clock.at(5, async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return [clock.now(), clock.past?.()]
      }),
      [clock.now(), clock.past?.()] as const,
    ])
    expect(seen).toEqual([
      [5, 5],
      [NOW, undefined],
    ])
  })
})
