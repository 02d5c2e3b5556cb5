import { isConnectionError, ProblemError } from 'fanfold/client'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'

export function Loading({ what = 'Loading' }: { readonly what?: string | undefined }) {
  return (
    <div className="state" role="status">
      {what} …
    </div>
  )
}

/** Nothing there: says what would be, and how it comes. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="state">
      <strong>{title}</strong>
      {children}
    </div>
  )
}

/** What went wrong in words, with the code to look up and the id to find in the server's log. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const problem = error instanceof ProblemError ? error : undefined
  const words = error instanceof Error ? error.message : String(error)
  return (
    <div className="notice" data-tone="bad" role="alert">
      <strong>
        {problem?.title ?? (isConnectionError(error) ? 'The server does not answer' : 'That did not work')}
      </strong>
      <span>{problem?.detail ?? words}</span>
      {problem === undefined ? null : (
        <span className="small">
          <code>{problem.code}</code>
          {problem.requestId === undefined ? null : <> · request {problem.requestId}</>}
        </span>
      )}
      {onRetry === undefined ? null : (
        <span>
          <Button onClick={onRetry}>Try again</Button>
        </span>
      )}
    </div>
  )
}

interface Question<Data> {
  readonly data: Data | undefined
  readonly error: unknown
  refetch(): unknown
}

interface AsyncProps<Data> {
  /** A query of react-query. */
  readonly of: Question<Data>
  readonly what?: string | undefined
  readonly children: (data: Data) => ReactNode
}

/** The four states of a question: loading, failed, failed but with the last answer, answered. */
export function Async<Data>({ of, what, children }: AsyncProps<Data>) {
  if (of.data === undefined) {
    return of.error === null ? <Loading what={what} /> : <Failure error={of.error} onRetry={() => void of.refetch()} />
  }
  return (
    <>
      {of.error === null ? null : <Failure error={of.error} onRetry={() => void of.refetch()} />}
      {children(of.data)}
    </>
  )
}
