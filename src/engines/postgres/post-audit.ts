import type { PostProblem, PostStore } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

const AUDIT = `
select p.post_id, p.like_count, p.comment_count, p.repost_count,
  (select count(*) from post_likes l where l.post_id = p.post_id) as likes,
  (select count(*) from comments c where c.post_id = p.post_id) as comments,
  (select count(*) from posts r where r.repost_of = p.post_id and r.deleted_at is null) as reposts,
  f.done_chunks, f.planned_chunks, f.done_at is not null as done
from (
  select post_id, like_count, comment_count, repost_count from posts
  where post_id > coalesce($1::bigint, -1) and deleted_at is null order by post_id limit $2) as p
left join post_fanouts f on f.post_id = p.post_id
order by p.post_id`

const rowsOf = (kind: string, from: string, post: string, since: string) => `
    select '${kind}' as kind, (${since} at time zone 'UTC')::date as day, count(*) as n
    from ${from} where ${post} = p.post_id and user_id <> p.user_id group by 2`

const AUDIT_NOTICES = `
select p.post_id, d.kind, sum(d.stored)::bigint as stored, sum(d.actual)::bigint as actual
from (
  select post_id, user_id from posts
  where post_id > coalesce($1::bigint, -1) and post_id <= $2 and deleted_at is null) as p
cross join lateral (
  select kind, coalesce(n.count, 0) as stored, coalesce(r.n, 0) as actual
  from (select kind, day, count from post_notices where post_id = p.post_id and user_id = p.user_id) as n
  full join (
    ${rowsOf('like', 'post_likes', 'post_id', 'since')}
    union all
    ${rowsOf('comment', 'comments', 'post_id', 'timestamp')}
    union all
    ${rowsOf('repost', 'posts', 'deleted_at is null and repost_of', 'timestamp')}) as r using (kind, day)
  where coalesce(n.count, 0) <> coalesce(r.n, 0)) as d
group by p.post_id, d.kind
order by p.post_id, d.kind`

interface AuditRow {
  post_id: bigint
  like_count: bigint
  comment_count: bigint
  repost_count: bigint
  likes: bigint
  comments: bigint
  reposts: bigint
  done_chunks: number | null
  planned_chunks: number | null
  done: boolean
}

interface NoticeRow {
  post_id: bigint
  kind: 'like' | 'comment' | 'repost'
  stored: bigint
  actual: bigint
}

function problemsOf(row: AuditRow): PostProblem[] {
  const problems: PostProblem[] = []
  const compare = (what: PostProblem['what'], stored: bigint | number, actual: bigint | number) => {
    if (stored !== actual) problems.push({ postId: row.post_id, what, stored: Number(stored), actual: Number(actual) })
  }
  compare('like_count', row.like_count, row.likes)
  compare('comment_count', row.comment_count, row.comments)
  compare('repost_count', row.repost_count, row.reposts)
  if (row.done || row.done_chunks === null) compare('ledger', row.done_chunks ?? -1, row.planned_chunks ?? 0)
  return problems
}

export function openPostAudit(sql: SqlClient): Pick<PostStore, 'audit'> {
  return {
    async audit(after, limit) {
      const rows = await sql.query<AuditRow>(AUDIT, [after, limit])
      const problems = rows.flatMap(problemsOf)
      const end = rows.at(-1)?.post_id
      if (end === undefined) return { checked: 0, last: undefined, problems }
      for (const row of await sql.query<NoticeRow>(AUDIT_NOTICES, [after, end])) {
        const what = `${row.kind}_notices` as const
        problems.push({ postId: row.post_id, what, stored: Number(row.stored), actual: Number(row.actual) })
      }
      return { checked: rows.length, last: rows.length < limit ? undefined : end, problems }
    },
  }
}
