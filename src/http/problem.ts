import Type, { type Static } from 'typebox'
import { maskCardNumbers } from '../core/card-number.ts'
import { AppError, ERROR_CODES, type ErrorCode, type FieldProblem } from '../core/errors.ts'
import { failureKind } from '../core/retry.ts'

const TYPE = 'urn:fanfold:error:'

/** A problem document (RFC 9457). `code` is stable; further members are figures for programs, such as `available`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'A URN that ends in the code' }),
    title: Type.String({ description: 'What this code means' }),
    status: Type.Integer({ description: 'The HTTP status' }),
    code: Type.String({ description: 'Stable code; see the reference of errors', examples: ['insufficient_stock'] }),
    detail: Type.String({ description: 'What happened this time' }),
    instance: Type.String({ description: 'The id of the request, as in the log' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({ description: 'JSON pointer into the body, or query/name, params/name, header/name' }),
          detail: Type.String(),
        }),
        { description: 'One entry per wrong field' },
      ),
    ),
  },
  { $id: 'Problem', additionalProperties: true, description: 'Problem document (RFC 9457)' },
)
export type Problem = Static<typeof Problem>

/** Fastify's own failures, in our words. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_json',
  FST_ERR_NOT_FOUND: 'route_not_found',
  FST_ERR_BAD_URL: 'invalid_input',
}

interface Thrown {
  readonly code?: string
  readonly statusCode?: number
  /** Says of an error of http-errors that the caller may be told. */
  readonly expose?: boolean
}

/** What a plugin refuses in words of HTTP, such as a path that leaves its folder, or a range behind the end of a file. */
function refusalOf(error: unknown, { code, statusCode = 500, expose }: Thrown): AppError | undefined {
  if (statusCode < 400 || statusCode >= 500) return undefined
  // Fastify's own, when the caller goes away before all of a body has come.
  if (code === 'ECONNRESET') return new AppError('invalid_input', 'The request was broken off', { cause: error })
  if (expose !== true) return undefined
  if (statusCode === 403 || statusCode === 404) return new AppError('route_not_found', undefined, { cause: error })
  return new AppError('invalid_input', (error as Error).message, { cause: error })
}

/** Any thrown thing as an AppError; what nobody expected becomes `internal` and tells the caller nothing. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const thrown = (error ?? {}) as Thrown
  const { code = '', statusCode } = thrown
  const known = FASTIFY_CODES[code]
  if (known !== undefined) return new AppError(known, (error as Error).message, { cause: error })
  // secure-json-parse refuses "__proto__" with a plain 400.
  if (error instanceof SyntaxError && statusCode === 400)
    return new AppError('malformed_json', error.message, { cause: error })
  const refusal = refusalOf(error, thrown)
  if (refusal !== undefined) return refusal
  const kind = failureKind(error)
  if (kind === 'unreachable' || kind === 'ambiguous') {
    return new AppError('unavailable', 'A database is not reachable; try again', { cause: error, retryAfterMs: 1_000 })
  }
  if (kind === 'conflict') return new AppError('write_contention', undefined, { cause: error, retryAfterMs: 100 })
  return new AppError('internal', undefined, { cause: error })
}

export function problemOf(error: AppError, requestId: string): Problem {
  const errors: FieldProblem[] = [...error.fields]
  return {
    ...error.data,
    type: `${TYPE}${error.code}`,
    title: ERROR_CODES[error.code][1],
    status: error.status,
    code: error.code,
    detail: maskCardNumbers(error.message),
    instance: requestId,
    ...(errors.length > 0 ? { errors } : {}),
  }
}
