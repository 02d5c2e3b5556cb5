import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { Button } from './button.tsx'
import { keepFocus } from './focus.ts'

interface DialogProps {
  readonly title: string
  onClose(): void
  readonly children: ReactNode
}

/** A modal dialog of the platform: focus stays inside, Escape closes it. Rendered only while it is open. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  // Closed while it is still there, so that the browser gives the focus back to what opened it.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => {
      element?.close()
      keepFocus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <header className="card-head">
        <h2 id={titleId}>{title}</h2>
        <div className="actions">
          <Button kind="quiet" onClick={onClose}>
            Close
          </Button>
        </div>
      </header>
      <div className="card-body stack">{children}</div>
    </dialog>
  )
}
