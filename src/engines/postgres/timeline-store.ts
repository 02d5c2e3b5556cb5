import type { TimelineStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'

const APPEND = `
with added as (
  insert into user_feed_timeline (user_id, post_id)
  select user_id, $1 from unnest($2::text[]) as t (user_id) order by user_id
  on conflict do nothing returning 1)
select count(*)::int as n from added`

const BACKFILL = `
insert into user_feed_timeline (user_id, post_id)
select $1, post_id from unnest($2::bigint[]) as t (post_id) order by post_id on conflict do nothing`

const RAISE_FLOOR = `
insert into user_feed_floors (user_id, floor)
select user_id, $2::bigint from unnest($1::text[]) as t (user_id) order by user_id
on conflict (user_id) do update set floor = excluded.floor where user_feed_floors.floor < excluded.floor`

// Above every id. With it a range is one condition that an index serves, also in a generic plan.
const ID_MAX = 2n ** 63n - 1n

// One row always, so that floor and entries come from one view.
const READ = `
with f as (select coalesce((select floor from user_feed_floors where user_id = $1), 0) as floor)
select f.floor, array(
  select post_id from user_feed_timeline
  where user_id = $1 and post_id > f.floor and post_id < coalesce($2::bigint, ${ID_MAX})
  order by post_id desc limit $3)::text[] as post_ids
from f`

// The newest entry to be cut, of each timeline that is too long.
const CUTS = `
select user_id, cut from (
  select t.user_id, (
    select e.post_id from user_feed_timeline e where e.user_id = t.user_id
    order by e.post_id desc offset $2 limit 1) as cut
  from unnest($1::text[]) as t (user_id)) as c
where cut is not null order by user_id`

const RAISE_EACH = `
insert into user_feed_floors (user_id, floor)
select user_id, floor from unnest($1::text[], $2::bigint[]) as t (user_id, floor) order by user_id
on conflict (user_id) do update set floor = excluded.floor where user_feed_floors.floor < excluded.floor`

const CUT_OFF = `
delete from user_feed_timeline e using unnest($1::text[], $2::bigint[]) as t (user_id, cut)
where e.user_id = t.user_id and e.post_id <= t.cut`

const ERASE_ENTRIES = `
delete from user_feed_timeline where (user_id, post_id) in (
  select user_id, post_id from user_feed_timeline where user_id = $1 order by post_id limit $2)
returning 1`

const ERASE_FLOOR = 'delete from user_feed_floors where user_id = $1'

/** The SQL layout: a row per entry. Entries at or below the floor may linger; nobody reads them. */
export async function openTimelineStore(sql: SqlClient, _context: PortContext): Promise<TimelineStore> {
  return {
    async append(postId, userIds) {
      if (userIds.length === 0) return 0
      return onlyRow(await sql.query<{ n: number }>(APPEND, [postId, userIds])).n
    },
    async backfill(userId, postIds) {
      if (postIds.length > 0) await sql.query(BACKFILL, [userId, postIds])
    },
    async raiseFloor(userIds, floor) {
      await sql.query(RAISE_FLOOR, [[...new Set(userIds)], floor])
    },
    async read(userId, below, limit) {
      const row = onlyRow(await sql.query<{ floor: bigint; post_ids: string[] }>(READ, [userId, below, limit]))
      return { floor: row.floor, postIds: row.post_ids.map(BigInt) }
    },
    async trim(userIds, keep) {
      const cuts = await sql.query<{ user_id: string; cut: bigint }>(CUTS, [[...new Set(userIds)], keep])
      if (cuts.length === 0) return
      const columns = [cuts.map((row) => row.user_id), cuts.map((row) => row.cut)]
      // First the floor, then the cut: whoever reads in between finds entries that he ignores, never a hole.
      await sql.query(RAISE_EACH, columns)
      await sql.query(CUT_OFF, columns)
    },
    async erase(userId, limit) {
      const erased = (await sql.query(ERASE_ENTRIES, [userId, limit])).length
      if (erased < limit) await sql.query(ERASE_FLOOR, [userId])
      return erased
    },
  }
}
