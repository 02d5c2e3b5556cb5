/**
 * Every expected failure of Fanfold has a code from this table. The code is stable and part of the API:
 * on the wire it is the `code` of a problem document (RFC 9457), in the library the `code` of an {@link AppError}.
 * `docs/reference/errors.md` is generated from it.
 */
export const ERROR_CODES = {
  // Malformed input: the request can't be understood or breaks a limit.
  malformed_json: [400, 'The body is not valid JSON'],
  invalid_input: [400, 'A field is missing, of the wrong type or out of range'],
  invalid_cursor: [400, 'The cursor is not one that this list handed out'],
  unknown_currency: [400, 'The currency is not an ISO 4217 code that Fanfold knows'],
  idempotency_key_required: [400, 'This request needs an Idempotency-Key header'],
  unsupported_media_type: [415, 'The body must be application/json'],
  body_too_large: [413, 'The body is larger than the limit'],
  card_number_refused: [422, 'Card numbers must never be sent to Fanfold'],
  // Who asks.
  unauthenticated: [401, 'The API key is missing or not valid'],
  forbidden: [403, 'The API key lacks the scope for this request'],
  rate_limited: [429, 'Too many requests with this API key'],
  too_many_streams: [429, 'The user has as many open streams as one user may'],
  // What is asked for.
  route_not_found: [404, 'No such route'],
  user_not_found: [404, 'No such user'],
  post_not_found: [404, 'No such post'],
  comment_not_found: [404, 'No such comment'],
  product_not_found: [404, 'No such product'],
  customer_not_found: [404, 'No such customer'],
  address_not_found: [404, 'No such address'],
  order_not_found: [404, 'No such order'],
  shipment_not_found: [404, 'The order has no such shipment'],
  location_not_found: [404, 'No such location'],
  reservation_not_found: [404, 'No such reservation'],
  payment_not_found: [404, 'No such payment'],
  api_key_not_found: [404, 'No such API key'],
  processor_not_found: [404, 'No such payment processor'],
  operation_not_found: [404, 'No such payment operation'],
  dispute_not_found: [404, 'The payment has no such dispute'],
  settlement_not_found: [404, 'No such settlement file'],
  projection_not_found: [404, 'No such projection'],
  job_not_found: [404, 'No such job'],
  webhook_endpoint_not_found: [404, 'No such webhook endpoint'],
  webhook_delivery_not_found: [404, 'No such webhook delivery'],
  // Races and repeats.
  already_exists: [409, 'Something with this id exists already'],
  idempotency_key_reused: [422, 'The Idempotency-Key was used before for a different request'],
  job_running: [409, 'The same job is running already'],
  job_ended: [409, 'The job has ended already'],
  job_cancelled: [409, 'The job was cancelled'],
  job_not_cancellable: [422, 'Such a job goes on by itself once it has begun'],
  idempotency_key_in_use: [409, 'A request with this Idempotency-Key is still running'],
  version_mismatch: [412, 'The resource has changed since the version named in If-Match'],
  report_busy: [409, 'The report is being rebuilt or archived; nothing was changed, try again'],
  write_contention: [503, 'Too many writers on one resource; nothing was changed, try again'],
  price_changed: [409, 'The total differs from expected_total; nothing was ordered'],
  demo_refused: [409, 'The demo can not be played in this database'],
  move_unfinished: [409, 'The move of a store can not go on; the reason says why'],
  // Rules.
  illegal_transition: [422, 'The order is in a status that does not allow this'],
  order_partly_shipped: [422, 'Units of the order are shipped, so this can no longer be done'],
  order_not_paid: [422, 'The order is not paid in full'],
  unknown_order_line: [422, 'The order has no such line'],
  quantity_exceeds_line: [422, 'More units than the line has left for this'],
  reservation_gone: [422, 'The reservation was ordered, released, or has expired'],
  insufficient_stock: [422, 'A product has less stock than ordered'],
  report_archived: [422, 'The rows of the report that this needs are archived'],
  currency_mismatch: [422, 'The currencies do not match'],
  product_inactive: [422, 'The product is not for sale'],
  self_reference: [422, 'A user cannot do this to himself'],
  interaction_blocked: [422, 'One of the two users blocks the other'],
  not_repostable: [422, 'Only public posts can be reposted or quoted'],
  too_many_edits: [422, 'The post has been edited as often as one post may'],
  not_editable: [422, 'A repost has no content of its own to edit'],
  too_many_follows: [422, 'The user follows as many people as one user may'],
  illegal_payment_state: [422, 'The payment is in a state that does not allow this'],
  amount_exceeds_capturable: [422, 'The amount is more than can still be captured'],
  amount_exceeds_refundable: [422, 'The amount is more than can still be refunded'],
  operation_not_in_review: [422, 'The payment operation does not wait for a decision'],
  settlement_incomplete: [422, 'The settlement file was not read to its end'],
  processor_cannot: [422, 'The payment processor can not do this'],
  order_amount_mismatch: [422, 'The payment does not match the order it is for'],
  invalid_signature: [400, 'The webhook signature is not valid'],
  webhook_url_refused: [422, 'The URL is not one that webhooks may be sent to'],
  webhook_endpoint_inactive: [422, 'The webhook endpoint is not active'],
  too_many_webhook_endpoints: [422, 'There are as many webhook endpoints as there may be'],
  // Our side.
  overloaded: [503, 'Too much work is waiting; nothing was changed, try again'],
  unavailable: [503, 'A database or broker is not reachable'],
  shutting_down: [503, 'The server is shutting down'],
  reader_too_slow: [503, 'The reader of a stream was too slow; go on from the last event'],
  internal: [500, 'An unexpected error; it has been logged'],
  // Set-up (library and command line).
  invalid_config: [500, 'The configuration is not valid'],
  driver_missing: [500, 'The driver for this engine is not installed'],
  engine_unsupported: [500, 'This engine does not serve that store'],
  engine_unreachable: [503, 'The engine could not be opened'],
  data_folder_in_use: [500, 'Another process uses this data folder'],
  role_right_missing: [500, 'The database user may not do this'],
  schema_outdated: [500, 'The database schema is older or newer than this program'],
  log_gap: [500, 'The event log has a gap: this is a bug or a damaged database'],
  projection_stopped: [500, 'A projection stopped because too many of its streams could not be folded'],
  master_key_missing: [500, 'Personal data is encrypted under a master key that this program was not given'],
  unknown_event_version: [500, 'An event was written by a newer program'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ErrorCode = keyof typeof ERROR_CODES

/** One wrong field: `pointer` is a JSON pointer into the body, or `query/name`, `header/name`, `params/name`. */
export interface FieldProblem {
  readonly pointer: string
  readonly detail: string
}

type ProblemMember = 'type' | 'title' | 'status' | 'detail' | 'instance' | 'code' | 'errors'

export interface ErrorOptions {
  readonly fields?: readonly FieldProblem[]
  /** Figures a program can act on, e.g. `{ available: 3 }`; they become members of the problem document, beside its own. */
  readonly data?: Readonly<Record<string, unknown>> & { readonly [Own in ProblemMember]?: never }
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** An expected failure. `message` says what happened, to what, and where possible what to do next. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly status: number
  readonly title: string
  readonly fields: readonly FieldProblem[]
  readonly data: Readonly<Record<string, unknown>>
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message?: string, options: ErrorOptions = {}) {
    const [status, title] = ERROR_CODES[code]
    super(message ?? title, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = status
    this.title = title
    this.fields = options.fields ?? []
    this.data = options.data ?? {}
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Structural, so that it also holds for an error from another copy of the package. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return (
    error instanceof Error &&
    error.name === 'AppError' &&
    'code' in error &&
    (code === undefined || error.code === code)
  )
}

/** Shorthand for one wrong field. */
export function invalidField(pointer: string, detail: string): AppError {
  return new AppError('invalid_input', `${pointer}: ${detail}`, { fields: [{ pointer, detail }] })
}

/** Throws when an invariant of the program is broken. For bugs only: expected failures are {@link AppError}s. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
