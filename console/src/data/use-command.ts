import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ProblemError } from 'fanfold/client'
import { useTell } from '../ui/toasts.tsx'

/**
 * A command to the server. In the end everything that is shown and begins with one of `refresh` is asked for again, and
 * `done` is told. A refusal is told too, unless the form shows it (`isQuiet`): `error` has it.
 */
export function useCommand<Input, Output>(
  run: (input: Input) => Promise<Output>,
  options: {
    readonly refresh?: readonly (readonly unknown[])[]
    readonly done?: string | ((output: Output) => string)
    readonly isQuiet?: boolean
    readonly onDone?: (output: Output) => void
    /** As `onDone`, once what is shown is of after the command. */
    readonly onShown?: (output: Output) => void
  } = {},
) {
  const queries = useQueryClient()
  const tell = useTell()
  return useMutation({
    mutationFn: run,
    onSuccess(output) {
      const { done } = options
      if (done !== undefined) tell(typeof done === 'string' ? done : done(output))
      options.onDone?.(output)
    },
    onError(error) {
      if (options.isQuiet !== true) tell(sentenceOf(error), 'bad')
    },
    async onSettled(output, error) {
      await Promise.all((options.refresh ?? []).map((queryKey) => queries.invalidateQueries({ queryKey })))
      if (error === null) options.onShown?.(output as Output)
    },
  })
}

export function sentenceOf(error: unknown): string {
  if (error instanceof ProblemError) return `${error.title}: ${error.detail ?? ''} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}

/** What the server said of one field of a form. */
export function fieldError(error: unknown, pointer: string): string | undefined {
  if (!(error instanceof ProblemError)) return undefined
  return error.fields.find((one) => one.pointer === pointer || one.pointer.startsWith(`${pointer}/`))?.detail
}
