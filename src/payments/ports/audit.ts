import type { PaymentState } from '../model/state.ts'
import type { HeadDelta, OperationRow, StoredEvent } from './store.ts'
import type { CustomerTransaction } from './views.ts'

/** One payment with everything the database says about it, read at one moment. */
export interface AuditedPayment {
  readonly shard: number
  readonly paymentIntentId: string
  readonly head: HeadDelta & {
    readonly version: number
    readonly status: string
    readonly amount: bigint
    readonly currency: string
    readonly customerId: string | undefined
    readonly orderId: string | undefined
    readonly hash: Uint8Array
  }
  readonly events: readonly StoredEvent[]
  readonly operations: readonly OperationRow[]
  readonly view: PaymentState | undefined
  /** Customer transactions in the read model, by version. */
  readonly transactions: readonly CustomerTransaction[]
  /** The last event of this shard that each read model has seen. */
  readonly checkpoints: { readonly view: bigint; readonly transactions: bigint }
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
  /** Heads and counts of the log, read at one moment. */
  counts(): Promise<ShardCount[]>
  /** Ids of payments that have events but no head. */
  orphans(limit: number): Promise<string[]>
}
