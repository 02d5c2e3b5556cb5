import type { errors } from 'cassandra-driver'
import { AppError, messageOf } from '../../core/errors.ts'

/**
 * What the server answers, by its code in the native protocol (v4, section 9): it could not try, or does not know how
 * the try ended. Of a write nobody knows whether it happened.
 */
const UNAVAILABLE = 0x1000
const OVERLOADED = 0x1001
const BOOTSTRAPPING = 0x1002
const WRITE_TIMEOUT = 0x1100
const READ_TIMEOUT = 0x1200
const READ_FAILURE = 0x1300
const WRITE_FAILURE = 0x1500
const CAS_UNKNOWN = 0x1700
const UNAUTHORIZED = 0x2100

const AWAY: ReadonlySet<unknown> = new Set([UNAVAILABLE, OVERLOADED, BOOTSTRAPPING])
const UNKNOWN: ReadonlySet<unknown> = new Set([WRITE_TIMEOUT, READ_TIMEOUT, READ_FAILURE, WRITE_FAILURE, CAS_UNKNOWN])
/** Names of the driver's own errors. */
const DRIVER_UNKNOWN = new Set(['OperationTimedOutError', 'BusyConnectionError'])

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)
/** The driver's word, without a code, for a connection that broke under a request. */
const isSocketError = (error: unknown) =>
  error instanceof Error && 'isSocketError' in error && error.isSocketError === true
const nameOf = (error: unknown) => (error instanceof Error ? error.name : '')

/** Users and their rights are in tables too: while too few nodes are up to read those, everything is refused. */
const isRightsAway = (error: unknown) => /Unable to perform auth|Cannot achieve consistency/.test(messageOf(error))

export const isForbidden = (error: unknown) => codeOf(error) === UNAUTHORIZED && !isRightsAway(error)

/** By node; the driver keeps what each one said when none could serve. */
function errorsOf(error: unknown): readonly [node: string, error: unknown][] {
  if (nameOf(error) !== 'NoHostAvailableError') return []
  return Object.entries((error as errors.NoHostAvailableError).innerErrors ?? {})
}

/** The driver's error with the code that `failureKind` knows, and without the statement that it carries. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const inner = errorsOf(error)
  const all = [error, ...inner.map(([, each]) => each)]
  const isUnknown = all.some((each) => UNKNOWN.has(codeOf(each)) || DRIVER_UNKNOWN.has(nameOf(each)))
  const isAway = nameOf(error) === 'NoHostAvailableError' || AWAY.has(codeOf(error)) || isRightsAway(error)
  const isLost = all.some((each) => isSocketError(each) || ['ECONNRESET', 'EPIPE'].includes(String(codeOf(each))))
  const code = isUnknown ? 'ETIMEDOUT' : isLost ? 'ECONNRESET' : isAway ? 'ECONNREFUSED' : undefined
  if (code === undefined) return error
  const words = inner.map(([node, each]) => `${node}: ${messageOf(each)}`).join('; ')
  const lean = new Error(`Cassandra: ${words === '' ? error.message : words}`)
  return Object.assign(lean, { code })
}

/** Why it could not be opened, in words that say what to do. */
export function openFailure(error: unknown, shown: string, datacenter: string): AppError {
  const all = [error, ...errorsOf(error).map(([, each]) => each)]
  const unreachable = (message: string) =>
    new AppError('engine_unreachable', `${shown}: ${message}`, { cause: failureOf(error) })
  const refusal = all.find((each) => nameOf(each) === 'AuthenticationError' && !isRightsAway(each))
  if (refusal !== undefined) {
    return unreachable(
      /not set|no authenticator/.test(messageOf(refusal))
        ? 'the server wants a user and a password: cassandra://user:password@host/...'
        : `the server refuses this user or password (${messageOf(refusal)})`,
    )
  }
  const [, found] = /only found hosts in data centers: \[([^\]]*)\]/.exec(messageOf(error)) ?? []
  if (found !== undefined) {
    return new AppError('invalid_config', `${shown}: no datacenter "${datacenter}", but ${found}: set ?dc=`)
  }
  const text = all.map(messageOf).join(' ')
  if (text.includes('ECONNREFUSED')) return unreachable('connection refused: is Cassandra up, and is it this port?')
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) return unreachable('there is no such host')
  if (/imed? ?out/i.test(text)) return unreachable('no answer in time: a firewall, another service, or an overload?')
  return unreachable(messageOf(failureOf(error)))
}
