import type { SocialStores } from './deps.ts'
import { belongsHome, STRANGERS } from './policy.ts'
import type { FollowStore, StoredPost } from './ports.ts'

const BATCH_MAX = 1_000
const FOLLOWEES_AT_ONCE = 5_000

/** Everybody a user follows. */
export async function allFollowees(follows: FollowStore, userId: string): Promise<string[]> {
  const all: string[] = []
  for (let after: string | undefined; ; after = all.at(-1)) {
    const items = await follows.followees(userId, after, FOLLOWEES_AT_ONCE)
    all.push(...items.map((item) => item.userId))
    if (items.length < FOLLOWEES_AT_ONCE) return all
  }
}

export type HomeReader = ReturnType<typeof createHomeReader>

/**
 * Reading a home timeline: skeleton -> posts -> policy, again and again until the page is full. The timeline only
 * proposes; relations and posts as they are now decide. So what was unfollowed, blocked, muted or deleted is gone at
 * once, and the page is still full.
 */
export function createHomeReader({ follows, posts, timelines }: Omit<SocialStores, 'users'>) {
  /** Candidates below an id, newest first, each once: from the timeline, and below its floor from the posts. */
  async function* candidates(
    userId: string,
    below: bigint | undefined,
    first: number,
  ): AsyncGenerator<readonly bigint[]> {
    let size = first
    let at = below
    for (;;) {
      const { postIds, floor } = await timelines.read(userId, at, size)
      if (postIds.length > 0) yield postIds
      if (postIds.length < size) {
        if (floor === 0n) return
        at = at === undefined || floor < at ? floor + 1n : at
        break
      }
      at = postIds.at(-1)!
      size = Math.min(2 * size, BATCH_MAX)
    }
    const authors = [userId, ...(await allFollowees(follows, userId))]
    for (;;) {
      const postIds = await posts.idsByAuthors(authors, at, size)
      if (postIds.length > 0) yield postIds
      if (postIds.length < size) return
      at = postIds.at(-1)!
      size = Math.min(2 * size, BATCH_MAX)
    }
  }

  /** Those of the candidates that may be shown, in their order. */
  async function allowed(userId: string, postIds: readonly bigint[]): Promise<StoredPost[]> {
    const found = new Map((await posts.find(postIds)).map((post) => [post.postId, post]))
    const authors = new Set([...found.values()].map((post) => post.userId))
    authors.delete(userId)
    const relations = authors.size === 0 ? new Map() : await follows.relations(userId, [...authors])
    return postIds.flatMap((postId) => {
      const post = found.get(postId)
      if (post === undefined) return []
      return belongsHome(post, userId, relations.get(post.userId) ?? STRANGERS) ? [post] : []
    })
  }

  return {
    /** The newest `limit` posts below an id; fewer only at the end. */
    async read(userId: string, below: bigint | undefined, limit: number): Promise<StoredPost[]> {
      const shown: StoredPost[] = []
      // Some more than asked for, so that a few hidden posts do not cost another round.
      const first = Math.min(limit + Math.ceil(limit / 4), BATCH_MAX)
      for await (const postIds of candidates(userId, below, first)) {
        shown.push(...(await allowed(userId, postIds)))
        if (shown.length >= limit) return shown.slice(0, limit)
      }
      return shown
    },
  }
}
