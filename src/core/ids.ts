import { hash, randomFillSync } from 'node:crypto'
import type { Clock } from './clock.ts'
import { assert } from './errors.ts'

/**
 * 63-bit ids ordered by time: 41 bits of milliseconds since {@link ID_EPOCH_MS}, 10 bits of `route` (the shard of an
 * order, a hash of a post's author), 6 bits of node, 6 bits of sequence. They fit a signed `bigint` column but not a
 * JavaScript number: in code they are `bigint`, in JSON decimal strings. Layout after Snowflake (Twitter, 2010).
 *
 * The epoch lies a month before 2010, so that every id has 17 to 19 digits and none looks like a card number.
 */
export const ID_EPOCH_MS = Date.UTC(2009, 11, 1)
/** What lies before gets ids from here on. */
export const ID_OLDEST_MS = Date.UTC(2010, 0, 1)
export const ID_ROUTES = 1 << 10
export const ID_NODES = 1 << 6
const SEQUENCE_MAX = (1 << 6) - 1
/** The sequences above are for ids of the past, so that these never meet ids made when that moment was now. */
const LIVE_SEQUENCE_MAX = 47
const MS_MAX = 2 ** 41 - 1

export interface IdParts {
  readonly timestampMs: number
  readonly route: number
  readonly node: number
  readonly sequence: number
}

const isWithin = (value: number, max: number) => Number.isInteger(value) && value >= 0 && value <= max

export function composeId(parts: IdParts): bigint {
  const ms = parts.timestampMs - ID_EPOCH_MS
  assert(isWithin(ms, MS_MAX), `id time out of range: ${parts.timestampMs}`)
  assert(isWithin(parts.route, ID_ROUTES - 1), `id route out of range: ${parts.route}`)
  assert(isWithin(parts.node, ID_NODES - 1), `id node out of range: ${parts.node}`)
  assert(isWithin(parts.sequence, SEQUENCE_MAX), `id sequence out of range: ${parts.sequence}`)
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
   * `atMs` (for imports of the past) makes an id of that moment or shortly after it instead, not ordered against the
   * others. It differs from every other id of this maker; only another import of the same node can have made it before.
   * What lies before 2010 gets ids of the first days of 2010.
   */
  next(route: number, atMs?: number): bigint
}

/** `node` must be unique among the running processes of one installation (see `engines/sql/node-lease.ts`). */
export function createIdMaker(options: { node: number; clock: Clock }): IdMaker {
  let lastMs = 0
  let sequence = 0
  /** Of a past millisecond: its next sequence and, once all are used, a later one that may have some left. */
  const past = new Map<number, { sequence: number; laterMs: number }>()

  function pastId(route: number, atMs: number): bigint {
    // Orders of one imported day share a millisecond, so a free place may lie some milliseconds later.
    const wantedMs = Math.max(Math.floor(atMs), ID_OLDEST_MS)
    let timestampMs = wantedMs
    let place = past.get(timestampMs)
    while (place !== undefined && place.sequence > SEQUENCE_MAX) {
      timestampMs = place.laterMs
      place = past.get(timestampMs)
    }
    if (place === undefined) {
      place = { sequence: LIVE_SEQUENCE_MAX + 1, laterMs: timestampMs + 1 }
      past.set(timestampMs, place)
    }
    if (timestampMs !== wantedMs) past.get(wantedMs)!.laterMs = timestampMs
    const id = composeId({ timestampMs, route, node: options.node, sequence: place.sequence })
    place.sequence += 1
    return id
  }

  return {
    next(route, atMs = options.clock.past?.()) {
      if (atMs !== undefined) return pastId(route, atMs)
      const now = options.clock.now()
      if (now > lastMs) {
        lastMs = now
        sequence = 0
      } else if (sequence < LIVE_SEQUENCE_MAX) {
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
  return hash('sha256', text, 'buffer').readUInt32BE(0) % buckets
}

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz'

function base32(value: number, length: number): string {
  let rest = value
  let text = ''
  for (let i = 0; i < length; i++) {
    text = CROCKFORD.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}

const chance = Buffer.alloc(4_096)
let chanceUsed = chance.length

/** Five random bits per character. Asking the system for a few bytes costs as much as asking for many. */
function randomBase32(length: number): string {
  if (chanceUsed + length > chance.length) {
    randomFillSync(chance)
    chanceUsed = 0
  }
  let text = ''
  for (let i = 0; i < length; i++) text += CROCKFORD.charAt(chance[chanceUsed + i]! & 31)
  chanceUsed += length
  return text
}

const PREFIXED_MS_MAX = 32 ** 9 - 1
const PREFIXED_PATTERN = /^[a-z]{2,4}_([0-9a-hjkmnp-tv-z]{2})[0-9a-hjkmnp-tv-z]{22}$/

/**
 * An opaque id such as `pi_…` in Crockford base 32: 2 characters of shard, 9 of time, 13 of chance (65 bits), so a
 * look-up by id knows its shard, ids of one time lie together in an index, and none can be guessed.
 */
export function prefixedId(prefix: string, shard: number, clock: Clock): string {
  return `${prefix}_${base32(shard, 2)}${base32(clock.now(), 9)}${randomBase32(13)}`
}

/** Below every {@link prefixedId} of this shard that is made at this time or later, and above those of before. */
export function prefixedIdAt(prefix: string, shard: number, timestampMs: number): string {
  const ms = Math.min(Math.max(Math.floor(timestampMs), 0), PREFIXED_MS_MAX)
  return `${prefix}_${base32(shard, 2)}${base32(ms, 9)}`
}

/** The place of a {@link prefixedId} among those of another shard. */
export function prefixedIdInShard(prefix: string, shard: number, id: string): string {
  return `${prefix}_${base32(shard, 2)}${id.slice(prefix.length + 3)}`
}

/** The shard of a {@link prefixedId}; `undefined` when the text can't be one. */
export function shardOfPrefixedId(prefix: string, id: string): number | undefined {
  const match = id.startsWith(`${prefix}_`) ? PREFIXED_PATTERN.exec(id) : null
  if (match?.[1] === undefined) return undefined
  return CROCKFORD.indexOf(match[1].charAt(0)) * 32 + CROCKFORD.indexOf(match[1].charAt(1))
}
