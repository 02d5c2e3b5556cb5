import type {
  ListedFact,
  SalesFact,
  SalesFactKey,
  SalesFactQuery,
  SalesFactRange,
  SalesKind,
  SalesReportStore,
} from '../../orders/ports.ts'

/** Reading the rows of the report one by one, whatever the dialect of the statements. */
export interface FactRow {
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

export const FACT_COLUMNS = `shard, booked_day, order_id, event_no, line_no, leg, kind, sale_day, order_date, customer_name,
  product_id, product_name, product_category, quantity, price, tax, currency, shipping_country, shipping_region,
  shipping_city`

/** Where a page ends: shard, order_id, event_no, line_no, leg. */
export type FactKey = readonly [number, bigint, number, number, number]

export interface FactSource {
  /** How many rows a range has. */
  count(range: SalesFactRange): Promise<bigint>
  /** The rows of a range behind a key, in the order of keys. */
  page(range: SalesFactRange, after: FactKey, rows: number): Promise<FactRow[]>
  /** The rows behind a sum, after a key. */
  list(query: SalesFactQuery, after: SalesFactKey | undefined, limit: number): Promise<ListedFactRow[]>
  /** Throws `report_archived` when rows of these days are not in the report any more. */
  refuse(query: Pick<SalesFactQuery, 'dayOf' | 'from' | 'to'>): Promise<void>
}

export interface ListedFactRow extends FactRow {
  recorded_at: Date | null
}

const bySaleDay = ({ from, to }: SalesFactRange) => ({ dayOf: 'sale_day', from, to }) as const

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

const toListed = (row: ListedFactRow): ListedFact => ({ ...toFact(row), recordedAtMs: row.recorded_at?.getTime() })

export type FactReader = Pick<SalesReportStore, 'countFacts' | 'facts' | 'factPage'>

export function createFactReader(source: FactSource): FactReader {
  return {
    async factPage(query, after, limit) {
      const rows = await source.list(query, after, limit)
      // After the page: what was archived meanwhile may be missing from it.
      await source.refuse(query)
      return rows.map(toListed)
    },
    async countFacts(range) {
      await source.refuse(bySaleDay(range))
      return Number(await source.count(range))
    },
    async *facts(range, rows) {
      let last: FactKey = [-1, 0n, 0, 0, 0]
      for (;;) {
        const page = await source.page(range, last, rows)
        // After the page: what was archived meanwhile may be missing from it.
        await source.refuse(bySaleDay(range))
        if (page.length > 0) yield page.map(toFact)
        if (page.length < rows) return
        const { shard, order_id, event_no, line_no, leg } = page.at(-1)!
        last = [shard, order_id, event_no, line_no, leg]
      }
    },
  }
}
