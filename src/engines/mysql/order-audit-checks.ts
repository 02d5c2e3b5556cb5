export interface CheckText {
  readonly name: string
  readonly about: string
  /** Ends in a CTE `pair (subject, expected, actual)`, one row of texts per compared thing. */
  readonly pairs: string
}

/** Of a whole that was bought, what `units` of `quantity` units are worth: halves up, as `amounts.ts` rounds. */
const share = (whole: string, units: string, quantity: string) =>
  `((2 * ${whole} * (${units}) + ${quantity}) div (2 * ${quantity}))`

const BACK = '(l.quantity_cancelled + l.quantity_returned)'
/** What was taken back of the net amount and of the tax of line `l`. */
export const AMOUNT_BACK = share('l.amount', BACK, 'l.quantity')
export const TAX_BACK = share('l.tax', BACK, 'l.quantity')

/**
 * Comparisons of what is stored of orders and stock. There is no full join here: both sides go below each other, and each
 * pair is made by a group.
 */
export const ORDER_CHECKS: readonly CheckText[] = [
  {
    name: 'order_totals',
    about: 'the totals of each order = the sums of its lines, its shipping, and what was taken back of them',
    pairs: `with line_sums as (
        select l.shard, l.order_id, sum(l.amount) as amount, sum(l.discount) as discount, sum(l.tax) as tax,
          sum(${AMOUNT_BACK} + ${TAX_BACK}) as back
        from order_line_items l group by l.shard, l.order_id),
      summed as (
        select o.*, coalesce(s.amount, 0) as amount, coalesce(s.discount, 0) as discount, coalesce(s.tax, 0) as tax,
          coalesce(s.back, 0) as back
        from orders o left join line_sums s on s.shard = o.shard and s.order_id = o.order_id),
      pair as (
        select concat('order ', order_id) as subject,
          concat(subtotal, ' - ', discount_total, ' off, ', tax_total, ' tax, ', total_price, ' in all, ',
            cancelled_total + returned_total, ' taken back') as expected,
          concat(amount, ' - ', discount, ' off, ', tax + shipping_tax, ' tax, ',
            amount + tax + shipping_total + shipping_tax, ' in all, ',
            back + case when shipping_taken_back then shipping_total + shipping_tax else 0 end, ' taken back') as actual
        from summed)`,
  },
  {
    name: 'order_adjustments',
    about: 'the discounts, taxes and shipping of each order = its adjustments',
    pairs: `with adjusted as (
        select o.shard, o.order_id, a.line_no,
          sum(case when a.kind = 'discount' then a.amount end) as discount,
          sum(case when a.kind = 'tax' then a.amount end) as tax,
          sum(case when a.kind = 'shipping' then a.amount end) as shipping
        from orders o join json_table(o.adjustments, '$[*]' columns (
          line_no int path '$.line_no', amount bigint path '$.amount',
          kind varchar(16) character set utf8mb4 collate utf8mb4_bin path '$.kind')) as a
        where o.origin = 'api' and a.line_no is not null group by o.shard, o.order_id, a.line_no),
      pair as (
        select concat('line ', l.line_no, ' of order ', o.order_id) as subject,
          concat(l.discount, ' off, ', l.tax, ' tax') as expected,
          concat(coalesce(a.discount, 0), ' off, ', coalesce(a.tax, 0), ' tax') as actual
        from orders o
        join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
        left join adjusted a on a.shard = l.shard and a.order_id = l.order_id and a.line_no = l.line_no
        where o.origin = 'api'
        union all
        select concat('shipping of order ', o.order_id),
          concat(o.shipping_total + case when o.prices_include_tax then o.shipping_tax else 0 end, ', ',
            o.shipping_tax, ' tax'),
          concat(coalesce(a.shipping, 0) - coalesce(a.discount, 0), ', ', coalesce(a.tax, 0), ' tax')
        from orders o left join adjusted a on a.shard = o.shard and a.order_id = o.order_id and a.line_no = 0
        where o.origin = 'api')`,
  },
  {
    name: 'order_payments',
    about: 'what is paid and refunded of each order = the sums of its payments',
    pairs: `with paid as (
        select shard, order_id, sum(captured) as captured, sum(refunded) as refunded
        from order_payments group by shard, order_id),
      pair as (
        select concat('order ', o.order_id) as subject,
          concat(o.paid_total, ' - ', o.refunded_total) as expected,
          concat(coalesce(p.captured, 0), ' - ', coalesce(p.refunded, 0)) as actual
        from orders o left join paid p on p.shard = o.shard and p.order_id = o.order_id
        where o.origin <> 'import')`,
  },
  {
    name: 'order_shipments',
    about: 'the units shipped of each line = the sums of its shipments',
    pairs: `with units as (
        select l.shard, l.order_id, l.line_no, l.quantity_shipped as bought, 0 as sent
        from order_line_items l join orders o on o.shard = l.shard and o.order_id = l.order_id
        where o.origin <> 'import'
        union all
        select s.shard, s.order_id, i.line_no, 0, i.quantity
        from order_shipments s join json_table(s.\`lines\`, '$[*]' columns (
          line_no int path '$.line_no', quantity int path '$.quantity')) as i),
      pair as (
        select concat('line ', line_no, ' of order ', order_id) as subject, concat(sum(bought)) as expected,
          concat(sum(sent)) as actual
        from units group by shard, order_id, line_no)`,
  },
  {
    name: 'history_dense',
    about: 'the history of each order has the versions 1 to that of the order',
    pairs: `with sides as (
        select shard, order_id, version, null as events, null as oldest, null as newest from orders
        union all
        select shard, order_id, null, count(*), min(version), max(version) from order_history
        group by shard, order_id),
      pair as (
        select concat('order ', order_id) as subject,
          concat('1..', coalesce(max(version), 0), ' (', coalesce(max(version), 0), ')') as expected,
          concat(coalesce(max(oldest), 1), '..', coalesce(max(newest), 0), ' (', coalesce(max(events), 0), ')') as actual
        from sides group by shard, order_id)`,
  },
  {
    name: 'log_contiguous',
    about: 'the events of each shard are numbered from 1 to the head of the log',
    pairs: `with kept as (
        select shard, count(*) as events, max(event_id) as newest from order_history group by shard),
      pair as (
        select concat('shard ', g.shard) as subject, concat(g.last_event_id, ' up to ', g.last_event_id) as expected,
          concat(coalesce(h.events, 0), ' up to ', coalesce(h.newest, 0)) as actual
        from log_head g left join kept h on h.shard = g.shard where g.log = 'orders')`,
  },
  {
    name: 'stock_moves',
    about: 'the stock of each product at each location = the sum of its moves',
    pairs: `with sides as (
        select product_id, location_id, on_hand, reserved, 0 as moved, 0 as moved_reserved from stock_levels
        union all
        select product_id, location_id, 0, 0, on_hand_delta, reserved_delta from stock_moves),
      pair as (
        select concat('product ', product_id, ' at ', location_id) as subject,
          concat(sum(moved), ' of which reserved ', sum(moved_reserved)) as expected,
          concat(sum(on_hand), ' of which reserved ', sum(reserved)) as actual
        from sides group by product_id, location_id)`,
  },
  {
    name: 'stock_reserved',
    about: 'what is reserved of each product at each location = what open orders and cart holds have taken',
    pairs: `with sides as (
        select product_id, location_id, 0 as taken, reserved from stock_levels
        union all
        select l.product_id, l.location_id, l.quantity - l.quantity_cancelled - l.quantity_shipped, 0
        from orders o join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
        where o.status in ('PENDING', 'PAID') and o.origin <> 'import'
        union all
        select i.product_id, i.location_id, i.quantity, 0
        from stock_reservations r join stock_reservation_items i on i.reservation_id = r.reservation_id
        where r.status = 'held'),
      pair as (
        select concat('product ', product_id, ' at ', location_id) as subject, concat(sum(taken)) as expected,
          concat(sum(reserved)) as actual
        from sides group by product_id, location_id)`,
  },
]
