import type { Clock } from '../core/clock.ts'
import { AppError, invalidField } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { fromMinor } from '../core/money.ts'
import { validator } from '../core/schema.ts'
import type { SalesDimension, SalesFigures, SalesReportStore } from './ports.ts'
import { type SalesReport, SalesReportQuery } from './schemas.ts'

const checkQuery = validator(SalesReportQuery, 'query')

function checkDay(day: string | undefined, field: string): void {
  if (day === undefined) return
  const time = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== day) {
    throw invalidField(`query/${field}`, 'must be a day of the calendar')
  }
}

const figures = ({ price, quantity, orders }: SalesFigures) => ({ price: fromMinor(price), quantity, orders })

export function createSalesReport({ store, clock }: { store: SalesReportStore; clock: Clock }) {
  return {
    /**
     * What was sold, cancellations taken back, in minor units of one currency: the one asked for, else the only one
     * there is among the rows asked for. A sale counts from when its order is paid. `from` and `to` are days, both
     * included.
     * Throws `invalid_input`, and `currency_mismatch` (with `currencies`) when there are several and none is chosen.
     */
    async salesReport(input: SalesReportQuery = {}): Promise<SalesReport> {
      const query = checkQuery(input)
      checkDay(query.from, 'from')
      checkDay(query.to, 'to')
      const askedAt = clock.now()
      const { totals, rows, oldestMissingMs } = await store.sales({
        productCategory: query.product_category,
        shippingCity: query.shipping_city,
        currency: query.currency,
        from: query.from,
        to: query.to,
        dayOf: query.day_of ?? 'sale_day',
        groupBy: (query.group_by?.split(',') ?? []) as SalesDimension[],
        rowsMax: LIMITS.reportRowsMax,
      })
      if (totals.length > 1) {
        const currencies = totals.map((total) => total.currency)
        throw new AppError(
          'currency_mismatch',
          `There are sales in ${currencies.join(', ')}; choose one with currency=`,
          {
            data: { currencies },
          },
        )
      }
      if (rows.length > LIMITS.reportRowsMax) {
        throw invalidField(
          'query/group_by',
          `gives more than ${LIMITS.reportRowsMax} rows; choose fewer groups or a shorter time`,
        )
      }
      const [total] = totals
      return {
        total: total === undefined ? { price: 0, quantity: 0, orders: 0 } : figures(total),
        rows: rows.map((row) => ({ ...row.group, ...figures(row) })),
        currency: total?.currency ?? query.currency ?? null,
        fresh_as_of: new Date(oldestMissingMs ?? askedAt).toISOString(),
      }
    },
  }
}
