import type { SalesFact, SalesFactRange, SalesKind, SalesReportStore } from '../../orders/ports.ts'
import type { SqlClient } from '../sql/sql.ts'
import { refuseArchived } from './report-archive.ts'
import { SALES_REPORT } from './report-projection.ts'

const LIVE_GENERATION = `(select live_generation from projections where name = '${SALES_REPORT}')`

const COUNT = `
select coalesce(sum(sale_facts), 0)::bigint as facts from sales_rollups
where generation = ${LIVE_GENERATION} and grain = 'all' and period = 'day'
  and starts between coalesce($1::date, '-infinity') and coalesce($2::date, 'infinity')`

const PAGE = `
select shard, booked_day, order_id, event_no, line_no, leg, kind, sale_day, order_date, customer_name, product_id,
  product_name, product_category, quantity, price, tax, currency, shipping_country, shipping_region, shipping_city
from daily_sales_report_gen
where generation = ${LIVE_GENERATION}
  and sale_day between coalesce($1::date, '-infinity') and coalesce($2::date, 'infinity')
  and (shard, order_id, event_no, line_no, leg) > ($3::smallint, $4::bigint, $5::int, $6::int, $7::int)
order by shard, order_id, event_no, line_no, leg limit $8`

interface FactRow {
  shard: number
  booked_day: string
  order_id: bigint
  event_no: number
  line_no: number
  leg: number
  kind: SalesKind
  sale_day: string
  order_date: Date
  customer_name: string | null
  product_id: string
  product_name: string
  product_category: string
  quantity: number
  price: bigint
  tax: bigint
  currency: string
  shipping_country: string
  shipping_region: string | null
  shipping_city: string
}

const toFact = (row: FactRow): SalesFact => ({
  bookedDay: row.booked_day,
  orderId: row.order_id,
  eventNo: row.event_no,
  lineNo: row.line_no,
  leg: row.leg,
  kind: row.kind,
  saleDay: row.sale_day,
  orderDateMs: row.order_date.getTime(),
  customerName: row.customer_name ?? undefined,
  productId: row.product_id,
  productName: row.product_name,
  productCategory: row.product_category,
  quantity: row.quantity,
  price: row.price,
  tax: row.tax,
  currency: row.currency,
  shippingCountry: row.shipping_country,
  shippingRegion: row.shipping_region ?? undefined,
  shippingCity: row.shipping_city,
})

/** Reading the rows of the report one by one. */
export function createFactReader(sql: SqlClient): Pick<SalesReportStore, 'countFacts' | 'facts'> {
  const refuse = (range: SalesFactRange) => refuseArchived(sql, { dayOf: 'sale_day', from: range.from, to: range.to })
  return {
    async countFacts(range) {
      await refuse(range)
      const [row] = await sql.query<{ facts: bigint }>(COUNT, [range.from, range.to])
      return Number(row?.facts ?? 0n)
    },
    async *facts(range, rows) {
      let last: readonly [number, bigint, number, number, number] = [-1, 0n, 0, 0, 0]
      for (;;) {
        await refuse(range)
        const page = await sql.query<FactRow>(PAGE, [range.from, range.to, ...last, rows])
        if (page.length > 0) yield page.map(toFact)
        if (page.length < rows) return
        const { shard, order_id, event_no, line_no, leg } = page.at(-1)!
        last = [shard, order_id, event_no, line_no, leg]
      }
    },
  }
}
