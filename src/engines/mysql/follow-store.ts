import type { Edge, FollowItem, FollowStore, Relation } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { onlyRow } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { openFollowCopies } from './follow-copies.ts'
import { openSuggestions } from './follow-suggestions.ts'
import { openFollowerDays } from './follower-days.ts'

// The count stops at the limit, so a refusal costs no more than the largest list of follows.
const FOLLOW = `
insert into follows (follower_id, followee_id, since)
select ?, ?, ? from dual
where (select count(*) from (select 1 from follows where follower_id = ? limit ?) as f) < ?
on duplicate key update follows.since = follows.since`

const FOLLOW_MANY = `
insert into follows (follower_id, followee_id, since) values ? on duplicate key update since = since`

// A backfill that is there is one of an earlier follow.
const PENDING = `
insert into follow_backfills (follower_id, followee_id, since) values ?
on duplicate key update since = values(since), done_at = null`

const WHOLE = 'delete from kept_follows where (follower_id, followee_id) in (?)'

// Both of one snapshot: an edge that is not there is one too many only while there is no room.
const EDGE_AND_ROOM = `
select (select count(*) from follows where follower_id = ? and followee_id = ?) as follows,
  (select count(*) from follow_backfills where follower_id = ? and followee_id = ? and done_at is null) as pending,
  (select count(*) from (select 1 from follows where follower_id = ? limit ?) as f) < ? as room`

const KNOWN = 'select follower_id, followee_id from follows where (follower_id, followee_id) in (?)'

const KEEP = `
insert into kept_follows (follower_id, followee_id, until)
select follower_id, followee_id, ? from follows where follower_id = ? and followee_id = ? for update
on duplicate key update until = values(until)`
const UNFOLLOW = 'delete from follows where follower_id = ? and followee_id = ?'
const UNKEEP = 'delete from kept_follows where follower_id = ? and followee_id = ?'

const BACKFILLED = 'update follow_backfills set done_at = ? where (follower_id, followee_id) in (?)'
const PENDING_BACKFILLS = `
select follower_id, followee_id from follow_backfills where done_at is null and since < ? order by since limit ?`
const REOPEN_BACKFILLS = 'update follow_backfills set done_at = null where done_at >= ?'
const FORGET_BACKFILLS = 'delete from follow_backfills where done_at < ? order by done_at limit ?'

const BLOCK = 'insert into blocks (user_id, other_id, since) values (?, ?, ?) on duplicate key update since = since'
const UNBLOCK = 'delete from blocks where user_id = ? and other_id = ?'
const MUTE = 'insert into mutes (user_id, other_id, since) values (?, ?, ?) on duplicate key update since = since'
const UNMUTE = 'delete from mutes where user_id = ? and other_id = ?'

const RELATIONS = `
select o.id,
  (select count(*) from follows f where f.follower_id = ? and f.followee_id = o.id) as follows,
  (select count(*) from blocks b where b.user_id = ? and b.other_id = o.id)
    + (select count(*) from blocks b where b.user_id = o.id and b.other_id = ?) as blocked,
  (select count(*) from mutes m where m.user_id = ? and m.other_id = o.id) as muted,
  (select k.until from kept_follows k where k.follower_id = ? and k.followee_id = o.id) as kept_until
from json_table(?, '$[*]' columns (
  id varchar(65) character set utf8mb4 collate utf8mb4_bin path '$' error on error)) as o`

const FOLLOWEES = `
select followee_id as user_id, since from follows
where follower_id = ? and followee_id > ? order by followee_id limit ?`

const KEPT = `
select followee_id as user_id, until from kept_follows
where follower_id = ? and followee_id > ? order by followee_id limit ?`

const FOLLOWS_AMONG = `
select followee_id as id from follows where follower_id = ? and followee_id in (?)
union select followee_id from kept_follows where follower_id = ? and followee_id in (?)`

const FOLLOWER_COUNT = 'select count(*) as n from (select 1 from follows where followee_id = ? limit ?) as f'

const FOLLOWERS = `
select follower_id as user_id, since from follows where followee_id = ? and follower_id > ?
order by follower_id limit ?`

// The end of the range is a condition on the index, so that the last read of a chunk does not run on through the followers
// behind it. One text per range is several times cheaper to read than a row per id.
const FOLLOWER_IDS = `
select group_concat(follower_id order by follower_id separator ' ') as ids from (
  select follower_id from follows where followee_id = ? and follower_id > ? and follower_id <= ?
  order by follower_id limit ?) as f`

// An edge is in one of the two tables at any time: one transaction moves it, so one statement finds it.
const FOLLOWER_IDS_AND_KEPT = `
select group_concat(follower_id order by follower_id separator ' ') as ids from (
  (select follower_id from follows where followee_id = ? and follower_id > ? and follower_id <= ?
  order by follower_id limit ?)
  union all
  (select follower_id from kept_follows
  where followee_id = ? and until >= ? and follower_id > ? and follower_id <= ? order by follower_id limit ?)
  order by follower_id limit ?) as f`

const FOLLOWER_CUTS = `
select follower_id from (
  select follower_id, row_number() over (order by follower_id) as n from (
    select follower_id from follows where followee_id = ? and follower_id > ? order by follower_id limit ?) as g) as f
where n % ? = 0 order by follower_id`

const ERASE = [
  ...['follows', 'kept_follows', 'follow_backfills'].flatMap((table) => [
    `delete from ${table} where follower_id = ? limit ?`,
    `delete from ${table} where followee_id = ? limit ?`,
  ]),
  ...['blocks', 'mutes'].flatMap((table) => [
    `delete from ${table} where user_id = ? limit ?`,
    `delete from ${table} where other_id = ? limit ?`,
  ]),
]

interface EdgeRow {
  follower_id: string
  followee_id: string
}
interface RelationRow {
  id: string
  follows: bigint
  blocked: bigint
  muted: bigint
  kept_until: Date | null
}
interface ItemRow {
  user_id: string
  since: Date
}

const toEdge = (row: EdgeRow): Edge => ({ followerId: row.follower_id, followeeId: row.followee_id })
const toItem = (row: ItemRow): FollowItem => ({ userId: row.user_id, since: row.since })
const toRelation = (row: RelationRow): Relation => ({
  follows: row.follows > 0n,
  blocked: row.blocked > 0n,
  muted: row.muted > 0n,
  ...(row.kept_until === null ? {} : { keptUntil: row.kept_until }),
})

const idOf = (edge: Edge) => `${edge.followerId} ${edge.followeeId}`
const pairsOf = (edges: readonly Edge[]) => edges.map((edge) => [edge.followerId, edge.followeeId])
/** Makes the transaction begin again. */
const beaten = (by: string) => Object.assign(new Error(by), { code: '40001' })
/** Each once, in the order in which everybody locks them. */
function distinct(edges: readonly Edge[]): Edge[] {
  const byId = new Map(edges.map((edge) => [idOf(edge), edge]))
  return [...byId.keys()].sort().map((id) => byId.get(id)!)
}

/** Every key of a user lies above the first and not above the last: ids are of letters, digits and a few signs below `~`. */
const START = ''
const END = '~'

export async function openFollowStore(sql: MysqlClient, _context: PortContext): Promise<FollowStore> {
  return {
    follow({ followerId, followeeId }, at, followsMax) {
      const edge = [followerId, followeeId]
      return sql.transaction(async (tx) => {
        if ((await tx.execute(FOLLOW, [...edge, at, followerId, followsMax, followsMax])) === 1) {
          await tx.last([
            { text: PENDING, params: [[[...edge, at]]] },
            { text: WHOLE, params: [[edge]] },
          ])
          return { kind: 'following', pending: true } as const
        }
        const [row] = await tx.query<{ follows: bigint; pending: bigint; room: bigint }>(EDGE_AND_ROOM, [
          ...[...edge, ...edge],
          ...[followerId, followsMax, followsMax],
        ])
        if (row!.follows > 0n) return { kind: 'following', pending: row!.pending > 0n }
        if (row!.room > 0n) throw beaten('somebody unfollowed meanwhile')
        return { kind: 'limit' }
      })
    },
    followMany(edges, at) {
      if (edges.length === 0) return Promise.resolve([])
      const wanted = distinct(edges)
      return sql.transaction(async (tx) => {
        const known = new Set((await tx.query<EdgeRow>(KNOWN, [pairsOf(wanted)])).map((row) => idOf(toEdge(row))))
        const added = wanted.filter((edge) => !known.has(idOf(edge)))
        if (added.length === 0) return []
        const rows = pairsOf(added).map((pair) => [...pair, at])
        if ((await tx.execute(FOLLOW_MANY, [rows])) !== added.length) {
          throw beaten('somebody added some of the same edges meanwhile')
        }
        await tx.last([
          { text: PENDING, params: [rows] },
          { text: WHOLE, params: [pairsOf(added)] },
        ])
        return added
      })
    },
    unfollow({ followerId, followeeId }, keepUntil) {
      const edge = [followerId, followeeId]
      const gone = { text: UNFOLLOW, params: edge }
      // Unfollowed again without keeping, nothing is kept.
      const statements =
        keepUntil === undefined
          ? [gone, { text: UNKEEP, params: edge }]
          : [{ text: KEEP, params: [keepUntil, ...edge] }, gone]
      return sql.transaction(async (tx) => void (await tx.last(statements)))
    },
    async backfilled(edges, at) {
      if (edges.length > 0) await sql.execute(BACKFILLED, [at, pairsOf(edges)])
    },
    async pendingBackfills(before, limit) {
      return (await sql.query<EdgeRow>(PENDING_BACKFILLS, [before, limit])).map(toEdge)
    },
    reopenBackfills: (since) => sql.execute(REOPEN_BACKFILLS, [since]),
    forgetBackfills: (before, limit) => sql.execute(FORGET_BACKFILLS, [before, limit]),

    async block(userId, otherId, at) {
      await sql.execute(BLOCK, [userId, otherId, at])
    },
    async unblock(userId, otherId) {
      await sql.execute(UNBLOCK, [userId, otherId])
    },
    async mute(userId, otherId, at) {
      await sql.execute(MUTE, [userId, otherId, at])
    },
    async unmute(userId, otherId) {
      await sql.execute(UNMUTE, [userId, otherId])
    },

    async relations(userId, otherIds) {
      const params = [userId, userId, userId, userId, userId, JSON.stringify(otherIds)]
      return new Map((await sql.query<RelationRow>(RELATIONS, params)).map((row) => [row.id, toRelation(row)]))
    },
    async followees(userId, after, limit) {
      return (await sql.query<ItemRow>(FOLLOWEES, [userId, after ?? START, limit])).map(toItem)
    },
    async kept(userId, after, limit) {
      const rows = await sql.query<{ user_id: string; until: Date }>(KEPT, [userId, after ?? START, limit])
      return rows.map((row) => ({ userId: row.user_id, until: row.until }))
    },
    async followsAmong(userId, otherIds) {
      if (otherIds.length === 0) return []
      const rows = await sql.query<{ id: string }>(FOLLOWS_AMONG, [userId, otherIds, userId, otherIds])
      return rows.map((row) => row.id)
    },
    async followerCount(userId, max) {
      return Number(onlyRow(await sql.query<{ n: bigint }>(FOLLOWER_COUNT, [userId, max])).n)
    },
    async followers(userId, after, limit) {
      return (await sql.query<ItemRow>(FOLLOWERS, [userId, after ?? START, limit])).map(toItem)
    },
    async followerIds(ranges, limit) {
      if (ranges.length === 0) return []
      const answers = await sql.batch(
        ranges.map(({ userId, after = START, upTo = END, leftSince }) => {
          const follows = [userId, after, upTo, limit]
          if (leftSince === undefined) return { text: FOLLOWER_IDS, params: follows }
          const kept = [userId, leftSince, after, upTo, limit]
          return { text: FOLLOWER_IDS_AND_KEPT, params: [...follows, ...kept, limit] }
        }),
      )
      return answers.map(({ rows }) => onlyRow(rows as { ids: string | null }[]).ids?.split(' ') ?? [])
    },
    async followerCuts(userId, after, every, limit) {
      const params = [userId, after ?? START, every * limit, every]
      return (await sql.query<{ follower_id: string }>(FOLLOWER_CUTS, params)).map((row) => row.follower_id)
    },

    ...openFollowerDays(sql),
    ...openSuggestions(sql),
    ...openFollowCopies(sql),

    async erase(userId, limit) {
      let erased = 0
      for (const statement of ERASE) {
        if (erased < limit) erased += await sql.execute(statement, [userId, limit - erased])
      }
      return erased
    },
  }
}
