import type { CommentInsert, PostStore, RowKey, StoredComment } from '../../social/ports.ts'
import { isDuplicate } from './client.ts'
import { type Counting, rowOf } from './counting.ts'
import { toBytes } from './post-rows.ts'
import { type Collections, type CommentDoc, onceOf, SETTLED, THERE } from './schema.ts'

function toComment(doc: CommentDoc): StoredComment {
  return { commentId: doc._id, postId: doc.post_id, userId: doc.user_id, text: doc.text, timestamp: doc.since }
}

export function openPostComments(
  { comments }: Collections,
  counting: Counting,
): Pick<PostStore, 'insertComment' | 'comments' | 'deleteComment'> {
  /** A comment that was made with the key, or waits for one that is just being deleted. */
  async function byKey(userId: string, key: RowKey, attempt: number): Promise<CommentInsert | 'busy' | undefined> {
    const row = await comments.findOne({ once: onceOf(userId, key.key) })
    if (row === null) return undefined
    if (row.gone === undefined) {
      return { kind: 'repeated', comment: toComment(row), fingerprint: toBytes(row.fingerprint!) }
    }
    await counting.waitFor(row.post_id, row.op!, attempt)
    return 'busy'
  }

  /** Undefined when its key is taken by something that goes just now. */
  async function insert(
    comment: StoredComment,
    key: RowKey | undefined,
    attempt: number,
  ): Promise<CommentInsert | undefined> {
    const { commentId, postId, userId, text, timestamp } = comment
    const op = counting.newOp('comment')
    const authors = await counting.begin([postId], op)
    const isThere = authors.size > 0
    let duplicate: unknown
    if (isThere) {
      const once = key === undefined ? {} : { once: onceOf(userId, key.key), fingerprint: key.fingerprint }
      const row = rowOf(userId, authors.get(postId), timestamp, op)
      try {
        await comments.insertOne({ _id: commentId, post_id: postId, text, since: timestamp, ...row, ...once })
      } catch (error) {
        if (!isDuplicate(error)) throw error
        duplicate = error
      }
      await counting.finish(op, [postId])
      if (duplicate === undefined) return { kind: 'created' }
    }
    const known = key === undefined ? undefined : await byKey(userId, key, attempt)
    if (known === 'busy') return undefined
    if (known !== undefined) return known
    if (!isThere) return { kind: 'no_post' }
    // Not the key but the id; else the one with the key has just gone.
    if ((await comments.findOne({ _id: commentId }, { projection: { _id: 1 } })) !== null) throw duplicate
    return undefined
  }

  return {
    async insertComment(comment, key) {
      for (let attempt = 1; ; attempt++) {
        const outcome = await insert(comment, key, attempt)
        if (outcome !== undefined) return outcome
      }
    },
    async comments(postId, after, limit) {
      const behind = after === undefined ? {} : { _id: { $gt: after } }
      const query = { post_id: postId, ...behind, ...THERE }
      return (await comments.find(query).sort({ _id: 1 }).limit(limit).toArray()).map(toComment)
    },
    async deleteComment(commentId) {
      for (let attempt = 1; ; attempt++) {
        const row = await comments.findOne({ _id: commentId }, { projection: { post_id: 1, op: 1, gone: 1 } })
        if (row === null || row.gone) return false
        if (row.op !== undefined) {
          await counting.waitFor(row.post_id, row.op, attempt)
          continue
        }
        const op = counting.newOp('comment')
        if ((await counting.begin([row.post_id], op)).size === 0) return false
        const change = { $set: { op, gone: true } } as const
        const { matchedCount } = await comments.updateOne({ _id: commentId, ...SETTLED, ...THERE }, change)
        await counting.finish(op, [row.post_id])
        if (matchedCount === 1) return true
      }
    },
  }
}
