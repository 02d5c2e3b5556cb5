/** Why a request failed: what the broker answered, or that it could not be asked. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  /** As Node.js names such failures, so that `failureKind` knows them; `EKAFKA` for those that stay. */
  readonly code: 'ECONNREFUSED' | 'ETIMEDOUT' | 'EKAFKA'
  /** Kafka's names of the errors it answered, `NETWORK`, or `AUTHENTICATION`. */
  readonly ids: readonly string[]
  /** What the broker answered beside the error. */
  readonly response: unknown

  constructor(
    message: string,
    code: KafkaError['code'],
    ids: readonly string[],
    more: { cause?: unknown; response?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.ids = ids
    this.response = more.response
  }

  is(...ids: string[]): boolean {
    return this.ids.some((id) => ids.includes(id))
  }
}

/** What ends by itself: an election, a coordinator on its way, too few copies for a moment. */
const PASSING = new Set([
  ...['NETWORK', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_OR_PARTITION', 'REQUEST_TIMED_OUT'],
  ...['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'NOT_ENOUGH_REPLICAS'],
  ...['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'REPLICA_NOT_AVAILABLE', 'KAFKA_STORAGE_ERROR', 'NOT_CONTROLLER'],
  ...['BROKER_NOT_AVAILABLE', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH', 'OFFSET_NOT_AVAILABLE'],
  ...['PREFERRED_LEADER_NOT_AVAILABLE', 'THROTTLING_QUOTA_EXCEEDED', 'NETWORK_EXCEPTION'],
])

export const isPassingId = (id: string) => PASSING.has(id)

/** True when asking again, perhaps somebody else, may help. */
export function isPassing(error: unknown): error is KafkaError {
  return error instanceof KafkaError && error.code !== 'EKAFKA'
}

/** How a request is repeated that may be: about two seconds in all. */
export const PATIENCE = { tries: 6, backoff: { firstMs: 50, maxMs: 1_000 }, retryable: isPassing }

/** A connection that takes too long is the first by 1.22 of the driver, and the second by its own list of codes. */
const UNREACHED = new Set(['PLT_KFK_NETWORK', 'PLT_KFK_TIMEOUT'])

interface DriverError extends Error {
  readonly code?: string
  readonly errors?: readonly (Error & { readonly apiId?: string })[]
  readonly response?: unknown
}

/** The driver's errors as ours. `where` names the broker and what was asked. */
export function kafkaError(error: unknown, where: string, wasSent: boolean): KafkaError {
  if (error instanceof KafkaError) return error
  const cause = error as DriverError
  const refused = findAuthentication(cause)
  if (refused) {
    return new KafkaError(`${where}: the user or the password is not accepted`, 'EKAFKA', ['AUTHENTICATION'], { cause })
  }
  const answered = cause.code === 'PLT_KFK_RESPONSE' ? (cause.errors ?? []) : []
  if (answered.length > 0) {
    const ids = [...new Set(answered.map(({ apiId }) => apiId ?? 'UNKNOWN'))]
    const code = ids.every(isPassingId) ? 'ETIMEDOUT' : 'EKAFKA'
    const words = answered[0]?.message ?? ''
    return new KafkaError(`${where}: ${ids.join(', ')} (${words})`, code, ids, { cause, response: cause.response })
  }
  if (UNREACHED.has(cause.code ?? '')) {
    const reason = cause.cause instanceof Error ? reasonOf(cause.cause) : cause.message
    return new KafkaError(`${where}: ${reason}`, wasSent ? 'ETIMEDOUT' : 'ECONNREFUSED', ['NETWORK'], { cause })
  }
  return new KafkaError(`${where}: ${cause.message}`, 'EKAFKA', ['UNKNOWN'], { cause })
}

const reasonOf = (error: Error) => (error.message === '' && 'code' in error ? String(error.code) : error.message)

function findAuthentication(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 4) return false
  if ('code' in error && error.code === 'PLT_KFK_AUTHENTICATION') return true
  return findAuthentication(error.cause, depth + 1)
}
