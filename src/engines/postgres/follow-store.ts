import type { Edge, FollowItem, FollowStore, Relation } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'
import { openFollowCopies } from './follow-copies.ts'
import { openSuggestions } from './follow-suggestions.ts'
import { openFollowerDays } from './follower-days.ts'

// A backfill that is there is one of an earlier follow.
const PENDING_AGAIN = 'on conflict (follower_id, followee_id) do update set since = excluded.since, done_at = null'

// The count stops at the limit, so a refusal costs no more than the largest list of follows. All is told of one snapshot:
// looked at afterwards, an edge that was there may be gone, and would be taken for a refusal.
const FOLLOW = `
with edge as (
  select exists (
    select 1 from follow_backfills where follower_id = $1 and followee_id = $2 and done_at is null) as pending
  from follows where follower_id = $1 and followee_id = $2),
room as (
  select count(*) < $4 as left_over from (select 1 from follows where follower_id = $1 limit $4) as f),
added as (
  insert into follows (follower_id, followee_id, since)
  select $1, $2, $3 from room where left_over and not exists (select 1 from edge)
  on conflict do nothing returning follower_id, followee_id, since),
pending as (
  insert into follow_backfills (follower_id, followee_id, since)
  select follower_id, followee_id, since from added ${PENDING_AGAIN}),
whole as (
  delete from kept_follows where (follower_id, followee_id) in (select follower_id, followee_id from added))
select exists (select 1 from added) as added, (select pending from edge) as pending, left_over from room`

const FOLLOW_MANY = `
with added as (
  insert into follows (follower_id, followee_id, since)
  select distinct follower_id, followee_id, $3::timestamptz
  from unnest($1::text[], $2::text[]) as t (follower_id, followee_id)
  order by follower_id, followee_id on conflict do nothing returning follower_id, followee_id, since),
pending as (
  insert into follow_backfills (follower_id, followee_id, since)
  select follower_id, followee_id, since from added order by follower_id, followee_id ${PENDING_AGAIN}),
whole as (
  delete from kept_follows where (follower_id, followee_id) in (select follower_id, followee_id from added))
select follower_id, followee_id from added`

const UNFOLLOW = `
with gone as (
  delete from follows where follower_id = $1 and followee_id = $2 returning follower_id, followee_id)
insert into kept_follows (follower_id, followee_id, until)
select follower_id, followee_id, $3::timestamptz from gone where $3::timestamptz is not null
on conflict (follower_id, followee_id) do update set until = excluded.until`

const UNKEEP = 'delete from kept_follows where follower_id = $1 and followee_id = $2'

const BACKFILLED = `
update follow_backfills set done_at = $3 where (follower_id, followee_id) in (
  select b.follower_id, b.followee_id from unnest($1::text[], $2::text[]) as t (follower_id, followee_id)
  join follow_backfills b on b.follower_id = t.follower_id and b.followee_id = t.followee_id
  order by b.follower_id, b.followee_id for update of b)`

const PENDING_BACKFILLS = `
select follower_id, followee_id from follow_backfills where done_at is null and since < $1 order by since limit $2`

const REOPEN_BACKFILLS = `
update follow_backfills set done_at = null where (follower_id, followee_id) in (
  select follower_id, followee_id from follow_backfills where done_at >= $1
  order by follower_id, followee_id for update)
returning 1`

const FORGET_BACKFILLS = `
delete from follow_backfills where (follower_id, followee_id) in (
  select follower_id, followee_id from follow_backfills where done_at < $1 order by follower_id, followee_id limit $2
  for update)
returning 1`

const BLOCK = 'insert into blocks (user_id, other_id, since) values ($1, $2, $3) on conflict do nothing'
const UNBLOCK = 'delete from blocks where user_id = $1 and other_id = $2'
const MUTE = 'insert into mutes (user_id, other_id, since) values ($1, $2, $3) on conflict do nothing'
const UNMUTE = 'delete from mutes where user_id = $1 and other_id = $2'

// Scalar subqueries, not `exists`: that the planner turns into a hash of all that the user follows, thousands perhaps.
const RELATIONS = `
select o.id,
  coalesce((select true from follows f where f.follower_id = $1 and f.followee_id = o.id), false) as follows,
  coalesce(
    (select true from blocks b where b.user_id = $1 and b.other_id = o.id),
    (select true from blocks b where b.user_id = o.id and b.other_id = $1), false) as blocked,
  coalesce((select true from mutes m where m.user_id = $1 and m.other_id = o.id), false) as muted,
  (select k.until from kept_follows k where k.follower_id = $1 and k.followee_id = o.id) as kept_until
from unnest($2::text[]) as o (id)`

const FOLLOWEES = `
select followee_id as user_id, since from follows
where follower_id = $1 and followee_id > $2 order by followee_id limit $3`

const KEPT = `
select followee_id as user_id, until from kept_follows
where follower_id = $1 and followee_id > $2 order by followee_id limit $3`

const FOLLOWS_AMONG = `
select o.id from unnest($2::text[]) as o (id)
where coalesce(
  (select true from follows f where f.follower_id = $1 and f.followee_id = o.id),
  (select true from kept_follows k where k.follower_id = $1 and k.followee_id = o.id), false)`

const FOLLOWER_COUNT = 'select count(*)::int as n from (select 1 from follows where followee_id = $1 limit $2) as f'

const FOLLOWERS = `
select follower_id as user_id, since from follows where followee_id = $1 and follower_id > $2
order by follower_id limit $3`

// '~' lies above every id. It keeps the end of the range a condition on the index, so that the last read of a chunk does
// not run on through the followers behind it. One text per range is several times cheaper to read than a row per id.
// An edge is in one of the two tables at any time: one statement moves it, so one statement finds it.
const FOLLOWER_IDS = `
select t.n::int as n, (
  select string_agg(follower_id, ' ') from (
    (select follower_id from follows
    where followee_id = t.user_id and follower_id > coalesce(t.after, '') and follower_id <= coalesce(t.up_to, '~')
    order by follower_id limit $5)
    union all
    select follower_id from kept_follows
    where followee_id = t.user_id and until >= t.left_since
      and follower_id > coalesce(t.after, '') and follower_id <= coalesce(t.up_to, '~')
    order by follower_id limit $5) as f) as ids
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) with ordinality
  as t (user_id, after, up_to, left_since, n)`

const FOLLOWER_CUTS = `
select follower_id from (
  select follower_id, row_number() over (order by follower_id) as n from follows
  where followee_id = $1 and follower_id > $2 order by follower_id limit $3::bigint * $4) as f
where n % $3 = 0 order by follower_id`

const ERASE_FOLLOWS = `
delete from follows where (follower_id, followee_id) in (
  select follower_id, followee_id from (
    (select follower_id, followee_id from follows where follower_id = $1 limit $2)
    union all (select follower_id, followee_id from follows where followee_id = $1 limit $2)) as f
  order by follower_id, followee_id limit $2)
returning 1`

const ERASE_BACKFILLS = `
delete from follow_backfills where (follower_id, followee_id) in (
  select follower_id, followee_id from follow_backfills where follower_id = $1 or followee_id = $1
  order by follower_id, followee_id limit $2)
returning 1`

const ERASE_KEPT = `
delete from kept_follows where (follower_id, followee_id) in (
  select follower_id, followee_id from kept_follows where follower_id = $1 or followee_id = $1
  order by follower_id, followee_id limit $2)
returning 1`

const ERASE_BLOCKS = `
delete from blocks where (user_id, other_id) in (
  select user_id, other_id from blocks where user_id = $1 or other_id = $1 order by user_id, other_id limit $2)
returning 1`

const ERASE_MUTES = `
delete from mutes where (user_id, other_id) in (
  select user_id, other_id from mutes where user_id = $1 or other_id = $1 order by user_id, other_id limit $2)
returning 1`

interface EdgeRow {
  follower_id: string
  followee_id: string
}
interface FollowRow {
  added: boolean
  /** Null when the edge was not there. */
  pending: boolean | null
  left_over: boolean
}
interface RelationRow extends Omit<Relation, 'keptUntil'> {
  id: string
  kept_until: Date | null
}
interface ItemRow {
  user_id: string
  since: Date
}

const toEdge = (row: EdgeRow): Edge => ({ followerId: row.follower_id, followeeId: row.followee_id })
const toItem = (row: ItemRow): FollowItem => ({ userId: row.user_id, since: row.since })
const columns = (edges: readonly Edge[]) => [edges.map((edge) => edge.followerId), edges.map((edge) => edge.followeeId)]

/** Every key of a user lies above it. */
const START = ''

export async function openFollowStore(sql: SqlClient, _context: PortContext): Promise<FollowStore> {
  return {
    async follow({ followerId, followeeId }, at, followsMax) {
      for (;;) {
        const row = onlyRow(await sql.query<FollowRow>(FOLLOW, [followerId, followeeId, at, followsMax]))
        if (row.added) return { kind: 'following', pending: true }
        if (row.pending !== null) return { kind: 'following', pending: row.pending }
        if (!row.left_over) return { kind: 'limit' }
        // Somebody else added the same edge since the snapshot: the next one shows it.
      }
    },
    async followMany(edges, at) {
      return (await sql.query<EdgeRow>(FOLLOW_MANY, [...columns(edges), at])).map(toEdge)
    },
    async unfollow({ followerId, followeeId }, keepUntil) {
      await sql.query(UNFOLLOW, [followerId, followeeId, keepUntil])
      // Unfollowed again without keeping, nothing is kept.
      if (keepUntil === undefined) await sql.query(UNKEEP, [followerId, followeeId])
    },
    async backfilled(edges, at) {
      await sql.query(BACKFILLED, [...columns(edges), at])
    },
    async pendingBackfills(before, limit) {
      return (await sql.query<EdgeRow>(PENDING_BACKFILLS, [before, limit])).map(toEdge)
    },

    async reopenBackfills(since) {
      return (await sql.query(REOPEN_BACKFILLS, [since])).length
    },
    async forgetBackfills(before, limit) {
      return (await sql.query(FORGET_BACKFILLS, [before, limit])).length
    },

    async block(userId, otherId, at) {
      await sql.query(BLOCK, [userId, otherId, at])
    },
    async unblock(userId, otherId) {
      await sql.query(UNBLOCK, [userId, otherId])
    },
    async mute(userId, otherId, at) {
      await sql.query(MUTE, [userId, otherId, at])
    },
    async unmute(userId, otherId) {
      await sql.query(UNMUTE, [userId, otherId])
    },

    async relations(userId, otherIds) {
      const rows = await sql.query<RelationRow>(RELATIONS, [userId, otherIds])
      return new Map(
        rows.map(({ id, kept_until, ...relation }) => [
          id,
          kept_until === null ? relation : { ...relation, keptUntil: kept_until },
        ]),
      )
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
      return (await sql.query<{ id: string }>(FOLLOWS_AMONG, [userId, otherIds])).map((row) => row.id)
    },
    async followerCount(userId, max) {
      return onlyRow(await sql.query<{ n: number }>(FOLLOWER_COUNT, [userId, max])).n
    },
    async followers(userId, after, limit) {
      return (await sql.query<ItemRow>(FOLLOWERS, [userId, after ?? START, limit])).map(toItem)
    },
    async followerIds(ranges, limit) {
      const rows = await sql.query<{ n: number; ids: string | null }>(FOLLOWER_IDS, [
        ranges.map((range) => range.userId),
        ranges.map((range) => range.after),
        ranges.map((range) => range.upTo),
        ranges.map((range) => range.leftSince),
        limit,
      ])
      const found = new Map(rows.map((row) => [row.n, row.ids?.split(' ')]))
      return ranges.map((_, index) => found.get(index + 1) ?? [])
    },
    async followerCuts(userId, after, every, limit) {
      const rows = await sql.query<{ follower_id: string }>(FOLLOWER_CUTS, [userId, after ?? START, every, limit])
      return rows.map((row) => row.follower_id)
    },

    ...openFollowerDays(sql),
    ...openFollowCopies(sql),
    ...openSuggestions(sql),

    async erase(userId, limit) {
      let erased = 0
      for (const statement of [ERASE_FOLLOWS, ERASE_KEPT, ERASE_BACKFILLS, ERASE_BLOCKS, ERASE_MUTES]) {
        if (erased < limit) erased += (await sql.query(statement, [userId, limit - erased])).length
      }
      return erased
    },
  }
}
