import type { FollowCopies } from '../../social/ports.ts'
import { type StoredRelationRow, toStoredRelation } from '../sql/follow-rows.ts'
import type { SqlClient } from '../sql/sql.ts'

// Pending is what has a backfill that is not done.
const PARTS = `
select o.id as other_id, f.since,
  exists (select 1 from follow_backfills p
    where p.follower_id = $1 and p.followee_id = o.id and p.done_at is null) as pending,
  k.until as kept_until, b.since as blocked_at, m.since as muted_at
from others o
left join follows f on f.follower_id = $1 and f.followee_id = o.id
left join kept_follows k on k.follower_id = $1 and k.followee_id = o.id
left join blocks b on b.user_id = $1 and b.other_id = o.id
left join mutes m on m.user_id = $1 and m.other_id = o.id`

const OUTGOING = `
with others as (
  select id from (
    (select followee_id as id from follows where follower_id = $1 and followee_id > $2 order by 1 limit $3)
    union (select followee_id from kept_follows where follower_id = $1 and followee_id > $2 order by 1 limit $3)
    union (select other_id from blocks where user_id = $1 and other_id > $2 order by 1 limit $3)
    union (select other_id from mutes where user_id = $1 and other_id > $2 order by 1 limit $3)) as all_of_them
  order by id limit $3)
${PARTS} order by o.id`

const OUTGOING_TO = `
with others as (select id collate "C" as id from unnest($2::text[]) as t (id))
${PARTS}
where f.since is not null or k.until is not null or b.since is not null or m.since is not null`

const FOLLOWS = `
with item as (select * from unnest($2::text[], $3::timestamptz[], $4::boolean[]) as t (id, since, pending)),
gone as (
  delete from follows where follower_id = $1 and followee_id in (select id from item where since is null)),
done as (
  delete from follow_backfills where follower_id = $1 and followee_id in (select id from item where not pending)),
started as (
  insert into follow_backfills (follower_id, followee_id, since)
  select $1, id, since from item where pending order by id
  on conflict (follower_id, followee_id) do update set since = excluded.since, done_at = null)
insert into follows (follower_id, followee_id, since)
select $1, id, since from item where since is not null order by id
on conflict (follower_id, followee_id) do update set since = excluded.since`

const KEPT = `
with item as (select * from unnest($2::text[], $3::timestamptz[]) as t (id, until)),
gone as (
  delete from kept_follows where follower_id = $1 and followee_id in (select id from item where until is null))
insert into kept_follows (follower_id, followee_id, until)
select $1, id, until from item where until is not null order by id
on conflict (follower_id, followee_id) do update set until = excluded.until`

const marksIn = (table: 'blocks' | 'mutes') => `
with item as (select * from unnest($2::text[], $3::timestamptz[]) as t (id, since)),
gone as (delete from ${table} where user_id = $1 and other_id in (select id from item where since is null))
insert into ${table} (user_id, other_id, since)
select $1, id, since from item where since is not null order by id
on conflict (user_id, other_id) do update set since = excluded.since`
const BLOCKS = marksIn('blocks')
const MUTES = marksIn('mutes')

export function openFollowCopies(sql: SqlClient): FollowCopies {
  return {
    async outgoing(userId, after, limit) {
      return (await sql.query<StoredRelationRow>(OUTGOING, [userId, after ?? '', limit])).map(toStoredRelation)
    },
    async outgoingTo(userId, otherIds) {
      if (otherIds.length === 0) return []
      return (await sql.query<StoredRelationRow>(OUTGOING_TO, [userId, otherIds])).map(toStoredRelation)
    },
    async restore(userId, relations) {
      if (relations.length === 0) return
      // In key order, as every statement on these tables.
      const sorted = [...relations].sort((a, b) => (a.otherId < b.otherId ? -1 : 1))
      const ids = sorted.map(({ otherId }) => otherId)
      await sql.transaction(async (tx) => {
        const since = sorted.map(({ follows }) => follows?.since)
        const pending = sorted.map(({ follows }) => follows?.pending ?? false)
        await tx.query(FOLLOWS, [userId, ids, since, pending])
        await tx.query(KEPT, [userId, ids, sorted.map(({ keptUntil }) => keptUntil)])
        await tx.query(BLOCKS, [userId, ids, sorted.map(({ blockedAt }) => blockedAt)])
        await tx.query(MUTES, [userId, ids, sorted.map(({ mutedAt }) => mutedAt)])
      })
    },
  }
}
