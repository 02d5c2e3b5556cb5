import { randomBytes } from 'node:crypto'
import { endianness } from 'node:os'
import { assert } from '../../core/errors.ts'
import type { TimelineWindow } from '../../social/ports.ts'

/**
 * A timeline is one string: a header of 24 bytes (epoch, base, floor), then the ids in order of arrival, 8 bytes each,
 * all numbers big-endian. `base` counts the entries that were cut off the front, so base + index is a position that stays
 * the same. The last bit of the epoch is set while the timeline is built. Whoever changes anything but the tail changes
 * the header: values with the same header differ in their tails only.
 */
export interface Timeline {
  readonly epoch: bigint
  readonly base: bigint
  readonly floor: bigint
  /** In order of arrival. */
  readonly entries: BigUint64Array
}

export const HEADER_BYTES = 24
export const ENTRY_BYTES = 8

const IS_LITTLE_ENDIAN = endianness() === 'LE'
const BUILDING = 1n

/** A new epoch of a timeline that is built. */
export const newEpoch = (): bigint => randomBytes(8).readBigUInt64BE() | BUILDING

export const isBuilding = (epoch: bigint): boolean => (epoch & BUILDING) === BUILDING

/** The epoch that a timeline has once it is built. */
export const readyEpoch = (epoch: bigint): bigint => epoch & ~BUILDING

export function decodeTimeline(bytes: Buffer): Timeline {
  const count = (bytes.length - HEADER_BYTES) / ENTRY_BYTES
  assert(count >= 0 && Number.isInteger(count), `a timeline of ${bytes.length} bytes`)
  const entries = new BigUint64Array(count)
  const view = Buffer.from(entries.buffer)
  bytes.copy(view, 0, HEADER_BYTES)
  if (IS_LITTLE_ENDIAN) view.swap64()
  return {
    epoch: bytes.readBigUInt64BE(0),
    base: bytes.readBigUInt64BE(8),
    floor: bytes.readBigUInt64BE(16),
    entries,
  }
}

export function encodeTimeline(timeline: Timeline): Buffer {
  const bytes = Buffer.from(timeline.entries.slice().buffer)
  if (IS_LITTLE_ENDIAN) bytes.swap64()
  return Buffer.concat([encodeHeader(timeline), bytes])
}

export function encodeHeader({ epoch, base, floor }: Omit<Timeline, 'entries'>): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES)
  bytes.writeBigUInt64BE(epoch, 0)
  bytes.writeBigUInt64BE(base, 8)
  bytes.writeBigUInt64BE(floor, 16)
  return bytes
}

const unique = (sorted: BigUint64Array) => sorted.filter((id, index) => index === 0 || id !== sorted[index - 1])

/** How many of the ids, in ascending order, lie below one. */
function countBelow(sorted: BigUint64Array, id: bigint): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < id) low = middle + 1
    else high = middle
  }
  return low
}

/** The ids above one and below another, unique, newest first, at most `limit`. */
export function newest(entries: BigUint64Array, above: bigint, below: bigint | undefined, limit: number): bigint[] {
  // The sort is the engine's own; a bigint is made of no more ids than are wanted.
  const sorted = entries.slice().sort()
  const wanted: bigint[] = []
  for (let i = below === undefined ? sorted.length : countBelow(sorted, below); i > 0 && wanted.length < limit; i--) {
    const id = sorted[i - 1]!
    if (id <= above) break
    if (id !== wanted.at(-1)) wanted.push(id)
  }
  return wanted
}

/**
 * The timeline as it is to be when it is longer than the window, else `undefined`. What goes is cut off the front, so
 * that positions stay true. When that is not enough, because late posts lie in the way, it is repacked: the newest ids
 * alone, once each, in an epoch of its own.
 */
export function cutTimeline(timeline: Timeline, window: TimelineWindow): Timeline | undefined {
  const { entries } = timeline
  if (entries.length <= window.entriesMax) return undefined
  const sorted = unique(entries.slice().sort())
  const oldestKept = sorted[Math.max(0, sorted.length - window.entriesKept)]!
  const cut = entries.findIndex((id) => id >= oldestKept)
  if (entries.length - cut <= (window.entriesMax + window.entriesKept) / 2) {
    let floor = timeline.floor
    for (const id of entries.subarray(0, cut)) if (id > floor) floor = id
    return { epoch: timeline.epoch, base: timeline.base + BigInt(cut), floor, entries: entries.slice(cut) }
  }
  const seen = new Set<bigint>()
  const kept = entries.filter((id) => id >= oldestKept && !seen.has(id) && seen.add(id) !== undefined)
  const largestCut = sorted[sorted.length - window.entriesKept - 1] ?? 0n
  return {
    // Nobody has a mark of a timeline that is built, but somebody has its epoch.
    epoch: isBuilding(timeline.epoch) ? timeline.epoch : readyEpoch(newEpoch()),
    base: timeline.base + BigInt(entries.length - kept.length),
    floor: largestCut > timeline.floor ? largestCut : timeline.floor,
    entries: kept,
  }
}

/** `<epoch>.<position>.<id of the last entry before it>`: the id shows whether the server has lost entries since. */
export function encodeMark(epoch: bigint, position: bigint, last: bigint): string {
  return `${epoch.toString(16)}.${position}.${last.toString(16)}`
}

const MARK = /^([0-9a-f]{1,16})\.(\d{1,18})\.([0-9a-f]{1,16})$/

export function decodeMark(mark: string): { epoch: bigint; position: bigint; last: bigint } | undefined {
  const [, epoch, position, last] = MARK.exec(mark) ?? []
  if (epoch === undefined || position === undefined || last === undefined) return undefined
  return { epoch: BigInt(`0x${epoch}`), position: BigInt(position), last: BigInt(`0x${last}`) }
}

export function markOf({ epoch, base, entries }: Timeline): string {
  return encodeMark(epoch, base + BigInt(entries.length), entries.at(-1) ?? 0n)
}
