import type { DeliveryCounts, DeliveryMode, FanoutLedger } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

const FIND = `
select p.post_id, p.user_id, p.mode, p.timestamp, f.planned_chunks, f.planned, f.done_at is not null as done, c.up_to
from posts p join post_fanouts f on f.post_id = p.post_id
left join post_fanout_chunks c on c.post_id = f.post_id and c.chunk = f.planned_chunks - 1
where p.post_id = $1 and p.deleted_at is null`

// The number of planned chunks is the version of the plan: of two planners at the same place one gets through.
const PLAN = `
with moved as (
  update post_fanouts set planned_chunks = planned_chunks + cardinality($3::text[]), planned = $4
  where post_id = $1 and planned_chunks = $2 and not planned and done_at is null returning post_id)
insert into post_fanout_chunks (post_id, chunk, up_to)
select moved.post_id, $2::int + t.n - 1, t.up_to
from moved cross join unnest($3::text[]) with ordinality as t (up_to, n) order by t.n
returning chunk`

const FINISH_WHOLE = `
update post_fanouts set planned_chunks = 1, planned = true, done_chunks = 1, done_at = $2,
  delivered = $3, duplicate = $4, inactive = $5, followers_scanned = $3::bigint + $4::bigint + $5::bigint
where post_id = $1 and planned_chunks = 0 and done_at is null returning post_id`

const CHUNK = `
select p.user_id, b.up_to as after, c.up_to, c.done
from posts p join post_fanout_chunks c on c.post_id = p.post_id and c.chunk = $2
left join post_fanout_chunks b on b.post_id = p.post_id and b.chunk = $2 - 1
where p.post_id = $1 and p.deleted_at is null`

const OPEN_CHUNKS = 'select chunk from post_fanout_chunks where post_id = $1 and not done order by chunk'

const FINISH_CHUNK = `
with c as (
  update post_fanout_chunks set done = true where post_id = $1 and chunk = $2 and not done returning post_id)
update post_fanouts f set done_chunks = f.done_chunks + 1,
  delivered = f.delivered + $4, duplicate = f.duplicate + $5, inactive = f.inactive + $6,
  followers_scanned = f.followers_scanned + $4::bigint + $5::bigint + $6::bigint,
  done_at = case when f.planned and f.done_chunks + 1 = f.planned_chunks then $3::timestamptz end
where f.post_id in (select post_id from c)
returning f.done_at is not null as done`

const FORGET_CHUNKS = 'delete from post_fanout_chunks where post_id = $1'

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

const STATE = `
select followers_scanned, delivered, duplicate, inactive, planned_chunks, done_chunks, done_at
from post_fanouts where post_id = $1`

interface FanoutRow {
  post_id: bigint
  user_id: string
  mode: DeliveryMode
  timestamp: Date
  planned_chunks: number
  planned: boolean
  done: boolean
  up_to: string | null
}

interface StateRow {
  followers_scanned: bigint
  delivered: bigint
  duplicate: bigint
  inactive: bigint
  planned_chunks: number
  done_chunks: number
  done_at: Date | null
}

const columns = (counts: DeliveryCounts) => [counts.delivered, counts.duplicate, counts.inactive]

export function openFanoutLedger(sql: SqlClient): FanoutLedger {
  return {
    async find(postId) {
      const [row] = await sql.query<FanoutRow>(FIND, [postId])
      if (row === undefined) return undefined
      return {
        postId: row.post_id,
        authorId: row.user_id,
        mode: row.mode,
        timestamp: row.timestamp,
        plannedChunks: row.planned_chunks,
        planned: row.planned,
        plannedUpTo: row.up_to ?? undefined,
        done: row.done,
      }
    },
    async plan(postId, expectedChunks, upTo, finished) {
      return (await sql.query(PLAN, [postId, expectedChunks, upTo, finished])).length > 0
    },
    async finishWhole(postId, counts, at) {
      return (await sql.query(FINISH_WHOLE, [postId, at, ...columns(counts)])).length === 1
    },
    async chunk(postId, chunk) {
      const [row] = await sql.query<{ user_id: string; after: string | null; up_to: string | null; done: boolean }>(
        CHUNK,
        [postId, chunk],
      )
      if (row === undefined) return undefined
      return { authorId: row.user_id, after: row.after ?? undefined, upTo: row.up_to ?? undefined, done: row.done }
    },
    async openChunks(postId) {
      return (await sql.query<{ chunk: number }>(OPEN_CHUNKS, [postId])).map((row) => row.chunk)
    },
    finishChunk: (postId, chunk, counts, at) =>
      sql.transaction(async (tx) => {
        const [row] = await tx.query<{ done: boolean }>(FINISH_CHUNK, [postId, chunk, at, ...columns(counts)])
        // The chunks name followers; when all are done nothing needs them any more.
        if (row?.done) await tx.query(FORGET_CHUNKS, [postId])
        return { recorded: row !== undefined, postDone: row?.done ?? false }
      }),
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
    async state(postId) {
      const [row] = await sql.query<StateRow>(STATE, [postId])
      if (row === undefined) return undefined
      return {
        followersScanned: Number(row.followers_scanned),
        delivered: Number(row.delivered),
        duplicate: Number(row.duplicate),
        inactive: Number(row.inactive),
        plannedChunks: row.planned_chunks,
        doneChunks: row.done_chunks,
        doneAt: row.done_at ?? undefined,
      }
    },
  }
}
