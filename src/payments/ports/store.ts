import type { IdempotencyKey, StoredKey } from '../../core/command.ts'
import type { OperationKind, RecordedEvent } from '../model/events.ts'
import type { OperationStatus, PaymentState } from '../model/state.ts'

/** An event with its place in the payment and the proof that binds it to the one before. */
export interface SealedEvent {
  readonly version: number
  readonly schemaVersion: number
  readonly event: RecordedEvent
  readonly opId: string | undefined
  readonly actor: string
  /** Hash of the event before; 32 zero bytes before the first. */
  readonly prevHash: Uint8Array
  readonly hash: Uint8Array
}

/** An event as it lies in the database, not yet understood: its type and version may be unknown to this program. */
export interface StoredEvent {
  readonly shard: number
  readonly eventId: bigint
  readonly paymentIntentId: string
  readonly version: number
  readonly type: string
  readonly schemaVersion: number
  readonly timestampMs: number
  readonly payload: Readonly<Record<string, unknown>>
  readonly opId: string | undefined
  readonly actor: string
  readonly prevHash: Uint8Array
  readonly hash: Uint8Array
}

/**
 * The answer that a key keeps for repeats. It names a version; what the payment was then is replayed from its events,
 * so that nothing is stored twice, and nothing personal here.
 */
export interface StoredAnswer {
  readonly status: number
  readonly body: { readonly payment_intent_id: string; readonly version: number; readonly op_id?: string }
}

/** The key of a command; its `shard` is where the key row lies, not where the payment does. */
export interface PlacedKey extends IdempotencyKey {
  readonly shard: number
}

export interface NewPayment {
  readonly shard: number
  readonly paymentIntentId: string
  /** The payment after its first event. */
  readonly state: PaymentState
  readonly event: SealedEvent
  readonly key: PlacedKey | undefined
  readonly answer: StoredAnswer
}

/** One call to a processor, as the worker needs to find it again. */
export interface OperationRow {
  readonly opId: string
  readonly paymentIntentId: string
  readonly kind: OperationKind
  /** Minor units: what was asked for, and what it has moved. */
  readonly amount: bigint
  readonly settled: bigint
  readonly processor: string
  readonly status: OperationStatus
  readonly reference: string | undefined
  readonly disputeId: string | undefined
  /** Look-ups made by the worker. */
  readonly attempts: number
  readonly requestedAtMs: number
  /** When the worker looks at it; until then somebody else is at work on it. `undefined` when finished. */
  readonly nextCheckAtMs: number | undefined
  /** The key of the command that asked for it, and the operation id under which that key runs. */
  readonly key:
    | { readonly shard: number; readonly scope: string; readonly key: string; readonly opId: string }
    | undefined
}

export type KeyChange =
  /** The key must be new. It keeps a lease and the operation, or its answer when the command is done at once. */
  | {
      readonly kind: 'take'
      readonly key: PlacedKey
      readonly opId: string | undefined
      readonly leaseUntilMs: number | undefined
      readonly answer: StoredAnswer | undefined
    }
  /** Keeps the answer if the key still runs under this operation. A key that is gone stops nothing. */
  | { readonly kind: 'finish'; readonly key: NonNullable<OperationRow['key']>; readonly answer: StoredAnswer }
  /** The command has ended without an outcome: a repeat need not wait. */
  | { readonly kind: 'release'; readonly key: NonNullable<OperationRow['key']> }

/** Changes of the amounts in the head row, in minor units. */
export interface HeadDelta {
  readonly authorized: bigint
  readonly capturePending: bigint
  readonly captured: bigint
  readonly refundPending: bigint
  readonly refunded: bigint
  readonly disputed: bigint
}

/** A state on the way, from which the rest can be folded. It is right if its last event still has this hash. */
export interface StoredSnapshot {
  readonly state: PaymentState
  readonly hash: Uint8Array
}

/** Up to and including which event of a payment something is asked for. */
export type Moment =
  | { readonly version: number }
  /** Position in the log of the payment's shard. */
  | { readonly eventId: bigint }
  | { readonly timestampMs: number }

export interface PaymentAppend {
  readonly shard: number
  readonly paymentIntentId: string
  /** The version that the events were decided on. */
  readonly expectedVersion: number
  /** At least one; all of the same moment. */
  readonly events: readonly SealedEvent[]
  readonly status: string
  readonly delta: HeadDelta
  /** When the worker ends what is authorized; `undefined` when there is nothing to end. */
  readonly expiresAtMs: number | undefined
  /** Operations that the events began or changed, as they are now. */
  readonly operations: readonly OperationRow[]
  readonly key: KeyChange | undefined
}

/**
 * The write side of payments. Every append is atomic: head, events with contiguous log numbers, operations and key
 * together or not at all. Appends of many callers share one statement, and each succeeds or fails by itself. A lost
 * connection never doubles an append: the store looks what became of it before it sends it again.
 */
/** All operations of a payment, or those with a status, or both. */
export type OperationsWanted =
  | { readonly status: OperationStatus; readonly paymentIntentId?: string | undefined }
  | { readonly status?: OperationStatus | undefined; readonly paymentIntentId: string }

export interface PaymentStore {
  /** Shards of the log; a payment's id names its own. */
  readonly shards: number
  /** `key_taken`: another command has this key; nothing was written. */
  create(payment: NewPayment): Promise<'appended' | 'key_taken'>
  /**
   * Writes nothing and answers `conflict` when the payment is no longer at `expectedVersion`, `key_taken` when the key
   * to take is there already.
   */
  append(append: PaymentAppend): Promise<'appended' | 'conflict' | 'key_taken'>
  /**
   * The events of a payment with `afterVersion < version`, ascending, `limit` at most, with `opId` only those about that
   * operation; none when it does not exist.
   */
  events(paymentIntentId: string, afterVersion: number, limit?: number, opId?: string): Promise<StoredEvent[]>
  /**
   * The newest valid snapshot (none is as good), and all events after it; with `until`, as of that moment. Without
   * both, the payment does not exist, or had not begun.
   */
  load(
    paymentIntentId: string,
    until?: Moment,
  ): Promise<{ readonly snapshot: StoredSnapshot | undefined; readonly events: readonly StoredEvent[] }>
  readKey(key: PlacedKey): Promise<StoredKey | undefined>
  /** Prolongs a lease that has run out. False when somebody else was faster, or the command has ended. */
  takeOverKey(key: PlacedKey, nowMs: number, leaseUntilMs: number): Promise<boolean>
  operation(opId: string): Promise<OperationRow | undefined>
  /** Operations whose time has come, oldest first; until `leaseUntilMs` nobody else gets them. */
  claimOperations(nowMs: number, leaseUntilMs: number, limit: number): Promise<OperationRow[]>
  /** Claims one operation if nobody is at work on it. */
  claimOperation(opId: string, nowMs: number, leaseUntilMs: number): Promise<boolean>
  /** When the worker looks again at an operation that is not finished. */
  postpone(opId: string, attempts: number, nextCheckAtMs: number): Promise<void>
  /** Operations without an outcome, by status. */
  openOperations(): Promise<Readonly<Record<string, number>>>
  /** Oldest first, after `afterOpId`. */
  findOperations(wanted: OperationsWanted, limit: number, afterOpId?: string): Promise<OperationRow[]>
  /** Payments whose authorization has run out; until `leaseUntilMs` nobody else gets them. */
  claimExpired(nowMs: number, leaseUntilMs: number, limit: number): Promise<string[]>
}
