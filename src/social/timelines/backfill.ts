import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import type { SocialStores } from '../deps.ts'
import type { Edge } from '../ports.ts'
import type { Outage } from './outage.ts'

/**
 * Brings a followee's earlier posts into the follower's timeline. It reads the posts after the follow is stored, and a
 * fan-out reads the followers after the post is: whatever the order, one of the two sees the other.
 */
export function createBackfill(
  { follows, posts, timelines }: Omit<SocialStores, 'users'>,
  clock: Clock,
  outage: Outage,
  entries: number = LIMITS.timelineEntriesKept,
) {
  /** False when the timelines' store is away; then the edge stays pending. */
  async function one(edge: Edge): Promise<boolean> {
    const at = new Date(clock.now())
    const ids = await posts.idsByAuthors([edge.followeeId], undefined, entries + 1)
    const merging = () => timelines.merge(edge.followerId, ids.slice(0, entries), ids[entries] ?? 0n)
    if (ids.length > 0 && (await outage.ask(merging)) === 'away') return false
    await follows.backfilled([edge], at)
    return true
  }

  return {
    one,
    /** For many edges at once: the followers' timelines are dropped, and built when somebody reads them. */
    async many(edges: readonly Edge[]): Promise<void> {
      if (edges.length === 0) return
      const at = new Date(clock.now())
      await timelines.drop([...new Set(edges.map((edge) => edge.followerId))])
      await follows.backfilled(edges, at)
    },
    /** Takes up what a crash left half-way, as long as the timelines' store is there; answers how much is done. */
    async resume(before: Date, limit: number): Promise<number> {
      let done = 0
      for (const edge of await follows.pendingBackfills(before, limit)) {
        if (!(await one(edge))) break
        done += 1
      }
      return done
    },
  }
}

export type Backfill = ReturnType<typeof createBackfill>
