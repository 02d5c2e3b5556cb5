import type { IdempotencyKey, StoredKey } from '../../core/command.ts'
import type { LogStore, Projection } from '../../log/port.ts'
import type { EventType, OperationKind, RecordedEvent } from '../model/events.ts'
import type { SandboxLedger } from './sandbox-ledger.ts'
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

/** The answer that a key keeps for repeats. `body` is plain JSON. */
export interface StoredAnswer {
  readonly status: number
  readonly body: unknown
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
  /** Minor units. */
  readonly amount: bigint
  readonly processor: string
  readonly status: OperationStatus
  readonly reference: string | undefined
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
}

export interface PaymentAppend {
  readonly shard: number
  readonly paymentIntentId: string
  /** The version that the events were decided on. */
  readonly expectedVersion: number
  readonly events: readonly SealedEvent[]
  readonly status: string
  readonly delta: HeadDelta
  /** Operations that the events began or changed, as they are now. */
  readonly operations: readonly OperationRow[]
  readonly key: KeyChange | undefined
}

/**
 * The write side of payments. Every append is atomic: head, events with contiguous log numbers, operations and key
 * together or not at all. Appends of many callers share one statement, and each succeeds or fails by itself. A lost
 * connection never doubles an append: the store looks what became of it before it sends it again.
 */
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
  /** The events of a payment with `afterVersion < version`, ascending, `limit` at most; none when it does not exist. */
  events(paymentIntentId: string, afterVersion: number, limit?: number): Promise<StoredEvent[]>
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
  /** Operations that only a person can settle, oldest first, after `afterOpId`. */
  operationsInReview(limit: number, afterOpId?: string): Promise<OperationRow[]>
}

/** A payment as the read model has it, and the version its head is at now. */
export interface ViewedPayment {
  readonly paymentIntentId: string
  readonly headVersion: number
  /** Absent while the read model has not seen the payment; behind when its version is below `headVersion`. */
  readonly state: PaymentState | undefined
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
  /** Newest first; those older than `before`. */
  transactions(customerId: string, before: TransactionKey | undefined, limit: number): Promise<CustomerTransaction[]>
}

export interface InboxMessage {
  readonly processor: string
  readonly eventId: string
  readonly type: string
  readonly key: string | undefined
  /** The outcome as JSON; see `outcome-json.ts`. */
  readonly outcome: Readonly<Record<string, unknown>> | undefined
  readonly attempts: number
}

/** Webhooks, stored before anything is done with them. */
export interface WebhookInbox {
  /** False when this message is here already. */
  store(message: Omit<InboxMessage, 'attempts'>, body: string, nowMs: number): Promise<boolean>
  /** Messages that wait and whose time has come; until `leaseUntilMs` nobody else gets them. */
  claim(nowMs: number, leaseUntilMs: number, limit: number): Promise<InboxMessage[]>
  applied(processor: string, eventId: string, nowMs: number): Promise<void>
  /** `reason` is why it could not be applied; without a next time it is given up on and stays to be seen. */
  postpone(processor: string, eventId: string, reason: string, nextAttemptAtMs: number | undefined): Promise<void>
}

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

export interface PaymentPorts {
  readonly store: PaymentStore
  readonly views: PaymentViews
  readonly inbox: WebhookInbox
  readonly audit: PaymentAudit
  /** The log of payments and the projections to be folded from it. */
  readonly log: LogStore<unknown>
  readonly projections: readonly Projection<unknown>[]
  /** The books of the sandbox processor, apart from ours though in the same database. */
  readonly sandboxLedger: SandboxLedger
}
