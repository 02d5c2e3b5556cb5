import { Field } from '../../ui/field.tsx'
import { formatMoney } from '../../ui/format.ts'
import { readAmount } from './amounts.ts'

interface AmountFieldProps {
  readonly label?: string
  readonly currency: string
  readonly value: string
  onChange(value: string): void
  /** What will happen, with the amount in full. */
  readonly describe: (amount: string) => string
  /** What the server said, or that nothing fit was typed. */
  readonly error?: string | undefined
}

/** An amount in major units, shown back in full below. */
export function AmountField({ label, currency, value, onChange, describe, error }: AmountFieldProps) {
  const { minor } = readAmount(value, currency)
  const hint = minor === undefined ? 'Whole units and decimals, such as 12.50' : describe(formatMoney(minor, currency))
  return (
    <Field label={label ?? `Amount in ${currency}`} hint={hint} error={error}>
      <input
        className="pay-amount"
        inputMode="decimal"
        autoComplete="off"
        required
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  )
}
