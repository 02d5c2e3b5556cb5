import { createLookups } from '../core/lookup.ts'
import type { SocialDeps } from './deps.ts'
import type { LikeChange } from './ports.ts'
import type { Post } from './schemas.ts'

type LikeName = Omit<LikeChange, 'liked'>

const nameOf = ({ postId, userId }: LikeName) => `${postId} ${userId}`

function parseName(name: string): LikeName {
  const space = name.indexOf(' ')
  return { postId: BigInt(name.slice(0, space)), userId: name.slice(space + 1) }
}

/**
 * Says of posts whether their viewer likes them; without a viewer they stay as they are. It is read after it was asked
 * for, so whoever likes a post sees that at the next read. A page costs one query, shared with other readers.
 */
export function createLiked({ posts }: Pick<SocialDeps, 'posts'>) {
  const find = createLookups<string, LikeName>((names) => posts.likesAmong(names.map(parseName)), nameOf)

  /** Those of the posts that a viewer likes. */
  async function among(postIds: readonly bigint[], viewer: string): Promise<ReadonlySet<bigint>> {
    if (postIds.length === 0) return new Set()
    const names = postIds.map((postId) => nameOf({ postId, userId: viewer }))
    const found = await find(names)
    return new Set(postIds.filter((_, index) => found.has(names[index]!)))
  }

  async function withLiked(documents: readonly Post[], viewer: string | undefined): Promise<Post[]> {
    if (viewer === undefined) return [...documents]
    const shown = documents.flatMap(({ post_id, reposted }) => [post_id, ...(reposted ? [reposted.post_id] : [])])
    const liked = await among([...new Set(shown)].map(BigInt), viewer)
    return documents.map((post) => ({
      ...post,
      liked: liked.has(BigInt(post.post_id)),
      ...(post.reposted === undefined
        ? {}
        : { reposted: { ...post.reposted, liked: liked.has(BigInt(post.reposted.post_id)) } }),
    }))
  }

  return {
    among,
    withLiked,
    async one(post: Post, viewer: string | undefined): Promise<Post> {
      const [shown = post] = await withLiked([post], viewer)
      return shown
    },
  }
}

export type Liked = ReturnType<typeof createLiked>
