export interface CheckText {
  readonly name: string
  readonly about: string
  /** Ends in a CTE `pair (subject, expected, actual)`, one row of texts per compared thing. */
  readonly pairs: string
}

/** Of a whole that was bought, what `units` of `quantity` units are worth: halves up, as `amounts.ts` rounds. */
const share = (whole: string, units: string, quantity: string) =>
  `((2 * ${whole} * (${units}) + ${quantity}) / (2 * ${quantity}))`

const BACK = '(l.quantity_cancelled + l.quantity_returned)'
/** What was taken back of the net amount and of the tax of line `l`. */
export const AMOUNT_BACK = share('l.amount', BACK, 'l.quantity')
export const TAX_BACK = share('l.tax', BACK, 'l.quantity')

/** Comparisons of what is stored of orders and stock. */
export const ORDER_CHECKS: readonly CheckText[] = [
  {
    name: 'order_totals',
    about: 'the totals of each order = the sums of its lines, its shipping, and what was taken back of them',
    pairs: `with pair as (
      select 'order ' || o.order_id as subject,
        o.subtotal || ' - ' || o.discount_total || ' off, ' || o.tax_total || ' tax, ' || o.total_price || ' in all, '
          || o.cancelled_total + o.returned_total || ' taken back' as expected,
        l.amount || ' - ' || l.discount || ' off, ' || l.tax + o.shipping_tax || ' tax, '
          || l.amount + l.tax + o.shipping_total + o.shipping_tax || ' in all, '
          || l.back + case when o.shipping_taken_back then o.shipping_total + o.shipping_tax else 0 end
          || ' taken back' as actual
      from orders o cross join lateral (
        select coalesce(sum(l.amount), 0) as amount, coalesce(sum(l.discount), 0) as discount,
          coalesce(sum(l.tax), 0) as tax, coalesce(sum(${AMOUNT_BACK} + ${TAX_BACK}), 0) as back
        from order_line_items l where l.shard = o.shard and l.order_id = o.order_id) l)`,
  },
  {
    name: 'order_adjustments',
    about: 'the discounts, taxes and shipping of each order = its adjustments',
    pairs: `with adjusted as (
        select o.shard, o.order_id, (a->>'line_no')::int as line_no,
          sum((a->>'amount')::bigint) filter (where a->>'kind' = 'discount') as discount,
          sum((a->>'amount')::bigint) filter (where a->>'kind' = 'tax') as tax,
          sum((a->>'amount')::bigint) filter (where a->>'kind' = 'shipping') as shipping
        from orders o cross join lateral jsonb_array_elements(o.adjustments) as a
        where o.origin = 'api' and a->>'line_no' is not null group by 1, 2, 3),
      pair as (
        select 'line ' || l.line_no || ' of order ' || o.order_id as subject,
          l.discount || ' off, ' || l.tax || ' tax' as expected,
          coalesce(a.discount, 0) || ' off, ' || coalesce(a.tax, 0) || ' tax' as actual
        from orders o
        join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
        left join adjusted a on a.shard = l.shard and a.order_id = l.order_id and a.line_no = l.line_no
        where o.origin = 'api'
        union all
        select 'shipping of order ' || o.order_id,
          o.shipping_total + case when o.prices_include_tax then o.shipping_tax else 0 end || ', '
            || o.shipping_tax || ' tax',
          coalesce(a.shipping, 0) - coalesce(a.discount, 0) || ', ' || coalesce(a.tax, 0) || ' tax'
        from orders o left join adjusted a on a.shard = o.shard and a.order_id = o.order_id and a.line_no = 0
        where o.origin = 'api')`,
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
    name: 'order_shipments',
    about: 'the units shipped of each line = the sums of its shipments',
    pairs: `with sent as (
        select s.shard, s.order_id, (item->>'line_no')::int as line_no, sum((item->>'quantity')::int) as units
        from order_shipments s cross join lateral jsonb_array_elements(s.lines) as item group by 1, 2, 3),
      bought as (
        select l.shard, l.order_id, l.line_no, l.quantity_shipped
        from order_line_items l join orders o on o.shard = l.shard and o.order_id = l.order_id
        where o.origin <> 'import'),
      pair as (
        select 'line ' || line_no || ' of order ' || order_id as subject,
          coalesce(bought.quantity_shipped, 0)::text as expected, coalesce(sent.units, 0)::text as actual
        from bought full join sent using (shard, order_id, line_no))`,
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
    about: 'the stock of each product at each location = the sum of its moves',
    pairs: `with moved as (
        select product_id, location_id, sum(on_hand_delta) as on_hand, sum(reserved_delta) as reserved
        from stock_moves group by product_id, location_id),
      pair as (
        select 'product ' || product_id || ' at ' || location_id as subject,
          coalesce(moved.on_hand, 0) || ' of which reserved ' || coalesce(moved.reserved, 0) as expected,
          coalesce(s.on_hand, 0) || ' of which reserved ' || coalesce(s.reserved, 0) as actual
        from stock_levels s full join moved using (product_id, location_id))`,
  },
  {
    name: 'stock_reserved',
    about: 'what is reserved of each product at each location = what open orders and cart holds have taken',
    pairs: `with taken as (
        select l.product_id, l.location_id, l.quantity - l.quantity_cancelled - l.quantity_shipped as units
        from orders o join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
        where o.status in ('PENDING', 'PAID') and o.origin <> 'import'
        union all
        select i.product_id, i.location_id, i.quantity
        from stock_reservations r join stock_reservation_items i on i.reservation_id = r.reservation_id
        where r.status = 'held'),
      held as (select product_id, location_id, sum(units) as units from taken group by product_id, location_id),
      pair as (
        select 'product ' || product_id || ' at ' || location_id as subject, coalesce(held.units, 0)::text as expected,
          coalesce(s.reserved, 0)::text as actual
        from stock_levels s full join held using (product_id, location_id))`,
  },
]
