import { Field } from '../../ui/field.tsx'
import { formatMoney } from '../../ui/format.ts'
import { readAmount } from './amounts.ts'

interface AmountFieldProps {
  readonly label?: string
  readonly currency: string
  readonly value: string
  readonly readOnly?: boolean
  onChange(value: string): void
  /** What will happen, with the amount in full. */
  readonly describe: (amount: string) => string
  /** What the server said, or that nothing fit was typed. */
  readonly error?: string | undefined
}

/** An amount in major units, shown back in full below. */
export function AmountField(props: AmountFieldProps) {
  const { label, currency, value, readOnly = false, onChange, describe, error } = props
  const { minor } = readAmount(value, currency)
  const hint = minor === undefined ? 'Whole units and decimals, such as 12.50' : describe(formatMoney(minor, currency))
  return (
    <Field label={label ?? `Amount in ${currency}`} hint={hint} error={error}>
      <input
        className="pay-amount"
        inputMode="decimal"
        autoComplete="off"
        required
        readOnly={readOnly}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  )
}
