import type { OrderEvent } from '../../orders/order.ts'
import type { AuditCheck, AuditDifference, AuditView } from '../../orders/ports.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'
import { ORDER_COLUMNS, type OrderRow, toOrder } from './order-rows.ts'
import { SALES_REPORT } from './report-projection.ts'

/**
 * Comparisons of stored things that must agree. Each statement answers what was compared (`subject`), the two figures,
 * and over all rows how many there were (`compared`); the rows that differ come first.
 *
 * Orders whose events the report has not folded yet are left out where the report is compared, so nothing is reported
 * only because writers are at work: `settled` are the others.
 */
const SETTLED = `
live as (
  select c.shard, c.generation, c.last_event_id from projections p
  join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
  where p.name = '${SALES_REPORT}'),
unsettled as (
  select distinct h.shard, h.order_id
  from live join order_history h on h.shard = live.shard and h.event_id > live.last_event_id),
settled as (
  select o.* from orders o
  where not exists (select 1 from unsettled u where u.shard = o.shard and u.order_id = o.order_id))`

/** What an order is worth in the report, from what it is and not from its history: a sale counts from PAID on. */
const SOLD = `
sold as (
  select o.shard, o.order_id, l.product_category, o.shipping_city, o.currency, o.business_day, l.amount, l.quantity
  from settled o
  join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
  join products p on p.product_id = l.product_id
  join customers c on c.customer_id = o.customer_id
  where o.status in ('PAID', 'SHIPPED', 'DELIVERED'))`

const FACTS = `
facts as (
  select r.* from daily_sales_report_gen r
  join live on live.shard = r.shard and live.generation = r.generation
  where not exists (select 1 from unsettled u where u.shard = r.shard and u.order_id = r.order_id))`

interface CheckText {
  readonly name: string
  readonly about: string
  /** Ends in a CTE `pair (subject, expected, actual)`, one row per compared thing. */
  readonly pairs: string
}

const CHECKS: readonly CheckText[] = [
  {
    name: 'report_per_order',
    about: 'the report of each order = what its lines are worth',
    pairs: `with ${SETTLED}, ${FACTS},
      worth as (
        select o.shard, o.order_id,
          case when o.status in ('PAID', 'SHIPPED', 'DELIVERED') then o.subtotal else 0 end as price from settled o),
      booked as (select shard, order_id, sum(price) as price from facts group by shard, order_id),
      pair as (
        select 'order ' || order_id as subject, coalesce(worth.price, 0)::text as expected,
          coalesce(booked.price, 0)::text as actual
        from worth full join booked using (shard, order_id))`,
  },
  {
    name: 'report_join',
    about: 'the report by category, city, currency and day = a join of orders, lines, products and customers',
    pairs: `with ${SETTLED}, ${FACTS}, ${SOLD},
      joined as (
        select product_category, shipping_city, currency, business_day as day,
          sum(amount) as price, sum(quantity) as units
        from sold group by 1, 2, 3, 4),
      booked as (
        select product_category, shipping_city, currency, sale_day as day, sum(price) as price, sum(quantity) as units
        from facts group by 1, 2, 3, 4),
      pair as (
        select concat_ws(' / ', product_category, shipping_city, currency, day) as subject,
          coalesce(joined.price, 0) || ' for ' || coalesce(joined.units, 0) || ' units' as expected,
          coalesce(booked.price, 0) || ' for ' || coalesce(booked.units, 0) || ' units' as actual
        from joined full join booked using (product_category, shipping_city, currency, day))`,
  },
  {
    name: 'order_totals',
    about: 'the subtotal and taxes of each order = the sums of its lines',
    pairs: `with pair as (
      select 'order ' || o.order_id as subject, o.subtotal || ' + ' || o.tax_total || ' tax' as expected,
        coalesce(sum(l.amount), 0) || ' + ' || coalesce(sum(l.tax), 0) || ' tax' as actual
      from orders o left join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
      group by o.shard, o.order_id)`,
  },
  {
    name: 'order_payments',
    about: 'what is paid and refunded of each order = the sums of its payments',
    pairs: `with pair as (
      select 'order ' || o.order_id as subject, o.paid_total || ' - ' || o.refunded_total as expected,
        coalesce(sum(p.captured), 0) || ' - ' || coalesce(sum(p.refunded), 0) as actual
      from orders o left join order_payments p on p.shard = o.shard and p.order_id = o.order_id
      where o.origin <> 'import'
      group by o.shard, o.order_id)`,
  },
  {
    name: 'history_dense',
    about: 'the history of each order has the versions 1 to that of the order',
    pairs: `with kept as (
        select shard, order_id, count(*) as events, min(version) as first, max(version) as last
        from order_history group by shard, order_id),
      pair as (
        select 'order ' || coalesce(o.order_id, kept.order_id) as subject,
          '1..' || coalesce(o.version, 0) || ' (' || coalesce(o.version, 0) || ')' as expected,
          coalesce(kept.first, 1) || '..' || coalesce(kept.last, 0) || ' (' || coalesce(kept.events, 0) || ')' as actual
        from orders o full join kept on kept.shard = o.shard and kept.order_id = o.order_id)`,
  },
  {
    name: 'log_contiguous',
    about: 'the events of each shard are numbered from 1 to the head of the log',
    pairs: `with pair as (
      select 'shard ' || g.shard as subject, g.last_event_id || ' up to ' || g.last_event_id as expected,
        count(h.event_id) || ' up to ' || coalesce(max(h.event_id), 0) as actual
      from log_head g left join order_history h on h.shard = g.shard
      where g.log = 'orders' group by g.shard, g.last_event_id)`,
  },
  {
    name: 'stock_moves',
    about: 'the stock of each product = the sum of its moves',
    pairs: `with moved as (
        select product_id, location_id, sum(on_hand_delta) as on_hand, sum(reserved_delta) as reserved
        from stock_moves group by product_id, location_id),
      pair as (
        select 'product ' || product_id as subject,
          coalesce(moved.on_hand, 0) || ' of which reserved ' || coalesce(moved.reserved, 0) as expected,
          coalesce(s.on_hand, 0) || ' of which reserved ' || coalesce(s.reserved, 0) as actual
        from stock_levels s full join moved using (product_id, location_id))`,
  },
  {
    name: 'stock_reserved',
    about: 'what is reserved of each product = what open orders hold',
    pairs: `with held as (
        select l.product_id, sum(l.quantity - l.quantity_cancelled - l.quantity_shipped) as units
        from orders o join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
        where o.status in ('PENDING', 'PAID') and o.origin <> 'import' group by l.product_id),
      pair as (
        select 'product ' || product_id as subject, coalesce(held.units, 0)::text as expected,
          coalesce(s.reserved, 0)::text as actual
        from (select product_id, sum(reserved) as reserved from stock_levels group by product_id) s
        full join held using (product_id))`,
  },
  {
    name: 'report_quarantine',
    about: 'no order is set aside by the report',
    pairs: `with pair as (
      select 'order ' || q.stream_id as subject, 'folded' as expected,
        'set aside at event ' || q.from_event_id || ': ' || q.reason as actual
      from projection_quarantine q join projections p on p.name = q.projection and p.live_generation = q.generation
      where q.projection = '${SALES_REPORT}')`,
  },
]

const LAG = `
with ${SETTLED}
select coalesce(sum(g.last_event_id - live.last_event_id), 0)::bigint as lag
from log_head g join live on live.shard = g.shard where g.log = 'orders'`

const ORDERS = `select o.shard, ${ORDER_COLUMNS} from orders o where o.order_id > $1 order by o.order_id limit $2`

const HISTORIES = `
select h.order_id, h.event_type, h.details
from order_history h join unnest($1::smallint[], $2::bigint[]) as t (shard, order_id)
  on h.shard = t.shard and h.order_id = t.order_id
order by h.order_id, h.version`

interface PairRow extends AuditDifference {
  compared: bigint
}

function checkOf(tx: SqlTx, { name, about, pairs }: CheckText): AuditCheck {
  return {
    name,
    about,
    async run(limit) {
      const rows = await tx.query<PairRow & { differs: boolean }>(
        `${pairs}
        select subject, expected, actual, expected <> actual as differs, count(*) over () as compared
        from pair order by expected <> actual desc, subject limit $1`,
        [limit],
      )
      const differences = rows
        .filter((row) => row.differs)
        .map(({ subject, expected, actual }) => ({ subject, expected, actual }))
      return { compared: Number(rows[0]?.compared ?? 0n), differences }
    },
  }
}

interface EventRow {
  order_id: bigint
  event_type: string
  details: unknown
}

async function readOrders(tx: SqlTx, after: bigint, limit: number) {
  const rows = await tx.query<OrderRow & { shard: number }>(ORDERS, [after, limit])
  const ids = rows.map((row) => row.order_id)
  const events = await tx.query<EventRow>(HISTORIES, [rows.map((row) => row.shard), ids])
  const histories = new Map<bigint, OrderEvent[]>(ids.map((id) => [id, []]))
  for (const { order_id, event_type: type, details } of events) {
    histories.get(order_id)?.push({ type, details } as OrderEvent)
  }
  return rows.map((row) => ({
    orderId: row.order_id,
    state: toOrder(row).state,
    events: histories.get(row.order_id) ?? [],
  }))
}

/** What can be compared inside a transaction. */
export async function auditOrdersIn(tx: SqlTx): Promise<AuditView> {
  const [row] = await tx.query<{ lag: bigint }>(LAG)
  return {
    lag: row?.lag ?? 0n,
    checks: CHECKS.map((check) => checkOf(tx, check)),
    orders: (after, limit) => readOrders(tx, after, limit),
  }
}

/** Everything in one snapshot, however long the comparisons take. */
export function auditOrders<T>(sql: SqlClient, work: (view: AuditView) => Promise<T>): Promise<T> {
  return sql.transaction(async (tx) => work(await auditOrdersIn(tx)), { snapshot: true })
}
