import { LIMITS } from '../../core/limits.ts'
import type { Edge, FollowItem, FollowStore, Relation } from '../../social/ports.ts'
import type { GraphClient } from './client-neo4j.ts'
import { openFollowCopies } from './follow-copies.ts'
import { openSuggestions } from './follow-suggestions.ts'
import { openFollowerDays } from './follower-days.ts'

// A relationship is found by the ids that it has itself, not from its nodes: by an index seek, however many others there
// are. Of two that add the same edge at the same moment the constraint refuses one, which is run again and finds it.
const FOLLOW = `
optional match ()-[there:FOLLOWS]->() using index seek there:FOLLOWS(follower_id, followee_id)
  where there.follower_id = $follower and there.followee_id = $followee
call (there) {
  with there where there is null
  merge (a:User {user_id: $follower})
  merge (b:User {user_id: $followee})
  with a, b where count { (a)-[:FOLLOWS]->() } < $followsMax
  optional match ()-[k:KEPT]->() using index seek k:KEPT(follower_id, followee_id)
  where k.follower_id = $follower and k.followee_id = $followee
  delete k
  create (a)-[:FOLLOWS {follower_id: $follower, followee_id: $followee, since_ms: $at, pending_since_ms: $at}]->(b)
  return count(*) as added
}
return there is not null as there, there.pending_since_ms is not null as pending, added`

// Nodes first, each once and in key order: imports that run side by side then wait for each other rather than deadlock.
const FOLLOW_MANY = `
call () {
  unwind $ids as id
  merge (:User {user_id: id})
  return count(*) as users
}
unwind $edges as edge
optional match ()-[there:FOLLOWS]->() using index seek there:FOLLOWS(follower_id, followee_id)
  where there.follower_id = edge.a and there.followee_id = edge.b
with edge where there is null
match (a:User {user_id: edge.a})
match (b:User {user_id: edge.b})
optional match ()-[k:KEPT]->() using index seek k:KEPT(follower_id, followee_id)
  where k.follower_id = edge.a and k.followee_id = edge.b
delete k
create (a)-[:FOLLOWS {follower_id: edge.a, followee_id: edge.b, since_ms: $at, pending_since_ms: $at}]->(b)
return edge.a as a, edge.b as b`

const UNFOLLOW = `
match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(follower_id, followee_id)
  where f.follower_id = $follower and f.followee_id = $followee delete f`

const UNKEEP = `
match ()-[k:KEPT]->() using index seek k:KEPT(follower_id, followee_id)
  where k.follower_id = $follower and k.followee_id = $followee delete k`

// What is pending stays so: the posts until then still have to come into the timeline.
const UNFOLLOW_KEEPING = `
match (a)-[f:FOLLOWS]->(b) using index seek f:FOLLOWS(follower_id, followee_id)
  where f.follower_id = $follower and f.followee_id = $followee
create (a)-[k:KEPT {follower_id: $follower, followee_id: $followee, until_ms: $until}]->(b)
set k.since_ms = f.since_ms, k.pending_since_ms = f.pending_since_ms, k.done_at_ms = f.done_at_ms
delete f`

const backfilled = (type: 'FOLLOWS' | 'KEPT') => `
unwind $edges as edge
match ()-[f:${type}]->() using index seek f:${type}(follower_id, followee_id)
  where f.follower_id = edge.a and f.followee_id = edge.b
set f.done_at_ms = $at remove f.pending_since_ms`
const BACKFILLED = backfilled('FOLLOWS')
const BACKFILLED_KEPT = backfilled('KEPT')

const pending = (type: 'FOLLOWS' | 'KEPT') => `
match ()-[f:${type}]->() using index seek f:${type}(pending_since_ms) where f.pending_since_ms < $before
return f.follower_id as a, f.followee_id as b, f.pending_since_ms as since order by f.pending_since_ms limit $limit`
const PENDING_BACKFILLS = `
call () { ${pending('FOLLOWS')} union all ${pending('KEPT')} }
return a, b order by since limit $limit`

const reopen = (type: 'FOLLOWS' | 'KEPT') => `
match ()-[f:${type}]->() using index seek f:${type}(done_at_ms) where f.done_at_ms >= $since with f limit $limit
set f.pending_since_ms = f.since_ms remove f.done_at_ms
return count(*) as n`
const REOPEN = [reopen('FOLLOWS'), reopen('KEPT')] as const

const forget = (type: 'FOLLOWS' | 'KEPT') => `
match ()-[f:${type}]->() using index seek f:${type}(done_at_ms) where f.done_at_ms < $before with f limit $limit
remove f.done_at_ms
return count(*) as n`
const FORGET = [forget('FOLLOWS'), forget('KEPT')] as const

const setMark = (type: 'BLOCKS' | 'MUTES') => `
optional match ()-[there:${type}]->() using index seek there:${type}(user_id, other_id)
  where there.user_id = $user and there.other_id = $other
with there where there is null
merge (a:User {user_id: $user})
merge (b:User {user_id: $other})
create (a)-[:${type} {user_id: $user, other_id: $other, since_ms: $at}]->(b)`
const unsetMark = (type: 'BLOCKS' | 'MUTES') => `
match ()-[m:${type}]->() using index seek m:${type}(user_id, other_id)
  where m.user_id = $user and m.other_id = $other delete m`
const BLOCK = setMark('BLOCKS')
const UNBLOCK = unsetMark('BLOCKS')
const MUTE = setMark('MUTES')
const UNMUTE = unsetMark('MUTES')

const RELATIONS = `
unwind $others as other
optional match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(follower_id, followee_id)
  where f.follower_id = $user and f.followee_id = other
optional match ()-[k:KEPT]->() using index seek k:KEPT(follower_id, followee_id)
  where k.follower_id = $user and k.followee_id = other
optional match ()-[b:BLOCKS]->() using index seek b:BLOCKS(user_id, other_id)
  where b.user_id = $user and b.other_id = other
optional match ()-[c:BLOCKS]->() using index seek c:BLOCKS(user_id, other_id)
  where c.user_id = other and c.other_id = $user
optional match ()-[m:MUTES]->() using index seek m:MUTES(user_id, other_id)
  where m.user_id = $user and m.other_id = other
return other, f is not null as follows, b is not null or c is not null as blocked, m is not null as muted,
  case when f is null then k.until_ms end as kept_until`

// Statements name their index: while there are few relationships of a type, or nearly all are of one giant, the planner would
// rather read them all, and it keeps the plan for long. Walks order by all of the index's properties, the first of which is
// the same in all rows: for less it does not take the order of an index.
const FOLLOWEES = `
match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(follower_id, followee_id)
where f.follower_id = $user and f.followee_id > $after
return f.followee_id as id, f.since_ms as ms order by f.follower_id, f.followee_id limit $limit`

const KEPT = `
match ()-[k:KEPT]->() using index seek k:KEPT(follower_id, followee_id)
where k.follower_id = $user and k.followee_id > $after
return k.followee_id as id, k.until_ms as ms order by k.follower_id, k.followee_id limit $limit`

const FOLLOWS_AMONG = `
unwind $others as other
optional match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(follower_id, followee_id)
  where f.follower_id = $user and f.followee_id = other
optional match ()-[k:KEPT]->() using index seek k:KEPT(follower_id, followee_id)
  where k.follower_id = $user and k.followee_id = other
with other where f is not null or k is not null
return other as id`

// A node with many relationships knows how many.
const FOLLOWER_COUNT = 'match (u:User {user_id: $user}) return count { (u)<-[:FOLLOWS]-() } as n'

export const FOLLOWERS = `
match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(followee_id, follower_id)
where f.followee_id = $user and f.follower_id > $after
return f.follower_id as id, f.since_ms as ms order by f.followee_id, f.follower_id limit $limit`

// One row per range. '~' lies above every id. Who left is read after who is there: an edge that is ended in between is
// found twice rather than not at all, hence `union`, which tells each once.
export const FOLLOWER_IDS = `
unwind $ranges as range
call (range) {
  call (range) {
    match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(followee_id, follower_id)
    where f.followee_id = range.user and f.follower_id > range.after and f.follower_id <= range.up_to
    return f.follower_id as id order by f.followee_id, f.follower_id limit $limit
    union
    match ()-[k:KEPT]->() using index seek k:KEPT(followee_id, follower_id)
    where k.followee_id = range.user and k.follower_id > range.after and k.follower_id <= range.up_to
      and k.until_ms >= range.left_since
    return k.follower_id as id order by k.followee_id, k.follower_id limit $limit
  }
  with id order by id limit $limit
  return collect(id) as ids
}
return range.n as n, ids`

export const FOLLOWERS_ONLY_IDS = `
unwind $ranges as range
call (range) {
  match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(followee_id, follower_id)
  where f.followee_id = range.user and f.follower_id > range.after and f.follower_id <= range.up_to
  with f order by f.followee_id, f.follower_id limit $limit
  return collect(f.follower_id) as ids
}
return range.n as n, ids`

export const FOLLOWER_CUTS = `
match ()-[f:FOLLOWS]->() using index seek f:FOLLOWS(followee_id, follower_id)
where f.followee_id = $user and f.follower_id > $after
with f order by f.followee_id, f.follower_id limit $every * $limit
with collect(f.follower_id) as ids
unwind range($every - 1, size(ids) - 1, $every) as at
with ids, at where at < size(ids)
return ids[at] as id`

// A relationship hangs on both of its nodes, whatever its type.
const ERASE = `
match (u:User {user_id: $user})-[r]-()
with r limit $limit
delete r
return count(*) as n`
const ERASE_NODE = 'match (u:User {user_id: $user}) where not exists { (u)--() } delete u'

interface PairRow {
  readonly a: string
  readonly b: string
}
interface MomentRow {
  readonly id: string
  readonly ms: number
}
interface RelationRow extends Omit<Relation, 'keptUntil'> {
  readonly other: string
  readonly kept_until: number | null
}

const toEdge = ({ a, b }: PairRow): Edge => ({ followerId: a, followeeId: b })
const toItem = ({ id, ms }: MomentRow): FollowItem => ({ userId: id, since: new Date(ms) })
const pairOf = ({ followerId, followeeId }: Edge) => ({ follower: followerId, followee: followeeId })
const idOf = ({ id }: { readonly id: string }) => id
const msOf = (moment: Date) => BigInt(moment.getTime())

/** Each pair once, in key order. */
function pairsOf(edges: readonly Edge[]): PairRow[] {
  const pairs = new Map(edges.map((edge) => [`${edge.followerId} ${edge.followeeId}`, edge]))
  const sorted = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([, { followerId, followeeId }]) => ({ a: followerId, b: followeeId }))
}

/** Every key of a user lies above it. */
const START = ''
const END = '~'

export async function openFollowStore(graph: GraphClient): Promise<FollowStore> {
  /** Runs statements that change up to `limit` of theirs each, until they have changed so many together. */
  async function upTo(statements: readonly string[], params: Readonly<Record<string, bigint>>, limit: number) {
    let changed = 0
    for (const statement of statements) {
      if (changed >= limit) break
      const rows = await graph.run<{ n: number }>(statement, { ...params, limit: BigInt(limit - changed) })
      changed += rows[0]?.n ?? 0
    }
    return changed
  }

  return {
    async follow(edge, at, followsMax) {
      const params = { ...pairOf(edge), at: msOf(at), followsMax: BigInt(followsMax) }
      const [row] = await graph.run<{ there: boolean; pending: boolean; added: number }>(FOLLOW, params)
      if (row?.there) return { kind: 'following', pending: row.pending }
      return row?.added === 1 ? { kind: 'following', pending: true } : { kind: 'limit' }
    },
    async followMany(edges, at) {
      const pairs = pairsOf(edges)
      const added: Edge[] = []
      for (let from = 0; from < pairs.length; from += LIMITS.graphBatchEdges) {
        const batch = pairs.slice(from, from + LIMITS.graphBatchEdges)
        const ids = [...new Set(batch.flatMap(({ a, b }) => [a, b]))].sort()
        const params = { ids, edges: batch.map(({ a, b }) => ({ a, b })), at: msOf(at) }
        added.push(...(await graph.runOnce<PairRow>(FOLLOW_MANY, params)).map(toEdge))
      }
      return added
    },
    async unfollow(edge, keepUntil) {
      if (keepUntil === undefined) {
        await graph.run(UNFOLLOW, pairOf(edge))
        // Unfollowed again without keeping, nothing is kept.
        await graph.run(UNKEEP, pairOf(edge))
      } else await graph.run(UNFOLLOW_KEEPING, { ...pairOf(edge), until: msOf(keepUntil) })
    },
    async backfilled(edges, at) {
      const pairs = pairsOf(edges)
      for (let from = 0; from < pairs.length; from += LIMITS.graphBatchEdges) {
        const batch = pairs.slice(from, from + LIMITS.graphBatchEdges).map(({ a, b }) => ({ a, b }))
        await graph.run(BACKFILLED, { edges: batch, at: msOf(at) })
        await graph.run(BACKFILLED_KEPT, { edges: batch, at: msOf(at) })
      }
    },
    async pendingBackfills(before, limit) {
      const params = { before: msOf(before), limit: BigInt(limit) }
      return (await graph.run<PairRow>(PENDING_BACKFILLS, params)).map(toEdge)
    },

    async reopenBackfills(since) {
      let reopened = 0
      for (;;) {
        const changed = await upTo(REOPEN, { since: msOf(since) }, LIMITS.graphBatchEdges)
        reopened += changed
        if (changed < LIMITS.graphBatchEdges) return reopened
      }
    },
    forgetBackfills: (before, limit) => upTo(FORGET, { before: msOf(before) }, limit),

    async block(userId, otherId, at) {
      await graph.run(BLOCK, { user: userId, other: otherId, at: msOf(at) })
    },
    async unblock(userId, otherId) {
      await graph.run(UNBLOCK, { user: userId, other: otherId })
    },
    async mute(userId, otherId, at) {
      await graph.run(MUTE, { user: userId, other: otherId, at: msOf(at) })
    },
    async unmute(userId, otherId) {
      await graph.run(UNMUTE, { user: userId, other: otherId })
    },

    async relations(userId, otherIds) {
      if (otherIds.length === 0) return new Map()
      const rows = await graph.run<RelationRow>(RELATIONS, { user: userId, others: otherIds })
      return new Map(
        rows.map(({ other, kept_until, ...relation }) => [
          other,
          kept_until === null ? relation : { ...relation, keptUntil: new Date(kept_until) },
        ]),
      )
    },
    async followees(userId, after, limit) {
      const params = { user: userId, after: after ?? START, limit: BigInt(limit) }
      return (await graph.run<MomentRow>(FOLLOWEES, params)).map(toItem)
    },
    async kept(userId, after, limit) {
      const params = { user: userId, after: after ?? START, limit: BigInt(limit) }
      return (await graph.run<MomentRow>(KEPT, params)).map(({ id, ms }) => ({ userId: id, until: new Date(ms) }))
    },
    async followsAmong(userId, otherIds) {
      if (otherIds.length === 0) return []
      const params = { user: userId, others: [...new Set(otherIds)] }
      return (await graph.run<{ id: string }>(FOLLOWS_AMONG, params)).map(idOf)
    },
    async followerCount(userId, max) {
      const [row] = await graph.run<{ n: number }>(FOLLOWER_COUNT, { user: userId })
      return Math.min(row?.n ?? 0, max)
    },
    async followers(userId, after, limit) {
      const params = { user: userId, after: after ?? START, limit: BigInt(limit) }
      return (await graph.run<MomentRow>(FOLLOWERS, params)).map(toItem)
    },
    async followerIds(ranges, limit) {
      if (ranges.length === 0) return []
      const asked = ranges.map(({ userId, after, upTo: last, leftSince }, n) => ({
        n: BigInt(n),
        user: userId,
        after: after ?? START,
        up_to: last ?? END,
        left_since: leftSince === undefined ? null : msOf(leftSince),
      }))
      const statement = ranges.some((range) => range.leftSince !== undefined) ? FOLLOWER_IDS : FOLLOWERS_ONLY_IDS
      const rows = await graph.run<{ n: number; ids: string[] }>(statement, { ranges: asked, limit: BigInt(limit) })
      const found = new Map(rows.map(({ n, ids }) => [n, ids]))
      return ranges.map((_, n) => found.get(n) ?? [])
    },
    async followerCuts(userId, after, every, limit) {
      const params = { user: userId, after: after ?? START, every: BigInt(every), limit: BigInt(limit) }
      return (await graph.run<{ id: string }>(FOLLOWER_CUTS, params)).map(idOf)
    },

    ...openFollowerDays(graph),
    ...openSuggestions(graph),
    ...openFollowCopies(graph),

    async erase(userId, limit) {
      const [row] = await graph.run<{ n: number }>(ERASE, { user: userId, limit: BigInt(limit) })
      const erased = row?.n ?? 0
      if (erased < limit) await graph.run(ERASE_NODE, { user: userId })
      return erased
    },
  }
}
