import type { PostStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'
import { openFanoutLedger } from './fanout-ledger.ts'
import { openPostAudit } from './post-audit.ts'
import { openPostComments } from './post-comments.ts'
import { FORGET_CONTENT, openPostEdits } from './post-edits.ts'
import { openPostEraser } from './post-eraser.ts'
import { openPostHashtags } from './post-hashtags.ts'
import { openPostInsert } from './post-insert.ts'
import { openPostLikes } from './post-likes.ts'
import { FORGET_NOTICES, noticesTaken, openPostNotices } from './post-notices.ts'
import { openPostOutboxes } from './post-outboxes.ts'
import { ID_MAX, POST_COLUMNS, type PostRow, toPost } from './post-rows.ts'

const FIND = `select ${POST_COLUMNS} from posts where post_id = any($1::bigint[]) and deleted_at is null`

const BY_AUTHOR = `
select ${POST_COLUMNS} from posts
where user_id = $1 and visibility = any($2::text[]) and post_id < coalesce($3::bigint, ${ID_MAX}) and deleted_at is null
order by post_id desc limit $4`

const IDS_BY_AUTHORS = `
select p.post_id from unnest($1::text[]) as a (user_id)
cross join lateral (
  select post_id from posts
  where user_id = a.user_id and post_id < coalesce($2::bigint, ${ID_MAX}) and post_id > coalesce($4::bigint, -1)
    and deleted_at is null
  order by post_id desc limit $3) as p
order by p.post_id desc limit $3`

// Like a like, it locks the posts whose counts it changes first and in key order. What hangs on the post is deleted by
// later statements of the transaction, which see what was added while this one waited for the lock.
const HIDE = `
with target as (select post_id, repost_of from posts where post_id = $1 and deleted_at is null),
locked as (
  select post_id, user_id from posts
  where post_id in (select post_id from target union all select repost_of from target) order by post_id for update),
hidden as (
  update posts set deleted_at = $2, content = '{}', mentioning = false, leftovers = like_count + comment_count > 0
  where post_id = $1 and deleted_at is null and (select count(*) from locked) > 0
  returning post_id, user_id, timestamp, repost_of),
unposted as (select repost_of as post_id, user_id, timestamp as since from hidden where repost_of is not null),
counted as (
  update posts p set repost_count = p.repost_count - 1
  where post_id in (select post_id from unposted) and deleted_at is null),
unnoticed as (${noticesTaken('repost', 'unposted')})
select post_id from hidden`
const FORGET_FANOUT = 'delete from post_fanouts where post_id = $1'
const FORGET_CHUNKS = 'delete from post_fanout_chunks where post_id = $1'
const KNOWN = 'select exists (select 1 from posts where post_id = $1) as known'

export async function openPostStore(sql: SqlClient, _context: PortContext): Promise<PostStore> {
  return {
    async find(postIds) {
      if (postIds.length === 0) return []
      return (await sql.query<PostRow>(FIND, [postIds])).map(toPost)
    },
    async byAuthor(userId, visibilities, below, limit) {
      return (await sql.query<PostRow>(BY_AUTHOR, [userId, visibilities, below, limit])).map(toPost)
    },
    async idsByAuthors(userIds, below, limit, above) {
      const rows = await sql.query<{ post_id: bigint }>(IDS_BY_AUTHORS, [userIds, below, limit, above])
      return rows.map((row) => row.post_id)
    },
    delete: (postId, at) =>
      sql.transaction(async (tx) => {
        if ((await tx.query(HIDE, [postId, at])).length === 1) {
          await tx.query(FORGET_CONTENT, [postId])
          await tx.query(FORGET_NOTICES, [postId])
          await tx.query(FORGET_FANOUT, [postId])
          await tx.query(FORGET_CHUNKS, [postId])
          return 'deleted'
        }
        return onlyRow(await tx.query<{ known: boolean }>(KNOWN, [postId])).known ? 'gone' : 'unknown'
      }),
    ...openPostInsert(sql),
    ...openPostEdits(sql),
    ...openPostHashtags(sql),
    ...openPostOutboxes(sql),
    ...openPostLikes(sql),
    ...openPostComments(sql),
    ...openPostEraser(sql),
    ...openPostAudit(sql),
    ...openPostNotices(sql),
    ledger: openFanoutLedger(sql),
  }
}
