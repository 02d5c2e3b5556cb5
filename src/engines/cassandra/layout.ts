import { decomposeId, firstIdAt, ID_EPOCH_MS } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'

/**
 * Which partition an entry is in, and how long it is there. The partitions of a timeline are weeks of its posts' times,
 * counted from the Unix epoch, and two more without a time: a timeline that is built gets posts from years ago, and
 * all that are older than the week in which it was begun share one partition; so do those from the future, which a
 * broken clock makes. So a reader has no more than the weeks since it was begun to look at, and those are as many as
 * entries are kept.
 */
const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS

/** No week of any post. */
export const EARLIER = 0
export const FUTURE = 2 ** 31 - 1

const KEPT_MS = LIMITS.cassandraEntryDays * DAY_MS
export const ENTRY_TTL_S = KEPT_MS / 1_000
export const ARRIVAL_TTL_S = (LIMITS.cassandraArrivalHours * HOUR_MS) / 1_000
/** Entries are taken for gone, and arrivals too, a while before they are: clocks differ. */
const SAFE_MS = DAY_MS
const SAFE_ARRIVAL_MS = HOUR_MS

export const ID_MAX = 2n ** 63n - 1n

export const weekAt = (ms: number) => Math.floor(ms / WEEK_MS)
export const firstIdOfWeek = (week: number) => firstIdAt(week * WEEK_MS)
export const timeOf = (postId: bigint) => decomposeId(postId).timestampMs

const largest = (a: bigint, b: bigint) => (a > b ? a : b)

/** A timeline's header, apart from its user. */
export interface Head {
  /** Another with each change. */
  readonly version: bigint
  /** Another with each build; entries of other epochs are nobody's. */
  readonly epoch: bigint
  readonly isReady: boolean
  readonly floor: bigint
  readonly begunAt: number
  readonly readAt: number
  /** Some of its entries may be from the future. */
  readonly hasFuture: boolean
}

export const isFuture = (postId: bigint, now: number) => timeOf(postId) > now + LIMITS.cassandraFutureMs

/** The partition in which an entry is written. */
export function weekOf(postId: bigint, { begunAt }: Head, now: number): number {
  if (isFuture(postId, now)) return FUTURE
  const week = weekAt(timeOf(postId))
  return week < weekAt(begunAt) ? EARLIER : week
}

/**
 * Entries go by themselves, so many days after they were written; at the earliest so many after the timeline was begun,
 * and none of a post that is younger.
 */
function goneUpTo({ begunAt }: Head, now: number, keptMs: number): bigint {
  return now - begunAt < keptMs ? 0n : firstIdAt(Math.max(now - keptMs, ID_EPOCH_MS)) - 1n
}

/** Everything above it is there: no entry that was cut off, or may be gone by itself. */
export const floorOf = (head: Head, now: number) => largest(head.floor, goneUpTo(head, now, KEPT_MS - SAFE_MS))

/** No reader, whatever his clock says, looks for an entry at or below it. */
export const deadUpTo = (head: Head, now: number) => largest(head.floor, goneUpTo(head, now, KEPT_MS))

/** The weeks that may have entries between two ids, the latest first. A reader's clock may be behind a writer's. */
export function weeksBetween(head: Head, above: bigint, below: bigint, now: number): number[] {
  const first = weekAt(head.begunAt)
  const latest = weekAt(Math.min(timeOf(below - 1n), now + 2 * LIMITS.cassandraFutureMs))
  const oldest = Math.max(first, weekAt(timeOf(above + 1n)))
  const weeks = Array.from({ length: Math.max(0, latest - oldest + 1) }, (_, n) => latest - n)
  if (above + 1n < firstIdOfWeek(first)) weeks.push(EARLIER)
  return weeks
}

/** Every partition in which a user may have entries, of whatever epoch. */
export function weeksOfAll(now: number): number[] {
  const oldest = weekAt(now - KEPT_MS - SAFE_MS)
  const latest = weekAt(now + 2 * LIMITS.cassandraFutureMs)
  return [EARLIER, ...Array.from({ length: latest - oldest + 1 }, (_, n) => oldest + n), FUTURE]
}

/**
 * How far before a mark one has to look again. A post that came within {@link LIMITS.cassandraLateMs} is found by its
 * own time, one that came later by when it was noted, which took no longer than that; and clocks differ.
 */
const OVERLAP_MS = LIMITS.cassandraLateMs + LIMITS.cassandraClockSkewMs

/** Whether the arrival must be noted, now that the entry can be read. */
export const isLate = (postId: bigint, now: number) => now - timeOf(postId) >= LIMITS.cassandraLateMs

/** Epoch of a timeline, and the time of who read it. */
export interface Mark {
  readonly epoch: bigint
  readonly at: number
}

export const encodeMark = ({ epoch, at }: Mark) => `${epoch}.${at}`

export function decodeMark(text: string, now: number): Mark | undefined {
  const [, epoch, at] = /^(\d{1,19})\.(\d{1,15})$/.exec(text) ?? []
  if (epoch === undefined || Number(at) > now + LIMITS.cassandraClockSkewMs) return undefined
  return { epoch: BigInt(epoch), at: Number(at) }
}

export interface SinceMark {
  readonly from: number
  readonly aboveId: bigint
  /** What arrived soon after the mark is not known any more. */
  readonly isForgotten: boolean
}

export function sinceMark({ at }: Mark, now: number): SinceMark {
  const from = at - OVERLAP_MS
  const isForgotten = from < now - ARRIVAL_TTL_S * 1_000 + SAFE_ARRIVAL_MS
  return { from, aboveId: firstIdAt(Math.max(from, ID_EPOCH_MS)) - 1n, isForgotten }
}
