import type { Clock } from '../../core/clock.ts'
import type { Placement, PlaceOutcome } from '../../orders/ports.ts'
import { linesOf, type NewLine, PLACED_STATE, STATE_COLUMNS } from '../sql/order-columns.ts'
import { createPlacements, type PlaceResult } from '../sql/order-placements.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { columns } from './columns.ts'
import { LINE, ORDER } from './order-columns.ts'
import { SHARE_STOCK } from './stock-queue.ts'

/** What a placement says besides the columns of the order. */
const REQUEST = columns<Placement>([
  ['shard', 'smallint', ({ shard }) => shard],
  // Of a known customer; a guest has none yet.
  ['customer_version', 'int', ({ buyer }) => ('guest' in buyer ? undefined : buyer.version)],
  ['guest_email', 'text', ({ buyer }) => ('guest' in buyer ? buyer.guest.email : undefined)],
  ['reservation_id', 'bigint', ({ reservationId }) => reservationId],
  ['scope', 'text', ({ answer }) => answer?.key.scope],
  ['key', 'text', ({ answer }) => answer?.key.key],
  ['fingerprint', 'bytea', ({ answer }) => answer?.key.fingerprint],
  ['response', 'json', ({ answer }) => answer?.body],
  ['actor', 'text', ({ event }) => event.actor],
  ['request_id', 'text', ({ event }) => event.requestId],
  ['details', 'jsonb', ({ event }) => event.event.details],
])

const LINE_REQUEST = columns<NewLine>([
  ['item', 'int', (line) => line.item],
  ['product_version', 'int', (line) => line.productVersion],
])

// $1 is the time of the batch, $2 counts its orders.
const AT_ORDER = 3
const AT_REQUEST = ORDER.next(AT_ORDER)
const AT_LINE = REQUEST.next(AT_REQUEST)
const AT_LINE_REQUEST = LINE.next(AT_LINE)
// Looked up by item: a join would be planned for few rows, as a loop over all lines for each order.
const ACTORS = REQUEST.array(AT_REQUEST, 'actor')
const SHARDS = REQUEST.array(AT_REQUEST, 'shard')

/**
 * One batch of new orders, of all shards together. Locks are taken in one order by every statement on orders:
 * reservations by id, stock by product and location, then keys, then the heads of the log by shard.
 *
 * `line` is what the orders want, `hold` what their cart holds have of it already, `available` what there is besides. An
 * order whose key is known, whose hold is gone, or that was priced from something that has changed since, is out; so is
 * one that wants more than all there is. Who comes too late for the rest, or second with one hold, tries again in the
 * next batch.
 */
const PLACE = `
with req as (
  select * from unnest($2::int[], ${ORDER.arrays(AT_ORDER)}, ${REQUEST.arrays(AT_REQUEST)})
  as t (item, ${ORDER.names}, ${REQUEST.names})),
line as (
  select * from unnest(${LINE.arrays(AT_LINE)}, ${LINE_REQUEST.arrays(AT_LINE_REQUEST)})
  as t (${LINE.names}, ${LINE_REQUEST.names})),
held as materialized (
  select h.reservation_id from stock_reservations h
  where h.reservation_id in (select reservation_id from req) and h.status = 'held' and h.expires_at > $1
  order by h.reservation_id for update),
known as (
  select r.item from req r join idempotency_keys k on k.shard = r.shard and k.scope = r.scope and k.key = r.key),
gone as (
  select r.item from req r left join held h on h.reservation_id = r.reservation_id
  where r.reservation_id is not null and h.reservation_id is null and r.item not in (select item from known)),
stale as (
  select l.item from line l
  left join products p on p.product_id = l.product_id and p.version = l.product_version and p.active
  where p.product_id is null
  union
  select r.item from req r left join customers c on c.customer_id = r.customer_id and c.version = r.customer_version
  where c.customer_id is null and r.customer_version is not null),
sound as (
  select item, reservation_id from req where item not in (select item from known)
    and item not in (select item from gone) and item not in (select item from stale)),
claim as (
  select distinct on (reservation_id) reservation_id, item from sound
  where reservation_id is not null order by reservation_id, item),
hold as (
  select c.item, i.reservation_id, i.product_id, i.location_id, i.quantity
  from claim c join stock_reservation_items i on i.reservation_id = c.reservation_id),
locked as materialized (
  select s.product_id, s.location_id, s.on_hand, s.reserved from stock_levels s
  where (select count(*) from held) >= 0 and (s.product_id, s.location_id) in (
    select product_id, location_id from line union select product_id, location_id from hold)
  order by s.product_id, s.location_id for update),
asked as (
  select l.item, l.line_no, l.product_id, l.location_id, l.quantity, coalesce(h.quantity, 0) as held
  from line l
  left join hold h on h.item = l.item and h.product_id = l.product_id and h.location_id = l.location_id
  where l.item in (select item from sound where reservation_id is null union all select item from claim)),${SHARE_STOCK},
keyed as (
  insert into idempotency_keys
    (shard, scope, key, fingerprint, operation_id, response_status, response_body, created_at)
  select shard, scope, key, fingerprint, order_id::text, 201, response, order_date from fits
  where key is not null order by shard, scope, key
  on conflict do nothing returning operation_id),
go as (
  select *, row_number() over (partition by shard order by item) as place from fits
  where key is null or order_id in (select operation_id::bigint from keyed)),
bought as (select ${SHARDS}[item + 1] as shard, * from line where item in (select item from go)),
freed as (select * from hold where item in (select item from go)),
reserved as (
  update stock_levels s set on_hand = d.on_hand, reserved = d.reserved, updated_at = $1
  from (
    select product_id, location_id, max(on_hand) as on_hand, (max(reserved) + sum(units))::bigint as reserved from (
      select product_id, location_id, quantity::bigint as units, null::bigint as on_hand, null::bigint as reserved
      from bought
      union all select product_id, location_id, -quantity, null, null from freed
      union all select product_id, location_id, 0, on_hand, reserved from locked) u
    group by product_id, location_id having sum(units) <> 0) d
  where s.product_id = d.product_id and s.location_id = d.location_id returning 1),
moved as (
  insert into stock_moves
    (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
  select product_id, location_id, order_id, 1, 'reserve', 0, quantity, ${ACTORS}[item + 1], $1 from bought
  union all
  select product_id, location_id, reservation_id, 2, 'unhold', 0, -quantity, ${ACTORS}[item + 1], $1 from freed
  returning 1),
taken as (
  update stock_reservations h set status = 'ordered', order_id = g.order_id
  from go g where h.reservation_id = g.reservation_id returning 1),
invited as (
  insert into customers (customer_id, name, email, guest, version, created_at)
  select customer_id, customer_name, guest_email, true, 1, order_date
  from go where customer_version is null order by customer_id returning 1),
ordered as (
  insert into orders (shard, ${ORDER.names}, ${STATE_COLUMNS})
  select shard, ${ORDER.names}, ${PLACED_STATE}
  from go order by order_id returning 1),
lined as (
  insert into order_line_items (shard, ${LINE.names})
  select shard, ${LINE.names}
  from bought order by order_id, line_no returning 1),
due as (select shard, count(*) as events from go group by shard),
heads as materialized (
  select h.shard from log_head h
  where h.log = 'orders' and h.shard in (select shard from due)
    and (select count(*) from reserved) >= 0 and (select count(*) from moved) >= 0
    and (select count(*) from taken) >= 0 and (select count(*) from invited) >= 0
    and (select count(*) from ordered) >= 0 and (select count(*) from lined) >= 0
  order by h.shard for update),
head as (
  update log_head h set last_event_id = h.last_event_id + d.events
  from due d join heads l on l.shard = d.shard
  where h.log = 'orders' and h.shard = d.shard
  returning h.shard, h.last_event_id - d.events as base),
history as (
  insert into order_history
    (shard, event_id, order_id, version, timestamp, event_type, actor, request_id, details, hash)
  select g.shard, head.base + g.place, g.order_id, 1, g.updated_at, 'ORDER_CREATED', g.actor, g.request_id, g.details,
    g.history_hash
  from go g join head on head.shard = g.shard)
select g.item, 'placed' as outcome, head.base + g.place as event_id, null as product_id, null as location_id,
  null::int as requested, null::bigint as available from go g join head on head.shard = g.shard
union all select item, 'key_known', null, null, null, null, null from known
union all select item, 'key_known', null, null, null, null, null from fits where item not in (select item from go)
union all select item, 'reservation_gone', null, null, null, null, null from gone
union all select item, 'stale', null, null, null, null, null from stale
  where item not in (select item from known) and item not in (select item from gone)
union all select item, 'short', null, product_id, location_id, quantity, available from short`

interface OutcomeRow {
  item: number
  outcome: 'placed' | 'key_known' | 'reservation_gone' | 'stale' | 'short'
  event_id: bigint | null
  product_id: string | null
  location_id: string | null
  requested: number | null
  available: bigint | null
}

function toOutcome(row: OutcomeRow | undefined): PlaceResult {
  if (row === undefined) return { kind: 'late' }
  switch (row.outcome) {
    case 'placed':
      return { kind: 'placed', eventId: row.event_id! }
    case 'short':
      return {
        kind: 'short',
        productId: row.product_id!,
        locationId: row.location_id!,
        requested: row.requested!,
        available: Number(row.available),
      }
    default:
      return { kind: row.outcome }
  }
}

function paramsOf(placements: readonly Placement[]): SqlParam[] {
  const lines = linesOf(placements)
  return [
    new Date(Math.max(...placements.map(({ event }) => event.atMs))),
    placements.map((_, item) => item),
    ...ORDER.params(placements),
    ...REQUEST.params(placements),
    ...LINE.params(lines),
    ...LINE_REQUEST.params(lines),
  ]
}

/** See `createPlacements`. */
export function createPlacer(sql: SqlClient, clock: Clock): (placement: Placement) => Promise<PlaceOutcome> {
  return createPlacements(clock, async (batch) => {
    const rows = await sql.query<OutcomeRow>(PLACE, paramsOf(batch))
    const byItem = new Map(rows.map((row) => [row.item, row]))
    return batch.map((_, item) => toOutcome(byItem.get(item)))
  })
}
