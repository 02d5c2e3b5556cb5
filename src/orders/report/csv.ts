import { type CsvCell, csvLine } from '../../core/csv.ts'
import { fromMinor } from '../../core/money.ts'
import { SALES_DIMENSIONS, type SalesFact } from '../ports/report.ts'
import type { SalesReport, SalesReportRow } from './schemas.ts'

// People open these files, and nothing imports them: no text may be a formula there.
const line = (cells: readonly CsvCell[]) => csvLine(cells, { forSpreadsheets: true })

const FIGURES = ['price', 'tax', 'quantity', 'orders'] as const

/**
 * A report as CSV (RFC 4180): its rows, or the total where it has none. The columns are named as in JSON; amounts are in
 * minor units, `currency` stands in each line. Texts that a spreadsheet would run as formulas have an apostrophe before them.
 */
export function salesReportCsv({ rows, total, currency }: SalesReport): string {
  const lines: readonly SalesReportRow[] = rows.length === 0 ? [total] : rows
  const groups = [...SALES_DIMENSIONS, 'product_name' as const].filter((name) => lines.some((row) => name in row))
  const compared = 'previous' in total
  const head = [...groups, ...FIGURES, 'currency']
  const past = compared ? [...FIGURES.map((name) => `previous_${name}`), 'price_ratio'] : []
  const cells = (row: SalesReportRow) => [
    ...groups.map((name) => row[name]),
    ...FIGURES.map((name) => row[name]),
    currency ?? undefined,
    ...(compared ? [...FIGURES.map((name) => row.previous?.[name]), row.price_ratio ?? undefined] : []),
  ]
  return [line([...head, ...past]), ...lines.map((row) => line(cells(row)))].join('')
}

const FACT_COLUMNS = {
  booked_day: (fact: SalesFact) => fact.bookedDay,
  order_id: (fact: SalesFact) => String(fact.orderId),
  event_no: (fact: SalesFact) => fact.eventNo,
  line_no: (fact: SalesFact) => fact.lineNo,
  leg: (fact: SalesFact) => fact.leg,
  kind: (fact: SalesFact) => fact.kind,
  sale_day: (fact: SalesFact) => fact.saleDay,
  order_date: (fact: SalesFact) => new Date(fact.orderDateMs).toISOString(),
  customer_name: (fact: SalesFact) => fact.customerName,
  product_id: (fact: SalesFact) => fact.productId,
  product_name: (fact: SalesFact) => fact.productName,
  product_category: (fact: SalesFact) => fact.productCategory,
  quantity: (fact: SalesFact) => fact.quantity,
  price: (fact: SalesFact) => fromMinor(fact.price),
  tax: (fact: SalesFact) => fromMinor(fact.tax),
  currency: (fact: SalesFact) => fact.currency,
  shipping_country: (fact: SalesFact) => fact.shippingCountry,
  shipping_region: (fact: SalesFact) => fact.shippingRegion,
  shipping_city: (fact: SalesFact) => fact.shippingCity,
}

export const factsCsvHead = (): string => line(Object.keys(FACT_COLUMNS))
export const factsCsvLine = (fact: SalesFact): string =>
  line(Object.values(FACT_COLUMNS).map((columnOf) => columnOf(fact)))
