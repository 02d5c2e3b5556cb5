import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import { isAppError } from './errors.ts'

/** Why an operation on a database failed, as far as a caller must know to go on. */
export type FailureKind =
  /** The transaction lost a race and did nothing: run it again (SQLSTATE 40001, 40P01). */
  | 'conflict'
  /** Nobody can be reached, and nothing was sent. */
  | 'unreachable'
  /** The connection broke after sending: it may have happened or not. */
  | 'ambiguous'
  /** Anything else: running it again gives the same answer. */
  | 'permanent'

const CONFLICT = new Set(['40001', '40P01', '55P03'])
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', '57P03', '53300'])
const AMBIGUOUS = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', '57P01', '57P02', '08006', '08003', '08000', '40003'])

const REDIS_AWAY = /^(LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|READONLY|BUSY|OOM|MISCONF|NOREPLICAS) /
const REDIS_LOST = /^(Connection is closed\.|Command timed out|Too many Cluster redirections)/

const PG_LOST = /connection terminated|client has encountered a connection error|^query read timeout$/i

export function failureKind(error: unknown): FailureKind {
  if (!(error instanceof Error)) return 'permanent'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (CONFLICT.has(code)) return 'conflict'
  if (UNREACHABLE.has(code)) return 'unreachable'
  if (AMBIGUOUS.has(code)) return 'ambiguous'
  // Drivers of brokers: said already in words of ours.
  if (isAppError(error, 'unavailable')) return 'ambiguous'
  // ioredis: what the server answers to every command while it can serve none, and what has no code.
  if (error.name === 'ReplyError' && REDIS_AWAY.test(error.message)) return 'unreachable'
  if (/^(Cluster isn't ready|None of startup nodes|Failed to refresh slots cache)/.test(error.message)) {
    return 'unreachable'
  }
  if (error.name === 'MaxRetriesPerRequestError' || REDIS_LOST.test(error.message)) return 'ambiguous'
  // node-postgres reports a pool without a free connection, a lost connection and a late answer without a code.
  if (/timeout exceeded when trying to connect/i.test(error.message)) return 'unreachable'
  if (PG_LOST.test(error.message)) return 'ambiguous'
  return 'permanent'
}

/** True when the same work may succeed later without anybody changing anything. */
export function isTransient(error: unknown): boolean {
  return failureKind(error) !== 'permanent'
}

export interface Backoff {
  readonly firstMs: number
  readonly maxMs: number
}

/** Exponential backoff with jitter: a wait of up to `firstMs * 2^(attempt - 1)`, at least half of it. */
export function backoffMs(attempt: number, backoff: Backoff, random: () => number = Math.random): number {
  const ceiling = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.ceil(ceiling / 2 + (random() * ceiling) / 2)
}

export interface RetryOptions {
  readonly tries: number
  readonly backoff: Backoff
  readonly retryable: (error: unknown) => boolean
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

/** Runs `work` until it succeeds, fails for good, is told to stop, or has used its tries; then throws its last error. */
export async function retry<T>(options: RetryOptions, work: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      if (attempt >= options.tries || options.signal?.aborted || !options.retryable(error)) throw error
      await (options.clock ?? systemClock).sleep(backoffMs(attempt, options.backoff), options.signal)
      if (options.signal?.aborted) throw error
    }
  }
}
