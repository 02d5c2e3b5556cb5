import type { PostStore, StoredComment } from '../../social/ports.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'
import { noticesAdded, noticesTaken } from './post-notices.ts'

const INSERT = `
with locked as (select post_id, user_id from posts where post_id = $2 and deleted_at is null for update),
added as (
  insert into comments (comment_id, post_id, user_id, text, timestamp, idempotency_key, fingerprint)
  select $1::bigint, post_id, $3, $4, $5, $6, $7 from locked
  on conflict (user_id, idempotency_key) do nothing returning post_id, user_id, timestamp as since),
counted as (
  update posts set comment_count = comment_count + 1 where post_id in (select post_id from added)),
noticed as (${noticesAdded('comment', 'added')})
select count(*)::int as n from added`

const COLUMNS = 'comment_id, post_id, user_id, text, timestamp'
const BY_KEY = `select ${COLUMNS}, fingerprint from comments where user_id = $1 and idempotency_key = $2`

const LIST = `
select ${COLUMNS} from comments where post_id = $1 and comment_id > coalesce($2::bigint, -1)
order by comment_id limit $3`

const DELETE = `
with locked as (
  select post_id, user_id from posts where post_id in (select post_id from comments where comment_id = $1)
    and deleted_at is null for update),
gone as (
  delete from comments where comment_id = $1 and post_id in (select post_id from locked)
  returning post_id, user_id, timestamp as since),
counted as (
  update posts set comment_count = comment_count - 1 where post_id in (select post_id from gone)),
noticed as (${noticesTaken('comment', 'gone')})
select count(*)::int as n from gone`

interface CommentRow {
  comment_id: bigint
  post_id: bigint
  user_id: string
  text: string
  timestamp: Date
}

function toComment(row: CommentRow): StoredComment {
  return {
    commentId: row.comment_id,
    postId: row.post_id,
    userId: row.user_id,
    text: row.text,
    timestamp: row.timestamp,
  }
}

export function openPostComments(sql: SqlClient): Pick<PostStore, 'insertComment' | 'comments' | 'deleteComment'> {
  return {
    async insertComment(comment, key) {
      const { commentId, postId, userId, text, timestamp } = comment
      const params = [commentId, postId, userId, text, timestamp, key?.key, key?.fingerprint]
      if (onlyRow(await sql.query<{ n: number }>(INSERT, params)).n === 1) return { kind: 'created' }
      if (key === undefined) return { kind: 'no_post' }
      const [row] = await sql.query<CommentRow & { fingerprint: Uint8Array }>(BY_KEY, [userId, key.key])
      if (row === undefined) return { kind: 'no_post' }
      return { kind: 'repeated', comment: toComment(row), fingerprint: row.fingerprint }
    },
    async comments(postId, after, limit) {
      return (await sql.query<CommentRow>(LIST, [postId, after, limit])).map(toComment)
    },
    async deleteComment(commentId) {
      return onlyRow(await sql.query<{ n: number }>(DELETE, [commentId])).n === 1
    },
  }
}
