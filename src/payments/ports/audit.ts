import type { PaymentState } from '../model/state.ts'
import type { HeadDelta, OperationRow, StoredEvent } from './store.ts'
import type { CustomerTransaction, DisputeRow, LedgerBalance, LedgerEntry, PaymentDay } from './views.ts'

/** What is kept of a payment beside its events, to be looked at without folding them. */
export interface PaymentColumns {
  readonly version: number
  readonly status: string
  readonly amount: bigint
  readonly currency: string
  readonly authorized: bigint
  readonly captured: bigint
  readonly refunded: bigint
  readonly disputed: bigint
  readonly customerId: string | undefined
  readonly orderId: string | undefined
}

export interface AuditedView extends PaymentColumns {
  readonly processor: string
  readonly inReview: boolean
  readonly needsResponse: boolean
  readonly state: PaymentState
}

export interface AuditedSnapshot {
  readonly version: number
  readonly stateVersion: number
  /** Hash of its last event. */
  readonly hash: Uint8Array
  readonly state: Readonly<Record<string, unknown>>
}

/** A payment that the read models have left out from an event on, because they could not fold it. */
export interface SetAside {
  readonly fromEventId: bigint
  readonly reason: string
}

/** One payment with everything the database says about it, read at one moment. */
export interface AuditedPayment {
  readonly shard: number
  readonly paymentIntentId: string
  readonly head: PaymentColumns & HeadDelta & { readonly hash: Uint8Array }
  readonly events: readonly StoredEvent[]
  readonly operations: readonly OperationRow[]
  readonly view: AuditedView | undefined
  /** Customer transactions in the read model, by version. */
  readonly transactions: readonly CustomerTransaction[]
  /** By event and line. */
  readonly entries: readonly LedgerEntry[]
  readonly disputes: readonly DisputeRow[]
  /** By version. */
  readonly snapshots: readonly AuditedSnapshot[]
  /** The last event of this shard that the read models have seen. */
  readonly checkpoint: bigint
  readonly setAside: SetAside | undefined
}

export interface ShardBalance extends LedgerBalance {
  readonly shard: number
}

export interface ShardDay extends PaymentDay {
  readonly shard: number
}

/** Sums of the read models with what they are sums of, read at one moment. */
export interface AuditedBooks {
  /** By shard: the last event that the read models have seen. */
  readonly checkpoints: ReadonlyMap<number, bigint>
  readonly setAside: ReadonlyMap<string, SetAside>
  readonly balances: readonly ShardBalance[]
  /** The entries, added up. */
  readonly entries: readonly ShardBalance[]
  readonly days: readonly ShardDay[]
}

export interface ShardCount {
  readonly shard: number
  readonly head: bigint
  readonly events: bigint
  readonly firstEventId: bigint
  readonly lastEventId: bigint
}

/** Reading for the verifier. */
export interface PaymentAudit {
  /** Pages in order of (shard, payment_intent_id); each page is one consistent view of the database. */
  page(after: { shard: number; paymentIntentId: string } | undefined, limit: number): Promise<AuditedPayment[]>
  /** One payment, as of one moment; `undefined` when it has no head. */
  find(paymentIntentId: string): Promise<AuditedPayment | undefined>
  books(): Promise<AuditedBooks>
  /** Heads and counts of the log, read at one moment. */
  counts(): Promise<ShardCount[]>
  /** Ids of payments that have events or rows in the read models but no head. */
  orphans(limit: number): Promise<string[]>
}
