import type { StoredKey } from '../../src/core/command.ts'
import type { PaymentState } from '../../src/payments/model/state.ts'
import type { InboxMessage } from '../../src/payments/ports/inbox.ts'
import type { WrappedKey } from '../../src/payments/ports/personal-keys.ts'
import type { SandboxCharge, SandboxDue, SandboxEntry } from '../../src/payments/ports/sandbox-ledger.ts'
import type { HeadDelta, OperationRow, StoredEvent } from '../../src/payments/ports/store.ts'
import type { CustomerTransaction, DisputeRow, LedgerBalance, LedgerEntry } from '../../src/payments/ports/views.ts'

export type Row<T> = { -readonly [Name in keyof T]: T[Name] }

export interface Head extends Row<HeadDelta> {
  version: number
  status: string
  hash: Uint8Array
  orderId: string | undefined
  expiresAtMs: number | undefined
}

export interface InboxRow extends Row<InboxMessage> {
  readonly receivedAtMs: number
  nextAttemptAtMs: number | undefined
  appliedAtMs: number | undefined
}

/** The read models, as far as they have folded each shard. */
export interface ReadModels {
  checkpoints: bigint[]
  /** JSON, as the database keeps it. */
  readonly views: Map<string, string>
  readonly transactions: CustomerTransaction[]
  readonly entries: LedgerEntry[]
  readonly balances: Map<string, LedgerBalance>
  readonly disputes: Map<string, DisputeRow>
}

/** Begins the name of a client who uses no key: he asks once, and never again. */
export const ONCE = 'once-'

/** The database: what is here is committed. */
export interface Tables {
  readonly shards: number
  readonly heads: Map<string, Head>
  /** By shard; the number of an event is its place, from 1. */
  readonly logs: StoredEvent[][]
  /** By payment, in order of version. */
  readonly streams: Map<string, StoredEvent[]>
  readonly operations: Map<string, Row<OperationRow>>
  readonly keys: Map<string, Row<StoredKey>>
  readonly inbox: Map<string, InboxRow>
  readonly personalKeys: Map<string, Row<WrappedKey>>
  readonly readModels: ReadModels
}

/** The books of the sandboxes, which are no part of the database. */
export interface Books {
  /** When each key of a processor ends to be known. */
  readonly keys: Map<string, number>
  readonly charges: Map<string, SandboxCharge>
  /** By processor and key, in the order in which they were written. */
  readonly entries: Map<string, SandboxEntry[]>
  readonly dues: Map<string, SandboxDue & { dueAtMs: number }>
}

export function createTables(shards: number): Tables {
  return {
    shards,
    ...{ heads: new Map(), logs: Array.from({ length: shards }, () => []), streams: new Map() },
    ...{ operations: new Map(), keys: new Map(), inbox: new Map(), personalKeys: new Map() },
    readModels: {
      checkpoints: Array.from({ length: shards }, () => 0n),
      ...{ views: new Map(), transactions: [], entries: [], balances: new Map(), disputes: new Map() },
    },
  }
}

export function createBooks(): Books {
  return { keys: new Map(), charges: new Map(), entries: new Map(), dues: new Map() }
}

/** Told of each commit, at the moment of it; throws when the commit breaks a rule. */
export interface Witness {
  appended(paymentIntentId: string, fromVersion: number): void
  keyChanged(name: string): void
  posted(entry: SandboxEntry): void
  folded(states: ReadonlyMap<string, PaymentState>, entries: readonly LedgerEntry[]): void
}

/** What is stored as JSON comes back without what JSON does not have. */
export const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
