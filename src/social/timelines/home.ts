import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import { createLookups } from '../../core/lookup.ts'
import type { SocialStores } from '../deps.ts'
import type { ShownPost } from '../documents.ts'
import type { Liked } from '../liked.ts'
import { belongsHome, isRepost, mayShowRoot, STRANGERS } from '../policy.ts'
import type { StoredPost } from '../ports.ts'
import { relationsTo } from '../reposts.ts'
import type { Outage } from './outage.ts'
import type { Outboxes } from './outboxes.ts'
import { authorsOf, newestOf } from './sources.ts'

const BATCH_MAX = 1_000

/** Where a walk through a timeline stands. */
export interface Place {
  /** Only what is older than this id; absent at the top. */
  readonly below: bigint | undefined
  /** What the last {@link LIMITS.repostWindow} reposts shown in this walk passed on, oldest first. */
  readonly reposted: readonly bigint[]
}

export const TOP: Place = { below: undefined, reposted: [] }

export interface HomePage {
  readonly posts: readonly ShownPost[]
  /** Where to go on; absent at the end. */
  readonly next: Place | undefined
  /** The mark of the timeline before anything of the page was read; absent while there is none. */
  readonly mark: string | undefined
}

/** The place behind a post that was shown. */
export function placeBehind(post: ShownPost, place: Place): Place {
  const reposted =
    post.repostOf !== undefined && isRepost(post)
      ? [...place.reposted, post.repostOf].slice(-LIMITS.repostWindow)
      : place.reposted
  return { below: post.postId, reposted }
}

/** Was this post, or what it passes on, shown by a repost a moment ago? */
export function isRepeated(post: StoredPost, place: Place): boolean {
  if (place.reposted.length === 0) return false
  return place.reposted.includes(isRepost(post) ? post.repostOf! : post.postId)
}

export interface HomeOptions {
  /** Told of timelines that are not ready; they are read from the stores meanwhile. */
  readonly onAbsent?: (userId: string) => void
  /** Pages are read from the stores while the timelines' own is away; without it reading fails. */
  readonly outage?: Outage
  /** Says of each post whether the reader likes it; without it nothing is said. */
  readonly liked?: Liked
  /** Whether reading keeps the timeline from being forgotten; true unless given. */
  readonly visit?: boolean
}

/**
 * Reading a home timeline: candidates -> posts -> policy, again and again until the page is full. Timeline and outboxes
 * only propose; relations and posts as they are now decide. So what was unfollowed, blocked, muted or deleted is gone at
 * once, and the page is still full.
 */
export function createHomeReader(
  { follows, posts, timelines }: Omit<SocialStores, 'users'>,
  outboxes: Outboxes,
  clock: Clock,
  { onAbsent, outage, liked, visit = true }: HomeOptions = {},
) {
  const findPosts = createLookups<bigint, StoredPost>(posts.find, (post) => post.postId)

  /** Candidates below an id, newest first, each once: timeline and outboxes, and below the floor the posts themselves. */
  async function* candidates(
    userId: string,
    below: bigint | undefined,
    first: number,
    onMark: (mark: string) => void,
  ): AsyncGenerator<readonly bigint[]> {
    let size = first
    let at = below
    const pulled = outboxes.followedBy(userId)
    // Not to be left alone with its failure while the timeline is read.
    pulled.catch(() => undefined)
    for (;;) {
      const reading = () => timelines.read(userId, at, size, { visit })
      const slice = await (outage === undefined ? reading() : outage.ask(reading))
      if (slice === 'away') break
      if (slice === undefined) {
        onAbsent?.(userId)
        break
      }
      onMark(slice.mark)
      // Both lists are complete down to some id; what both cover can be shown.
      const reach = slice.postIds.length < size ? slice.floor : slice.postIds.at(-1)! - 1n
      const outbox = await outboxes.between(await pulled, at, reach, size)
      const above = outbox.above > reach ? outbox.above : reach
      const merged = outbox.postIds.length === 0 ? slice.postIds : newestFirst(slice.postIds, outbox.postIds)
      const postIds = merged.filter((id) => id > above)
      if (postIds.length > 0) yield postIds
      if (above === 0n) return
      at = at === undefined || above + 1n < at ? above + 1n : at
      if (above === slice.floor && slice.postIds.length < size) break
      size = Math.min(2 * size, BATCH_MAX)
    }
    const authors = await authorsOf(follows, userId)
    for (;;) {
      const postIds = await newestOf(posts, clock, authors, at, size)
      if (postIds.length > 0) yield postIds
      if (postIds.length < size) return
      at = postIds.at(-1)!
      size = Math.min(2 * size, BATCH_MAX)
    }
  }

  /** Those of the candidates that may be shown, in their order. */
  async function allowed(userId: string, postIds: readonly bigint[]): Promise<ShownPost[]> {
    const found = await findPosts(postIds)
    const candidates = postIds.flatMap((postId) => found.get(postId) ?? [])
    const rootIds = candidates.flatMap((post) => post.repostOf ?? [])
    const roots = rootIds.length === 0 ? new Map<bigint, StoredPost>() : await findPosts(rootIds)
    const all = [...candidates, ...roots.values()]
    const [relations, likes] = await Promise.all([
      relationsTo(follows, userId, all),
      liked?.among([...new Set(all.map((post) => post.postId))], userId),
    ])
    const withLiked = (post: StoredPost): ShownPost => ({ ...post, liked: likes?.has(post.postId) })
    const relationTo = (authorId: string) => relations.get(authorId) ?? STRANGERS
    return candidates.flatMap((post) => {
      if (!belongsHome(post, userId, relationTo(post.userId))) return []
      const root = post.repostOf === undefined ? undefined : roots.get(post.repostOf)
      const isRootShown = root !== undefined && mayShowRoot(root, userId, relationTo(root.userId))
      if (!isRootShown && isRepost(post)) return []
      return [{ ...withLiked(post), reposted: isRootShown ? withLiked(root) : undefined }]
    })
  }

  return {
    allowed,
    /** The next `limit` posts behind a place; fewer only at the end. */
    async read(userId: string, place: Place, limit: number): Promise<HomePage> {
      const shown: ShownPost[] = []
      let next = place
      let mark: string | undefined
      // Some more than asked for, so that a few hidden posts do not cost another round.
      const first = Math.min(limit + 1 + Math.ceil(limit / 4), BATCH_MAX)
      const onMark = (read: string) => {
        mark ??= read
      }
      for await (const postIds of candidates(userId, place.below, first, onMark)) {
        for (const post of await allowed(userId, postIds)) {
          if (isRepeated(post, next)) continue
          if (shown.length === limit) return { posts: shown, next, mark }
          shown.push(post)
          next = placeBehind(post, next)
        }
      }
      return { posts: shown, next: undefined, mark }
    },
  }
}

export type HomeReader = ReturnType<typeof createHomeReader>

/** Two lists, each newest first, as one. */
function newestFirst(a: readonly bigint[], b: readonly bigint[]): bigint[] {
  return [...new Set([...a, ...b])].sort((x, y) => (x < y ? 1 : x > y ? -1 : 0))
}
