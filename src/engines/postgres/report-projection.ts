import type { LogEvent, Projection } from '../../log/port.ts'
import { SALES_REPORT_VERSION } from '../../orders/report/definition.ts'
import { FACT_COLUMNS } from '../sql/report-facts.ts'
import { SALES_REPORT } from '../sql/report-tables.ts'
import type { SqlTx } from '../sql/sql.ts'
import { ADD_CELLS, CELLS, CELLS_OF_SALES } from './report-cells.ts'

/** Stores the legs that `where` selects as facts of generation `$1`; the natural key makes a repeat insert nothing. */
export const insertLegs = (where: string) => `
insert into daily_sales_report_gen (generation, ${FACT_COLUMNS})
select $1, ${FACT_COLUMNS} from sales_legs where ${where}
on conflict (shard, order_id, event_no, line_no, leg, generation, sale_day) do nothing
returning order_id, event_no, product_category, shipping_city, product_id, sale_day, booked_day,
  currency, quantity, price, tax`

/** The legs of the given events as facts, and their sums into the rollups. */
const MOVED = `
with moved as (${insertLegs('shard = $2 and event_id = any($3::bigint[])')})`

/** A sale is the first that is booked of an order. */
const FOLD_SALES = `${MOVED},
${CELLS_OF_SALES}
${ADD_CELLS}`

/** Of what comes later, how many units the order had before is looked up in its history. */
const FOLD = `${MOVED},
later as (
  select order_id, max(event_no) as event_no, array_agg(distinct event_no) as moved from moved group by order_id),
known as (
  select l.order_id, l.event_no, l.product_category, l.shipping_city, l.product_id, l.quantity
  from later cross join lateral (
    select * from sales_legs s
    where s.shard = $2 and s.order_id = later.order_id and s.event_no < later.event_no
      and s.event_no <> all(later.moved)) l),
${CELLS}
${ADD_CELLS}`

const CLEAR_FACTS = `
with gone as (
  select shard, order_id, event_no, line_no, leg, generation, sale_day from daily_sales_report_gen
  where generation = $1 limit $2)
delete from daily_sales_report_gen d using gone g
where d.shard = g.shard and d.order_id = g.order_id and d.event_no = g.event_no and d.line_no = g.line_no
  and d.leg = g.leg and d.generation = g.generation and d.sale_day = g.sale_day
returning d.leg`

const CLEAR_ROLLUPS = `
delete from sales_rollups where ctid = any(array(select ctid from sales_rollups where generation = $1 limit $2))
returning shard`

/** Sorting a batch takes some megabytes, and should not go to the disk for them. */
const ROOM = `set local work_mem = '64MB'`

/** Orders are sold in one batch and changed in the next: large batches touch each sum less often. */
const BATCH_EVENTS = 4_000

const legsOf = ({ payload }: LogEvent): readonly { readonly kind: string }[] =>
  Array.isArray(payload['legs']) ? payload['legs'] : []

/**
 * `order_history` -> facts and rollups of `daily_sales_report`: two statements per batch at most, at a cost proportional to
 * the batch. One worker at a time folds a shard, so rows of rollups are never waited for.
 */
export const salesReportProjection: Projection<SqlTx> = {
  name: SALES_REPORT,
  log: 'orders',
  version: SALES_REPORT_VERSION,
  batchEvents: BATCH_EVENTS,
  async handle({ shard, generation, events }, tx) {
    const booked = events.filter((event) => legsOf(event).length > 0)
    if (booked.length === 0) return
    await tx.script(ROOM)
    const sales = booked.filter((event) => legsOf(event).every(({ kind }) => kind === 'sale'))
    const others = booked.filter((event) => legsOf(event).some(({ kind }) => kind !== 'sale'))
    for (const [statement, part] of [
      [FOLD_SALES, sales],
      [FOLD, others],
    ] as const) {
      if (part.length > 0) await tx.query(statement, [generation, shard, part.map(({ eventId }) => eventId)])
    }
  },
  async clear(generation, limit, tx) {
    const facts = (await tx.query(CLEAR_FACTS, [generation, limit])).length
    return facts > 0 ? facts : (await tx.query(CLEAR_ROLLUPS, [generation, limit])).length
  },
}
