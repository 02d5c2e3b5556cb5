import { useId } from 'react'
import { behaviourOf, SANDBOX_TOKENS } from '../../../../src/processors/sandbox/tokens.ts'
import { Field } from '../../ui/field.tsx'

interface TokenFieldProps {
  readonly value: string
  onChange(value: string): void
  readonly required?: boolean
  readonly hint?: string
  readonly error?: string | undefined
}

/** What the processor knows a card by; those of the sandbox are offered, with what they do. */
export function TokenField({ value, onChange, required = false, hint, error }: TokenFieldProps) {
  const listId = useId()
  const about = behaviourOf(value)?.about
  const words =
    about === undefined ? (hint ?? 'As the processor knows the card; never a card number') : `Sandbox: ${about}`
  return (
    <>
      <Field label="Payment method token" hint={words} error={error}>
        <input
          list={listId}
          className="mono"
          spellCheck={false}
          autoComplete="off"
          required={required}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      </Field>
      <datalist id={listId}>
        {SANDBOX_TOKENS.map((token) => (
          <option key={token} value={token} label={behaviourOf(token)?.about} />
        ))}
      </datalist>
    </>
  )
}
