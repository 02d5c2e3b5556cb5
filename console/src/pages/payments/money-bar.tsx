import type { Payment } from 'fanfold/client'
import { formatMoney } from '../../ui/format.ts'

/** Where the money of a payment is, as one bar: given back, in dispute, taken, under way, and set aside. */
export function MoneyBar({ payment }: { readonly payment: Payment }) {
  const { currency, amount, authorized, captured, refunded, disputed, capture_pending: capturing } = payment
  const parts = [
    ['refunded', refunded],
    ['disputed', Math.min(disputed, captured - refunded)],
    ['kept', Math.max(0, captured - refunded - disputed)],
    ['capture under way', capturing],
    ['set aside', Math.max(0, authorized - captured - capturing)],
  ] as const
  const whole = Math.max(amount, authorized, captured, 1)
  const shown = parts.filter(([, minor]) => minor > 0)
  const words = shown.map(([name, minor]) => `${name} ${formatMoney(minor, currency)}`)
  return (
    <figure>
      <div
        className="pay-bar"
        role="img"
        aria-label={`Of ${formatMoney(whole, currency)}: ${words.length === 0 ? 'nothing yet' : words.join(', ')}`}
      >
        {shown.map(([name, minor]) => (
          <span key={name} data-part={name} style={{ width: `${(minor / whole) * 100}%` }} />
        ))}
      </div>
      <figcaption className="legend">
        {shown.length === 0 ? (
          <span>nothing is set aside</span>
        ) : (
          shown.map(([name, minor]) => (
            <span key={name}>
              <span className="pay-key" data-part={name} aria-hidden="true" />
              {name} {formatMoney(minor, currency)}
            </span>
          ))
        )}
      </figcaption>
    </figure>
  )
}
