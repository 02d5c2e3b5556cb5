import { createBatcher, type ItemResult } from '../../core/batcher.ts'
import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Placement, PlaceOutcome } from '../../orders/ports.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { LOCATION } from './catalogue-store.ts'
import { inBatches } from './run-batch.ts'

/**
 * One batch of new orders of one shard. Locks are taken in one order by every statement on orders: stock by product,
 * then keys, then the head of the log.
 *
 * `line` is what the orders want, `available` what there is. An order whose key is known, or that was priced from
 * something that has changed since, is out; so is one that wants more than all there is. Of the others those are placed
 * whose products suffice for them and everybody before them; who comes too late in this sense tries again in the next
 * batch, since somebody before him may have been refused for another product.
 */
const PLACE = `
with req as (
  select * from unnest($3::int[], $4::bigint[], $5::text[], $6::text[], $7::int[], $8::text[], $9::timestamptz[],
    $10::text[], $11::date[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::text[],
    $18::jsonb[], $19::text[], $20::text[], $21::text[], $22::jsonb[], $23::jsonb[], $24::text[], $25::text[],
    $26::bytea[], $27::json[], $28::text[], $29::text[], $30::jsonb[])
  as t (item, order_id, order_number, customer_id, customer_version, customer_name, order_date,
    time_zone, business_day, currency, subtotal, shipping_total, tax_total, total_price, shipping_address_id,
    shipping_address, country, region, city, billing, metadata, scope, key,
    fingerprint, response, actor, request_id, details)),
line as (
  select * from unnest($31::int[], $32::bigint[], $33::int[], $34::text[], $35::int[], $36::text[], $37::text[],
    $38::text[], $39::int[], $40::bigint[], $41::bigint[], $42::bigint[], $43::bigint[])
  as t (item, order_id, line_no, product_id, product_version, sku, product_name, product_category,
    quantity, price, discount, amount, tax)),
known as (
  select r.item from req r join idempotency_keys k on k.shard = $1 and k.scope = r.scope and k.key = r.key),
stale as (
  select l.item from line l
  left join products p on p.product_id = l.product_id and p.version = l.product_version and p.active
  where p.product_id is null
  union
  select r.item from req r left join customers c on c.customer_id = r.customer_id and c.version = r.customer_version
  where c.customer_id is null),
locked as materialized (
  select s.product_id, s.on_hand - s.reserved as available from stock_levels s
  where s.location_id = $2 and s.product_id in (select product_id from line)
  order by s.product_id for update),
wanted as (
  select l.item, l.line_no, l.product_id, l.quantity, coalesce(s.available, 0) as available
  from line l left join locked s on s.product_id = l.product_id
  where l.item not in (select item from known) and l.item not in (select item from stale)),
short as (
  select distinct on (item) item, product_id, quantity, available from wanted
  where quantity > available order by item, line_no),
queued as (
  select item, available, sum(quantity) over (partition by product_id order by item) as so_far
  from wanted where item not in (select item from short)),
late as (select distinct item from queued where so_far > available),
fits as (
  select * from req where item in (select item from queued) and item not in (select item from late)),
keyed as (
  insert into idempotency_keys
    (shard, scope, key, fingerprint, operation_id, response_status, response_body, created_at)
  select $1, scope, key, fingerprint, order_id::text, 201, response, order_date from fits
  where key is not null order by scope, key
  on conflict do nothing returning operation_id),
go as (
  select *, row_number() over (order by item) as place from fits
  where key is null or order_id in (select operation_id::bigint from keyed)),
bought as (select * from line where item in (select item from go)),
reserved as (
  update stock_levels s set reserved = s.reserved + b.quantity, updated_at = $44
  from (select product_id, sum(quantity) as quantity from bought group by product_id) b
  where s.location_id = $2 and s.product_id = b.product_id returning 1),
moved as (
  insert into stock_moves
    (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
  select b.product_id, $2, b.order_id, 1, 'reserve', 0, b.quantity, ($28::text[])[b.item + 1], $44
  from bought b returning 1),
ordered as (
  insert into orders (shard, order_id, order_number, customer_id, customer_name, order_date, time_zone, business_day,
    status, payment_status, fulfillment_status, currency, subtotal, shipping_total, tax_total, total_price, paid_total,
    refunded_total, shipping_address_id, shipping_address, shipping_country, shipping_region, shipping_city, billing,
    metadata, origin, version, updated_at)
  select $1, order_id, order_number, customer_id, customer_name, order_date, time_zone, business_day,
    'PENDING', 'unpaid', 'unfulfilled', currency, subtotal, shipping_total, tax_total, total_price, 0,
    0, shipping_address_id, shipping_address, country, region, city, billing,
    metadata, 'api', 1, order_date
  from go order by order_id returning 1),
lined as (
  insert into order_line_items (shard, order_id, line_no, product_id, sku, product_name, product_category, quantity,
    price_at_time_of_purchase, discount, amount, tax)
  select $1, order_id, line_no, product_id, sku, product_name, product_category, quantity, price, discount, amount, tax
  from bought order by order_id, line_no returning 1),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from go)
  where shard = $1 and log = 'orders' and exists (select 1 from go)
    and (select count(*) from reserved) >= 0 and (select count(*) from moved) >= 0
    and (select count(*) from ordered) >= 0 and (select count(*) from lined) >= 0
  returning last_event_id - (select count(*) from go) as base),
history as (
  insert into order_history (shard, event_id, order_id, version, timestamp, event_type, actor, request_id, details)
  select $1, head.base + g.place, g.order_id, 1, g.order_date, 'ORDER_CREATED', g.actor, g.request_id, g.details
  from go g cross join head)
select g.item, 'placed' as outcome, head.base + g.place as event_id, null as product_id, null::int as requested,
  null::bigint as available from go g cross join head
union all select item, 'key_known', null, null, null, null from known
union all select item, 'key_known', null, null, null, null from fits where item not in (select item from go)
union all select item, 'stale', null, null, null, null from stale where item not in (select item from known)
union all select item, 'short', null, product_id, quantity, available from short
union all select item, 'late', null, null, null, null from late`

interface OutcomeRow {
  item: number
  outcome: 'placed' | 'key_known' | 'stale' | 'short' | 'late'
  event_id: bigint | null
  product_id: string | null
  requested: number | null
  available: bigint | null
}

/** `late`: somebody before it in the batch wanted the same units, or has the same key. */
type Outcome = PlaceOutcome | { readonly kind: 'late' }

function toOutcome(row: OutcomeRow): Outcome {
  switch (row.outcome) {
    case 'placed':
      return { kind: 'placed', eventId: row.event_id! }
    case 'short':
      return {
        kind: 'short',
        productId: row.product_id!,
        requested: row.requested!,
        available: Number(row.available),
      }
    default:
      return { kind: row.outcome }
  }
}

function paramsOf(shard: number, placements: readonly Placement[]): SqlParam[] {
  const each = <T extends SqlParam>(pick: (placement: Placement) => T) => placements.map(pick) as SqlParam
  const lines = placements.flatMap(({ header, lines: own }, item) =>
    own.map((line) => ({ ...line, item, orderId: header.orderId })),
  )
  return [
    shard,
    LOCATION,
    placements.map((_, item) => item),
    each(({ header }) => header.orderId),
    each(({ header }) => header.orderNumber),
    each(({ header }) => header.customerId),
    each((placement) => placement.customerVersion),
    each(({ header }) => header.customerName),
    each(({ header }) => new Date(header.orderDateMs)),
    each(({ header }) => header.timeZone),
    each(({ header }) => header.businessDay),
    each(({ header }) => header.currency),
    each(({ header }) => header.subtotal),
    each(({ header }) => header.shippingTotal),
    each(({ header }) => header.taxTotal),
    each(({ header }) => header.totalPrice),
    each(({ header }) => header.shippingAddressId),
    each(({ header }) => header.shippingAddress),
    each(({ state }) => state.place.country),
    each(({ state }) => state.place.region),
    each(({ state }) => state.place.city),
    each(({ header }) => header.billing),
    each(({ header }) => header.metadata),
    each(({ answer }) => answer?.key.scope),
    each(({ answer }) => answer?.key.key),
    each(({ answer }) => answer?.key.fingerprint),
    each(({ answer }) => answer?.body),
    each(({ event }) => event.actor),
    each(({ event }) => event.requestId),
    each(({ event }) => event.event.details),
    lines.map((line) => line.item),
    lines.map((line) => line.orderId),
    lines.map((line) => line.lineNo),
    lines.map((line) => line.productId),
    lines.map((line) => line.productVersion),
    lines.map((line) => line.sku),
    lines.map((line) => line.productName),
    lines.map((line) => line.productCategory),
    lines.map((line) => line.quantity),
    lines.map((line) => line.price),
    lines.map((line) => line.discount),
    lines.map((line) => line.amount),
    lines.map((line) => line.tax),
    new Date(Math.max(...placements.map(({ event }) => event.atMs))),
  ]
}

/** Places orders of one shard, batch by batch. Every order of a batch has another key. */
async function placeBatch(
  sql: SqlClient,
  shard: number,
  placements: readonly Placement[],
): Promise<ItemResult<Outcome>[]> {
  const seen = new Set<string>()
  const distinct = placements.filter(({ answer }) => {
    if (answer === undefined) return true
    const id = `${answer.key.scope}\n${answer.key.key}`
    return seen.has(id) ? false : seen.add(id)
  })
  const results = await inBatches(
    distinct,
    (placement) => placement.lines.length,
    async (batch) => {
      const rows = await sql.query<OutcomeRow>(PLACE, paramsOf(shard, batch))
      const byItem = new Map(rows.map((row) => [row.item, row]))
      return batch.map((_, item) => toOutcome(byItem.get(item)!))
    },
  )
  return placements.map((placement) => results.get(placement) ?? { ok: true, value: { kind: 'late' } })
}

/** Group commit of placements: one batcher per shard, one batch under way in each. */
export function createPlacer(
  sql: SqlClient,
  shards: number,
  clock: Clock,
): (placement: Placement) => Promise<PlaceOutcome> {
  const batchers = Array.from({ length: shards }, (_, shard) =>
    createBatcher<Placement, Outcome>({
      run: (items) => placeBatch(sql, shard, items),
    }),
  )
  return async (placement) => {
    const deadline = clock.now() + LIMITS.commandMsMax
    for (;;) {
      const outcome = await batchers[placement.shard]!.add(placement)
      if (outcome.kind !== 'late') return outcome
      if (clock.now() > deadline) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
    }
  }
}
