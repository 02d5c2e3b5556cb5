import { createBatcher, type ItemResult } from '../../core/batcher.ts'
import type { LineState } from '../../orders/order.ts'
import type { ChangeOutcome, OrderChange } from '../../orders/ports.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { LOCATION } from './catalogue-store.ts'
import { shardOfOrder } from './order-rows.ts'
import { inBatches } from './run-batch.ts'

/**
 * One batch of changes of one shard, each to another order: the one statement behind every command on an order. A
 * change counts only if the order is still at the version it was decided from. Locks: orders by id, stock by product,
 * keys, the head of the log.
 */
const CHANGE = `
with req as (
  select * from unnest($3::int[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[], $9::bigint[],
    $10::bigint[], $11::text[], $12::text[], $13::bytea[], $14::smallint[], $15::json[], $16::text[],
    $17::timestamptz[], $18::text[], $19::text[], $20::jsonb[])
  as t (item, order_id, version, status, payment_status, fulfillment_status, paid_total,
    refunded_total, scope, key, fingerprint, response_status, response, event_type, at, actor, request_id, details)),
current as materialized (
  select r.item from orders o join req r on o.order_id = r.order_id and o.version = r.version
  where o.shard = $1 order by o.order_id for update of o),
stock as (
  select * from unnest($21::int[], $22::text[], $23::text[], $24::bigint[], $25::bigint[])
  as t (item, product_id, kind, on_hand, reserved)),
locked as materialized (
  select s.product_id from stock_levels s
  where s.location_id = $2
    and s.product_id in (select product_id from stock where item in (select item from current))
  order by s.product_id for update),
keyed as (
  insert into idempotency_keys
    (shard, scope, key, fingerprint, operation_id, response_status, response_body, created_at)
  select $1, scope, key, fingerprint, order_id::text, response_status, response, at from req
  where key is not null and item in (select item from current) and (select count(*) from locked) >= 0
  order by scope, key
  on conflict do nothing returning operation_id),
go as (
  select *, row_number() over (order by item) as place from req
  where item in (select item from current)
    and (key is null or order_id in (select operation_id::bigint from keyed))),
changed as (
  update orders o set status = g.status, payment_status = g.payment_status, fulfillment_status = g.fulfillment_status,
    paid_total = g.paid_total, refunded_total = g.refunded_total, version = g.version + 1, updated_at = g.at
  from go g where o.shard = $1 and o.order_id = g.order_id returning 1),
lined as (
  update order_line_items l
  set quantity_shipped = c.shipped, quantity_cancelled = c.cancelled, quantity_returned = c.returned
  from unnest($26::int[], $27::bigint[], $28::int[], $29::int[], $30::int[], $31::int[])
    as c (item, order_id, line_no, shipped, cancelled, returned)
  where c.item in (select item from go) and l.shard = $1 and l.order_id = c.order_id and l.line_no = c.line_no
  returning 1),
paid as (
  insert into order_payments (shard, order_id, payment_intent_id, captured, refunded)
  select $1, p.order_id, p.payment_intent_id, p.captured, p.refunded
  from unnest($32::int[], $33::bigint[], $34::text[], $35::bigint[], $36::bigint[])
    as p (item, order_id, payment_intent_id, captured, refunded)
  where p.item in (select item from go)
  on conflict (shard, order_id, payment_intent_id)
  do update set captured = excluded.captured, refunded = excluded.refunded returning 1),
stocked as (
  update stock_levels s set on_hand = s.on_hand + d.on_hand, reserved = s.reserved + d.reserved, updated_at = $37
  from (
    select product_id, sum(on_hand)::bigint as on_hand, sum(reserved)::bigint as reserved
    from stock where item in (select item from go) group by product_id) d
  where s.location_id = $2 and s.product_id = d.product_id returning 1),
moved as (
  insert into stock_moves
    (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
  select m.product_id, $2, g.order_id, g.version + 1, m.kind, m.on_hand, m.reserved, g.actor, g.at
  from stock m join go g on g.item = m.item returning 1),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from go)
  where shard = $1 and log = 'orders' and exists (select 1 from go)
    and (select count(*) from changed) >= 0 and (select count(*) from lined) >= 0 and (select count(*) from paid) >= 0
    and (select count(*) from stocked) >= 0 and (select count(*) from moved) >= 0
  returning last_event_id - (select count(*) from go) as base),
history as (
  insert into order_history (shard, event_id, order_id, version, timestamp, event_type, actor, request_id, details)
  select $1, head.base + g.place, g.order_id, g.version + 1, g.at, g.event_type, g.actor, g.request_id, g.details
  from go g cross join head)
select g.item, 'changed' as outcome, head.base + g.place as event_id from go g cross join head
union all
select item, 'key_known', null from current where item not in (select item from go)`

interface OutcomeRow {
  item: number
  outcome: 'changed' | 'key_known'
  event_id: bigint | null
}

function changedLines({ before, after }: OrderChange): LineState[] {
  const old = new Map(before.lines.map((line) => [line.lineNo, line]))
  return after.lines.filter((line) => {
    const was = old.get(line.lineNo)
    return was?.shipped !== line.shipped || was.cancelled !== line.cancelled || was.returned !== line.returned
  })
}

function changedPayments({ before, after }: OrderChange) {
  return after.payments.filter((payment) => !before.payments.includes(payment))
}

function paramsOf(shard: number, changes: readonly OrderChange[]): SqlParam[] {
  const each = <T extends SqlParam>(pick: (change: OrderChange) => T) => changes.map(pick) as SqlParam
  const flat = <T>(pick: (change: OrderChange) => readonly T[]) =>
    changes.flatMap((change, item) => pick(change).map((part) => ({ ...part, item, orderId: change.orderId })))
  const stock = flat((change) => change.stock)
  const lines = flat(changedLines)
  const payments = flat(changedPayments)
  return [
    shard,
    LOCATION,
    changes.map((_, item) => item),
    each((change) => change.orderId),
    each(({ before }) => before.version),
    each(({ after }) => after.status),
    each(({ after }) => after.paymentStatus),
    each(({ after }) => after.fulfillmentStatus),
    each(({ after }) => after.paidTotal),
    each(({ after }) => after.refundedTotal),
    each(({ answer }) => answer?.key.scope),
    each(({ answer }) => answer?.key.key),
    each(({ answer }) => answer?.key.fingerprint),
    each(({ answer }) => answer?.status),
    each(({ answer }) => answer?.body),
    each(({ event }) => event.event.type),
    each(({ event }) => new Date(event.atMs)),
    each(({ event }) => event.actor),
    each(({ event }) => event.requestId),
    each(({ event }) => event.event.details),
    stock.map((move) => move.item),
    stock.map((move) => move.productId),
    stock.map((move) => move.kind),
    stock.map((move) => move.onHand),
    stock.map((move) => move.reserved),
    lines.map((line) => line.item),
    lines.map((line) => line.orderId),
    lines.map((line) => line.lineNo),
    lines.map((line) => line.shipped),
    lines.map((line) => line.cancelled),
    lines.map((line) => line.returned),
    payments.map((payment) => payment.item),
    payments.map((payment) => payment.orderId),
    payments.map((payment) => payment.paymentIntentId),
    payments.map((payment) => payment.captured),
    payments.map((payment) => payment.refunded),
    new Date(Math.max(...changes.map(({ event }) => event.atMs))),
  ]
}

async function changeBatch(
  sql: SqlClient,
  shard: number,
  changes: readonly OrderChange[],
): Promise<ItemResult<ChangeOutcome>[]> {
  // Of several changes to one order, or with one key, the first goes; the others decide again from what it made.
  const seen = new Set<string>()
  const distinct = changes.filter(({ orderId, answer }) => {
    const ids = [String(orderId), ...(answer === undefined ? [] : [`${answer.key.scope}\n${answer.key.key}`])]
    if (ids.some((id) => seen.has(id))) return false
    for (const id of ids) seen.add(id)
    return true
  })
  const results = await inBatches(
    distinct,
    (change) => 1 + change.after.lines.length,
    async (batch) => {
      const rows = await sql.query<OutcomeRow>(CHANGE, paramsOf(shard, batch))
      const byItem = new Map(rows.map((row) => [row.item, row]))
      return batch.map((_, item): ChangeOutcome => {
        const row = byItem.get(item)
        if (row === undefined) return { kind: 'lost' }
        return row.outcome === 'changed' ? { kind: 'changed', eventId: row.event_id! } : { kind: 'key_known' }
      })
    },
  )
  return changes.map((change) => results.get(change) ?? { ok: true, value: { kind: 'lost' } })
}

/** Group commit of changes: one batcher per shard, one batch under way in each. */
export function createChanger(sql: SqlClient, shards: number): (change: OrderChange) => Promise<ChangeOutcome> {
  const batchers = Array.from({ length: shards }, (_, shard) =>
    createBatcher<OrderChange, ChangeOutcome>({ run: (items) => changeBatch(sql, shard, items) }),
  )
  return async (change) => {
    const batcher = batchers[shardOfOrder(change.orderId)]
    return batcher === undefined ? { kind: 'lost' } : batcher.add(change)
  }
}
