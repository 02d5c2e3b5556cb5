import type { Order } from 'fanfold/client'
import { Card } from '../../ui/card.tsx'
import { Money } from '../../ui/values.tsx'

type Sum = readonly [term: string, of: (order: Order) => number, isStrong?: true]

const SUMS: readonly Sum[] = [
  ['Lines without tax', (order) => order.subtotal],
  ['Shipping', (order) => order.shipping_total],
  ['Tax', (order) => order.tax_total],
  ['Total', (order) => order.total_price, true],
  ['Cancelled', (order) => -order.cancelled_total],
  ['Returned', (order) => -order.returned_total],
  ['Owed now', (order) => order.owed_total, true],
  ['Paid', (order) => order.paid_total],
  ['Refunded', (order) => -order.refunded_total],
  ['Left to pay', (order) => order.amount_due],
  ['Due to be given back', (order) => order.refund_due],
]

export function OrderTotals({ order }: { readonly order: Order }) {
  return (
    <Card title={`Totals in ${order.currency}`}>
      <dl className="sums">
        {SUMS.map(([term, of, isStrong]) => (
          <div key={term} data-strong={isStrong} data-none={of(order) === 0 || undefined}>
            <dt>{term}</dt>
            <dd>
              <Money minor={of(order) === 0 ? 0 : of(order)} currency={order.currency} />
            </dd>
          </div>
        ))}
      </dl>
      {order.adjustments.length === 0 ? null : (
        <details>
          <summary>How the total came about ({order.adjustments.length})</summary>
          <dl className="sums">
            {order.adjustments.map(({ kind, label, rate, line_no: line, amount }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: adjustments have no id and never move
              <div key={index}>
                <dt>
                  {kind}: {label}
                  {rate === undefined ? '' : ` ${rate} %`}
                  <span className="soft">{line === undefined ? '' : line === 0 ? ', shipping' : `, line ${line}`}</span>
                </dt>
                <dd>
                  <Money minor={kind === 'discount' ? -amount : amount} currency={order.currency} />
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </Card>
  )
}
