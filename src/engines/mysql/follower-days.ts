import { LIMITS } from '../../core/limits.ts'
import type { FollowStore } from '../../social/ports.ts'
import { onlyRow } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'

// From day to day by one step of the index each, however many follows a day has. When the search begins inside a day
// that has later follows, this day is no answer: hence one day more than asked for.
const DAYS = `
with recursive days as (
  (select since as latest, 1 as n from follows where followee_id = ? and since < ? order by since desc limit 1)
  union all
  select (select f.since from follows f
    where f.followee_id = ? and f.since < date(d.latest) order by f.since desc limit 1), d.n + 1
  from days d where d.n <= ? and d.latest is not null)
select d.latest from days d
where d.latest is not null and not exists (
  select 1 from follows f
  where f.followee_id = ? and f.since > d.latest and f.since < date(d.latest) + interval 1 day)
order by d.latest desc limit ?`

const COUNT = `
select count(*) as n from (
  select 1 from follows where followee_id = ? and since >= date(?) and since <= ? limit ?) as f`

const ACTORS = `
select f.follower_id from follows f
where f.followee_id = ? and f.since >= date(?) and f.since <= ?
  and not exists (select 1 from mutes m where m.user_id = ? and m.other_id = f.follower_id)
  and not exists (select 1 from blocks b where b.user_id = ? and b.other_id = f.follower_id)
  and not exists (select 1 from blocks b where b.user_id = f.follower_id and b.other_id = ?)
order by f.since desc, f.follower_id limit ?`

/** Later than any moment that the columns can hold. */
const FOREVER = '9999-12-31 23:59:59.999999'

export function openFollowerDays(sql: MysqlClient): Pick<FollowStore, 'followerDays'> {
  return {
    async followerDays(userId, before, limit) {
      const params = [userId, before ?? FOREVER, userId, limit, userId, limit]
      const days = await sql.query<{ latest: Date }>(DAYS, params)
      if (days.length === 0) return []
      const answers = await sql.batch(
        days.flatMap(({ latest }) => [
          { text: COUNT, params: [userId, latest, latest, LIMITS.noticeFollowersMax] },
          { text: ACTORS, params: [userId, latest, latest, userId, userId, userId, LIMITS.noticeActorsMax] },
        ]),
      )
      return days.map(({ latest }, index) => ({
        latestAt: latest,
        count: Number(onlyRow(answers[2 * index]!.rows as { n: bigint }[]).n),
        actors: (answers[2 * index + 1]!.rows as { follower_id: string }[]).map((row) => row.follower_id),
      }))
    },
  }
}
