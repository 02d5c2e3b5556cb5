import type { ReactNode } from 'react'
import { CommandForm } from '../../ui/command-form.tsx'
import { Dialog } from '../../ui/dialog.tsx'

interface ConfirmProps<Output> {
  readonly title: string
  /** What it does, and to what. */
  readonly children: ReactNode
  /** The word on the button that does it. */
  readonly submit: string
  readonly run: (idempotencyKey: string) => Promise<Output>
  readonly refresh: readonly (readonly unknown[])[]
  readonly done: string | ((output: Output) => string)
  readonly onDone?: (output: Output) => void
  onClose(): void
}

/** Asks before something is done that can't be taken back by a press. */
export function Confirm<Output>({ title, children, onClose, onDone, ...command }: ConfirmProps<Output>) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <CommandForm
        {...command}
        asks={title}
        isDanger
        onDone={(output) => {
          onClose()
          onDone?.(output)
        }}
        onCancel={onClose}
      >
        {() => null}
      </CommandForm>
    </Dialog>
  )
}
