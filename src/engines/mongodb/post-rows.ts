import type { Binary } from 'mongodb'
import type { StoredPost } from '../../social/ports.ts'
import type { PostDoc } from './schema.ts'

/** What a post says; the rest of its document is for counting and for the fan-out. */
export const POST_FIELDS = {
  user_id: 1,
  content: 1,
  visibility: 1,
  mode: 1,
  timestamp: 1,
  like_count: 1,
  comment_count: 1,
  repost_of: 1,
  repost_count: 1,
  version: 1,
  edited_at: 1,
  mentions: 1,
} as const

export function toPost(doc: PostDoc): StoredPost {
  return {
    postId: doc._id,
    userId: doc.user_id,
    content: doc.content,
    visibility: doc.visibility,
    mode: doc.mode,
    timestamp: doc.timestamp,
    likeCount: Number(doc.like_count),
    commentCount: Number(doc.comment_count),
    repostCount: Number(doc.repost_count),
    version: doc.version,
    ...(doc.repost_of === undefined ? {} : { repostOf: doc.repost_of }),
    ...(doc.edited_at === undefined ? {} : { editedAt: doc.edited_at }),
    ...(doc.mentions === undefined || doc.mentions.length === 0 ? {} : { mentions: doc.mentions }),
  }
}

/** Bytes as the driver hands them out, or in its own wrapping. */
export const toBytes = (bytes: Uint8Array | Binary): Uint8Array =>
  bytes instanceof Uint8Array ? bytes : (bytes as Binary).value()

/** Part of a filter: ids below one, when given, and above another, when given. */
export function between(below: bigint | undefined, above?: bigint): { _id?: { $lt?: bigint; $gt?: bigint } } {
  if (below === undefined && above === undefined) return {}
  return { _id: { ...(below === undefined ? {} : { $lt: below }), ...(above === undefined ? {} : { $gt: above }) } }
}
