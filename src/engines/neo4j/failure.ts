/** Why the server did not do what it was asked. */
export class GraphError extends Error {
  override readonly name = 'GraphError'
  /** As Node.js and SQL name such failures, so that `failureKind` knows them; `ENEO4J` for those that stay. */
  readonly code: 'ECONNREFUSED' | 'ECONNRESET' | 'ETIMEDOUT' | '40001' | 'ENEO4J'
  /** Neo4j's own code, e.g. `Neo.ClientError.Security.Unauthorized`, or the driver's. */
  readonly status: string

  constructor(message: string, code: GraphError['code'], status: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
  }
}

/**
 * What did nothing and may succeed when it is run again. Uniqueness and missing entities are such: every statement looks
 * first and then writes, so it only meets them when somebody else was faster.
 */
const LOST_RACE = new Set([
  'Neo.ClientError.Schema.ConstraintValidationFailed',
  'Neo.ClientError.Statement.EntityNotFound',
  'Neo.ClientError.Transaction.LockClientStopped',
  'Neo.ClientError.Transaction.Terminated',
])
const AWAY = new Set([
  'Neo.TransientError.General.DatabaseUnavailable',
  'Neo.ClientError.Cluster.NotALeader',
  'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase',
])
const NOTHING_SENT =
  /^(Failed to connect|Could not perform discovery|Connection acquisition timed out|No routing servers)/

function codeOf(status: string, message: string): GraphError['code'] {
  if (AWAY.has(status)) return 'ECONNREFUSED'
  if (LOST_RACE.has(status) || status.startsWith('Neo.TransientError.')) return '40001'
  if (status.startsWith('Neo.ClientError.Transaction.TransactionTimedOut')) return 'ETIMEDOUT'
  if (NOTHING_SENT.test(message)) return 'ECONNREFUSED'
  if (status === 'ServiceUnavailable' || status === 'SessionExpired') return 'ECONNRESET'
  return 'ENEO4J'
}

/** An error of the driver as ours. */
export function graphError(error: unknown): GraphError {
  if (error instanceof GraphError) return error
  const { code, message } = error instanceof Error ? (error as Error & { code?: unknown }) : { code: '', message: '' }
  const status = typeof code === 'string' ? code : ''
  return new GraphError(`Neo4j: ${message === '' ? String(error) : message}`, codeOf(status, message), status, error)
}
