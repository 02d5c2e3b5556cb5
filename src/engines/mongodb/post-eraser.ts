import type { Collection } from 'mongodb'
import type { PostStore } from '../../social/ports.ts'
import type { Counting } from './counting.ts'
import { forgetContent } from './post-delete.ts'
import { ALIVE, type Collections } from './schema.ts'

const POSTS_AT_ONCE = 100

type Writes = Pick<PostStore, 'applyLikes' | 'deleteComment' | 'delete'>

export function openPostEraser(
  collections: Collections,
  counting: Counting,
  writes: Writes,
): Pick<PostStore, 'erase' | 'clearLeftovers'> {
  const { posts, likes, comments, notices, pullAuthors } = collections

  /** Deletes up to `limit` documents of a filter; answers how many. */
  async function remove(rows: unknown, filter: object, limit: number): Promise<number> {
    if (limit <= 0) return 0
    const collection = rows as Collection
    const found = await collection.find(filter, { projection: { _id: 1 }, limit }).toArray()
    if (found.length === 0) return 0
    const { deletedCount } = await collection.deleteMany({ _id: { $in: found.map((row) => row._id) } })
    return deletedCount
  }

  /** Rows of posts that nobody counts any more: deleted, or not there. */
  async function uncounted(postIds: readonly bigint[]): Promise<Set<bigint>> {
    const there = await posts.find({ _id: { $in: [...postIds] }, ...ALIVE }, { projection: { _id: 1 } }).toArray()
    const counted = new Set(there.map((post) => post._id))
    return new Set(postIds.filter((postId) => !counted.has(postId)))
  }

  async function eraseLikes(userId: string, limit: number): Promise<number> {
    const found = await likes.find({ user_id: userId }, { limit }).toArray()
    if (found.length === 0) return 0
    const dead = await uncounted(found.map((row) => row.post_id))
    const live = found.filter((row) => !dead.has(row.post_id))
    await writes.applyLikes(
      live.map((row) => ({ postId: row.post_id, userId, liked: false })),
      new Date(0),
    )
    // What another operation is taking back goes with that one, or is completed here.
    for (const row of live) if (row.gone && row.op !== undefined) await counting.waitFor(row.post_id, row.op, 1)
    const of = found.filter((row) => dead.has(row.post_id)).map((row) => row._id)
    if (of.length > 0) await likes.deleteMany({ _id: { $in: of } })
    return found.length
  }

  async function eraseComments(userId: string, limit: number): Promise<number> {
    const found = await comments.find({ user_id: userId }, { limit }).toArray()
    if (found.length === 0) return 0
    const dead = await uncounted(found.map((row) => row.post_id))
    for (const row of found) {
      if (dead.has(row.post_id)) await comments.deleteOne({ _id: row._id })
      else if (row.gone && row.op !== undefined) await counting.waitFor(row.post_id, row.op, 1)
      else await writes.deleteComment(row._id)
    }
    return found.length
  }

  async function eraseMentions(userId: string, limit: number): Promise<number> {
    const found = await posts.find({ mentions: userId }, { projection: { _id: 1 }, limit }).toArray()
    if (found.length === 0) return 0
    const ids = found.map((post) => post._id)
    await posts.updateMany({ _id: { $in: ids } }, { $pull: { mentions: userId } } as object)
    return found.length
  }

  async function hidePosts(userId: string, limit: number): Promise<number> {
    const query = { user_id: userId, ...ALIVE }
    const found = await posts.find(query, { projection: { _id: 1 }, limit }).toArray()
    for (const post of found) await writes.delete(post._id, new Date())
    return found.length
  }

  /** Posts of his that are hidden, with all that hangs on them; counts those too that have to wait. */
  async function dropPosts(userId: string, limit: number): Promise<number> {
    const query = { user_id: userId, deleted_at: { $exists: true } }
    const projection = { op: 1, repost_of: 1 } as const
    const found = await posts.find(query, { projection, limit: Math.min(limit, POSTS_AT_ONCE) }).toArray()
    if (found.length === 0) return 0
    // A repost that is still counted is left for the next call: without its row nobody would take it from the number.
    for (const { repost_of: root, op } of found) {
      if (root !== undefined && op !== undefined) await counting.waitFor(root, op, 1)
    }
    const ids = found.filter(({ op }) => op === undefined).map((post) => post._id)
    const ofThem = { post_id: { $in: ids } }
    let gone = await remove(likes, ofThem, limit)
    gone += await remove(comments, ofThem, limit - gone)
    if (gone >= limit) return gone
    await forgetContent(collections, ids)
    await pullAuthors.deleteOne({ _id: userId })
    const { deletedCount } = await posts.deleteMany({ _id: { $in: ids } })
    return gone + deletedCount + (found.length - ids.length)
  }

  return {
    async erase(userId, limit) {
      let erased = 0
      for (const step of [eraseLikes, eraseComments, eraseMentions, hidePosts, dropPosts]) {
        // A step that filled the limit may have more to do; the ones behind it rely on its being done.
        if (erased >= limit) break
        erased += await step(userId, limit - erased)
      }
      if (erased < limit) erased += await remove(notices, { user_id: userId }, limit - erased)
      return erased
    },
    async clearLeftovers(limit) {
      const query = { leftovers: true as const }
      const found = await posts.find(query, { projection: { _id: 1 }, limit: POSTS_AT_ONCE }).toArray()
      if (found.length === 0) return 0
      const ids = found.map((post) => post._id)
      const ofThem = { post_id: { $in: ids } }
      let cleared = await remove(likes, ofThem, limit)
      cleared += await remove(comments, ofThem, limit - cleared)
      if (cleared >= limit) return cleared
      await forgetContent(collections, ids)
      // What was begun before the deletion may still write; such posts are looked at again.
      const done = { _id: { $in: ids }, 'ops.0': { $exists: false } }
      await posts.updateMany(done, { $unset: { leftovers: '' } })
      return cleared
    },
  }
}
