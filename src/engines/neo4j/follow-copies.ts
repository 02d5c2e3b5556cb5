import type { FollowCopies, StoredRelation } from '../../social/ports.ts'
import type { GraphClient } from './client-neo4j.ts'

const PARTS = `
optional match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(follower_id, followee_id)
  where f.follower_id = $user and f.followee_id = other
optional match ()-[k:KEPT]->() using index seek k:KEPT(follower_id, followee_id)
  where k.follower_id = $user and k.followee_id = other
optional match ()-[b:BLOCKS]->() using index seek b:BLOCKS(user_id, other_id)
  where b.user_id = $user and b.other_id = other
optional match ()-[m:MUTES]->() using index seek m:MUTES(user_id, other_id)
  where m.user_id = $user and m.other_id = other
with other, f.since_ms as since, f.pending_since_ms is not null as pending, k.until_ms as keptUntil,
  b.since_ms as blockedAt, m.since_ms as mutedAt
where coalesce(since, keptUntil, blockedAt, mutedAt) is not null
return other, since, pending, keptUntil, blockedAt, mutedAt order by other`

const othersBy = (type: string, from: string, to: string) => `
match ()-[r:${type}]->() using index seek r:${type}(${from}, ${to})
where r.${from} = $user and r.${to} > $after
return r.${to} as other order by r.${from}, r.${to} limit $limit`

const OUTGOING = `
call () {
  ${othersBy('FOLLOWS', 'follower_id', 'followee_id')} union ${othersBy('KEPT', 'follower_id', 'followee_id')}
  union ${othersBy('BLOCKS', 'user_id', 'other_id')} union ${othersBy('MUTES', 'user_id', 'other_id')}
}
with other order by other limit $limit
${PARTS}`

const OUTGOING_TO = `
unwind $others as other
${PARTS}`

const restored = (type: string, from: string, to: string, value: string) => `
call (a, b, item) {
  optional match ()-[r:${type}]->() using index seek r:${type}(${from}, ${to})
  where r.${from} = a.user_id and r.${to} = b.user_id
  foreach (_ in case when ${value} is null and r is not null then [1] else [] end | delete r)
  foreach (_ in case when ${value} is not null and r is not null then [1] else [] end | set r += ${value})
  foreach (_ in case when ${value} is not null and r is null then [1] else [] end |
    create (a)-[n:${type} {${from}: a.user_id, ${to}: b.user_id}]->(b) set n += ${value})
}`

const RESTORE = `
call () {
  unwind $ids as id
  merge (:User {user_id: id})
  return count(*) as users
}
unwind $items as item
match (a:User {user_id: $user})
match (b:User {user_id: item.other})
${restored('FOLLOWS', 'follower_id', 'followee_id', 'item.follows')}
${restored('KEPT', 'follower_id', 'followee_id', 'item.kept')}
${restored('BLOCKS', 'user_id', 'other_id', 'item.blocks')}
${restored('MUTES', 'user_id', 'other_id', 'item.mutes')}`

interface Row {
  readonly other: string
  readonly since: number | null
  readonly pending: boolean
  readonly keptUntil: number | null
  readonly blockedAt: number | null
  readonly mutedAt: number | null
}

const toRelation = ({ other, since, pending, keptUntil, blockedAt, mutedAt }: Row): StoredRelation => ({
  otherId: other,
  ...(since === null ? {} : { follows: { since: new Date(since), pending } }),
  ...(keptUntil === null ? {} : { keptUntil: new Date(keptUntil) }),
  ...(blockedAt === null ? {} : { blockedAt: new Date(blockedAt) }),
  ...(mutedAt === null ? {} : { mutedAt: new Date(mutedAt) }),
})

const msOf = (moment: Date) => BigInt(moment.getTime())
const sinceOf = (moment: Date | undefined) => (moment === undefined ? null : { since_ms: msOf(moment) })

/** Properties of each kind of relation; null for one that must not be there, or a property that it must not have. */
function itemOf({ otherId, follows, keptUntil, blockedAt, mutedAt }: StoredRelation) {
  const since = follows === undefined ? null : msOf(follows.since)
  return {
    other: otherId,
    follows:
      follows === undefined
        ? null
        : { since_ms: since, pending_since_ms: follows.pending ? since : null, done_at_ms: null },
    kept: keptUntil === undefined ? null : { until_ms: msOf(keptUntil), pending_since_ms: null, done_at_ms: null },
    blocks: sinceOf(blockedAt),
    mutes: sinceOf(mutedAt),
  }
}

export function openFollowCopies(graph: GraphClient): FollowCopies {
  return {
    async outgoing(userId, after, limit) {
      const params = { user: userId, after: after ?? '', limit: BigInt(limit) }
      return (await graph.run<Row>(OUTGOING, params)).map(toRelation)
    },
    async outgoingTo(userId, otherIds) {
      if (otherIds.length === 0) return []
      return (await graph.run<Row>(OUTGOING_TO, { user: userId, others: otherIds })).map(toRelation)
    },
    async restore(userId, relations) {
      if (relations.length === 0) return
      const items = relations.map(itemOf)
      const ids = [...new Set([userId, ...relations.map(({ otherId }) => otherId)])].sort()
      await graph.run(RESTORE, { user: userId, ids, items })
    },
  }
}
