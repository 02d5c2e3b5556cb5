import type { OrderState } from '../model/order.ts'
import type { HistoryEntry } from './orders.ts'

/** One comparison of stored things that must agree. */
export interface AuditCheck {
  readonly name: string
  /** What is compared with what, in a sentence. */
  readonly about: string
  /** Runs it; answers how many things were compared, and at most `limit` that differ. */
  run(limit: number): Promise<AuditResult>
}

export interface AuditResult {
  readonly compared: number
  readonly differences: readonly AuditDifference[]
}

export interface AuditDifference {
  readonly subject: string
  readonly expected: string
  readonly actual: string
}

/** One order with its whole history, for replaying it and checking its chain of hashes. */
export interface AuditedOrder {
  readonly orderId: bigint
  readonly state: OrderState
  readonly historyHash: Uint8Array
  readonly history: readonly HistoryEntry[]
}

export interface AuditView {
  readonly checks: readonly AuditCheck[]
  /** Ascending by id, after `after`. */
  orders(after: bigint, limit: number): Promise<AuditedOrder[]>
  /** Events that the report has not folded yet; their orders are left out of its comparisons. */
  readonly lag: bigint
  /** `YYYY-MM`, ascending: their rows are not in the report any more, so they are left out too. */
  readonly archivedMonths: readonly string[]
}
