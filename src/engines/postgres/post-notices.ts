import { firstIdAt } from '../../core/ids.ts'
import type { NoticePlace, PostNoticeKind, PostNotices, StoredNotice, Visibility } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

const ID_MAX = 2n ** 63n - 1n
/** Above every place. */
const TOP: NoticePlace = { latestAt: new Date(Date.UTC(9999, 0)), postId: ID_MAX, kind: '~' }
const DAY_MS = 86_400_000

type CountedKind = Exclude<PostNoticeKind, 'mention'>

const dayOf = (column: string) => `(${column} at time zone 'UTC')::date`

/**
 * The body of a CTE that counts new rows in the notices to the authors of posts. `rows` names a CTE of the rows really
 * inserted: post_id (the post they were done to), user_id (who did it) and since. `locked` names one that has those
 * posts, with their authors as user_id, locked in key order.
 */
export const noticesAdded = (kind: CountedKind, rows: string, locked = 'locked') => `
  insert into post_notices (post_id, kind, day, user_id, count, latest_at)
  select l.post_id, '${kind}', ${dayOf('r.since')}, l.user_id, count(*), max(r.since)
  from ${rows} r join ${locked} l on l.post_id = r.post_id where r.user_id <> l.user_id
  group by l.post_id, l.user_id, ${dayOf('r.since')} order by l.post_id, ${dayOf('r.since')}
  on conflict (post_id, kind, day) do update
  set count = post_notices.count + excluded.count, latest_at = greatest(post_notices.latest_at, excluded.latest_at)`

/** As {@link noticesAdded}, for rows really deleted: they are taken from the days on which they came. */
export const noticesTaken = (kind: CountedKind, rows: string, locked = 'locked') => `
  update post_notices n set count = n.count - t.count
  from (
    select r.post_id, ${dayOf('r.since')} as day, count(*) as count
    from ${rows} r join ${locked} l on l.post_id = r.post_id where r.user_id <> l.user_id
    group by r.post_id, ${dayOf('r.since')}) as t
  where n.post_id = t.post_id and n.kind = '${kind}' and n.day = t.day`

/** For the transaction that deletes a post, once the post is locked. */
export const FORGET_NOTICES = 'delete from post_notices where post_id = $1'

// Ids go by time, so a mention is as new as the id of its post. The limit of 1 makes the database look up the posts of
// these mentions alone; it might walk through all posts instead.
const NOTICES = `
select post_id, kind, count, latest_at, user_id, visibility from (
  (select post_id, kind, count, latest_at, null as user_id, null as visibility
  from post_notices where user_id = $1 and count > 0 and (latest_at, post_id, kind) < ($2, $3, $4)
  order by latest_at desc, post_id desc, kind desc limit $5)
  union all
  (select m.post_id, 'mention', 1, p.timestamp, p.user_id, p.visibility
  from post_mentions m cross join lateral (
    select user_id, visibility, timestamp from posts
    where post_id = m.post_id and deleted_at is null and user_id <> $1 limit 1) as p
  where m.user_id = $1 and m.post_id < $6 and (p.timestamp, m.post_id, 'mention'::text collate "C") < ($2, $3, $4)
  order by m.post_id desc limit $5)) as n
order by latest_at desc, post_id desc, kind desc limit $5`

const newestOf = (kind: CountedKind, from: string, post: string, since: string) => `
  (select user_id, ${since} as since from ${from}
  where i.kind = '${kind}' and ${post} = i.post_id and user_id <> $1
    and ${since} >= i.day and ${since} < i.day + interval '24 hours'
  order by ${since} desc, user_id limit $5)`

const ACTORS = `
select i.n::int as n, a.user_id
from unnest($2::text[], $3::bigint[], $4::timestamptz[]) with ordinality as i (kind, post_id, day, n)
cross join lateral (
  ${newestOf('like', 'post_likes', 'post_id', 'since')}
  union all
  ${newestOf('comment', 'comments', 'post_id', 'timestamp')}
  union all
  ${newestOf('repost', 'posts', 'deleted_at is null and repost_of', 'timestamp')}) as a
order by i.n, a.since desc, a.user_id`

interface NoticeRow {
  post_id: bigint
  kind: PostNoticeKind
  count: bigint
  latest_at: Date
  user_id: string | null
  visibility: Visibility | null
}

function toNotice(row: NoticeRow): StoredNotice {
  const notice = { kind: row.kind, postId: row.post_id, count: Number(row.count), latestAt: row.latest_at }
  if (row.user_id === null || row.visibility === null) return notice
  return { ...notice, post: { userId: row.user_id, visibility: row.visibility } }
}

export function openPostNotices(sql: SqlClient): PostNotices {
  return {
    async notices(userId, below, limit) {
      const { latestAt, postId, kind } = below ?? TOP
      const mentionsBelow = below === undefined ? ID_MAX : firstIdAt(latestAt.getTime() + 1)
      const params = [userId, latestAt, postId, kind, limit, mentionsBelow]
      return (await sql.query<NoticeRow>(NOTICES, params)).map(toNotice)
    },
    async noticeActors(userId, notices, limit) {
      const actors = notices.map((): string[] => [])
      if (notices.length === 0) return actors
      const rows = await sql.query<{ n: number; user_id: string }>(ACTORS, [
        userId,
        notices.map((notice) => notice.kind),
        notices.map((notice) => notice.postId),
        notices.map(({ latestAt }) => new Date(Math.floor(latestAt.getTime() / DAY_MS) * DAY_MS)),
        limit,
      ])
      for (const row of rows) actors[row.n - 1]!.push(row.user_id)
      return actors
    },
  }
}
