import { LIMITS } from '../core/limits.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Waits before each try after the first: the example schedule of Standard Webhooks 1.0, ten tries in 75 h 35 min 5 s. */
export const RETRY_WAITS_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** Up to this share of a wait is added by chance, so that what failed together does not come back together. */
const JITTER = 0.2

/**
 * The wait before the next try of a delivery that has failed `tries` times, in milliseconds; `undefined` after the last.
 * `askedMs` is what the receiver asked for (`Retry-After`): it makes the wait longer, never shorter.
 */
export function retryWaitMs(tries: number, askedMs = 0, random: () => number = Math.random): number | undefined {
  const waitMs = RETRY_WAITS_MS[tries - 1]
  if (waitMs === undefined) return undefined
  return Math.max(Math.ceil(waitMs * (1 + JITTER * random())), Math.min(askedMs, LIMITS.webhookRetryAfterMsMax))
}

/** `Retry-After` in its two forms, as milliseconds from now; 0 when it is missing or neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs)
}
