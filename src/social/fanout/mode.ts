import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import type { DeliveryMode, FollowStore, TimelineStore } from '../ports.ts'
import type { Outage } from '../timelines/outage.ts'

const FRESH_MS = 60_000
const BURST_WINDOW_MS = 60_000
/** Followers of whom it is looked up whether they read at all. */
const SAMPLE = 1_000
/** Followers are counted up to so many times the threshold; whoever has more is pulled however few of them read. */
const COUNT_FACTOR = 8
/** A burst is what would keep the workers busy for so many times what one post at the threshold does. */
const BURST_FACTOR = 10
const AUTHORS_MAX = 100_000

export interface ModeOptions {
  /** Active followers above whom an author's posts are pulled; {@link LIMITS.pullFollowersDefault} unless given. */
  readonly pullFollowers?: number | undefined
}

/**
 * Chooses how a post reaches the timelines. By author, not by pair of author and reader, and once for each post: so that
 * crossing the threshold, in either direction, moves nothing. An author is pulled who has more active followers than the
 * workers serve in about a second, or posts so much that it comes to several times that within a minute.
 */
export function createModeChooser(
  { follows, timelines }: { follows: FollowStore; timelines: TimelineStore },
  clock: Clock,
  outage: Outage,
  options: ModeOptions = {},
) {
  const threshold = options.pullFollowers ?? LIMITS.pullFollowersDefault
  const known = new Map<string, { readonly active: Promise<number>; readonly at: number }>()
  let recent = new Map<string, number>()
  let windowStart = Number.NEGATIVE_INFINITY

  async function countActive(authorId: string): Promise<number> {
    const most = threshold * COUNT_FACTOR
    const followers = await follows.followerCount(authorId, most)
    if (followers <= threshold || followers === most) return followers
    const [sample = []] = await follows.followerIds([{ userId: authorId }], SAMPLE)
    const active = await outage.ask(() => timelines.active(sample))
    if (active !== 'away') return Math.ceil((followers * active) / sample.length)
    // Pulled: nothing is to be written then. To be counted when the store is back.
    known.delete(authorId)
    return followers
  }

  function activeFollowers(authorId: string): Promise<number> {
    const now = clock.now()
    const cached = known.get(authorId)
    if (cached !== undefined && now - cached.at < FRESH_MS) return cached.active
    const active = countActive(authorId)
    active.catch(() => known.delete(authorId))
    known.delete(authorId)
    known.set(authorId, { active, at: now })
    for (const id of known.keys()) {
      if (known.size <= AUTHORS_MAX) break
      known.delete(id)
    }
    return active
  }

  /** Posts of an author within the last minute or so, as this process knows them, this one included. */
  function countPost(authorId: string): number {
    if (clock.now() - windowStart >= BURST_WINDOW_MS) {
      recent = new Map()
      windowStart = clock.now()
    }
    const count = (recent.get(authorId) ?? 0) + 1
    recent.set(authorId, count)
    return count
  }

  return {
    /** The mode of a post that is being published now. */
    async next(authorId: string): Promise<DeliveryMode> {
      const active = await activeFollowers(authorId)
      const posts = countPost(authorId)
      return active > threshold || active * posts > BURST_FACTOR * threshold ? 'pull' : 'push'
    },
    /** The mode of an author's imported posts: bursts are what imports are. */
    async usual(authorId: string): Promise<DeliveryMode> {
      return (await activeFollowers(authorId)) > threshold ? 'pull' : 'push'
    },
  }
}

export type ModeChooser = ReturnType<typeof createModeChooser>
