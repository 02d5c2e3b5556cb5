import { AppError } from '../core/errors.ts'
import type { SocialStores } from './deps.ts'
import { postIdOf, postNotFound, type ShownPost } from './documents.ts'
import { isRepost, mayRead, STRANGERS } from './policy.ts'
import type { Relation, StoredPost } from './ports.ts'
import { interactionBlocked } from './relations.ts'

type Stores = Pick<SocialStores, 'posts' | 'follows'>

/**
 * Adds to each repost and quote the post that it passes on, where that is there and `viewer` may read it. A quote stays
 * without it; a repost without it is left out. The order is kept. One query for the posts and one for the relations to
 * their authors, none when nothing is passed on.
 */
export async function embedReposted(
  { posts: store, follows }: Stores,
  posts: readonly StoredPost[],
  viewer?: string,
): Promise<ShownPost[]> {
  const rootIds = new Set(posts.flatMap((post) => (post.repostOf === undefined ? [] : [post.repostOf])))
  if (rootIds.size === 0) return [...posts]
  const found = await store.find([...rootIds])
  const relations = await relationsTo(follows, viewer, found)
  const shown = found.filter(
    (root) => viewer === undefined || mayRead(root, viewer, relations.get(root.userId) ?? STRANGERS),
  )
  const roots = new Map(shown.map((root) => [root.postId, root]))
  return posts.flatMap((post): ShownPost[] => {
    const reposted = post.repostOf === undefined ? undefined : roots.get(post.repostOf)
    if (reposted !== undefined) return [{ ...post, reposted }]
    return isRepost(post) ? [] : [post]
  })
}

/** How `viewer` stands to the other authors of these posts. */
export async function relationsTo(
  follows: Stores['follows'],
  viewer: string | undefined,
  posts: readonly StoredPost[],
): Promise<Map<string, Relation>> {
  if (viewer === undefined) return new Map()
  const authors = new Set(posts.map((post) => post.userId))
  authors.delete(viewer)
  return authors.size === 0 ? new Map() : follows.relations(viewer, [...authors])
}

/**
 * The post that a user passes on when naming `repostOf`: of a repost, the post that it passes on itself. Throws
 * `post_not_found`, `interaction_blocked`, and `not_repostable` when it is not for everybody.
 */
export async function findRoot(
  follows: Stores['follows'],
  findPost: (postId: bigint) => Promise<StoredPost | undefined>,
  userId: string,
  repostOf: string,
): Promise<StoredPost> {
  const named = await findPost(postIdOf(repostOf))
  const root = named?.repostOf !== undefined && isRepost(named) ? await findPost(named.repostOf) : named
  if (named === undefined || root === undefined) throw postNotFound(repostOf)
  const relations = await relationsTo(follows, userId, [named, root])
  if (relations.get(root.userId)?.blocked) throw interactionBlocked()
  for (const post of [named, root]) {
    if (!mayRead(post, userId, relations.get(post.userId) ?? STRANGERS)) throw postNotFound(repostOf)
  }
  if (root.visibility !== 'public') {
    throw new AppError('not_repostable', `Post ${root.postId} is for followers; only public posts can be passed on`)
  }
  return root
}
