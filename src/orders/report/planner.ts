import type { SalesGrain, SalesPlan, SalesQuery, SalesSpan } from '../ports/report.ts'
import { addDays, addMonths, daysIn, firstOfMonth, lastOfMonth, monthsBetween } from './calendar.ts'

type Range = Pick<SalesQuery, 'from' | 'to'>

/** Whole months, where the range has some, and the days at its edges; open sides stay open. */
function spansOf({ from, to }: Range): SalesSpan[] {
  const firstMonth = from === undefined || from === firstOfMonth(from) ? from : addMonths(from, 1)
  const lastMonth = to === undefined ? to : addMonths(to, to === lastOfMonth(to) ? 0 : -1)
  if (firstMonth !== undefined && lastMonth !== undefined && firstMonth > lastMonth) {
    return [{ period: 'day', first: from, last: to }]
  }
  const spans: SalesSpan[] = [{ period: 'month', first: firstMonth, last: lastMonth }]
  if (from !== firstMonth) spans.unshift({ period: 'day', first: from, last: addDays(firstMonth!, -1) })
  const next = lastMonth === undefined ? undefined : addMonths(lastMonth, 1)
  if (next !== undefined && next <= to!) spans.push({ period: 'day', first: next, last: to })
  return spans
}

function grainOf(columns: ReadonlySet<string>): SalesGrain | undefined {
  if (columns.has('product')) return columns.size === 1 ? 'product' : undefined
  if (columns.has('category')) return columns.has('city') ? 'category_city' : 'category'
  return columns.has('city') ? 'city' : 'all'
}

/** The columns that filters and groups tell apart, besides days; `undefined` when the rollups lack one. */
function columnsOf({ groupBy, ...query }: SalesQuery): Set<string> | undefined {
  const { shippingCountry, shippingRegion, kind } = query
  if ([shippingCountry, shippingRegion, kind].some((filter) => filter !== undefined)) return undefined
  if (groupBy.includes('country') || groupBy.includes('region')) return undefined
  const columns = new Set<string>(groupBy.filter((name) => name !== 'day' && name !== 'month'))
  if (query.productCategory !== undefined) columns.add('category')
  if (query.shippingCity !== undefined) columns.add('city')
  if (query.productId !== undefined) columns.add('product')
  return columns
}

/**
 * Where a query is answered from: the sums of exactly the grain that it needs (a finer one would count an order of two
 * categories twice), over whole months and the days at the edges, or all time; from the rows when the grain is not kept.
 */
export function planSales(query: SalesQuery): SalesPlan {
  const columns = columnsOf(query)
  const grain = columns === undefined ? undefined : grainOf(columns)
  if (grain === undefined) return { source: 'facts' }
  const { from, to, groupBy } = query
  if (groupBy.includes('day')) return { source: 'rollups', grain, spans: [{ period: 'day', first: from, last: to }] }
  const isAll = from === undefined && to === undefined && !groupBy.includes('month')
  return { source: 'rollups', grain, spans: isAll ? [{ period: 'lifetime' }] : spansOf({ from, to }) }
}

/** The period before another, and how many months or days both have. */
export interface PreviousPeriod {
  readonly from: string
  readonly to: string
  readonly unit: 'month' | 'day'
  readonly length: number
}

/** As many whole months before whole months, else as many days; by day always as many days. */
export function previousOf(
  { from, to }: { readonly from: string; readonly to: string },
  groupBy: SalesQuery['groupBy'],
): PreviousPeriod {
  const isWhole = from === firstOfMonth(from) && to === lastOfMonth(to) && !groupBy.includes('day')
  const length = isWhole ? monthsBetween(from, to) + 1 : daysIn(from, to)
  const first = isWhole ? addMonths(from, -length) : addDays(from, -length)
  return { from: first, to: addDays(from, -1), unit: isWhole ? 'month' : 'day', length }
}
