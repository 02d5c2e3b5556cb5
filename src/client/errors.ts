import type { ProblemCode } from './facts.generated.ts'
import { CLIENT_LIMITS } from './limits.ts'
import type { Problem } from './schemas.generated.ts'

/** What was asked, as errors tell it. */
export interface Asked {
  readonly method: string
  readonly url: string
  /** The key that the request bore: repeat it with this one, and it is carried out once. */
  readonly idempotencyKey?: string | undefined
}

/**
 * The server refused a request with a problem document (RFC 9457). `code` is stable and `message` says what happened;
 * figures that belong to a code, such as `available`, are members of `problem`.
 */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  /** One of {@link ProblemCode}; a newer server may have more. */
  readonly code: ProblemCode | (string & {})
  readonly title: string
  readonly detail: string
  /** One entry for each wrong field. */
  readonly fields: readonly { readonly pointer: string; readonly detail: string }[]
  /** As in the log of the server. */
  readonly requestId: string
  /** When to try again, where the server said so. */
  readonly retryAfterMs: number | undefined
  readonly idempotencyKey: string | undefined
  /** The whole document. */
  readonly problem: Problem

  constructor(problem: Problem, asked: Asked, retryAfterMs?: number) {
    super(`${asked.method} ${asked.url}: ${problem.detail} (${problem.code})`)
    this.status = problem.status
    this.code = problem.code
    this.title = problem.title
    this.detail = problem.detail
    this.fields = problem.errors ?? []
    this.requestId = problem.instance
    this.retryAfterMs = retryAfterMs
    this.idempotencyKey = asked.idempotencyKey
    this.problem = problem
  }
}

/**
 * There was no answer that tells what became of the request: it may have been carried out. With the same
 * `idempotencyKey`, or for a GET, PUT or DELETE, it is safe to repeat it.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  /**
   * `unreachable`: no connection, or it broke; `timeout`: no whole answer in time; `unexpected_answer`: one that no
   * Fanfold server gives, such as the error page of a proxy.
   */
  readonly code: 'unreachable' | 'timeout' | 'unexpected_answer'
  /** Status of an unexpected answer. */
  readonly status: number | undefined
  /** Text of an unexpected answer. */
  readonly body: string | undefined
  readonly idempotencyKey: string | undefined

  constructor(
    code: ConnectionError['code'],
    detail: string,
    asked: Asked,
    options: { readonly cause?: unknown; readonly status?: number; readonly body?: string } = {},
  ) {
    super(`${asked.method} ${asked.url}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status
    this.body = options.body
    this.idempotencyKey = asked.idempotencyKey
  }
}

/** Structural, so that it also holds for an error from another copy of the package. */
export function isProblem<Code extends ProblemCode = ProblemCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is ProblemError & { readonly code: Code } {
  if (!(error instanceof Error) || error.name !== 'ProblemError' || !('code' in error)) return false
  return codes.length === 0 || codes.includes(error.code as Code)
}

/** Whether it is a {@link ConnectionError}: nobody knows what became of the request. */
export function isConnectionError(error: unknown): error is ConnectionError {
  return error instanceof Error && error.name === 'ConnectionError'
}

/** Milliseconds that a Retry-After header asks to wait: seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

export function problemIn(text: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isProblemDocument =
      typeof value === 'object' && value !== null && 'code' in value && 'status' in value && 'detail' in value
    return isProblemDocument ? (value as Problem) : undefined
  } catch {
    return undefined
  }
}

/** The error that a refusal is told as. */
export function refusal(response: Response, text: string, asked: Asked): ProblemError | ConnectionError {
  const problem = problemIn(text)
  if (problem !== undefined) return new ProblemError(problem, asked, retryAfterOf(response.headers))
  return unexpectedAnswer(response, text, asked)
}

export function unexpectedAnswer(response: Response, text: string, asked: Asked): ConnectionError {
  const { status, statusText } = response
  const start = text.trim().slice(0, CLIENT_LIMITS.excerptChars)
  const shown = start === '' ? 'it was empty' : `it begins: ${start}`
  const detail = `answered ${status} ${statusText}`.trimEnd()
  return new ConnectionError(
    'unexpected_answer',
    `${detail}, which is no answer of Fanfold; is the base URL right, or did a proxy answer? ${shown}`,
    asked,
    { status, body: text },
  )
}
