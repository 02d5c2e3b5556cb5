import { type ReactNode, useEffect, useRef } from 'react'
import { useCommand } from '../data/use-command.ts'
import { useIdempotencyKeys } from '../data/use-idempotency-keys.ts'
import { Button } from './button.tsx'
import { Failure } from './states.tsx'
import { useTell } from './toasts.tsx'

interface CommandFormProps<Output> {
  readonly submit: string
  readonly isDanger?: boolean
  /** Sends it; the key stays the same while the same is asked for, so that a second press does nothing twice. */
  readonly run: (idempotencyKey: string) => Promise<Output>
  /** What is asked for, to tell whether a second press means the same. */
  readonly asks: unknown
  readonly refresh: readonly (readonly unknown[])[]
  readonly done: string | ((output: Output) => string)
  readonly onDone: (output: Output) => void
  readonly onCancel?: () => void
  /** The fields; they are told what the server said, and keep what was typed. */
  readonly children: (error: unknown) => ReactNode
}

/** A form that sends one command, and shows what the server says to it. */
export function CommandForm<Output>(props: CommandFormProps<Output>) {
  const { submit, isDanger = false, run, asks, refresh, done, onDone, onCancel, children } = props
  const tell = useTell()
  const isThere = useRef(false)
  useEffect(() => {
    isThere.current = true
    return () => {
      isThere.current = false
    }
  }, [])
  const { keyFor } = useIdempotencyKeys()
  const command = useCommand(() => run(keyFor(asks)), {
    ...{ refresh, isQuiet: true },
    // Both at once, and not before: who reads that it is done finds the form closed, and the next one does not begin
    // from before it.
    onShown(output) {
      tell(typeof done === 'string' ? done : done(output))
      if (isThere.current) onDone(output)
    },
  })
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault()
        if (!command.isPending) command.mutate(undefined)
      }}
    >
      {children(command.error)}
      {command.error === null ? null : <Failure error={command.error} />}
      <div className="row">
        <Button type="submit" kind={isDanger ? 'danger' : 'primary'} busy={command.isPending}>
          {submit}
        </Button>
        {onCancel === undefined ? null : <Button onClick={onCancel}>Keep as it is</Button>}
      </div>
    </form>
  )
}
