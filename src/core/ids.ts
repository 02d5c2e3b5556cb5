import { createHash, randomBytes } from 'node:crypto'
import { assert } from './errors.ts'
import type { Clock } from './clock.ts'

/**
 * 63-bit ids ordered by time: 41 bits of milliseconds since {@link ID_EPOCH_MS}, 10 bits of `route` (the shard of an
 * order, a hash of a post's author), 6 bits of node, 6 bits of sequence. They fit a signed `bigint` column but not a
 * JavaScript number: in code they are `bigint`, in JSON decimal strings. Layout after Snowflake (Twitter, 2010).
 */
export const ID_EPOCH_MS = Date.UTC(2010, 0, 1)
export const ID_ROUTES = 1 << 10
export const ID_NODES = 1 << 6
const SEQUENCE_MAX = (1 << 6) - 1
const MS_MAX = 2 ** 41 - 1

export interface IdParts {
  readonly timestampMs: number
  readonly route: number
  readonly node: number
  readonly sequence: number
}

export function composeId(parts: IdParts): bigint {
  const ms = parts.timestampMs - ID_EPOCH_MS
  assert(ms >= 0 && ms <= MS_MAX, `id time out of range: ${parts.timestampMs}`)
  assert(parts.route >= 0 && parts.route < ID_ROUTES, `id route out of range: ${parts.route}`)
  assert(parts.node >= 0 && parts.node < ID_NODES, `id node out of range: ${parts.node}`)
  assert(parts.sequence >= 0 && parts.sequence <= SEQUENCE_MAX, `id sequence out of range: ${parts.sequence}`)
  return (BigInt(ms) << 22n) | BigInt((parts.route << 12) | (parts.node << 6) | parts.sequence)
}

export function decomposeId(id: bigint): IdParts {
  const low = Number(id & 0x3fffffn)
  return {
    timestampMs: Number(id >> 22n) + ID_EPOCH_MS,
    route: low >> 12,
    node: (low >> 6) & (ID_NODES - 1),
    sequence: low & SEQUENCE_MAX,
  }
}

/** The smallest id of a moment: `id >= firstIdAt(ms)` selects everything made at or after it. */
export function firstIdAt(timestampMs: number): bigint {
  return composeId({ timestampMs: Math.max(timestampMs, ID_EPOCH_MS), route: 0, node: 0, sequence: 0 })
}

export interface IdMaker {
  /**
   * A new id, strictly larger than every id this maker made before, also when the clock steps back.
   * `atMs` (for imports of the past) makes an id of that moment instead, unique but not ordered against the others.
   */
  next(route: number, atMs?: number): bigint
}

/** `node` must be unique among the running processes of one installation (see `engines/sql/node-lease.ts`). */
export function createIdMaker(options: { node: number; clock: Clock }): IdMaker {
  let lastMs = 0
  let sequence = 0
  const past = new Map<number, number>()

  function pastId(route: number, atMs: number): bigint {
    // Orders of one imported day share a millisecond, so the next free slot may lie some milliseconds later.
    const used = past.get(atMs) ?? 0
    past.set(atMs, used + 1)
    const timestampMs = atMs + Math.floor(used / (SEQUENCE_MAX + 1))
    return composeId({ timestampMs, route, node: options.node, sequence: used % (SEQUENCE_MAX + 1) })
  }

  return {
    next(route, atMs) {
      if (atMs !== undefined) return pastId(route, atMs)
      const now = options.clock.now()
      if (now > lastMs) {
        lastMs = now
        sequence = 0
      } else if (sequence < SEQUENCE_MAX) {
        sequence += 1
      } else {
        lastMs += 1
        sequence = 0
      }
      return composeId({ timestampMs: lastMs, route, node: options.node, sequence })
    },
  }
}

const ID_PATTERN = /^(0|[1-9][0-9]{0,18})$/
const ID_MAX = 2n ** 63n - 1n

/** Reads the decimal form of an id; `undefined` when it can't be one. */
export function parseId(text: string): bigint | undefined {
  if (!ID_PATTERN.test(text)) return undefined
  const id = BigInt(text)
  return id <= ID_MAX ? id : undefined
}

/** A stable hash of text onto `0 .. buckets - 1`, the same in every process and release. */
export function hashToBucket(text: string, buckets: number): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) % buckets
}

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz'

function base32(value: bigint, length: number): string {
  let rest = value
  let text = ''
  for (let i = 0; i < length; i++) {
    text = CROCKFORD.charAt(Number(rest & 31n)) + text
    rest >>= 5n
  }
  return text
}

const PREFIXED_PATTERN = /^[a-z]{2,4}_([0-9a-hjkmnp-tv-z]{2})[0-9a-hjkmnp-tv-z]{22}$/

/**
 * An opaque id such as `pi_…` in Crockford base 32: 2 characters of shard, 9 of time, 13 of chance (65 bits), so a
 * look-up by id knows its shard, ids of one time lie together in an index, and none can be guessed.
 */
export function prefixedId(prefix: string, shard: number, clock: Clock): string {
  const chance = BigInt(`0x${randomBytes(9).toString('hex')}`) & ((1n << 65n) - 1n)
  return `${prefix}_${base32(BigInt(shard), 2)}${base32(BigInt(clock.now()), 9)}${base32(chance, 13)}`
}

/** The shard of a {@link prefixedId}; `undefined` when the text can't be one. */
export function shardOfPrefixedId(prefix: string, id: string): number | undefined {
  const match = id.startsWith(`${prefix}_`) ? PREFIXED_PATTERN.exec(id) : null
  if (match?.[1] === undefined) return undefined
  return CROCKFORD.indexOf(match[1].charAt(0)) * 32 + CROCKFORD.indexOf(match[1].charAt(1))
}
