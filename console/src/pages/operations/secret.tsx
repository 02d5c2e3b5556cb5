import { useId, useRef, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'

interface SecretProps {
  readonly title: string
  /** Name of what is shown. */
  readonly label: string
  readonly secret: string
  /** What it is for. */
  readonly hint: string
  onClose(): void
}

/** A secret that the server tells once. */
export function Secret({ title, label, secret, hint, onClose }: SecretProps) {
  const frame = useRef<HTMLDivElement>(null)
  const statusId = useId()
  const [words, setWords] = useState('')
  async function copy() {
    frame.current?.querySelector('input')?.select()
    try {
      await navigator.clipboard.writeText(secret)
      setWords('Copied')
    } catch {
      // Browsers let pages write there only over https or on localhost, and people may forbid it.
      setWords('It is selected: copy it with the keyboard')
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="notice" data-tone="warn">
        It is shown this once. Keep it in a safe place now.
      </p>
      <div ref={frame}>
        <Field label={label} hint={hint}>
          <input className="mono" readOnly value={secret} onFocus={(event) => event.target.select()} />
        </Field>
      </div>
      <div className="row">
        <Button kind="primary" onClick={() => void copy()} aria-describedby={statusId}>
          Copy
        </Button>
        <Button onClick={onClose}>I have kept it</Button>
        <span id={statusId} className="soft" role="status">
          {words}
        </span>
      </div>
    </Dialog>
  )
}
