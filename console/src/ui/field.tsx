import { cloneElement, type ReactElement, useId } from 'react'

interface ControlProps {
  id?: string
  'aria-describedby'?: string | undefined
  'aria-invalid'?: boolean | undefined
}

interface FieldProps {
  readonly label: string
  readonly hint?: string
  /** What the server said of this field. */
  readonly error?: string | undefined
  /** An input, select or textarea. */
  readonly children: ReactElement<ControlProps>
}

/** A control with its label, hint and error, tied together for screen readers. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId()
  const noteId = `${id}-note`
  const hasNote = hint !== undefined || error !== undefined
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, {
        id,
        'aria-describedby': hasNote ? noteId : undefined,
        'aria-invalid': error !== undefined || undefined,
      })}
      {hasNote ? (
        <span id={noteId} className={error === undefined ? 'small soft' : 'field-error'}>
          {error ?? hint}
        </span>
      ) : null}
    </div>
  )
}
