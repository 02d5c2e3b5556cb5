import { fieldError } from '../../data/use-command.ts'
import { Field } from '../../ui/field.tsx'

export interface TrackingTexts {
  readonly carrier: string
  readonly tracking_number: string
  readonly tracking_url: string
}

export const NO_TRACKING: TrackingTexts = { carrier: '', tracking_number: '', tracking_url: '' }

interface TrackingFieldsProps {
  readonly value: TrackingTexts
  onChange(value: TrackingTexts): void
  readonly error: unknown
}

export function TrackingFields({ value, onChange, error }: TrackingFieldsProps) {
  return (
    <>
      <Field label="Carrier" error={fieldError(error, '/carrier')}>
        <input value={value.carrier} onChange={(event) => onChange({ ...value, carrier: event.target.value })} />
      </Field>
      <Field label="Tracking number" error={fieldError(error, '/tracking_number')}>
        <input
          value={value.tracking_number}
          spellCheck={false}
          onChange={(event) => onChange({ ...value, tracking_number: event.target.value })}
        />
      </Field>
      <Field label="Tracking URL" hint="http or https" error={fieldError(error, '/tracking_url')}>
        <input
          value={value.tracking_url}
          spellCheck={false}
          inputMode="url"
          onChange={(event) => onChange({ ...value, tracking_url: event.target.value })}
        />
      </Field>
    </>
  )
}
