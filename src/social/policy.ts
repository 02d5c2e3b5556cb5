import type { Relation, StoredPost } from './ports.ts'

/** What holds between two users who have nothing to do with each other. */
export const STRANGERS: Relation = { follows: false, blocked: false, muted: false }

/** May `viewer` read this post at its own address or in a profile? `relation` is the viewer's to the author. */
export function mayRead(post: Pick<StoredPost, 'userId' | 'visibility'>, viewer: string, relation: Relation): boolean {
  if (viewer === post.userId) return true
  if (relation.blocked) return false
  return post.visibility === 'public' || relation.follows
}

/**
 * Does this post belong into the home timeline of `viewer`? Only what is followed, and nothing muted or blocked. Of
 * somebody who was unfollowed with the past kept: the public posts until then.
 */
export function belongsHome(
  post: Pick<StoredPost, 'userId' | 'visibility' | 'timestamp'>,
  viewer: string,
  relation: Relation,
): boolean {
  if (viewer === post.userId) return true
  if (relation.blocked || relation.muted) return false
  if (relation.follows) return true
  return relation.keptUntil !== undefined && post.visibility === 'public' && post.timestamp <= relation.keptUntil
}

/** A repost adds nothing of its own; a quote does. */
export function isRepost(post: Pick<StoredPost, 'content' | 'repostOf'>): boolean {
  return post.repostOf !== undefined && post.content.text === undefined && post.content.media === undefined
}

/** May the passed-on post be shown inside another one in the home timeline of `viewer`? */
export function mayShowRoot(root: StoredPost, viewer: string, relation: Relation): boolean {
  return mayRead(root, viewer, relation) && !relation.muted
}
