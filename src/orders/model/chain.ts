import { canonicalJson, NO_HASH, sha256 } from '../../core/canonical-json.ts'
import type { OrderEvent } from './events.ts'

/** An entry of the history as it is bound to the one before. */
export interface ChainedEvent {
  readonly orderId: bigint
  readonly version: number
  readonly event: OrderEvent
  readonly atMs: number
  readonly actor: string
  readonly requestId: string | undefined
}

/**
 * SHA-256 over the canonical JSON (RFC 8785) of everything an entry says and the hash of the entry before (32 zero
 * bytes before the first), so that none can be changed, left out or moved without changing all that follow. The last
 * hash stands in `orders.history_hash`, so a history cut off at its end shows too.
 */
export function historyHash(entry: ChainedEvent, prevHash: Uint8Array = NO_HASH): Uint8Array {
  return sha256(
    canonicalJson([
      Buffer.from(prevHash).toString('hex'),
      String(entry.orderId),
      entry.version,
      entry.event.type,
      new Date(entry.atMs).toISOString(),
      entry.actor,
      entry.requestId ?? null,
      entry.event.details,
    ]),
  )
}

/** An entry as it is stored. */
export interface StoredEntry extends Omit<ChainedEvent, 'orderId'> {
  readonly hash: Uint8Array
}

const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex')

/** What is wrong with the chain of one history: expected and actual hash of an entry, in hex. */
export interface ChainProblem {
  /** Of the entry whose hash is wrong; one more than the last where the end of the history is missing. */
  readonly version: number
  readonly expected: string
  readonly actual: string
}

/**
 * The first place where a whole history, ascending by version, does not say what its hashes say, or where it does not
 * end in `lastHash`, that of the order. Each entry is bound to the stored hash before it, so the entry that was changed
 * is the one that is named.
 */
export function chainProblem(
  orderId: bigint,
  history: readonly StoredEntry[],
  lastHash: Uint8Array,
): ChainProblem | undefined {
  let before = NO_HASH
  for (const entry of history) {
    const expected = historyHash({ ...entry, orderId }, before)
    if (Buffer.compare(expected, entry.hash) !== 0) {
      return { version: entry.version, expected: hex(expected), actual: hex(entry.hash) }
    }
    before = entry.hash
  }
  if (Buffer.compare(before, lastHash) === 0) return undefined
  return { version: (history.at(-1)?.version ?? 0) + 1, expected: hex(before), actual: hex(lastHash) }
}
