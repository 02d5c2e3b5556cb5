import type { StockMove } from '../../orders/model/decision.ts'
import type { OrderPayment, Shipment } from '../../orders/model/order.ts'
import type { ChangeOutcome, OrderChange } from '../../orders/ports.ts'
import { createChanges, type Part, partsOf, QUANTITIES_LIST, STATE_LIST } from '../sql/order-changes.ts'
import type { NewLine } from '../sql/order-columns.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { columns } from './columns.ts'
import { LINE } from './order-columns.ts'
import { SHARE_STOCK } from './stock-queue.ts'

const STATE = columns(STATE_LIST)
const REQUEST = columns<OrderChange>([
  ['order_id', 'bigint', (change) => change.orderId],
  ['version_before', 'int', ({ before }) => before.version],
  ['read_at', 'timestamptz', ({ beforeAtMs }) => new Date(beforeAtMs)],
  ['address', 'jsonb', ({ address }) => address?.after.shippingAddress],
  ['address_id', 'text', ({ address }) => address?.after.shippingAddressId],
  ['former_address', 'jsonb', ({ address }) => address?.before.shippingAddress],
  ['former_address_id', 'text', ({ address }) => address?.before.shippingAddressId],
  ['new_adjustments', 'jsonb', ({ adjustments }) => adjustments],
  ['scope', 'text', ({ answer }) => answer?.key.scope],
  ['key', 'text', ({ answer }) => answer?.key.key],
  ['fingerprint', 'bytea', ({ answer }) => answer?.key.fingerprint],
  ['response_status', 'smallint', ({ answer }) => answer?.status],
  ['response', 'json', ({ answer }) => answer?.body],
  ['event_type', 'text', ({ event }) => event.event.type],
  ['actor', 'text', ({ event }) => event.actor],
  ['request_id', 'text', ({ event }) => event.requestId],
  ['details', 'jsonb', ({ event }) => event.event.details],
])

const STOCK = columns<StockMove & Part>([
  ['item', 'int', (move) => move.item],
  ['product_id', 'text', (move) => move.productId],
  ['location_id', 'text', (move) => move.locationId],
  ['kind', 'text', (move) => move.kind],
  ['on_hand', 'bigint', (move) => move.onHand],
  ['reserved', 'bigint', (move) => move.reserved],
])

const QUANTITIES = columns(QUANTITIES_LIST)
const ADDED = columns<NewLine>([
  ['item', 'int', (line) => line.item],
  ['product_version', 'int', (line) => line.productVersion],
])

const SHIPMENT = columns<Shipment & Part & { readonly arrived: boolean }>([
  ['item', 'int', (shipment) => shipment.item],
  ['order_id', 'bigint', (shipment) => shipment.orderId],
  ['shipment_no', 'int', (shipment) => shipment.shipmentNo],
  ['lines', 'jsonb', (shipment) => shipment.lines],
  ['carrier', 'text', (shipment) => shipment.carrier],
  ['tracking_number', 'text', (shipment) => shipment.tracking_number],
  ['tracking_url', 'text', (shipment) => shipment.tracking_url],
  ['arrived', 'boolean', (shipment) => shipment.arrived],
])

const PAYMENT = columns<OrderPayment & Part>([
  ['item', 'int', (payment) => payment.item],
  ['order_id', 'bigint', (payment) => payment.orderId],
  ['payment_intent_id', 'text', (payment) => payment.paymentIntentId],
  ['captured', 'bigint', (payment) => payment.captured],
  ['refunded', 'bigint', (payment) => payment.refunded],
])

// $1 is the shard, $2 the time of the batch, $3 the numbers of its changes.
const AT_STATE = 4
const AT_REQUEST = STATE.next(AT_STATE)
const AT_STOCK = REQUEST.next(AT_REQUEST)
const AT_QUANTITIES = STOCK.next(AT_STOCK)
const AT_ADDED = QUANTITIES.next(AT_QUANTITIES)
const AT_LINE = ADDED.next(AT_ADDED)
const AT_SHIPMENT = LINE.next(AT_LINE)
const AT_PAYMENT = SHIPMENT.next(AT_SHIPMENT)
// Looked up by item: a join would be planned for few rows, as a loop over all changes for each part.
const ORDER_IDS = REQUEST.array(AT_REQUEST, 'order_id')
const ACTORS = REQUEST.array(AT_REQUEST, 'actor')
const VERSIONS = STATE.array(AT_STATE, 'version')
const TIMES = STATE.array(AT_STATE, 'updated_at')

const assignments = STATE.names
  .split(', ')
  .map((name) => `${name} = g.${name}`)
  .join(', ')

/**
 * One batch of changes of one shard, each to another order: the one statement behind every command on an order. A
 * change counts only if the order is still what it was decided from. Locks, as in every statement on orders: orders by
 * id, stock by product and location, keys, the head of the log.
 *
 * An edit may want units. What is `stale` was priced from a product that has changed. Of those that want units, the ones
 * that fit are `ready`; who came behind somebody in the batch who took the units is `lost` and decides again.
 */
const CHANGE = `
with req as (
  select * from unnest($3::int[], ${STATE.arrays(AT_STATE)}, ${REQUEST.arrays(AT_REQUEST)})
  as t (item, ${STATE.names}, ${REQUEST.names})),
current as materialized (
  select r.item from orders o
  join req r on o.order_id = r.order_id and o.version = r.version_before and o.updated_at = r.read_at
  where o.shard = $1 order by o.order_id for update of o),
stock as (select * from unnest(${STOCK.arrays(AT_STOCK)}) as t (${STOCK.names})),
added as (
  select * from unnest(${ADDED.arrays(AT_ADDED)}, ${LINE.arrays(AT_LINE)}) as t (${ADDED.names}, ${LINE.names})),
locked as materialized (
  select s.product_id, s.location_id, s.on_hand, s.reserved from stock_levels s
  where (s.product_id, s.location_id) in (
    select product_id, location_id from stock where item in (select item from current))
  order by s.product_id, s.location_id for update),
stale as (
  select distinct a.item from added a
  left join products p on p.product_id = a.product_id and p.version = a.product_version and p.active
  where p.product_id is null),
asked as (
  select item, 0 as line_no, product_id, location_id, reserved as quantity, 0 as held from stock
  where reserved > 0 and item in (select item from current) and item not in (select item from stale)),
${SHARE_STOCK},
ready as (
  select * from req
  where item in (select item from current) and item not in (select item from stale)
    and (item not in (select item from wanted) or item in (select item from fits))),
keyed as (
  insert into idempotency_keys
    (shard, scope, key, fingerprint, operation_id, response_status, response_body, created_at)
  select $1, scope, key, fingerprint, order_id::text, response_status, response, updated_at from ready
  where key is not null and (select count(*) from locked) >= 0
  order by scope, key
  on conflict do nothing returning operation_id),
go as (
  select *, row_number() over (order by item) as place from ready
  where key is null or order_id in (select operation_id::bigint from keyed)),
changed as (
  update orders o set ${assignments},
    shipping_address = coalesce(g.address, o.shipping_address),
    shipping_address_id = case when g.address is null then o.shipping_address_id else g.address_id end,
    adjustments = coalesce(g.new_adjustments, o.adjustments)
  from go g where o.shard = $1 and o.order_id = g.order_id returning 1),
moved_away as (
  insert into order_addresses (shard, order_id, until_version, shipping_address_id, shipping_address)
  select $1, order_id, version, former_address_id, former_address from go where former_address is not null returning 1),
lined as (
  update order_line_items l
  set quantity_shipped = c.shipped, quantity_cancelled = c.cancelled, quantity_returned = c.returned
  from unnest(${QUANTITIES.arrays(AT_QUANTITIES)}) as c (${QUANTITIES.names})
  where c.item in (select item from go) and l.shard = $1 and l.order_id = c.order_id and l.line_no = c.line_no
  returning 1),
extended as (
  insert into order_line_items (shard, ${LINE.names})
  select $1, ${LINE.names} from added where item in (select item from go) returning 1),
shipped as (
  insert into order_shipments
    (shard, order_id, shipment_no, lines, carrier, tracking_number, tracking_url, shipped_at, delivered_at)
  select $1, s.order_id, s.shipment_no, s.lines, s.carrier, s.tracking_number, s.tracking_url,
    ${TIMES}[s.item + 1], case when s.arrived then ${TIMES}[s.item + 1] end
  from unnest(${SHIPMENT.arrays(AT_SHIPMENT)}) as s (${SHIPMENT.names}) where s.item in (select item from go)
  on conflict (shard, order_id, shipment_no) do update set carrier = excluded.carrier,
    tracking_number = excluded.tracking_number, tracking_url = excluded.tracking_url,
    delivered_at = coalesce(order_shipments.delivered_at, excluded.delivered_at) returning 1),
paid as (
  insert into order_payments (shard, order_id, payment_intent_id, captured, refunded)
  select $1, p.order_id, p.payment_intent_id, p.captured, p.refunded
  from unnest(${PAYMENT.arrays(AT_PAYMENT)}) as p (${PAYMENT.names})
  where p.item in (select item from go)
  on conflict (shard, order_id, payment_intent_id)
  do update set captured = excluded.captured, refunded = excluded.refunded returning 1),
stocked as (
  update stock_levels s set on_hand = d.on_hand, reserved = d.reserved, updated_at = $2
  from (
    select product_id, location_id, sum(on_hand)::bigint as on_hand, sum(reserved)::bigint as reserved from (
      select product_id, location_id, on_hand, reserved from stock where item in (select item from go)
      union all select product_id, location_id, on_hand, reserved from locked) u
    group by product_id, location_id) d
  where s.product_id = d.product_id and s.location_id = d.location_id returning 1),
moved as (
  insert into stock_moves
    (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
  select product_id, location_id, ${ORDER_IDS}[item + 1], ${VERSIONS}[item + 1], kind, on_hand, reserved,
    ${ACTORS}[item + 1], ${TIMES}[item + 1]
  from stock where item in (select item from go) returning 1),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from go)
  where shard = $1 and log = 'orders' and exists (select 1 from go)
    and (select count(*) from changed) >= 0 and (select count(*) from moved_away) >= 0
    and (select count(*) from lined) >= 0 and (select count(*) from extended) >= 0
    and (select count(*) from shipped) >= 0 and (select count(*) from paid) >= 0
    and (select count(*) from stocked) >= 0 and (select count(*) from moved) >= 0
  returning last_event_id - (select count(*) from go) as base),
history as (
  insert into order_history
    (shard, event_id, order_id, version, timestamp, event_type, actor, request_id, details, hash)
  select $1, head.base + g.place, g.order_id, g.version, g.updated_at, g.event_type, g.actor, g.request_id, g.details,
    g.history_hash
  from go g cross join head)
select g.item, 'changed' as outcome, head.base + g.place as event_id, null as product_id, null as location_id,
  null::bigint as requested, null::bigint as available from go g cross join head
union all select item, 'key_known', null, null, null, null, null from ready where item not in (select item from go)
union all select item, 'stale', null, null, null, null, null from stale where item in (select item from current)
union all select item, 'short', null, product_id, location_id, quantity, available from short`

interface OutcomeRow {
  item: number
  outcome: 'changed' | 'key_known' | 'stale' | 'short'
  event_id: bigint | null
  product_id: string | null
  location_id: string | null
  requested: bigint | null
  available: bigint | null
}

function toOutcome(row: OutcomeRow | undefined): ChangeOutcome {
  switch (row?.outcome) {
    case undefined:
      return { kind: 'lost' }
    case 'changed':
      return { kind: 'changed', eventId: row!.event_id! }
    case 'short': {
      const { product_id: productId, location_id: locationId, requested, available } = row!
      return {
        kind: 'short',
        productId: productId!,
        locationId: locationId!,
        requested: Number(requested),
        available: Number(available),
      }
    }
    default:
      return { kind: row!.outcome as 'key_known' | 'stale' }
  }
}

function paramsOf(shard: number, changes: readonly OrderChange[]): SqlParam[] {
  const parts = partsOf(changes)
  return [
    shard,
    new Date(Math.max(...changes.map(({ event }) => event.atMs))),
    changes.map((_, item) => item),
    ...STATE.params(changes),
    ...REQUEST.params(changes),
    ...STOCK.params(parts.stock),
    ...QUANTITIES.params(parts.quantities),
    ...ADDED.params(parts.added),
    ...LINE.params(parts.added),
    ...SHIPMENT.params(parts.shipments),
    ...PAYMENT.params(parts.payments),
  ]
}

/** See `createChanges`. */
export function createChanger(sql: SqlClient, shards: number): (change: OrderChange) => Promise<ChangeOutcome> {
  return createChanges(shards, async (shard, batch) => {
    const rows = await sql.query<OutcomeRow>(CHANGE, paramsOf(shard, batch))
    const byItem = new Map(rows.map((row) => [row.item, row]))
    return batch.map((_, item) => toOutcome(byItem.get(item)))
  })
}
