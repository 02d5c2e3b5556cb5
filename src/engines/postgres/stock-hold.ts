import type { Clock } from '../../core/clock.ts'
import type { StockStore } from '../../orders/ports.ts'
import { readKey } from '../sql/idempotency.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { createHolds, type Hold, type HoldLine, type HoldResult, heldLinesOf } from '../sql/stock-holds.ts'
import { columns } from './columns.ts'
import { SHARE_STOCK } from './stock-queue.ts'

const REQUEST = columns<Hold>([
  ['reservation_id', 'bigint', ({ reservation }) => reservation.reservationId],
  ['shard', 'smallint', ({ shard }) => shard],
  ['actor', 'text', ({ origin }) => origin.actor],
  ['created_at', 'timestamptz', ({ reservation }) => new Date(reservation.createdAtMs)],
  ['expires_at', 'timestamptz', ({ reservation }) => new Date(reservation.expiresAtMs)],
  ['scope', 'text', ({ origin }) => origin.key?.scope],
  ['key', 'text', ({ origin }) => origin.key?.key],
  ['fingerprint', 'bytea', ({ origin }) => origin.key?.fingerprint],
  ['response', 'json', ({ body }) => body],
])

const LINE = columns<HoldLine>([
  ['item', 'int', (line) => line.item],
  ['line_no', 'int', (line) => line.lineNo],
  ['product_id', 'text', (line) => line.productId],
  ['location_id', 'text', (line) => line.locationId],
  ['quantity', 'bigint', (line) => line.quantity],
])

// $1 counts the holds, $2 is the time of the batch.
const AT_REQUEST = 3
const AT_LINE = REQUEST.next(AT_REQUEST)

/** One batch of cart holds. Locks: stock by product and location, then keys. */
const HOLD = `
with req as (
  select * from unnest($1::int[], ${REQUEST.arrays(AT_REQUEST)}) as t (item, ${REQUEST.names})),
line as (
  select * from unnest(${LINE.arrays(AT_LINE)}) as t (${LINE.names})),
known as (
  select r.item from req r join idempotency_keys k on k.shard = r.shard and k.scope = r.scope and k.key = r.key),
locked as materialized (
  select s.product_id, s.location_id, s.on_hand, s.reserved from stock_levels s
  where (s.product_id, s.location_id) in (select product_id, location_id from line)
  order by s.product_id, s.location_id for update),
asked as (
  select item, line_no, product_id, location_id, quantity, 0 as held from line
  where item not in (select item from known)),${SHARE_STOCK},
keyed as (
  insert into idempotency_keys
    (shard, scope, key, fingerprint, operation_id, response_status, response_body, created_at)
  select shard, scope, key, fingerprint, reservation_id::text, 201, response, created_at from fits
  where key is not null order by shard, scope, key
  on conflict do nothing returning operation_id),
go as (
  select * from fits where key is null or reservation_id in (select operation_id::bigint from keyed)),
taken as (
  select l.*, g.reservation_id, g.actor, g.created_at from line l join go g on g.item = l.item),
reserved as (
  update stock_levels s set on_hand = d.on_hand, reserved = d.reserved, updated_at = $2
  from (
    select product_id, location_id, max(on_hand) as on_hand, (max(reserved) + sum(units))::bigint as reserved from (
      select product_id, location_id, quantity as units, null::bigint as on_hand, null::bigint as reserved from taken
      union all select product_id, location_id, 0, on_hand, reserved from locked) u
    group by product_id, location_id having sum(units) <> 0) d
  where s.product_id = d.product_id and s.location_id = d.location_id),
moved as (
  insert into stock_moves
    (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
  select product_id, location_id, reservation_id, 1, 'hold', 0, quantity, actor, created_at from taken),
held as (
  insert into stock_reservations (reservation_id, status, actor, created_at, expires_at)
  select reservation_id, 'held', actor, created_at, expires_at from go),
listed as (
  insert into stock_reservation_items (reservation_id, product_id, location_id, quantity)
  select reservation_id, product_id, location_id, quantity from taken)
select item, 'held' as outcome, null as product_id, null as location_id, null::bigint as quantity,
  null::bigint as available from go
union all select item, 'key_known', null, null, null, null from known
union all select item, 'key_known', null, null, null, null from fits where item not in (select item from go)
union all select item, 'short', product_id, location_id, quantity, available from short`

interface OutcomeRow {
  item: number
  outcome: 'held' | 'key_known' | 'short'
  product_id: string | null
  location_id: string | null
  quantity: bigint | null
  available: bigint | null
}

function toOutcome(row: OutcomeRow | undefined): HoldResult {
  if (row === undefined) return { kind: 'late' }
  if (row.outcome !== 'short') return { kind: row.outcome }
  const item = { productId: row.product_id!, locationId: row.location_id!, quantity: Number(row.quantity) }
  return { kind: 'short', item, available: Number(row.available) }
}

function paramsOf(holds: readonly Hold[]): SqlParam[] {
  return [
    holds.map((_, item) => item),
    new Date(Math.max(...holds.map(({ reservation }) => reservation.createdAtMs))),
    ...REQUEST.params(holds),
    ...LINE.params(heldLinesOf(holds)),
  ]
}

/** See `createHolds`. */
export function createHolder(sql: SqlClient, shards: number, clock: Clock): StockStore['hold'] {
  return createHolds({ shards, clock, readKey: (shard, key) => readKey(sql, shard, key) }, async (batch) => {
    const rows = await sql.query<OutcomeRow>(HOLD, paramsOf(batch))
    const byItem = new Map(rows.map((row) => [row.item, row]))
    return batch.map((_, item) => toOutcome(byItem.get(item)))
  })
}
