import { LIMITS } from '../../core/limits.ts'
import type { FollowerDay, FollowStore } from '../../social/ports.ts'
import type { GraphClient } from './client-neo4j.ts'

const DAY_MS = 86_400_000

// The newest follows below a moment, summed by day: one look is enough for nearly everybody. Of a day that has more, the
// rest need not be counted.
export const DAYS = `
match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(followee_id, since_ms)
where f.followee_id = $user and f.since_ms < $before
with f order by f.followee_id desc, f.since_ms desc limit $looked
with f.since_ms as ms
return toInteger(floor(ms / ${DAY_MS}.0)) as day, max(ms) as latest, count(*) as n order by day desc`

export const HAS_LATER = `
return exists {
  match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(followee_id, since_ms)
  where f.followee_id = $user and f.since_ms >= $from and f.since_ms < $end
} as later`

export const ACTORS = `
unwind $days as day
call (day) {
  match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(followee_id, since_ms)
  where f.followee_id = $user and f.since_ms >= day.from and f.since_ms <= day.latest
  with f order by f.followee_id desc, f.since_ms desc, f.follower_id
  with f.follower_id as id
  where not exists { ()-[m:MUTES]->() where m.user_id = $user and m.other_id = id }
    and not exists { ()-[b:BLOCKS]->() where b.user_id = $user and b.other_id = id }
    and not exists { ()-[c:BLOCKS]->() where c.user_id = id and c.other_id = $user }
  with id limit $actors
  return collect(id) as actors
}
return day.latest as latest, actors`

interface DayRow {
  readonly day: number
  readonly latest: number
  readonly n: number
}

const startOf = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS

/** More than any moment that a Date can be. */
const NEVER_MS = 9_000_000_000_000_000

export function openFollowerDays(graph: GraphClient): Pick<FollowStore, 'followerDays'> {
  /** Days below a moment, newest first, their counts cut at the limit. */
  async function daysBelow(userId: string, beforeMs: number, limit: number): Promise<DayRow[]> {
    const looked = 2 * LIMITS.noticeFollowersMax
    const days: DayRow[] = []
    for (let before = beforeMs; days.length < limit; ) {
      const params = { user: userId, before: BigInt(before), looked: BigInt(looked) }
      const rows = await graph.run<DayRow>(DAYS, params)
      const seen = rows.reduce((sum, row) => sum + row.n, 0)
      if (seen < looked) return [...days, ...rows]
      // The last day is not seen to its beginning: it is whole if it is over the limit, else it is looked at again.
      const last = rows.at(-1)!
      const isOver = last.n >= LIMITS.noticeFollowersMax
      days.push(...(isOver ? rows : rows.slice(0, -1)))
      before = isOver ? startOf(last.latest) : startOf(last.latest) + DAY_MS
    }
    return days
  }

  return {
    async followerDays(userId, before, limit): Promise<FollowerDay[]> {
      const beforeMs = before?.getTime() ?? NEVER_MS
      const days = await daysBelow(userId, beforeMs, limit + 1)
      const first = days[0]
      // A day that goes on behind the moment has its latest follow there.
      if (before !== undefined && first !== undefined && startOf(first.latest) === startOf(beforeMs)) {
        const day = { from: BigInt(beforeMs), end: BigInt(startOf(beforeMs) + DAY_MS) }
        const [row] = await graph.run<{ later: boolean }>(HAS_LATER, { user: userId, ...day })
        if (row?.later) days.shift()
      }
      const wanted = days.slice(0, limit)
      if (wanted.length === 0) return []
      const rows = await graph.run<{ latest: number; actors: string[] }>(ACTORS, {
        user: userId,
        days: wanted.map(({ latest }) => ({ from: BigInt(startOf(latest)), latest: BigInt(latest) })),
        actors: BigInt(LIMITS.noticeActorsMax),
      })
      const actorsOf = new Map(rows.map(({ latest, actors }) => [latest, actors]))
      return wanted.map(({ latest, n }) => ({
        latestAt: new Date(latest),
        count: Math.min(n, LIMITS.noticeFollowersMax),
        actors: actorsOf.get(latest) ?? [],
      }))
    },
  }
}
