import type { LogEvent, Projection } from '../../log/port.ts'
import { SALES_REPORT_VERSION } from '../../orders/report/definition.ts'
import { FACT_COLUMNS } from '../sql/report-facts.ts'
import { SALES_REPORT } from '../sql/report-tables.ts'
import type { MysqlTx } from './client-mysql2.ts'
import { addCells, cellsOf, type MovedRow, piecesOf, type UnitRow } from './report-cells.ts'

/** Stores the legs that `where` selects, as facts of a generation; the natural key makes a repeat insert nothing. */
export const insertLegs = (where: string) => `
insert into daily_sales_report_gen (generation, ${FACT_COLUMNS})
select ?, ${FACT_COLUMNS} from sales_legs where ${where}
on duplicate key update leg = daily_sales_report_gen.leg`

// The range is looked up in the index, however long the list is.
const THESE = 'shard = ? and event_id between ? and ? and event_id in (?)'
const INSERT = insertLegs(THESE)

/** Of these legs, those that are no facts yet. */
const MOVED = `
select l.order_id, l.event_no, l.product_category, l.shipping_city, l.product_id, l.quantity, l.sale_day, l.booked_day,
  l.currency, l.price, l.tax
from sales_legs l
where ${THESE}
  and not exists (
    select 1 from daily_sales_report_gen r
    where r.shard = l.shard and r.order_id = l.order_id and r.event_no = l.event_no and r.line_no = l.line_no
      and r.leg = l.leg and r.generation = ? and r.sale_day = l.sale_day)`

/** What was booked of these orders, from their history: their facts may be archived. */
const BOOKED = `
select order_id, event_no, product_category, shipping_city, product_id, quantity
from sales_legs where shard = ? and order_id in (?)`

const CLEAR_FACTS = 'delete from daily_sales_report_gen where generation = ? limit ?'
const CLEAR_ROLLUPS = 'delete from sales_rollups where generation = ? limit ?'

/** Orders are sold in one batch and changed in the next: large batches touch each sum less often. */
const BATCH_EVENTS = 4_000

/** Longer lists would be made a table of, and joined. */
const LIST_MAX = 500

const legsOf = ({ payload }: LogEvent): readonly { readonly kind: string }[] =>
  Array.isArray(payload['legs']) ? payload['legs'] : []

/**
 * `order_history` -> facts and rollups of `daily_sales_report`, at a cost proportional to the batch. The facts are made by
 * the database, the sums of a batch here: it could only make them in temporary tables. One worker at a time folds a
 * shard, so rows of rollups are never waited for.
 */
export const salesReportProjection: Projection<MysqlTx> = {
  name: SALES_REPORT,
  log: 'orders',
  version: SALES_REPORT_VERSION,
  batchEvents: BATCH_EVENTS,
  async handle({ shard, generation, events }, tx) {
    const booked = events.filter((event) => legsOf(event).length > 0)
    if (booked.length === 0) return
    const ids = booked.map(({ eventId }) => eventId)
    const these = [shard, ids[0], ids.at(-1), ids]
    // A sale is the first that is booked of an order. Of what comes later, the units before it count.
    const later = booked.filter((event) => legsOf(event).some(({ kind }) => kind !== 'sale'))
    const lastOf = new Map(later.map(({ streamId, version }) => [BigInt(streamId), version]))
    const [moved, , ...before] = await tx.batch([
      { text: MOVED, params: [...these, generation] },
      { text: INSERT, params: [generation, ...these] },
      ...piecesOf([...lastOf.keys()], LIST_MAX).map((orders) => ({ text: BOOKED, params: [shard, orders] })),
    ])
    const rows = moved!.rows as readonly MovedRow[]
    const isNew = new Set(rows.map((row) => `${row.order_id} ${row.event_no}`))
    const known = (before.flatMap(({ rows }) => rows) as readonly UnitRow[]).filter(
      (row) => row.event_no < lastOf.get(row.order_id)! && !isNew.has(`${row.order_id} ${row.event_no}`),
    )
    await addCells(tx, generation, shard, cellsOf(rows, known))
  },
  async clear(generation, limit, tx) {
    const facts = await tx.execute(CLEAR_FACTS, [generation, limit])
    return facts > 0 ? facts : tx.execute(CLEAR_ROLLUPS, [generation, limit])
  },
}
