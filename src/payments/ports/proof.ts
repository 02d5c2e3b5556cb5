import type { SealStore } from '../../log/seal-store.ts'
import type { StoredEvent } from './store.ts'

/** The log of payments in its own order, and the seals over it. */
export interface PaymentProof {
  readonly seals: SealStore
  /** Events of a shard with `after < eventId <= upTo`, in the order of the log, at most `limit`. */
  events(shard: number, after: bigint, upTo: bigint, limit: number): Promise<StoredEvent[]>
}
