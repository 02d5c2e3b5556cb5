import { LIMITS } from '../../core/limits.ts'
import type { FollowStore, Suggestion } from '../../social/ports.ts'
import type { GraphClient } from './client-neo4j.ts'

// Sorted before it is filtered: so only as many candidates are looked up as it takes to fill the list.
export const SUGGESTIONS = `
match ()-[near:FOLLOWS]->() using index seek near:FOLLOWS(follower_id, followee_id)
where near.follower_id = $user and near.followee_id > ''
with near.followee_id as near, near.since_ms as since order by since desc, near limit $followees
call (near) {
  match ()-[far:FOLLOWS]->() using index seek far:FOLLOWS(follower_id, followee_id)
  where far.follower_id = near and far.followee_id > ''
  return far.followee_id as other order by far.follower_id, far.followee_id limit $fanOut
}
with other, count(*) as through order by through desc, other
where other <> $user
  and not exists { ()-[f:FOLLOWS]->() where f.follower_id = $user and f.followee_id = other }
  and not exists { ()-[m:MUTES]->() where m.user_id = $user and m.other_id = other }
  and not exists { ()-[b:BLOCKS]->() where b.user_id = $user and b.other_id = other }
  and not exists { ()-[c:BLOCKS]->() where c.user_id = other and c.other_id = $user }
return other as userId, through limit $limit`

export function openSuggestions(graph: GraphClient): Pick<FollowStore, 'suggestions'> {
  return {
    async suggestions(userId, limit) {
      return graph.run<Suggestion>(SUGGESTIONS, {
        user: userId,
        limit: BigInt(limit),
        followees: BigInt(LIMITS.suggestionFolloweesMax),
        fanOut: BigInt(LIMITS.suggestionFanOutMax),
      })
    },
  }
}
