import type { DeliveryMode, PostContent, StoredPost, Visibility } from '../../social/ports.ts'

/** Above every id. With it a range is one condition that an index serves, also in a generic plan. */
export const ID_MAX = 2n ** 63n - 1n

// Posts that mention nobody, nearly all, do not look for mentions.
export const POST_COLUMNS = `posts.post_id, posts.user_id, content, visibility, mode, timestamp,
  like_count, comment_count, repost_of, repost_count, version, edited_at,
  case when mentioning then (select array_agg(m.user_id order by m.user_id)
    from post_mentions m where m.post_id = posts.post_id) end as mentions`

export interface PostRow {
  post_id: bigint
  user_id: string
  content: PostContent
  visibility: Visibility
  mode: DeliveryMode
  timestamp: Date
  like_count: bigint
  comment_count: bigint
  repost_of: bigint | null
  repost_count: bigint
  version: number
  edited_at: Date | null
  mentions: string[] | null
}

export function toPost(row: PostRow): StoredPost {
  return {
    postId: row.post_id,
    userId: row.user_id,
    content: row.content,
    visibility: row.visibility,
    mode: row.mode,
    timestamp: row.timestamp,
    likeCount: Number(row.like_count),
    commentCount: Number(row.comment_count),
    repostCount: Number(row.repost_count),
    version: row.version,
    ...(row.repost_of === null ? {} : { repostOf: row.repost_of }),
    ...(row.edited_at === null ? {} : { editedAt: row.edited_at }),
    ...(row.mentions === null ? {} : { mentions: row.mentions }),
  }
}
