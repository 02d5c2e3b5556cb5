import type { EventType } from '../model/events.ts'
import type { DisputeStatus, PaymentState, PaymentStatus } from '../model/state.ts'

/** A payment as the read model has it, and the version its head is at now. */
export interface ViewedPayment {
  readonly paymentIntentId: string
  readonly headVersion: number
  /** Absent while the read model has not seen the payment; behind when its version is below `headVersion`. */
  readonly state: PaymentState | undefined
}

/** What payments are listed by; all that is given must hold. */
export interface PaymentFilter {
  readonly status?: PaymentStatus | undefined
  /** Those that wait for a person: with an operation in review, or a dispute that asks for evidence. */
  readonly waiting?: 'review' | 'needs_response' | undefined
  readonly customerId?: string | undefined
  readonly orderId?: string | undefined
  readonly processor?: string | undefined
  /** Created at or after, and before, these moments. */
  readonly fromMs?: number | undefined
  readonly beforeMs?: number | undefined
  /** The id of a payment or of an order, or what the processor calls an operation. */
  readonly named?: string | undefined
}

export interface ListedPayment {
  readonly paymentIntentId: string
  readonly state: PaymentState
}

export interface CustomerTransaction {
  readonly paymentIntentId: string
  readonly version: number
  readonly type: EventType
  /** Minor units. */
  readonly amount: bigint
  readonly currency: string
  readonly orderId: string | undefined
  readonly timestampMs: number
}

export type TransactionKey = Pick<CustomerTransaction, 'timestampMs' | 'paymentIntentId' | 'version'>

/** The read side. It lags behind the log by a moment; `headVersion` tells by how much. */
export interface PaymentViews {
  find(paymentIntentId: string): Promise<ViewedPayment | undefined>
  /** Every payment of an order, oldest first. */
  findByOrder(orderId: string): Promise<ViewedPayment[]>
  /** Newest first; those older than the payment `before`. What the read model has not seen yet is not in it. */
  list(filter: PaymentFilter, before: string | undefined, limit: number): Promise<ListedPayment[]>
  /** Newest first; those older than `before`. */
  transactions(customerId: string, before: TransactionKey | undefined, limit: number): Promise<CustomerTransaction[]>
  /** Disputes of these statuses whose evidence is due soonest first; those without a date come last. */
  disputes(filter: DisputeFilter, after: DisputeKey | undefined, limit: number): Promise<DisputeRow[]>
}

export interface DisputeFilter {
  readonly statuses: readonly DisputeStatus[]
  readonly processor?: string | undefined
  /** Only those whose evidence is due before this time. */
  readonly dueBeforeMs?: number | undefined
}

export interface DisputeRow {
  readonly disputeId: string
  readonly paymentIntentId: string
  readonly processor: string
  readonly customerId: string | undefined
  readonly orderId: string | undefined
  /** Minor units. */
  readonly amount: bigint
  readonly currency: string
  readonly reason: string
  readonly status: DisputeStatus
  readonly evidenceDueMs: number | undefined
  readonly openedAtMs: number
  readonly updatedAtMs: number
}

export type DisputeKey = Pick<DisputeRow, 'evidenceDueMs' | 'paymentIntentId' | 'disputeId'>

/** One side of a posting: debits are positive, credits negative; the entries of one event add up to 0 per currency. */
export interface LedgerEntry {
  readonly shard: number
  readonly eventId: bigint
  readonly line: number
  readonly paymentIntentId: string
  readonly account: string
  readonly currency: string
  /** Minor units, signed. */
  readonly amount: bigint
  readonly timestampMs: number
}

export type LedgerKey = Pick<LedgerEntry, 'timestampMs' | 'shard' | 'eventId' | 'line'>

export interface LedgerBalance {
  readonly account: string
  readonly currency: string
  /** Sums of debits and of credits, both not negative. */
  readonly debit: bigint
  readonly credit: bigint
}

/** Sums of one day, currency and processor. Counts of facts, and amounts in minor units. */
export interface PaymentDay {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly currency: string
  readonly processor: string
  readonly created: number
  readonly authorized: number
  readonly declined: number
  readonly captures: number
  readonly capturedAmount: bigint
  readonly refunds: number
  readonly refundedAmount: bigint
  readonly disputes: number
  readonly disputedAmount: bigint
}

export const PAYMENT_DIMENSIONS = ['day', 'currency', 'processor'] as const
export type PaymentDimension = (typeof PAYMENT_DIMENSIONS)[number]

export interface PaymentDaysQuery {
  /** Days `YYYY-MM-DD`, both included. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly currency?: string | undefined
  readonly processor?: string | undefined
  readonly groupBy: readonly PaymentDimension[]
  readonly rowsMax: number
}

/** Sums of a group of days; it has the dimensions that were grouped by. */
export interface PaymentDaysRow extends Omit<PaymentDay, PaymentDimension> {
  readonly group: { readonly [Dimension in PaymentDimension]?: string }
  /** The first and the last currency of the group: the same one, or amounts are not to be added up. */
  readonly currencies: readonly [first: string, last: string]
}

export interface PaymentDays {
  /** In order of day, currency, processor; up to one more than `rowsMax`. */
  readonly rows: readonly PaymentDaysRow[]
  /** When the oldest event was recorded that is not in the sums yet; `undefined` when everything is. */
  readonly oldestMissingMs: number | undefined
  /** Events that are not in the sums yet. */
  readonly lagEvents: number
}

/** What entries are wanted of; one of both at least, or all entries would have to be sorted. */
export type LedgerFilter =
  | { readonly account: string; readonly paymentIntentId?: string | undefined }
  | { readonly account?: undefined; readonly paymentIntentId: string }

/** Sums over many payments; they lag behind the log by a moment. */
export interface PaymentBooks {
  /** In order of account and currency. */
  balances(currency?: string): Promise<LedgerBalance[]>
  /** Newest first; those older than `before`. */
  entries(filter: LedgerFilter, before: LedgerKey | undefined, limit: number): Promise<LedgerEntry[]>
  /** The sums of days and how fresh they are, read at one moment. */
  days(query: PaymentDaysQuery): Promise<PaymentDays>
}
