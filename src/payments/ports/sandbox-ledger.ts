import type { OperationKind } from '../model/events.ts'

/**
 * The sandbox's own books: what a real processor would know, and so the oracle of every test of payments. They are
 * written in transactions of their own, never in those of Fanfold, and survive whatever happens to the server. Several
 * sandboxes may share them, each under its own name. Amounts in minor units.
 */
export interface SandboxCharge {
  /** Name of the sandbox that made it. */
  readonly processor: string
  /** What the sandbox calls an authorization. */
  readonly reference: string
  /** Key of the request that authorized it. */
  readonly key: string
  readonly paymentIntentId: string
  readonly token: string
  readonly currency: string
  readonly status: 'pending' | 'requires_action' | 'authorized' | 'declined' | 'voided'
  readonly requested: bigint
  readonly authorized: bigint
  readonly captured: bigint
  readonly refunded: bigint
  /** Until when it can be captured; for good unless given. */
  readonly expiresAtMs: number | undefined
  readonly dispute: SandboxDispute | undefined
}

/** A charge is disputed at most once. */
export interface SandboxDispute {
  readonly disputeId: string
  readonly amount: bigint
  readonly reason: string
  readonly status: 'open' | 'under_review' | 'won' | 'lost'
  readonly evidenceDueMs: number
  /** Names of the texts that were sent; a test double has no business with what they say. */
  readonly evidence: readonly string[]
}

/** What was answered under a key: a refusal, or a success with the money it moved. */
export interface SandboxEntry {
  readonly processor: string
  readonly key: string
  readonly kind: OperationKind
  readonly reference: string
  /** Reference of the charge it is about; none when no charge came of it. */
  readonly charge: string | undefined
  readonly paymentIntentId: string
  /** What moved; 0 unless it succeeded. */
  readonly amount: bigint
  readonly currency: string
  readonly status: 'succeeded' | 'failed' | 'pending' | 'requires_action'
  readonly code: string | undefined
  readonly message: string | undefined
  /** Of an authorization: until when it can be captured. */
  readonly expiresAtMs: number | undefined
  readonly createdAtMs: number
}

/** A key, in the books of one sandbox. */
export interface SandboxKey {
  readonly processor: string
  readonly key: string
}

export interface SandboxRequest extends SandboxKey {
  /** The charge it is about; an authorization makes one. */
  readonly reference: string | undefined
}

/** Something the sandbox does of its own accord when its time comes: deciding, reversing, disputing, telling. */
export interface SandboxDue {
  /** The same again is the same deed, and kept once. */
  readonly dueId: string
  readonly processor: string
  readonly dueAtMs: number
  /** JSON of the sandbox's own. */
  readonly deed: Readonly<Record<string, unknown>>
}

/** What a request does to the books, all of it or nothing. */
export interface SandboxEffect {
  readonly entry: SandboxEntry
  /** The charge as it is afterwards; unless given it stays. */
  readonly charge: SandboxCharge | undefined
  /** Earlier entries of the same charge, as they are afterwards. */
  readonly changes?: readonly SandboxEntry[] | undefined
  readonly dues?: readonly SandboxDue[] | undefined
}

export interface SandboxLedger {
  /**
   * Carries a key out once while it lives, and answers what was answered then; atomic, and safe when the same key comes
   * twice at the same time. `decide` is pure and sees the charge that `reference` names, locked, and how often the key
   * was carried out before. A key that has expired is carried out again, as with real processors: that is what recovery
   * must avoid.
   */
  post(
    request: SandboxRequest,
    life: { readonly nowMs: number; readonly expiresAtMs: number },
    decide: (charge: SandboxCharge | undefined, earlier: number) => SandboxEffect,
  ): Promise<SandboxEntry>
  /** Remembers that a key was lost on its way; true the first time. */
  lose(key: string): Promise<boolean>
  charge(reference: string): Promise<SandboxCharge | undefined>
  /** The last entry of a key, expired or not; of one sandbox if it is named. */
  find(key: string, processor?: string): Promise<SandboxEntry | undefined>
  /**
   * Changes the last entry of a key and its charge, which `decide` sees locked. Nothing, and `undefined`, when the key has
   * no charge or `decide` answers `undefined`.
   */
  change(
    of: SandboxKey,
    decide: (entry: SandboxEntry, charge: SandboxCharge) => SandboxEffect | undefined,
  ): Promise<SandboxEffect | undefined>
  /** Deeds of this sandbox whose time has come, in their order; until `leaseUntilMs` nobody else gets them. */
  claimDues(processor: string, nowMs: number, leaseUntilMs: number, limit: number): Promise<SandboxDue[]>
  /** These deeds are done. */
  finishDues(processor: string, dueIds: readonly string[]): Promise<void>
  /** All entries of the given keys: more than one that succeeded means that money moved twice. */
  entriesOf(keys: readonly string[]): Promise<SandboxEntry[]>
  /** Entries in the order in which they were written, after the number `after`; for the verifier. */
  entries(after: bigint, limit: number): Promise<{ readonly entryId: bigint; readonly entry: SandboxEntry }[]>
}
