import { SALES_DIMENSIONS } from '../ports/report.ts'
import { addDays, addMonths, daysIn, monthsBetween } from './calendar.ts'
import type { PreviousPeriod } from './planner.ts'
import type { SalesReportRow } from './schemas.ts'

const NONE = { price: 0, tax: 0, quantity: 0, orders: 0 }

/** To four digits; `null` where there was nothing before. */
export const ratioOf = (now: number, before: number): number | null =>
  before === 0 ? null : Math.round((now / before) * 10_000) / 10_000

/** Which group a row is of; days and months by their place in their period, so that both periods have the same ones. */
function keyOf(row: SalesReportRow, from: string): string {
  const place = {
    ...(row.day === undefined ? {} : { day: daysIn(from, row.day) }),
    ...(row.month === undefined ? {} : { month: monthsBetween(from, row.month) }),
  }
  return JSON.stringify(SALES_DIMENSIONS.map((name) => (name in place ? place[name as 'day' | 'month'] : row[name])))
}

/** The group of a row of the period before, as it would be called in this one. */
function renamed(row: SalesReportRow, from: string, period: PreviousPeriod): SalesReportRow {
  return {
    ...row,
    ...NONE,
    ...(row.day === undefined ? {} : { day: addDays(from, daysIn(period.from, row.day) - 1) }),
    ...(row.month === undefined ? {} : { month: addMonths(from, monthsBetween(period.from, row.month)).slice(0, 7) }),
  }
}

const sortKey = (row: SalesReportRow) => SALES_DIMENSIONS.map((name) => row[name] ?? '')

function compareKeys(a: SalesReportRow, b: SalesReportRow): number {
  const [left, right] = [sortKey(a), sortKey(b)]
  const at = left.findIndex((part, index) => part !== right[index])
  return at < 0 ? 0 : Buffer.compare(Buffer.from(left[at]!), Buffer.from(right[at]!))
}

/**
 * Puts beside each row what its group had in the period before. Groups that had something only then are there with
 * nothing, but for lists of the best.
 */
export function compareRows(
  now: readonly SalesReportRow[],
  before: readonly SalesReportRow[],
  { from, period, keepsOrder }: { from: string; period: PreviousPeriod; keepsOrder: boolean },
): SalesReportRow[] {
  const past = new Map(before.map((row) => [keyOf(row, period.from), row]))
  const beside = (row: SalesReportRow, old: SalesReportRow | undefined): SalesReportRow => {
    const { price, tax, quantity, orders } = old ?? NONE
    return { ...row, previous: { price, tax, quantity, orders }, price_ratio: ratioOf(row.price, price) }
  }
  const rows = now.map((row) => {
    const key = keyOf(row, from)
    const old = past.get(key)
    past.delete(key)
    return beside(row, old)
  })
  if (keepsOrder) return rows
  return [...rows, ...[...past.values()].map((old) => beside(renamed(old, from, period), old))].sort(compareKeys)
}
