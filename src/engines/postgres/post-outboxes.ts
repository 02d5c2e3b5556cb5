import type { PostStore } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

// Above every id. With it a range is one condition that an index serves, also in a generic plan.
const ID_MAX = 2n ** 63n - 1n

const PULL_AUTHORS = `
select user_id, since from pull_authors where since > coalesce($1::timestamptz, '-infinity')
order by since, user_id limit $2`

const OUTBOXES = `
select a.user_id, array(
  select post_id from posts
  where user_id = a.user_id and mode = 'pull' and deleted_at is null and post_id < coalesce($2::bigint, ${ID_MAX})
  order by post_id desc limit $3)::text[] as post_ids
from unnest($1::text[]) as a (user_id)`

/** Part of the statement that inserts posts, over `posts` as `added (post_id, user_id, mode)`: notes the pull authors. */
export const NOTE_PULL_AUTHORS = `
insert into pull_authors (user_id)
select distinct user_id from added where mode = 'pull' order by user_id on conflict do nothing`

export function openPostOutboxes(sql: SqlClient): Pick<PostStore, 'pullAuthors' | 'outboxes'> {
  return {
    async pullAuthors(after, limit) {
      const rows = await sql.query<{ user_id: string; since: Date }>(PULL_AUTHORS, [after, limit])
      return rows.map((row) => ({ userId: row.user_id, since: row.since }))
    },
    async outboxes(userIds, below, limit) {
      if (userIds.length === 0) return new Map()
      const rows = await sql.query<{ user_id: string; post_ids: string[] }>(OUTBOXES, [userIds, below, limit])
      return new Map(rows.flatMap((row) => (row.post_ids.length > 0 ? [[row.user_id, row.post_ids.map(BigInt)]] : [])))
    },
  }
}
