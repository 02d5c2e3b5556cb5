import { LIMITS } from '../../core/limits.ts'
import type { OperationStatus } from '../model/state.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long the worker waits before it asks a processor again; daily after that. */
const CHECK_DELAYS_MS = [2 * SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR]

export function checkDelayMs(attempts: number): number {
  return CHECK_DELAYS_MS[attempts] ?? DAY
}

/** Somebody who calls a processor is given this long before the worker takes the operation for abandoned. */
export const OPERATION_LEASE_MS = LIMITS.processorMsMax + 5 * SECOND

/** When the worker looks at an operation that has just got this status; `undefined` when it need not. */
export function nextCheckAtMs(status: OperationStatus, attempts: number, nowMs: number): number | undefined {
  switch (status) {
    case 'succeeded':
    case 'failed':
      return undefined
    case 'requested':
      return nowMs + OPERATION_LEASE_MS
    case 'unknown':
      return nowMs + checkDelayMs(attempts)
    case 'action_required':
      return nowMs + Math.max(MINUTE, checkDelayMs(attempts))
    case 'review':
      return nowMs + DAY
    default:
      return status satisfies never
  }
}
