import { createLookup } from '../core/lookup.ts'
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
  const find = createLookup<string, LikeName>((names) => posts.likesAmong(names.map(parseName)), nameOf)

  async function isLiked(postId: string, userId: string): Promise<boolean> {
    return (await find(`${postId} ${userId}`)) !== undefined
  }

  async function one(post: Post, viewer: string | undefined): Promise<Post> {
    if (viewer === undefined) return post
    const { reposted } = post
    const [liked, repostedLiked] = await Promise.all([
      isLiked(post.post_id, viewer),
      reposted !== undefined && isLiked(reposted.post_id, viewer),
    ])
    return { ...post, liked, ...(reposted === undefined ? {} : { reposted: { ...reposted, liked: repostedLiked } }) }
  }

  return {
    one,
    withLiked: (posts: readonly Post[], viewer: string | undefined): Promise<Post[]> =>
      Promise.all(posts.map((post) => one(post, viewer))),
  }
}

export type Liked = ReturnType<typeof createLiked>
