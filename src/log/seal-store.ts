import type { LogName } from './port.ts'
import type { Seal } from './seal.ts'

/** Where the sealing of one shard stands. */
export interface ShardToSeal {
  readonly shard: number
  /** Last event id that was handed out. */
  readonly head: bigint
  readonly last: Seal | undefined
  /** Time of the first event after the last seal; `undefined` when there is none. */
  readonly oldestUnsealedAtMs: number | undefined
}

export interface EventHash {
  readonly eventId: bigint
  readonly hash: Uint8Array
}

/** What sealing a log needs of its database. It only reads the log, so that those who append never wait for it. */
export interface SealStore {
  readonly log: LogName
  /** All shards, in order. */
  shards(): Promise<ShardToSeal[]>
  /** Hashes of committed events with `after < eventId <= upTo`, ascending, at most `limit`. */
  hashes(shard: number, after: bigint, upTo: bigint, limit: number): Promise<EventHash[]>
  /** False when there is a seal with this number already; then nothing was written. Durable when it resolves. */
  add(seal: Seal): Promise<boolean>
  /** Seals of a shard with `number > after`, ascending, at most `limit`. */
  list(shard: number, after: number, limit: number): Promise<Seal[]>
}

/** Copies of seals that whoever can write to the database can't change. */
export interface SealCopies {
  /** The last copy of each shard, by shard. */
  lasts(): Promise<ReadonlyMap<number, Seal>>
  /** Durable when it resolves. A seal may be copied twice. */
  append(seals: readonly Seal[]): Promise<void>
}
