import type { PostProblem, PostStore } from '../../social/ports.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'

// Counts of other people's posts fall by the rows really deleted; posts are locked first, in key order, as by a like.
const ERASE_LIKES = `
with item as (select post_id from post_likes where user_id = $1 order by post_id limit $2),
locked as (select post_id from posts where post_id in (select post_id from item) order by post_id for update),
gone as (
  delete from post_likes where user_id = $1 and post_id in (select post_id from item)
    and (select count(*) from locked) >= 0
  returning post_id),
counted as (update posts set like_count = like_count - 1 where post_id in (select post_id from gone))
select count(*)::int as n from gone`

const ERASE_COMMENTS = `
with item as (select comment_id, post_id from comments where user_id = $1 order by comment_id limit $2),
locked as (select post_id from posts where post_id in (select post_id from item) order by post_id for update),
gone as (
  delete from comments where comment_id in (select comment_id from item) and (select count(*) from locked) >= 0
  returning post_id),
counted as (
  update posts p set comment_count = p.comment_count - g.n
  from (select post_id, count(*) as n from gone group by post_id) as g where p.post_id = g.post_id)
select count(*)::int as n from gone`

// First hidden, so that nothing is added to a post whose likes and comments have been cleared away.
const HIDE_POSTS = `
with hidden as (
  update posts set deleted_at = now(), content = '{}' where post_id in (
    select post_id from posts where user_id = $1 and deleted_at is null order by post_id limit $2 for update)
  returning 1)
select count(*)::int as n from hidden`

const CLEAR_LIKES = `
with gone as (
  delete from post_likes where (post_id, user_id) in (
    select l.post_id, l.user_id from posts p join post_likes l on l.post_id = p.post_id
    where p.user_id = $1 limit $2)
  returning 1)
select count(*)::int as n from gone`

const CLEAR_COMMENTS = `
with gone as (
  delete from comments where comment_id in (
    select c.comment_id from posts p join comments c on c.post_id = p.post_id where p.user_id = $1 limit $2)
  returning 1)
select count(*)::int as n from gone`

const DROP_POSTS = `
with item as (select post_id from posts where user_id = $1 order by post_id limit $2),
chunks as (delete from post_fanout_chunks where post_id in (select post_id from item)),
fanouts as (delete from post_fanouts where post_id in (select post_id from item)),
gone as (delete from posts where post_id in (select post_id from item) returning 1)
select count(*)::int as n from gone`

const ERASE_STEPS = [ERASE_LIKES, ERASE_COMMENTS, HIDE_POSTS, CLEAR_LIKES, CLEAR_COMMENTS, DROP_POSTS]

const WITH_LEFTOVERS = 'select post_id from posts where leftovers order by post_id limit 100'

const CLEAR_LIKES_OF = `
with gone as (
  delete from post_likes where (post_id, user_id) in (
    select post_id, user_id from post_likes where post_id = any($1::bigint[]) order by post_id, user_id limit $2)
  returning 1)
select count(*)::int as n from gone`

const CLEAR_COMMENTS_OF = `
with gone as (
  delete from comments where comment_id in (
    select comment_id from comments where post_id = any($1::bigint[]) order by comment_id limit $2)
  returning 1)
select count(*)::int as n from gone`

const CLEARED =
  'update posts set leftovers = false, like_count = 0, comment_count = 0 where post_id = any($1::bigint[])'

const AUDIT = `
select p.post_id, p.like_count, p.comment_count,
  (select count(*) from post_likes l where l.post_id = p.post_id) as likes,
  (select count(*) from comments c where c.post_id = p.post_id) as comments,
  f.done_chunks, f.planned_chunks, f.done_at is not null as done
from (
  select post_id, like_count, comment_count from posts
  where post_id > coalesce($1::bigint, -1) and deleted_at is null order by post_id limit $2) as p
left join post_fanouts f on f.post_id = p.post_id
order by p.post_id`

interface AuditRow {
  post_id: bigint
  like_count: bigint
  comment_count: bigint
  likes: bigint
  comments: bigint
  done_chunks: number | null
  planned_chunks: number | null
  done: boolean
}

function problemsOf(row: AuditRow): PostProblem[] {
  const problems: PostProblem[] = []
  const compare = (what: PostProblem['what'], stored: bigint | number, actual: bigint | number) => {
    if (stored !== actual) problems.push({ postId: row.post_id, what, stored: Number(stored), actual: Number(actual) })
  }
  compare('like_count', row.like_count, row.likes)
  compare('comment_count', row.comment_count, row.comments)
  if (row.done || row.done_chunks === null) compare('ledger', row.done_chunks ?? -1, row.planned_chunks ?? 0)
  return problems
}

export function openPostEraser(sql: SqlClient): Pick<PostStore, 'erase' | 'clearLeftovers' | 'audit'> {
  const countOf = async (text: string, params: readonly (string | number | readonly bigint[])[]) =>
    onlyRow(await sql.query<{ n: number }>(text, params)).n

  return {
    async erase(userId, limit) {
      let erased = 0
      for (const step of ERASE_STEPS) {
        // A step that filled the limit may have more to do; the ones behind it rely on its being done.
        if (erased >= limit) break
        erased += await countOf(step, [userId, limit - erased])
      }
      return erased
    },
    async clearLeftovers(limit) {
      const posts = (await sql.query<{ post_id: bigint }>(WITH_LEFTOVERS)).map((row) => row.post_id)
      if (posts.length === 0) return 0
      let cleared = await countOf(CLEAR_LIKES_OF, [posts, limit])
      if (cleared < limit) cleared += await countOf(CLEAR_COMMENTS_OF, [posts, limit - cleared])
      if (cleared < limit) await sql.query(CLEARED, [posts])
      return cleared
    },
    async audit(after, limit) {
      const rows = await sql.query<AuditRow>(AUDIT, [after, limit])
      const last = rows.length < limit ? undefined : rows.at(-1)?.post_id
      return { checked: rows.length, last, problems: rows.flatMap(problemsOf) }
    },
  }
}
