import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../core/limits.ts'
import type { Edge, FollowStore, Suggestion } from '../social/ports.ts'
import { later, NOON, type StoreHarness } from './social-values.ts'

const byKey = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** The relations of a graph, and what {@link FollowStore.suggestions} makes of them, naively. */
class Graph {
  readonly follows: { readonly edge: Edge; readonly sinceMs: number }[] = []
  readonly blocks: [string, string][] = []
  readonly mutes: [string, string][] = []

  followeesOf(userId: string): { id: string; sinceMs: number }[] {
    const mine = this.follows.filter(({ edge }) => edge.followerId === userId)
    return mine.map(({ edge, sinceMs }) => ({ id: edge.followeeId, sinceMs })).sort((a, b) => byKey(a.id, b.id))
  }

  suggestions(userId: string, limit: number): Suggestion[] {
    const mine = this.followeesOf(userId)
    const near = [...mine].sort((a, b) => b.sinceMs - a.sinceMs).slice(0, LIMITS.suggestionFolloweesMax)
    const hidden = new Set([userId, ...mine.map(({ id }) => id)])
    for (const [a, b] of this.mutes) if (a === userId) hidden.add(b)
    for (const [a, b] of this.blocks) {
      if (a === userId) hidden.add(b)
      if (b === userId) hidden.add(a)
    }
    const through = new Map<string, number>()
    for (const { id } of near) {
      for (const beyond of this.followeesOf(id).slice(0, LIMITS.suggestionFanOutMax)) {
        if (!hidden.has(beyond.id)) through.set(beyond.id, (through.get(beyond.id) ?? 0) + 1)
      }
    }
    const all = Array.from(through, ([id, count]): Suggestion => ({ userId: id, through: count }))
    return all.sort((a, b) => b.through - a.through || byKey(a.userId, b.userId)).slice(0, limit)
  }
}

/** Whole numbers below a bound, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** What {@link FollowStore.suggestions} promises, for any engine. */
export function testFollowSuggestions(name: string, create: () => Promise<StoreHarness<FollowStore>>): void {
  describe(`suggestions on ${name}`, () => {
    let follows: FollowStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      follows = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    const follow = async (afterMs: number, followerId: string, ...followeeIds: string[]) => {
      await follows.followMany(
        followeeIds.map((followeeId) => ({ followerId, followeeId })),
        later(afterMs),
      )
    }

    it('are friends of friends, by how many lead there, then in key order', async () => {
      await follow(0, 'me', 'f1', 'f2', 'f3')
      await follow(0, 'f1', 'me', 'f2', 'x-b', 'x-B', 'x-9')
      await follow(0, 'f2', 'x-b', 'x-B', 'x-_')
      await follow(0, 'f3', 'x-b')
      await follow(0, 'x-b', 'too far')
      const all = [
        { userId: 'x-b', through: 3 },
        { userId: 'x-B', through: 2 },
        { userId: 'x-9', through: 1 },
        { userId: 'x-_', through: 1 },
      ]
      expect(await follows.suggestions('me', 10)).toEqual(all)
      expect(await follows.suggestions('me', 2)).toEqual(all.slice(0, 2))
      expect(await follows.suggestions('nobody', 10)).toEqual([])
      expect(await follows.suggestions('too far', 10)).toEqual([])
    })

    it('leave out whom he mutes and whoever of the two blocks the other, as long as it lasts', async () => {
      await follow(0, 'shy', 'friend')
      await follow(0, 'friend', 'muted', 'blocked', 'blocker', 'muter', 'kept', 'free')
      await follows.mute('shy', 'muted', NOON)
      await follows.mute('muter', 'shy', NOON)
      await follows.block('shy', 'blocked', NOON)
      await follows.block('blocker', 'shy', NOON)
      await follow(0, 'shy', 'kept')
      const ids = async () => (await follows.suggestions('shy', 10)).map(({ userId }) => userId)
      expect(await ids()).toEqual(['free', 'muter'])
      await follows.unmute('shy', 'muted')
      await follows.unblock('shy', 'blocked')
      await follows.unblock('blocker', 'shy')
      await follows.unfollow({ followerId: 'shy', followeeId: 'kept' }, NOON)
      expect(await ids()).toEqual(['blocked', 'blocker', 'free', 'kept', 'muted', 'muter'])
      await follows.unfollow({ followerId: 'friend', followeeId: 'free' }, NOON)
      expect(await ids()).toEqual(['blocked', 'blocker', 'kept', 'muted', 'muter'])
    })

    it('look no further than the limits: at the newest follows, and of each at the first by key', async () => {
      const old = Array.from({ length: 3 }, (_, n) => `old-${n}`)
      const fresh = Array.from({ length: LIMITS.suggestionFolloweesMax - 1 }, (_, n) => `fresh-${n}`)
      const far = Array.from({ length: LIMITS.suggestionFanOutMax + 2 }, (_, n) => `far-${String(n).padStart(4, '0')}`)
      await follow(0, 'busy', ...old)
      await follow(1, 'busy', ...fresh)
      for (const id of old) await follow(0, id, `of-${id}`)
      await follow(0, fresh[0]!, ...far)
      const suggested = await follows.suggestions('busy', far.length + 10)
      expect(suggested.map(({ userId }) => userId)).toEqual([...far.slice(0, LIMITS.suggestionFanOutMax), 'of-old-0'])
    })

    it('are what a naive model says of random graphs', { timeout: 60_000 }, async () => {
      for (let seed = 1; seed <= 8; seed++) {
        const random = randomOf(seed)
        const people = Array.from({ length: 14 }, (_, n) => `g${seed}${'_AaBb9'[n % 6]}${n}`)
        const pair = (): [string, string] => {
          const a = random(people.length)
          return [people[a]!, people[(a + 1 + random(people.length - 1)) % people.length]!]
        }
        const graph = new Graph()
        for (const sinceMs of [0, 5, 9]) {
          const pairs = Array.from({ length: 5 + random(30) }, pair)
          const edges = pairs.map(([followerId, followeeId]) => ({ followerId, followeeId }))
          for (const edge of await follows.followMany(edges, later(sinceMs))) graph.follows.push({ edge, sinceMs })
        }
        for (let n = random(8); n > 0; n--) {
          const [a, b] = pair()
          if (n % 2 === 0) {
            graph.blocks.push([a, b])
            await follows.block(a, b, NOON)
          } else {
            graph.mutes.push([a, b])
            await follows.mute(a, b, NOON)
          }
        }
        for (const userId of people) {
          const limit = 1 + random(people.length)
          expect(await follows.suggestions(userId, limit), `seed ${seed}`).toEqual(graph.suggestions(userId, limit))
        }
      }
    })
  })
}
