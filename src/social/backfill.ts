import { LIMITS } from '../core/limits.ts'
import type { SocialStores } from './deps.ts'
import type { Edge } from './ports.ts'

/**
 * Brings a followee's earlier posts into the follower's timeline. It reads the posts after the follow is stored, and a
 * fan-out reads the followers after the post is: whatever the order, one of the two sees the other.
 */
export function createBackfill(
  { follows, posts, timelines }: Omit<SocialStores, 'users'>,
  window: number = LIMITS.timelineEntriesMax,
) {
  async function one(edge: Edge): Promise<void> {
    const { floor } = await timelines.read(edge.followerId, undefined, 1)
    const ids = await posts.idsByAuthors([edge.followeeId], undefined, window + 1, floor)
    await timelines.backfill(edge.followerId, ids.slice(0, window))
    const leftOut = ids[window]
    if (leftOut !== undefined) await timelines.raiseFloor([edge.followerId], leftOut)
    await timelines.trim([edge.followerId], window)
    await follows.backfilled([edge])
  }

  /**
   * For many edges at once, without writing entries: what the followees have posted so far moves below the floor of
   * their new followers, where pages are read from the posts themselves.
   */
  async function many(edges: readonly Edge[]): Promise<void> {
    if (edges.length === 0) return
    const newest = await posts.newestByAuthor([...new Set(edges.map((edge) => edge.followeeId))])
    const floors = new Map<bigint, string[]>()
    for (const { followerId, followeeId } of edges) {
      const floor = newest.get(followeeId)
      if (floor !== undefined) floors.set(floor, [...(floors.get(floor) ?? []), followerId])
    }
    for (const [floor, followerIds] of floors) await timelines.raiseFloor(followerIds, floor)
    await follows.backfilled(edges)
  }

  return {
    one,
    many,
    /** Takes up what a crash left half-way. */
    async resume(before: Date, limit: number): Promise<number> {
      const edges = await follows.pendingBackfills(before, limit)
      for (const edge of edges) await one(edge)
      return edges.length
    },
  }
}

export type Backfill = ReturnType<typeof createBackfill>
