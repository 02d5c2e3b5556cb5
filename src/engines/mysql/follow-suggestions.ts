import { LIMITS } from '../../core/limits.ts'
import type { FollowStore, Suggestion } from '../../social/ports.ts'
import type { MysqlClient } from './client-mysql2.ts'

const NEAR = `
select followee_id from follows where follower_id = ? order by since desc, followee_id limit ?`

const FOLLOWEES_OF_ONE =
  '(select followee_id as user_id from follows where follower_id = ? order by followee_id limit ?)'

/**
 * Each of the near ones has a part of its own: that is how the server reads only the first followees of each. Filtered
 * after they were counted and sorted, so that only as many candidates are looked up as it takes to fill the list.
 */
function suggestionsOf(near: number): string {
  const parts = Array.from({ length: near }, () => FOLLOWEES_OF_ONE).join(' union all ')
  return `
select c.user_id, c.through from (
  select f.user_id, count(*) as through from (${parts}) as f group by f.user_id) as c
where c.user_id <> ?
  and (select count(*) from follows f where f.follower_id = ? and f.followee_id = c.user_id) = 0
  and (select count(*) from mutes m where m.user_id = ? and m.other_id = c.user_id) = 0
  and (select count(*) from blocks b where b.user_id = ? and b.other_id = c.user_id) = 0
  and (select count(*) from blocks b where b.user_id = c.user_id and b.other_id = ?) = 0
order by c.through desc, c.user_id limit ?`
}

interface SuggestionRow {
  user_id: string
  through: bigint
}

/** No user has this id. It fills the parts up to a power of two, so that there are few texts. */
const NOBODY = ''

export function openSuggestions(sql: MysqlClient): Pick<FollowStore, 'suggestions'> {
  return {
    async suggestions(userId, limit) {
      const near = await sql.query<{ followee_id: string }>(NEAR, [userId, LIMITS.suggestionFolloweesMax])
      if (near.length === 0) return []
      const parts = 2 ** Math.ceil(Math.log2(near.length))
      const ids = Array.from({ length: parts }, (_, index) => near[index]?.followee_id ?? NOBODY)
      const limited = ids.flatMap((id) => [id, LIMITS.suggestionFanOutMax])
      const params = [...limited, userId, userId, userId, userId, userId, limit]
      const rows = await sql.query<SuggestionRow>(suggestionsOf(parts), params)
      return rows.map((row): Suggestion => ({ userId: row.user_id, through: Number(row.through) }))
    },
  }
}
