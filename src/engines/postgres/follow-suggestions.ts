import { LIMITS } from '../../core/limits.ts'
import type { FollowStore, Suggestion } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

// Sorted before it is filtered, and filtered by scalar subqueries: so only as many candidates are looked up in four
// tables as it takes to fill the list. With `exists` the planner would join all candidates first.
const SUGGESTIONS = `
with near as materialized (
  select followee_id from follows where follower_id = $1 order by since desc, followee_id limit $3)
select c.user_id, c.through from (
  select f.followee_id as user_id, count(*)::int as through
  from near n cross join lateral (
    select followee_id from follows where follower_id = n.followee_id order by followee_id limit $4) as f
  group by f.followee_id order by through desc, user_id) as c
where c.user_id <> $1 and coalesce(
  (select true from follows f where f.follower_id = $1 and f.followee_id = c.user_id),
  (select true from mutes m where m.user_id = $1 and m.other_id = c.user_id),
  (select true from blocks b where b.user_id = $1 and b.other_id = c.user_id),
  (select true from blocks b where b.user_id = c.user_id and b.other_id = $1)) is null
order by c.through desc, c.user_id limit $2`

interface SuggestionRow {
  user_id: string
  through: number
}

export function openSuggestions(sql: SqlClient): Pick<FollowStore, 'suggestions'> {
  return {
    async suggestions(userId, limit) {
      const params = [userId, limit, LIMITS.suggestionFolloweesMax, LIMITS.suggestionFanOutMax]
      const rows = await sql.query<SuggestionRow>(SUGGESTIONS, params)
      return rows.map((row): Suggestion => ({ userId: row.user_id, through: row.through }))
    },
  }
}
