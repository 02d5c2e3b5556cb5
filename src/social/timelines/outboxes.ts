import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import type { FollowStore, PostStore } from '../ports.ts'
import { allFollowees } from './sources.ts'

/** Pull posts of some authors between two ids: newest first, and complete down to `above`. */
export interface OutboxSlice {
  readonly postIds: readonly bigint[]
  /** Everything above this id is in it. */
  readonly above: bigint
}

interface Outbox {
  /** The newest pull posts, newest first. */
  readonly postIds: readonly bigint[]
  /** Older ones may exist. */
  readonly cut: boolean
  readonly readAt: number
}

/** Authors whose first pull post was stored while a list was read may carry an earlier time. */
const LATE_COMMIT_MS = 10_000
const FULL_LOOK_MS = 300_000
const AUTHORS_AT_ONCE = 5_000
/** Up to so many pull authors, one query tells which of them a reader follows; beyond, his followees are read. */
const ASK_ABOUT_MAX = 1_000
const NEWEST_AT_ONCE = 1_000

/**
 * The outboxes of the authors whose posts are pulled, cached in the process for {@link LIMITS.outboxFreshMs}: so a giant's
 * post reaches every reader within that time, at the cost of one query per process and giant, whatever his followers.
 */
export function createOutboxes({ follows, posts }: { follows: FollowStore; posts: PostStore }, clock: Clock) {
  let pullAuthors = new Set<string>()
  let newestSince: Date | undefined
  let authorsReadAt = Number.NEGATIVE_INFINITY
  let fullLookAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  const outboxes = new Map<string, Outbox>()
  /** How often it was asked what is newest: what was read before the last time may lack it. */
  let looks = 0

  async function readAuthors(): Promise<void> {
    const startedAt = clock.now()
    const full = startedAt - fullLookAt >= FULL_LOOK_MS
    const found = full ? new Set<string>() : pullAuthors
    let after = full || newestSince === undefined ? undefined : new Date(newestSince.getTime() - LATE_COMMIT_MS)
    for (;;) {
      const authors = await posts.pullAuthors(after, AUTHORS_AT_ONCE)
      for (const author of authors) found.add(author.userId)
      const last = authors.at(-1)?.since
      if (last !== undefined && (newestSince === undefined || last > newestSince)) newestSince = last
      if (authors.length < AUTHORS_AT_ONCE || last === undefined) break
      after = last
    }
    pullAuthors = found
    authorsReadAt = startedAt
    if (full) fullLookAt = startedAt
  }

  async function freshAuthors(): Promise<ReadonlySet<string>> {
    if (clock.now() - authorsReadAt >= LIMITS.outboxFreshMs) {
      reading ??= readAuthors().finally(() => {
        reading = undefined
      })
      await reading
    }
    return pullAuthors
  }

  async function freshOutboxes(authorIds: readonly string[]): Promise<readonly Outbox[]> {
    const readAt = clock.now()
    // What is fresh now is kept aside: others may drop it from the cache while the rest is read.
    const fresh = new Map<string, Outbox>()
    for (const id of authorIds) {
      const cached = outboxes.get(id)
      if (cached !== undefined && readAt - cached.readAt < LIMITS.outboxFreshMs) fresh.set(id, cached)
    }
    const stale = authorIds.filter((id) => !fresh.has(id))
    if (stale.length > 0) {
      const before = looks
      const found = await posts.outboxes(stale, undefined, LIMITS.outboxCachedPosts)
      for (const id of stale) {
        const postIds = found.get(id) ?? []
        const outbox = { postIds, cut: postIds.length === LIMITS.outboxCachedPosts, readAt }
        fresh.set(id, outbox)
        if (before !== looks || readAt < (outboxes.get(id)?.readAt ?? Number.NEGATIVE_INFINITY)) continue
        // Least recently read first: the map keeps the order of insertion.
        outboxes.delete(id)
        outboxes.set(id, outbox)
      }
    }
    for (const id of outboxes.keys()) {
      if (outboxes.size <= LIMITS.outboxesCached) break
      outboxes.delete(id)
    }
    return [...fresh.values()]
  }

  return {
    /** The pull authors that a reader follows, or followed with the past kept. */
    async followedBy(userId: string): Promise<string[]> {
      const authors = await freshAuthors()
      if (authors.size === 0) return []
      if (authors.size <= ASK_ABOUT_MAX) return follows.followsAmong(userId, [...authors])
      return (await allFollowees(follows, userId)).filter((id) => authors.has(id))
    },

    /** The newest pull post of each of these authors; who reads an outbox from then on sees it. */
    async newest(authorIds: readonly string[]): Promise<Map<string, bigint>> {
      const newest = new Map<string, bigint>()
      for (let from = 0; from < authorIds.length; from += NEWEST_AT_ONCE) {
        const found = await posts.outboxes(authorIds.slice(from, from + NEWEST_AT_ONCE), undefined, 1)
        looks += 1
        for (const [authorId, [postId]] of found) {
          newest.set(authorId, postId!)
          const cached = outboxes.get(authorId)
          if (cached !== undefined && cached.postIds[0] !== postId) outboxes.delete(authorId)
        }
      }
      return newest
    },

    /** Pull posts of these authors below an id and above another; `limit` bounds what one call answers. */
    async between(
      authorIds: readonly string[],
      below: bigint | undefined,
      above: bigint,
      limit: number,
    ): Promise<OutboxSlice> {
      if (authorIds.length === 0) return { postIds: [], above }
      const cached = await freshOutboxes(authorIds)
      let reach = above
      for (const { cut, postIds } of cached) if (cut && postIds.at(-1)! > reach) reach = postIds.at(-1)!
      let found = cached.flatMap((outbox) => outbox.postIds)
      if (below !== undefined && reach > above && below <= reach) {
        // Further back than the cache reaches, or than its entries were read.
        const read = await posts.outboxes(authorIds, below, limit)
        found = [...read.values()].flat()
        reach = above
        for (const ids of read.values()) if (ids.length === limit && ids.at(-1)! > reach) reach = ids.at(-1)!
      }
      const within = found.filter((id) => id >= reach && id > above && (below === undefined || id < below))
      within.sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
      if (within.length <= limit) return { postIds: within, above: reach === above ? above : reach - 1n }
      return { postIds: within.slice(0, limit), above: within[limit - 1]! - 1n }
    },
  }
}

export type Outboxes = ReturnType<typeof createOutboxes>
