import type { Clock } from '../../core/clock.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { fromMinor } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import type { SalesDimension, SalesFigures, SalesQuery, SalesRead, SalesReportStore, SalesRow } from '../ports.ts'
import { isDay } from './calendar.ts'
import { compareRows, ratioOf } from './compare.ts'
import { SALES_REPORT_VERSION } from './definition.ts'
import { createSalesFacts } from './facts.ts'
import { checkDays, filtersOf } from './filters.ts'
import { type PreviousPeriod, planSales, previousOf } from './planner.ts'
import { type SalesReport, SalesReportQuery, type SalesReportRow } from './schemas.ts'
import { createReportUpkeep } from './upkeep.ts'

const checkQuery = validator(SalesReportQuery, 'query')

/** The period that a query wants to be compared with. */
function periodOf({ compare }: SalesReportQuery, { from, to, groupBy }: SalesQuery): PreviousPeriod | undefined {
  if (compare === undefined) return undefined
  if (from === undefined || to === undefined) throw invalidField('query/compare', 'needs from and to')
  const previous = previousOf({ from, to }, groupBy)
  if (!isDay(previous.from)) throw invalidField('query/compare', 'has no period before this one')
  if (previous.unit === 'day' && groupBy.includes('month')) {
    throw invalidField('query/group_by', 'month can be compared for whole months only')
  }
  return previous
}

/** What is asked for, as the store is asked. */
function queryOf(input: SalesReportQuery): SalesQuery {
  const grouped = input.group_by === undefined ? [] : (input.group_by.split(',') as SalesDimension[])
  return { ...filtersOf(input), groupBy: input.top === undefined ? [...new Set(grouped)] : ['product'] }
}

function checkTop({ top, by, group_by: groupBy }: SalesReportQuery): void {
  if (top === undefined && by !== undefined) throw invalidField('query/by', 'is for top')
  if (top !== undefined && groupBy !== undefined && groupBy !== 'product') {
    throw invalidField('query/group_by', 'can only be product with top')
  }
}

const readOf = (query: SalesQuery, more: Partial<SalesRead> = {}): SalesRead => {
  return { query, plan: planSales(query), rowsMax: LIMITS.reportRowsMax, ...more }
}

/** The readings of one report: the total, its rows, and the same of the period before. */
function readsOf(query: SalesQuery, input: SalesReportQuery): SalesRead[] {
  const best = input.top === undefined ? {} : { sort: input.by ?? 'price', rowsMax: input.top }
  return [readOf({ ...query, groupBy: [] }), ...(query.groupBy.length === 0 ? [] : [readOf(query, best)])]
}

const figuresOf = ({ price, tax, quantity, orders }: SalesFigures) => {
  return { price: fromMinor(price), tax: fromMinor(tax), quantity, orders }
}

const NONE = { price: 0, tax: 0, quantity: 0, orders: 0 }

function rowOf(row: SalesRow): SalesReportRow {
  return {
    ...row.group,
    ...(row.productName === undefined ? {} : { product_name: row.productName }),
    ...figuresOf(row),
  }
}

/** The one currency of some totals; throws when there are several. */
function currencyOf(...totals: (readonly SalesRow[])[]): string | undefined {
  const currencies = [...new Set(totals.flat().map(({ currency }) => currency))].sort()
  if (currencies.length <= 1) return currencies[0]
  throw new AppError('currency_mismatch', `There are sales in ${currencies.join(', ')}; choose one with currency=`, {
    data: { currencies },
  })
}

function checkSize(rows: readonly SalesRow[]): void {
  if (rows.length <= LIMITS.reportRowsMax) return
  throw invalidField(
    'query/group_by',
    `gives more than ${LIMITS.reportRowsMax} rows; choose fewer groups or a shorter time`,
  )
}

export function createSalesReport({ store, clock }: { store: SalesReportStore; clock: Clock }) {
  async function comparedReport(query: SalesQuery, input: SalesReportQuery, period: PreviousPeriod) {
    const before: SalesQuery = { ...query, from: period.from, to: period.to }
    if (input.top === undefined) {
      const answer = await store.sales([...readsOf(query, input), ...readsOf(before, input)])
      const [total, ...rest] = answer.answers
      return query.groupBy.length === 0
        ? { ...answer, total: total!, rows: [], totalBefore: rest[0]!, rowsBefore: [] }
        : { ...answer, total: total!, rows: rest[0]!, totalBefore: rest[1]!, rowsBefore: rest[2]! }
    }
    const now = await store.sales(readsOf(query, input))
    const products = now.answers[1]!.flatMap(({ group }) => group.product ?? [])
    const past = await store.sales([readOf({ ...before, groupBy: [] }), readOf(before, { products })])
    const [totalBefore, rowsBefore] = past.answers
    return { ...now, total: now.answers[0]!, rows: now.answers[1]!, totalBefore: totalBefore!, rowsBefore: rowsBefore! }
  }

  return {
    ...createReportUpkeep({ store, clock }),
    ...createSalesFacts({ store }),

    /**
     * What was sold, what was taken back subtracted, in minor units of one currency: the one asked for, else the only
     * one there is among the rows asked for. A sale counts from when its order is paid. `from` and `to` are days, both
     * included. Read from sums that are kept, whatever the length of the time, unless they lack a column that is asked
     * for; then from the rows.
     * Throws `invalid_input`, `currency_mismatch` (with `currencies`) when there are several and none is chosen, and
     * `report_archived` when rows are needed that were archived.
     */
    async salesReport(input: SalesReportQuery = {}): Promise<SalesReport> {
      const checked = checkQuery(input)
      checkDays(checked)
      checkTop(checked)
      const query = queryOf(checked)
      const askedAt = clock.now()
      const period = periodOf(checked, query)
      const meta = (currency: string | undefined, oldestMissingMs: number | undefined, lagEvents: number) => ({
        currency: currency ?? query.currency ?? null,
        definition_version: SALES_REPORT_VERSION,
        fresh_as_of: new Date(oldestMissingMs ?? askedAt).toISOString(),
        lag_events: lagEvents,
      })
      if (period === undefined) {
        const { answers, oldestMissingMs, lagEvents } = await store.sales(readsOf(query, checked))
        const [totals = [], rows = []] = answers
        const currency = currencyOf(totals)
        if (checked.top === undefined) checkSize(rows)
        return {
          total: totals[0] === undefined ? NONE : figuresOf(totals[0]),
          rows: rows.slice(0, checked.top ?? rows.length).map(rowOf),
          ...meta(currency, oldestMissingMs, lagEvents),
        }
      }
      const found = await comparedReport(query, checked, period)
      const currency = currencyOf(found.total, found.totalBefore)
      const now = found.rows.slice(0, checked.top ?? found.rows.length)
      checkSize(now)
      checkSize(found.rowsBefore)
      const [total, previous] = [found.total, found.totalBefore].map(([row]) =>
        row === undefined ? NONE : figuresOf(row),
      )
      return {
        total: { ...total!, previous: previous!, price_ratio: ratioOf(total!.price, previous!.price) },
        rows: compareRows(now.map(rowOf), found.rowsBefore.map(rowOf), {
          from: query.from!,
          period,
          keepsOrder: checked.top !== undefined,
        }),
        previous_period: { from: period.from, to: period.to },
        ...meta(currency, found.oldestMissingMs, found.lagEvents),
      }
    },
  }
}
