import { LIMITS } from '../../core/limits.ts'
import type { FollowStore } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

const dayOf = (column: string) => `(date_trunc('day', ${column} at time zone 'UTC') at time zone 'UTC')`

// From day to day by one step of the index each, however many follows a day has. When the search begins inside a day
// that has later follows, this day is no answer: hence one day more than asked for.
const FOLLOWER_DAYS = `
with recursive days as (
  (select since as latest, 1 as n from follows
  where followee_id = $1 and since < coalesce($2::timestamptz, 'infinity') order by since desc limit 1)
  union all
  select f.since, d.n + 1 from days d cross join lateral (
    select since from follows where followee_id = $1 and since < ${dayOf('d.latest')} order by since desc limit 1) as f
  where d.n <= $3)
select d.latest,
  (select count(*)::int from (
    select 1 from follows
    where followee_id = $1 and since >= ${dayOf('d.latest')} and since <= d.latest limit $4) as f) as count,
  array(
    select f.follower_id from follows f
    where f.followee_id = $1 and f.since >= ${dayOf('d.latest')} and f.since <= d.latest
      and not exists (select 1 from mutes m where m.user_id = $1 and m.other_id = f.follower_id)
      and not exists (select 1 from blocks b where b.user_id = $1 and b.other_id = f.follower_id)
      and not exists (select 1 from blocks b where b.user_id = f.follower_id and b.other_id = $1)
    order by f.since desc, f.follower_id limit $5) as actors
from days d
where not exists (
  select 1 from follows
  where followee_id = $1 and since > d.latest and since < ${dayOf('d.latest')} + interval '24 hours')
order by d.latest desc limit $3`

interface DayRow {
  latest: Date
  count: number
  actors: string[]
}

export function openFollowerDays(sql: SqlClient): Pick<FollowStore, 'followerDays'> {
  return {
    async followerDays(userId, before, limit) {
      const params = [userId, before, limit, LIMITS.noticeFollowersMax, LIMITS.noticeActorsMax]
      const rows = await sql.query<DayRow>(FOLLOWER_DAYS, params)
      return rows.map((row) => ({ latestAt: row.latest, count: row.count, actors: row.actors }))
    },
  }
}
