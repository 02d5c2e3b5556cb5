import { AppError, invalidField } from '../core/errors.ts'
import { parseId } from '../core/ids.ts'
import { validator } from '../core/schema.ts'
import type { PostVersion as EarlierVersion, PostContent, StoredComment, StoredPost, StoredUser } from './ports.ts'
import { type Comment, type Post, type PostVersion, USER_ID_MESSAGE, type User, UserId } from './schemas.ts'
import { hashtagsIn } from './text.ts'

export function toUserDocument(user: StoredUser): User {
  return { user_id: user.userId, handle: user.handle, name: user.name, created_at: user.createdAt.toISOString() }
}

/** A post as it is shown: with the post that it passes on, when that may be read. */
export interface ShownPost extends StoredPost {
  readonly reposted?: ShownPost | undefined
  /** Does the viewer like it? Absent without a viewer, or where it was not asked. */
  readonly liked?: boolean | undefined
}

function toContent({ text, media }: PostContent): PostVersion['content'] {
  return {
    ...(text === undefined ? {} : { text }),
    ...(media === undefined ? {} : { media: media.map((item) => ({ ...item })) }),
  }
}

export function toPostDocument(post: ShownPost): Post {
  const { editedAt, liked, mentions, repostOf, reposted } = post
  const hashtags = hashtagsIn(post.content.text)
  return {
    post_id: post.postId.toString(),
    user_id: post.userId,
    content: toContent(post.content),
    visibility: post.visibility,
    timestamp: post.timestamp.toISOString(),
    version: post.version,
    ...(editedAt === undefined ? {} : { edited_at: editedAt.toISOString() }),
    ...(mentions === undefined || mentions.length === 0 ? {} : { mentions: [...mentions] }),
    ...(hashtags.length === 0 ? {} : { hashtags }),
    ...(repostOf === undefined ? {} : { repost_of: repostOf.toString() }),
    like_count: post.likeCount,
    comment_count: post.commentCount,
    repost_count: post.repostCount,
    ...(liked === undefined ? {} : { liked }),
    ...(reposted === undefined ? {} : { reposted: toPostDocument(reposted) }),
  }
}

export function toVersionDocument(version: EarlierVersion): PostVersion {
  return {
    version: version.version,
    content: toContent(version.content),
    timestamp: version.writtenAt.toISOString(),
    replaced_at: version.replacedAt.toISOString(),
  }
}

export function toCommentDocument(comment: StoredComment): Comment {
  return {
    comment_id: comment.commentId.toString(),
    post_id: comment.postId.toString(),
    user_id: comment.userId,
    text: comment.text,
    timestamp: comment.timestamp.toISOString(),
  }
}

/** What can't be an id names nothing, so it is answered like an id that does not exist. */
export function postIdOf(text: string): bigint {
  const id = parseId(text)
  if (id === undefined) throw postNotFound(text)
  return id
}

export function commentIdOf(text: string): bigint {
  const id = parseId(text)
  if (id === undefined) throw commentNotFound(text)
  return id
}

const checkUserId = validator(UserId)

/** Refuses text that can't be a user id, naming where it stood. */
export function userIdOf(text: string, pointer = 'params/id'): string {
  try {
    return checkUserId(text)
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_input') throw invalidField(pointer, USER_ID_MESSAGE)
    throw error
  }
}

const quoted = (text: string) => `"${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`

export const userNotFound = (id: string) => new AppError('user_not_found', `No user has the id ${quoted(id)}`)
export const postNotFound = (id: string | bigint) =>
  new AppError('post_not_found', `No post has the id ${quoted(String(id))}`)
export const commentNotFound = (id: string | bigint) =>
  new AppError('comment_not_found', `No comment has the id ${quoted(String(id))}`)
