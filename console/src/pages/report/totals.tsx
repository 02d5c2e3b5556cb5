import type { SalesReport } from 'fanfold/client'
import { Figure } from '../../ui/card.tsx'
import { formatCount, formatMoney } from '../../ui/format.ts'
import { Delta } from './delta.tsx'

/** The figures of the whole period, beside those of the one before. */
export function Totals({ report: { total }, currency }: { readonly report: SalesReport; readonly currency: string }) {
  const { previous } = total
  const mean = total.orders > 0 ? Math.round(total.price / total.orders) : 0
  const note = (now: number, before: number | undefined, isMoney: boolean) =>
    before === undefined ? {} : { note: <Delta now={now} before={before} {...(isMoney ? { currency } : {})} /> }
  return (
    <div className="figures report-figures">
      <Figure
        term="Revenue without tax"
        value={formatMoney(total.price, currency)}
        {...note(total.price, previous?.price, true)}
      />
      <Figure term="Tax" value={formatMoney(total.tax, currency)} {...note(total.tax, previous?.tax, true)} />
      <Figure
        term="Orders with units left"
        value={formatCount(total.orders)}
        unit="orders"
        {...note(total.orders, previous?.orders, false)}
      />
      <Figure
        term="Units sold"
        value={formatCount(total.quantity)}
        unit="units"
        {...note(total.quantity, previous?.quantity, false)}
      />
      <Figure term="Revenue per order" value={formatMoney(mean, currency)} />
    </div>
  )
}
