import type { Chunk, ChunkDone, DeliveryMode, Fanout, FanoutLedger, WholeDone } from '../../social/ports.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'

const FIND = `
select p.post_id, p.user_id, p.mode, p.timestamp, f.round, f.planned_chunks, f.planned, f.planned_up_to,
  f.done_at is not null as done
from posts p join post_fanouts f on f.post_id = p.post_id
where p.post_id = any($1::bigint[]) and p.deleted_at is null`

// The number of planned chunks is the version of the plan: of two planners at the same place one gets through.
const PLAN = `
with moved as (
  update post_fanouts f set planned_chunks = f.planned_chunks + cardinality($3::text[]), planned = $4,
    planned_up_to = ($3::text[])[cardinality($3::text[])]
  from (select post_id, planned_up_to from post_fanouts where post_id = $1 for update) as before
  where f.post_id = before.post_id and f.round = $5 and f.planned_chunks = $2 and not f.planned and f.done_at is null
  returning f.post_id, before.planned_up_to as after)
insert into post_fanout_chunks (post_id, chunk, after, up_to)
select moved.post_id, $2::int + t.n - 1, coalesce(lag(t.up_to) over (order by t.n), moved.after), t.up_to
from moved cross join unnest($3::text[]) with ordinality as t (up_to, n) order by t.n
returning chunk`

const FINISH_WHOLE = `
with item as (
  select * from unnest($2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[])
    as t (post_id, round, delivered, duplicate, inactive)),
locked as (select post_id from post_fanouts where post_id in (select post_id from item) order by post_id for update)
update post_fanouts f set planned_chunks = 1, planned = true, done_chunks = 1, done_at = $1,
  delivered = item.delivered, duplicate = item.duplicate, inactive = item.inactive,
  followers_scanned = item.delivered + item.duplicate + item.inactive
from item join locked on locked.post_id = item.post_id
where f.post_id = item.post_id and f.round = item.round and f.planned_chunks = 0 and f.done_at is null
returning f.post_id`

const CHUNKS = `
select c.post_id, c.chunk, p.user_id, p.timestamp, f.round, c.after, c.up_to
from unnest($1::bigint[], $2::int[]) as t (post_id, chunk)
join post_fanout_chunks c on c.post_id = t.post_id and c.chunk = t.chunk
join post_fanouts f on f.post_id = c.post_id
join posts p on p.post_id = c.post_id and p.deleted_at is null`

const OPEN_CHUNKS = 'select chunk from post_fanout_chunks where post_id = $1 order by chunk'

// A chunk is done when its row is gone. Fan-outs are locked first, in key order, so that batches never wait in a circle.
const FINISH_CHUNKS = `
with item as (
  select * from unnest($2::bigint[], $3::int[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[])
    as t (post_id, chunk, round, delivered, duplicate, inactive)),
locked as (
  select post_id, round from post_fanouts where post_id in (select post_id from item) order by post_id for update),
gone as (
  delete from post_fanout_chunks c using item join locked on locked.post_id = item.post_id and locked.round = item.round
  where c.post_id = item.post_id and c.chunk = item.chunk
  returning c.post_id, c.chunk, item.delivered, item.duplicate, item.inactive),
counted as (
  update post_fanouts f set done_chunks = f.done_chunks + g.chunks,
    delivered = f.delivered + g.delivered, duplicate = f.duplicate + g.duplicate, inactive = f.inactive + g.inactive,
    followers_scanned = f.followers_scanned + g.delivered + g.duplicate + g.inactive,
    done_at = case when f.planned and f.done_chunks + g.chunks = f.planned_chunks then $1::timestamptz end
  from (
    select post_id, count(*)::int as chunks, sum(delivered) as delivered, sum(duplicate) as duplicate,
      sum(inactive) as inactive
    from gone group by post_id) as g
  where f.post_id = g.post_id
  returning f.post_id, f.done_at is not null as done)
select gone.post_id, gone.chunk, counted.done from gone join counted on counted.post_id = gone.post_id`

const SWEEP_MS_MAX = 15 * 60_000
const CLAIM_PENDING = `
update post_fanouts f set sweeps = f.sweeps + 1,
  sweep_at = $1::timestamptz
    + make_interval(secs => least($2::float8 * power(2, least(f.sweeps, 20) + 1), ${SWEEP_MS_MAX}) / 1000)
where f.done_at is null and f.sweep_at <= $1 and f.post_id in (
  select post_id from post_fanouts where done_at is null and sweep_at <= $1 order by sweep_at limit $3)
returning f.post_id`

const ENQUEUED = `
update post_fanouts set sweep_at = $2 where post_id in (
  select post_id from post_fanouts where post_id = any($1::bigint[]) and done_at is null and sweep_at < $2
  order by post_id for update)`

const PENDING = 'select post_id from post_fanouts where post_id = any($1::bigint[]) and done_at is null'

// The smallest id is the oldest post, near enough.
const BACKLOG = `
with open as (select post_id from post_fanouts where done_at is null limit $1)
select (select count(*)::int from open) as posts,
  (select timestamp from posts where post_id = (select min(post_id) from open)) as oldest`

const STATE = `
select p.mode, f.followers_scanned, f.delivered, f.duplicate, f.inactive, f.planned_chunks, f.planned, f.done_chunks,
  f.done_at
from post_fanouts f join posts p on p.post_id = f.post_id
where f.post_id = $1`

const INCARNATION = 'select value, confirmed_at from timeline_incarnation'
const CONFIRM = `
insert into timeline_incarnation (value, confirmed_at) values ($1, $2)
on conflict (one) do update set value = excluded.value, confirmed_at = excluded.confirmed_at`

const LOCK_DONE_SINCE = `
select post_id from post_fanouts where done_at is null or done_at >= $1 order by post_id for update`

const REOPEN = `
with chunks as (delete from post_fanout_chunks where post_id = any($1::bigint[]))
update post_fanouts set round = round + 1, planned_chunks = 0, planned = false, planned_up_to = null, done_chunks = 0,
  followers_scanned = 0, delivered = 0, duplicate = 0, inactive = 0, done_at = null, sweep_at = $2, sweeps = 0
where post_id = any($1::bigint[])`

interface FanoutRow {
  post_id: bigint
  user_id: string
  mode: DeliveryMode
  timestamp: Date
  round: number
  planned_chunks: number
  planned: boolean
  planned_up_to: string | null
  done: boolean
}

interface ChunkRow {
  post_id: bigint
  chunk: number
  user_id: string
  timestamp: Date
  round: number
  after: string | null
  up_to: string | null
}

interface StateRow {
  mode: DeliveryMode
  followers_scanned: bigint
  delivered: bigint
  duplicate: bigint
  inactive: bigint
  planned_chunks: number
  planned: boolean
  done_chunks: number
  done_at: Date | null
}

function toFanout(row: FanoutRow): Fanout {
  return {
    postId: row.post_id,
    authorId: row.user_id,
    mode: row.mode,
    timestamp: row.timestamp,
    round: row.round,
    plannedChunks: row.planned_chunks,
    planned: row.planned,
    plannedUpTo: row.planned_up_to ?? undefined,
    done: row.done,
  }
}

function toChunk(row: ChunkRow): Chunk {
  return {
    postId: row.post_id,
    chunk: row.chunk,
    authorId: row.user_id,
    timestamp: row.timestamp,
    round: row.round,
    after: row.after ?? undefined,
    upTo: row.up_to ?? undefined,
  }
}

const counts = (items: readonly WholeDone[]) => [
  items.map((item) => item.round),
  items.map((item) => item.delivered),
  items.map((item) => item.duplicate),
  items.map((item) => item.inactive),
]

const nameOf = (item: { postId: bigint; chunk: number }) => `${item.postId}/${item.chunk}`

export function openFanoutLedger(sql: SqlClient): FanoutLedger {
  return {
    async find(postIds) {
      return (await sql.query<FanoutRow>(FIND, [postIds])).map(toFanout)
    },
    async plan({ postId, round, plannedChunks }, upTo, finished) {
      return (await sql.query(PLAN, [postId, plannedChunks, upTo, finished, round])).length > 0
    },
    async finishWhole(items, at) {
      const rows = await sql.query<{ post_id: bigint }>(FINISH_WHOLE, [
        at,
        items.map((item) => item.postId),
        ...counts(items),
      ])
      const recorded = new Set(rows.map((row) => row.post_id))
      return items.map((item) => recorded.has(item.postId))
    },
    async chunks(refs) {
      const rows = await sql.query<ChunkRow>(CHUNKS, [refs.map((ref) => ref.postId), refs.map((ref) => ref.chunk)])
      return rows.map(toChunk)
    },
    async openChunks(postId) {
      return (await sql.query<{ chunk: number }>(OPEN_CHUNKS, [postId])).map((row) => row.chunk)
    },
    async finishChunks(items: readonly ChunkDone[], at) {
      const rows = await sql.query<{ post_id: bigint; chunk: number; done: boolean }>(FINISH_CHUNKS, [
        at,
        items.map((item) => item.postId),
        items.map((item) => item.chunk),
        ...counts(items),
      ])
      const recorded = new Map(rows.map((row) => [nameOf({ postId: row.post_id, chunk: row.chunk }), row.done]))
      return items.map((item) => {
        const postDone = recorded.get(nameOf(item))
        return { recorded: postDone !== undefined, postDone: postDone ?? false }
      })
    },
    async enqueued(postIds, lookAgainAt) {
      await sql.query(ENQUEUED, [postIds, lookAgainAt])
    },
    async claimPending(now, firstWaitMs, limit) {
      return (await sql.query<{ post_id: bigint }>(CLAIM_PENDING, [now, firstWaitMs, limit])).map((row) => row.post_id)
    },
    async pending(postIds) {
      if (postIds.length === 0) return []
      return (await sql.query<{ post_id: bigint }>(PENDING, [postIds])).map((row) => row.post_id)
    },
    async backlog(max) {
      const row = onlyRow(await sql.query<{ posts: number; oldest: Date | null }>(BACKLOG, [max]))
      return { posts: row.posts, oldest: row.oldest ?? undefined }
    },
    async state(postId) {
      const [row] = await sql.query<StateRow>(STATE, [postId])
      if (row === undefined) return undefined
      return {
        mode: row.mode,
        followersScanned: Number(row.followers_scanned),
        delivered: Number(row.delivered),
        duplicate: Number(row.duplicate),
        inactive: Number(row.inactive),
        plannedChunks: row.planned_chunks,
        planned: row.planned,
        doneChunks: row.done_chunks,
        doneAt: row.done_at ?? undefined,
      }
    },
    async incarnation() {
      const [row] = await sql.query<{ value: string; confirmed_at: Date }>(INCARNATION)
      return row === undefined ? undefined : { value: row.value, confirmedAt: row.confirmed_at }
    },
    async confirm(incarnation, at) {
      await sql.query(CONFIRM, [incarnation, at])
    },
    async reopen(doneSince, at) {
      return await sql.transaction(async (tx) => {
        const locked = await tx.query<{ post_id: bigint }>(LOCK_DONE_SINCE, [doneSince])
        const postIds = locked.map((row) => row.post_id)
        // A statement of its own, so that it sees the chunks of those who held the locks.
        if (postIds.length > 0) await tx.query(REOPEN, [postIds, at])
        return postIds.length
      })
    },
  }
}
