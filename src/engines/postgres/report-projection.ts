import type { Projection } from '../../log/port.ts'
import type { SqlTx } from '../sql/sql.ts'

export const SALES_REPORT = 'daily_sales_report'

/**
 * The legs of the given events as flat rows: every amount beside what it was sold as, to whom, and where it went. All
 * that is joined was fixed when the order was made, so a rebuild makes the same rows. The natural key makes a repeat
 * insert nothing. A leg without its line breaks the not-null rules, so that it is set aside instead of being lost.
 */
const FOLD = `
insert into daily_sales_report_gen (generation, shard, booked_day, order_id, event_no, line_no, leg, kind, sale_day,
  order_date, customer_name, product_id, product_name, product_category, quantity, price, tax, currency,
  shipping_country, shipping_region, shipping_city)
select $1, h.shard, (h.details->>'booked_day')::date, h.order_id, h.version, leg.line_no, leg.ordinality, leg.kind,
  o.business_day, o.order_date, o.customer_name, l.product_id, l.product_name, l.product_category, leg.quantity,
  leg.amount, leg.tax, o.currency, h.details->'ship_to'->>'country', h.details->'ship_to'->>'region',
  h.details->'ship_to'->>'city'
from order_history h
cross join lateral rows from (
  jsonb_to_recordset(h.details->'legs') as (line_no int, kind text, quantity int, amount bigint, tax bigint)
) with ordinality as leg (line_no, kind, quantity, amount, tax, ordinality)
left join orders o on o.shard = h.shard and o.order_id = h.order_id
left join order_line_items l on l.shard = h.shard and l.order_id = h.order_id and l.line_no = leg.line_no
where h.shard = $2 and h.event_id = any($3::bigint[])
on conflict (generation, shard, order_id, event_no, line_no, leg) do nothing`

const CLEAR = `
delete from daily_sales_report_gen where (generation, shard, order_id, event_no, line_no, leg) in (
  select generation, shard, order_id, event_no, line_no, leg from daily_sales_report_gen where generation = $1 limit $2)
returning generation`

/** `order_history` -> `daily_sales_report`: one statement per batch, at a cost proportional to the batch. */
export const salesReportProjection: Projection<SqlTx> = {
  name: SALES_REPORT,
  log: 'orders',
  version: 1,
  async handle({ shard, generation, events }, tx) {
    const booked = events.filter((event) => Array.isArray(event.payload['legs']))
    if (booked.length === 0) return
    await tx.query(FOLD, [generation, shard, booked.map((event) => event.eventId)])
  },
  async clear(generation, limit, tx) {
    return (await tx.query(CLEAR, [generation, limit])).length
  },
}
