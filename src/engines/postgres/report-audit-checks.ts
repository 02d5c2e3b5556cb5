import { SALES_REPORT } from '../sql/report-tables.ts'
import { AMOUNT_BACK, type CheckText, TAX_BACK } from './order-audit-checks.ts'

/** How far the report has come. */
export const LIVE = `
live as (
  select c.shard, c.generation, c.last_event_id from projections p
  join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
  where p.name = '${SALES_REPORT}')`

/**
 * Orders whose events the report has not folded yet are left out where it is compared with orders, so nothing is
 * reported only because writers are at work: `settled` are the others. Months that are archived are left out too.
 */
const SETTLED = `${LIVE},
archived as (select month from archived_months),
unsettled as (
  select distinct h.shard, h.order_id
  from live join order_history h on h.shard = live.shard and h.event_id > live.last_event_id),
settled as (
  select o.* from orders o
  where not exists (select 1 from unsettled u where u.shard = o.shard and u.order_id = o.order_id)
    and date_trunc('month', o.business_day)::date not in (select month from archived)),
facts as (
  select r.* from daily_sales_report_gen r
  join live on live.shard = r.shard and live.generation = r.generation
  where date_trunc('month', r.sale_day)::date not in (select month from archived)),
settled_facts as (
  select f.* from facts f
  where not exists (select 1 from unsettled u where u.shard = f.shard and u.order_id = f.order_id))`

/** What is left of an order, from its lines and not from its history: a sale counts from PAID on. */
const LEFT = `
kept as (
  select o.shard, o.order_id, l.product_category collate "C" as product_category,
    o.shipping_city collate "C" as shipping_city, o.currency, o.business_day, l.amount - ${AMOUNT_BACK} as price,
    l.tax - ${TAX_BACK} as tax, l.quantity - l.quantity_cancelled - l.quantity_returned as units
  from settled o
  join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
  join products p on p.product_id = l.product_id
  join customers c on c.customer_id = o.customer_id
  where o.status in ('PAID', 'SHIPPED', 'DELIVERED')
  union all
  select o.shard, o.order_id, 'Shipping', o.shipping_city collate "C", o.currency, o.business_day, o.shipping_total,
    o.shipping_tax, 0
  from settled o where o.status in ('PAID', 'SHIPPED', 'DELIVERED') and not o.shipping_taken_back)`

const sums = (from: string, by: string) => `
  select ${by}, sum(price) as price, sum(tax) as tax, sum(units) as units from ${from} group by ${by}`

const figures = (of: string) =>
  `coalesce(${of}.price, 0) || ' + ' || coalesce(${of}.tax, 0) || ' tax for ' || coalesce(${of}.units, 0) || ' units'`

const CELL = 'grain, product_category, shipping_city, product_id, currency'
const MEASURES = ['facts', 'price', 'tax', 'quantity', 'orders'] as const
const told = (of: string, day = '') =>
  MEASURES.map((measure) => `coalesce(${of}.${day}${measure}, 0)::bigint`).join(` || ' / ' || `)
const SUBJECT = `concat_ws(' / ', grain, nullif(product_category, ''), nullif(shipping_city, ''),
  nullif(product_id, ''), currency, starts)`

/** Facts by order and event in each cell, with the units that the order has there after the event. */
const BY_EVENT = `
by_event as (
  select case grouping(product_category, shipping_city, product_id)
      when 1 then 'category_city' when 3 then 'category' when 5 then 'city' when 6 then 'product' else 'all'
    end collate "C" as grain,
    order_id, event_no, coalesce(product_category, '') as product_category, coalesce(shipping_city, '') as shipping_city,
    coalesce(product_id, '') as product_id, currency collate "C" as currency, sale_day, booked_day, count(*) as facts,
    sum(price) as price, sum(tax) as tax, sum(quantity) as quantity
  from facts
  group by order_id, event_no, currency, sale_day, booked_day,
    grouping sets ((), (product_category), (shipping_city), (product_category, shipping_city), (product_id)))`

const dayRollups = (day: 'sale' | 'booked', where: string) => `
rolled as (
  select ${CELL}, starts, ${MEASURES.map((each) => `sum(${day}_${each}) as ${each}`).join(', ')}
  from sales_rollups r join live on live.shard = r.shard and live.generation = r.generation
  where period = 'day' and ${where} group by ${CELL}, starts having sum(abs(${day}_facts)) > 0)`

const comparedCells = `
pair as (
  select ${SUBJECT} as subject, ${told('summed')} as expected, ${told('rolled')} as actual
  from summed full join rolled using (${CELL}, starts))`

const ROW = (of: string) => `concat_ws(' | ', ${of}.booked_day, ${of}.kind, ${of}.sale_day,
  extract(epoch from ${of}.order_date), ${of}.product_id, ${of}.product_name, ${of}.product_category, ${of}.quantity,
  ${of}.price, ${of}.tax, ${of}.currency, ${of}.shipping_country, coalesce(${of}.shipping_region, '-'),
  ${of}.shipping_city)`

/** Comparisons of the report with the orders, and of its rollups with its facts. */
export const REPORT_CHECKS: readonly CheckText[] = [
  {
    name: 'report_rows',
    about: 'each row of the report = its leg in the history',
    pairs: `with ${SETTLED},
      legs as (
        select l.*, live.generation from sales_legs l
        join live on live.shard = l.shard and l.event_id <= live.last_event_id
        where date_trunc('month', l.sale_day)::date not in (select month from archived)
          and not exists (
            select 1 from projection_quarantine q
            where q.projection = '${SALES_REPORT}' and q.generation = live.generation and q.shard = l.shard
              and q.stream_id = l.order_id::text and q.from_event_id <= l.event_id)),
      pair as (
        select 'order ' || order_id || ', event ' || event_no || ', leg ' || leg as subject,
          ${ROW('legs')} || ' | ' || case when facts.customer_name is null then '' else legs.customer_name end as expected,
          ${ROW('facts')} || ' | ' || case when legs.customer_name is null then '' else facts.customer_name end as actual
        from legs full join facts using (shard, order_id, event_no, line_no, leg))`,
  },
  {
    name: 'report_per_order',
    about: 'the report of each order = what its lines and shipping are worth',
    pairs: `with ${SETTLED}, ${LEFT},
      worth as (${sums('kept', 'shard, order_id')}),
      booked as (
        select shard, order_id, sum(price) as price, sum(tax) as tax, sum(quantity) as units
        from settled_facts group by shard, order_id),
      pair as (
        select 'order ' || order_id as subject, ${figures('worth')} as expected, ${figures('booked')} as actual
        from (select shard, order_id from settled) o
        full join worth using (shard, order_id) full join booked using (shard, order_id))`,
  },
  {
    name: 'report_join',
    about: 'the report by category, city, currency and day = a join of orders, lines, products and customers',
    pairs: `with ${SETTLED}, ${LEFT},
      joined as (${sums('kept', 'product_category, shipping_city, currency, business_day')}),
      booked as (
        select product_category, shipping_city, currency, sale_day as business_day, sum(price) as price,
          sum(tax) as tax, sum(quantity) as units
        from settled_facts group by 1, 2, 3, 4),
      pair as (
        select concat_ws(' / ', product_category, shipping_city, currency, business_day) as subject,
          ${figures('joined')} as expected, ${figures('booked')} as actual
        from joined full join booked using (product_category, shipping_city, currency, business_day))`,
  },
  {
    name: 'rollup_sale_days',
    about: 'the sums of the report by sale day = its rows (rows / price / tax / units / orders)',
    pairs: `with ${SETTLED}, ${BY_EVENT},
      by_order as (
        select ${CELL}, sale_day as starts, order_id, sum(facts) as facts, sum(price) as price, sum(tax) as tax,
          sum(quantity) as quantity
        from by_event group by ${CELL}, sale_day, order_id),
      summed as (
        select ${CELL}, starts, sum(facts) as facts, sum(price) as price, sum(tax) as tax, sum(quantity) as quantity,
          count(*) filter (where quantity > 0) as orders
        from by_order group by ${CELL}, starts),
      ${dayRollups('sale', `date_trunc('month', starts)::date not in (select month from archived)`)},
      ${comparedCells}`,
  },
  {
    name: 'rollup_booked_days',
    about: 'the sums of the report by booked day = its rows (rows / price / tax / units / orders)',
    pairs: `with ${SETTLED},
      hidden as (
        select distinct r.booked_day from daily_sales_report_gen r
        join live on live.shard = r.shard and live.generation = r.generation
        where date_trunc('month', r.sale_day)::date in (select month from archived)),
      ${BY_EVENT},
      running as (
        select *, sum(quantity) over (
          partition by grain, product_category, shipping_city, product_id, order_id order by event_no) as units
        from by_event),
      summed as (
        select ${CELL}, booked_day as starts, sum(facts) as facts, sum(price) as price, sum(tax) as tax,
          sum(quantity) as quantity,
          count(*) filter (where units > 0 and units - quantity <= 0)
            - count(*) filter (where units <= 0 and units - quantity > 0) as orders
        from running
        where booked_day not in (select booked_day from hidden)
          and not exists (
            select 1 from archived_months a where booked_day between a.booked_from and a.booked_to)
        group by ${CELL}, booked_day),
      ${dayRollups(
        'booked',
        `starts not in (select booked_day from hidden) and not exists (
          select 1 from archived_months a where starts between a.booked_from and a.booked_to)`,
      )},
      ${comparedCells}`,
  },
  ...(['sale', 'booked'] as const).map((day) => ({
    name: `rollup_${day}_periods`,
    about: `by ${day} day: the sums of each month = those of its days, and over all time = those of all months`,
    pairs: `with ${LIVE},
      rolled as (
        select ${CELL}, period, starts, ${MEASURES.map((each) => `sum(${day}_${each}) as ${each}`).join(', ')}
        from sales_rollups r join live on live.shard = r.shard and live.generation = r.generation
        group by ${CELL}, period, starts),
      finer as (
        select ${CELL}, 'month' collate "C" as period, date_trunc('month', starts)::date as starts,
          ${MEASURES.map((each) => `sum(${each}) as ${each}`).join(', ')}
        from rolled where period = 'day' group by ${CELL}, date_trunc('month', starts)
        union all
        select ${CELL}, 'lifetime', date '0001-01-01', ${MEASURES.map((each) => `sum(${each})`).join(', ')}
        from rolled where period = 'month' group by ${CELL}),
      pair as (
        select ${SUBJECT} || ' / ' || period as subject, ${told('finer')} as expected, ${told('coarser')} as actual
        from finer full join (select * from rolled where period <> 'day') coarser using (${CELL}, period, starts))`,
  })),
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
