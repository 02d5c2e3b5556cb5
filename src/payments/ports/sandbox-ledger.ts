import type { OperationKind } from '../model/events.ts'

/**
 * The sandbox's own books: what a real processor would know, and so the oracle of every test of payments. They are
 * written in transactions of their own, never in those of Fanfold, and survive whatever happens to the server.
 */
export interface SandboxCharge {
  /** What the sandbox calls an authorization. */
  readonly reference: string
  readonly paymentIntentId: string
  readonly token: string
  readonly currency: string
  readonly status: 'pending' | 'requires_action' | 'authorized' | 'declined' | 'voided'
  /** Minor units. */
  readonly requested: bigint
  readonly authorized: bigint
  readonly captured: bigint
  readonly refunded: bigint
}

/** What was answered under a key: a refusal, or a success with the money it moved. */
export interface SandboxEntry {
  readonly key: string
  readonly kind: OperationKind
  readonly reference: string
  readonly paymentIntentId: string
  /** Minor units that moved; 0 unless it succeeded. */
  readonly amount: bigint
  readonly currency: string
  readonly status: 'succeeded' | 'failed' | 'pending' | 'requires_action'
  readonly code: string | undefined
  readonly message: string | undefined
  readonly createdAtMs: number
}

export interface SandboxRequest {
  readonly key: string
  /** The charge it is about; an authorization makes one. */
  readonly reference: string | undefined
}

/** What a request does to the books. */
export interface SandboxEffect {
  readonly entry: SandboxEntry
  readonly charge: SandboxCharge | undefined
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
  /** The last entry of a key, expired or not. */
  find(key: string): Promise<SandboxEntry | undefined>
  /** Changes a pending entry and its charge; `undefined` when it is no longer pending. */
  settle(
    key: string,
    decide: (entry: SandboxEntry, charge: SandboxCharge) => SandboxEffect,
  ): Promise<SandboxEntry | undefined>
  /** All entries of the given keys: more than one that succeeded means that money moved twice. */
  entriesOf(keys: readonly string[]): Promise<SandboxEntry[]>
  /** Entries in the order in which they were written, after the number `after`; for the verifier. */
  entries(after: bigint, limit: number): Promise<{ readonly entryId: bigint; readonly entry: SandboxEntry }[]>
}
