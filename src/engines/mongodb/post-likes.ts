import type { AnyBulkWriteOperation } from 'mongodb'
import type { LikeChange, LikeOutcome, PostStore } from '../../social/ports.ts'
import { duplicatesOf } from './client.ts'
import { type Counting, rowOf } from './counting.ts'
import { type Collections, type LikeDoc, SETTLED, THERE } from './schema.ts'

export const likeIdOf = ({ postId, userId }: Omit<LikeChange, 'liked'>) => `${postId}/${userId}`

type Likes = Pick<PostStore, 'applyLikes' | 'likedBy' | 'likesAmong' | 'likers'>

export function openPostLikes({ likes }: Collections, counting: Counting): Likes {
  /** Step 2: answers the rows that changed, which the driver does not tell of a batch. */
  async function write(changes: readonly LikeChange[], authors: ReadonlyMap<bigint, string>, at: Date, op: string) {
    const writes = changes.map((change): AnyBulkWriteOperation<LikeDoc> => {
      const { postId, userId, liked } = change
      const _id = likeIdOf(change)
      if (!liked) return { updateOne: { filter: { _id, ...SETTLED, ...THERE }, update: { $set: { op, gone: true } } } }
      const row = rowOf(userId, authors.get(postId), at, op)
      return { insertOne: { document: { _id, post_id: postId, since: at, ...row } } }
    })
    await likes.bulkWrite(writes, { ordered: false }).catch(duplicatesOf)
    return likes.find({ op }).toArray()
  }

  /** Applies what can be applied; answers what must be tried again, because other operations hold the rows. */
  async function apply(
    changes: readonly LikeChange[],
    at: Date,
    outcomes: Map<LikeChange, LikeOutcome>,
    attempt: number,
  ): Promise<LikeChange[]> {
    const op = counting.newOp('like')
    const postIds = [...new Set(changes.map((change) => change.postId))]
    const authors = await counting.begin(postIds, op)
    const possible = changes.filter((change) => authors.has(change.postId))
    for (const change of changes) if (!authors.has(change.postId)) outcomes.set(change, 'no_post')
    if (possible.length === 0) return []
    const rows = await write(possible, authors, at, op)
    await counting.finish(op, [...authors.keys()], rows)
    const changed = new Set(rows.map((row) => row._id))
    for (const change of possible) if (changed.has(likeIdOf(change))) outcomes.set(change, 'changed')
    const others = possible.filter((change) => !outcomes.has(change))
    if (others.length === 0) return []
    const query = { _id: { $in: others.map(likeIdOf) } }
    const found = new Map((await likes.find(query).toArray()).map((row) => [row._id, row]))
    const busy: LikeChange[] = []
    let holder: LikeDoc | undefined
    for (const change of others) {
      const row = found.get(likeIdOf(change))
      const isLiked = row !== undefined && row.gone === undefined
      if (isLiked === change.liked) outcomes.set(change, 'unchanged')
      else {
        busy.push(change)
        if (row?.op !== undefined) holder ??= row
      }
    }
    if (holder?.op !== undefined) await counting.waitFor(holder.post_id, holder.op, attempt)
    return busy
  }

  return {
    async applyLikes(changes, at) {
      const outcomes = new Map<LikeChange, LikeOutcome>()
      let left: readonly LikeChange[] = changes
      for (let attempt = 1; left.length > 0; attempt++) left = await apply(left, at, outcomes, attempt)
      return changes.map((change) => outcomes.get(change)!)
    },
    async likedBy(userId, postIds) {
      const ids = postIds.map((postId) => likeIdOf({ postId, userId }))
      const found = await likes.find({ _id: { $in: ids }, ...THERE }, { projection: { post_id: 1 } }).toArray()
      return found.map((row) => row.post_id)
    },
    async likesAmong(asked) {
      if (asked.length === 0) return []
      const query = { _id: { $in: asked.map(likeIdOf) }, ...THERE }
      const found = await likes.find(query, { projection: { post_id: 1, user_id: 1 } }).toArray()
      return found.map((row) => ({ postId: row.post_id, userId: row.user_id }))
    },
    async likers(postId, after, limit) {
      const behind =
        after === undefined
          ? {}
          : {
              since: { $lte: after.since },
              $or: [{ since: { $lt: after.since } }, { user_id: { $gt: after.userId } }],
            }
      const rows = await likes
        .find({ post_id: postId, ...behind, ...THERE }, { projection: { user_id: 1, since: 1 } })
        .sort({ since: -1, user_id: 1 })
        .limit(limit)
        .toArray()
      return rows.map((row) => ({ userId: row.user_id, since: row.since }))
    },
  }
}
