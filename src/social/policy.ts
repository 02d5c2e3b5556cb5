import type { Relation, StoredPost } from './ports.ts'

/** What holds between two users who have nothing to do with each other. */
export const STRANGERS: Relation = { follows: false, blocked: false, muted: false }

/** May `viewer` read this post at its own address or in a profile? `relation` is the viewer's to the author. */
export function mayRead(post: Pick<StoredPost, 'userId' | 'visibility'>, viewer: string, relation: Relation): boolean {
  if (viewer === post.userId) return true
  if (relation.blocked) return false
  return post.visibility === 'public' || relation.follows
}

/** Does this post belong into the home timeline of `viewer`? Only what is followed, and nothing muted or blocked. */
export function belongsHome(post: Pick<StoredPost, 'userId'>, viewer: string, relation: Relation): boolean {
  if (viewer === post.userId) return true
  return relation.follows && !relation.blocked && !relation.muted
}
