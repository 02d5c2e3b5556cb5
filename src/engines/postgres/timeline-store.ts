import { messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { TimelineStore, TimelineWindow } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { onlyRow, type SqlClient, type SqlTx } from '../sql/sql.ts'
import { markOf, parseMark, xminOf } from './timeline-mark.ts'

export interface SqlTimelineOptions extends Partial<TimelineWindow> {
  /** One in so many timelines of an append is looked at for a cut. */
  readonly trimOneIn?: number
}

const ID_MAX = 2n ** 63n - 1n

const VISIT_EVERY_MS = 24 * 60 * 60_000

/** Timelines that one transaction drops: thousands of rows, but not tens of thousands. */
const DROP_BATCH = 8

// A lock on the header, shared among appends, holds off `drop`: nothing is written for a user who is being forgotten.
const APPEND = `
with active as materialized (
  select user_id from user_feeds where user_id = any($2::text[]) order by user_id for key share),
added as (
  insert into user_feed_timeline (user_id, post_id, arrived)
  select user_id, $1, (select pg_current_xact_id()::text::bigint) from active order by user_id
  on conflict do nothing returning 1)
select (select count(*) from active)::int as active, (select count(*) from added)::int as added`

// ID_MAX is above every id: with it a range is one condition that an index serves, also in a generic plan.
const READ = `
select epoch, pg_current_snapshot()::text as snapshot, floor, read_at, array(
  select post_id from user_feed_timeline e
  where e.user_id = f.user_id and post_id > f.floor and post_id < coalesce($2::bigint, ${ID_MAX})
  order by post_id desc limit $3)::text[] as post_ids
from user_feeds f where user_id = $1 and ready`

const VISIT = 'update user_feeds set read_at = $2 where user_id = $1 and read_at < $2'

const SINCE = `
select pg_current_snapshot()::text as snapshot, cut_arrived, array(
  select post_id from user_feed_timeline e where e.user_id = f.user_id and arrived >= $3::bigint
    and not pg_visible_in_snapshot(arrived::text::xid8, $4::text::pg_snapshot)
  order by post_id desc)::text[] as post_ids
from user_feeds f where user_id = $1 and ready and epoch = $2`

const MARKS = `
select user_id, epoch, coalesce((
  select max(post_id) from user_feed_timeline e where e.user_id = f.user_id), 0) as newest
from user_feeds f where user_id = any($1::text[]) and ready`

const ACTIVE = 'select count(*)::int as n from user_feeds where user_id = any($1::text[])'

const BEGIN = `
insert into user_feeds (user_id, epoch, ready, floor, cut_arrived, read_at)
values ($1, pg_current_xact_id()::text::bigint, false, 0, 0, $2)
on conflict (user_id) do update
set epoch = excluded.epoch, ready = false, floor = 0, cut_arrived = 0, read_at = excluded.read_at
returning epoch`

const INSTALL = `
with feed as (
  update user_feeds set ready = true, floor = greatest(floor, $4::bigint)
  where user_id = $1 and epoch = $2 and not ready returning user_id, floor),
added as (
  insert into user_feed_timeline (user_id, post_id, arrived)
  select user_id, post_id, pg_current_xact_id()::text::bigint from feed, unnest($3::bigint[]) as t (post_id)
  where post_id > floor order by post_id on conflict do nothing)
select count(*)::int as n from feed`

const MERGE = `
with feed as (
  update user_feeds set
    floor = case when ready then greatest(floor, $3::bigint) else floor end,
    epoch = case when ready then epoch else pg_current_xact_id()::text::bigint end
  where user_id = $1 returning user_id, ready, floor),
added as (
  insert into user_feed_timeline (user_id, post_id, arrived)
  select user_id, post_id, pg_current_xact_id()::text::bigint from feed, unnest($2::bigint[]) as t (post_id)
  where ready and post_id > floor order by post_id on conflict do nothing)
select count(*)::int as n from feed where ready`

// One statement, so that nobody sees the entries gone and the floor where it was. Whoever deletes entries holds the
// header, which keeps those who delete apart; a timeline that another has in hand is left to him.
const TRIM = `
with feed as materialized (
  select user_id from user_feeds where user_id = any($1::text[]) order by user_id for no key update skip locked),
cut as materialized (
  select user_id, (
    select post_id from user_feed_timeline e where e.user_id = f.user_id
    order by post_id desc offset $3 limit 1) as post_id
  from feed f where exists (
    select 1 from user_feed_timeline e where e.user_id = f.user_id order by post_id desc offset $2 limit 1)),
gone as (
  delete from user_feed_timeline e using cut
  where e.user_id = cut.user_id and e.post_id <= cut.post_id returning e.user_id, e.post_id, e.arrived),
most as (select user_id, max(post_id) as post_id, max(arrived) as arrived from gone group by user_id)
update user_feeds f set floor = greatest(f.floor, m.post_id), cut_arrived = greatest(f.cut_arrived, m.arrived)
from most m where f.user_id = m.user_id`

const LOCK = 'select from user_feeds where user_id = any($1::text[]) order by user_id for update'

const LOCK_UNREAD = `
select user_id from user_feeds where read_at < $1 order by user_id limit $2 for update skip locked`

const DROP_HEADERS = 'delete from user_feeds where user_id = any($1::text[])'

const DROP_ENTRIES = 'delete from user_feed_timeline where user_id = any($1::text[])'

interface ReadRow {
  epoch: bigint
  snapshot: string
  floor: bigint
  read_at: Date
  post_ids: string[]
}
interface SinceRow {
  snapshot: string
  cut_arrived: bigint
  post_ids: string[]
}

/**
 * The SQL layout: a header per timeline and a row per entry. Entries at or below the floor may linger; nobody reads them.
 * A mark is the epoch and the snapshot of the read: what arrived since is what that could not see.
 */
export async function openTimelineStore(
  sql: SqlClient,
  context: PortContext,
  options: SqlTimelineOptions = {},
): Promise<TimelineStore> {
  const entriesMax = options.entriesMax ?? LIMITS.timelineEntriesMax
  const entriesKept = options.entriesKept ?? LIMITS.timelineEntriesKept
  const trimOneIn = options.trimOneIn ?? 64

  async function trim(userIds: readonly string[]): Promise<void> {
    if (userIds.length > 0) await sql.query(TRIM, [userIds, entriesMax, entriesKept])
  }

  async function dropLocked(tx: SqlTx, userIds: readonly string[]): Promise<void> {
    await tx.query(DROP_HEADERS, [userIds])
    // A statement of its own, so that it sees what the appends wrote that held the headers.
    await tx.query(DROP_ENTRIES, [userIds])
  }

  return {
    async append(postId, userIds) {
      if (userIds.length === 0) return { delivered: 0, duplicate: 0, inactive: 0 }
      const { active, added } = onlyRow(await sql.query<{ active: number; added: number }>(APPEND, [postId, userIds]))
      try {
        await trim(active === 0 ? [] : userIds.filter(() => Math.random() * trimOneIn < 1))
      } catch (error) {
        // The post is appended; another append will find the timelines too long again.
        context.logger.warn({ err: error }, `timelines were not cut: ${messageOf(error)}`)
      }
      return { delivered: added, duplicate: active - added, inactive: userIds.length - active }
    },

    async read(userId, below, limit, { visit = true } = {}) {
      const [row] = await sql.query<ReadRow>(READ, [userId, below, limit])
      if (row === undefined) return undefined
      const now = context.clock.now()
      if (visit && now - row.read_at.getTime() > VISIT_EVERY_MS) await sql.query(VISIT, [userId, new Date(now)])
      return { floor: row.floor, postIds: row.post_ids.map(BigInt), mark: markOf(row.epoch, row.snapshot) }
    },

    async since(userId, mark) {
      const parsed = parseMark(mark)
      if (parsed === undefined) return { kind: 'reset' }
      const { epoch, xmin, snapshot } = parsed
      const [row] = await sql.query<SinceRow>(SINCE, [userId, epoch, xmin, snapshot])
      // A database restored elsewhere counts its transactions anew.
      if (row === undefined || xminOf(row.snapshot) < xmin) return { kind: 'reset' }
      const postIds = row.post_ids.map(BigInt)
      return { kind: 'arrived', postIds, gap: row.cut_arrived >= xmin, mark: markOf(epoch, row.snapshot) }
    },

    async marks(userIds) {
      if (userIds.length === 0) return new Map()
      const rows = await sql.query<{ user_id: string; epoch: bigint; newest: bigint }>(MARKS, [userIds])
      return new Map(rows.map((row) => [row.user_id, `${row.epoch}.${row.newest}`]))
    },

    async active(userIds) {
      return userIds.length === 0 ? 0 : onlyRow(await sql.query<{ n: number }>(ACTIVE, [userIds])).n
    },

    begin: (userId) =>
      sql.transaction(async (tx) => {
        const now = new Date(context.clock.now())
        const { epoch } = onlyRow(await tx.query<{ epoch: bigint }>(BEGIN, [userId, now]))
        await tx.query(DROP_ENTRIES, [[userId]])
        return String(epoch)
      }),

    async install(userId, token, postIds, floor) {
      const installed = onlyRow(await sql.query<{ n: number }>(INSTALL, [userId, BigInt(token), postIds, floor])).n > 0
      if (installed && postIds.length > entriesKept) await trim([userId])
      return installed
    },

    async merge(userId, postIds, floor) {
      const ready = onlyRow(await sql.query<{ n: number }>(MERGE, [userId, postIds, floor])).n > 0
      if (ready && postIds.length > 0) await trim([userId])
    },

    async drop(userIds) {
      for (let from = 0; from < userIds.length; from += DROP_BATCH) {
        const batch = userIds.slice(from, from + DROP_BATCH)
        await sql.transaction(async (tx) => {
          await tx.query(LOCK, [batch])
          await dropLocked(tx, batch)
        })
      }
    },

    async expire(readBefore, limit) {
      let expired = 0
      while (expired < limit) {
        const size = Math.min(DROP_BATCH, limit - expired)
        const dropped = await sql.transaction(async (tx) => {
          const unread = await tx.query<{ user_id: string }>(LOCK_UNREAD, [readBefore, size])
          if (unread.length > 0)
            await dropLocked(
              tx,
              unread.map((row) => row.user_id),
            )
          return unread.length
        })
        expired += dropped
        if (dropped < size) break
      }
      return expired
    },

    incarnation: async () => '',
  }
}
