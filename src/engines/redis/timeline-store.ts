import { AppError, messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { TimelineStore, TimelineWindow } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import type { RedisClient } from './client-ioredis.ts'
import { groupTags } from './groups.ts'
import { APPEND, MARKS, SWAP, VISIT } from './scripts.ts'
import {
  cutTimeline,
  decodeMark,
  decodeTimeline,
  ENTRY_BYTES,
  encodeHeader,
  encodeMark,
  encodeTimeline,
  HEADER_BYTES,
  isBuilding,
  markOf,
  newEpoch,
  newest,
  readyEpoch,
  type Timeline,
} from './timeline-bytes.ts'

export interface RedisTimelineOptions extends Partial<TimelineWindow> {
  /** Begins every key, so that several programs can share a server. Empty unless given. */
  readonly prefix?: string
}

/** Keys of one script call: about a tenth of a millisecond in which the server does nothing else. */
const CALL_KEYS = 512

/** Timelines that one append cuts at a time. */
const CUTS_AT_ONCE = 32

const DAY_S = 24 * 60 * 60
const IDLE_S = LIMITS.timelineIdleDays * DAY_S

const ascending = (ids: readonly bigint[], above: bigint) => BigUint64Array.from(ids.filter((id) => id > above)).sort()

function concat(first: BigUint64Array, second: BigUint64Array): BigUint64Array {
  const both = new BigUint64Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

/** The Redis layout: one string per timeline (see `timeline-bytes.ts`). Redis drops those that nobody reads. */
export async function openTimelineStore(
  redis: RedisClient,
  context: PortContext,
  options: RedisTimelineOptions = {},
): Promise<TimelineStore> {
  const window: TimelineWindow = {
    entriesMax: options.entriesMax ?? LIMITS.timelineEntriesMax,
    entriesKept: options.entriesKept ?? LIMITS.timelineEntriesKept,
  }
  const bytesMax = String(HEADER_BYTES + ENTRY_BYTES * window.entriesMax)
  const groups = groupTags(redis.isCluster, options.prefix)
  const { keyOf } = groups
  /** Of the users of the last appends, those who had no timeline. */
  let absentShare = 0
  /** Keys being cut, so that appends side by side do not cut the same one. */
  const cutting = new Set<string>()

  async function find(key: string): Promise<Timeline | undefined> {
    const value = await redis.getBytes(key)
    return value === null ? undefined : decodeTimeline(value)
  }

  /** The same; it stays for another while, which is written down once a day. */
  async function findForVisit(key: string): Promise<Timeline | undefined> {
    const value = await redis.runForBytes(VISIT, [key], [String(IDLE_S - DAY_S), String(IDLE_S)])
    return value === null ? undefined : decodeTimeline(value as Buffer)
  }

  /** Replaces what was read; false when another was faster. What was appended since stays. */
  async function swap(key: string, from: Timeline, to: Timeline): Promise<boolean> {
    const length = HEADER_BYTES + ENTRY_BYTES * from.entries.length
    const swapped = await redis.run(SWAP, [key], [encodeHeader(from), String(length), encodeTimeline(to)])
    return swapped === 1
  }

  /**
   * Changes a timeline by compare and set. `change` answers what it is to be, or `undefined` to leave it. Answers
   * whether it was changed.
   */
  async function change(key: string, change: (timeline: Timeline) => Timeline | undefined): Promise<boolean> {
    for (let tries = 0; tries < LIMITS.transactionTriesMax; tries++) {
      const from = await find(key)
      const to = from && change(from)
      if (from === undefined || to === undefined) return false
      if (await swap(key, from, to)) return true
    }
    throw new AppError('write_contention', 'A timeline is changed too often; try again')
  }

  const withinWindow = (timeline: Timeline) => cutTimeline(timeline, window) ?? timeline

  async function cut(keys: readonly string[]): Promise<void> {
    const mine = keys.filter((key) => !cutting.has(key))
    for (const key of mine) cutting.add(key)
    try {
      for (let from = 0; from < mine.length; from += CUTS_AT_ONCE) {
        await Promise.all(
          mine.slice(from, from + CUTS_AT_ONCE).map((key) => change(key, (timeline) => cutTimeline(timeline, window))),
        )
      }
    } catch (error) {
      // The post is appended; the next one finds the timeline too long again.
      context.logger.warn({ err: error }, `timelines were not cut: ${messageOf(error)}`)
    } finally {
      for (const key of mine) cutting.delete(key)
    }
  }

  /** Runs `call` with the keys of each group, as many at a time as one call may have. */
  async function inGroups<T>(userIds: readonly string[], call: (keys: string[], userIds: string[]) => Promise<T>) {
    return await Promise.all(
      groups.split(userIds, CALL_KEYS).map((members) =>
        call(
          members.map((userId) => keyOf(userId)),
          members,
        ),
      ),
    )
  }

  return {
    async append(postId, userIds) {
      const mostAreThere = absentShare < 0.3 ? '1' : '0'
      const id = [String(postId >> 32n), String(postId & 0xffff_ffffn), bytesMax, mostAreThere]
      const long: string[] = []
      let inactive = 0
      await inGroups(userIds, async (keys) => {
        const reply = (await redis.run(APPEND, keys, id)) as number[]
        inactive += reply[0]!
        for (let i = 1; i < reply.length; i++) long.push(keys[reply[i]! - 1]!)
      })
      if (userIds.length > 0) absentShare += (inactive / userIds.length - absentShare) / 16
      if (long.length > 0) await cut(long)
      return { delivered: userIds.length - inactive, duplicate: 0, inactive }
    },

    async read(userId, below, limit, { visit = true } = {}) {
      const timeline = await (visit ? findForVisit(keyOf(userId)) : find(keyOf(userId)))
      if (timeline === undefined || isBuilding(timeline.epoch)) return undefined
      const { floor, entries } = timeline
      return { postIds: newest(entries, floor, below, limit), floor, mark: markOf(timeline) }
    },

    async since(userId, text) {
      const mark = decodeMark(text)
      const timeline = mark && (await find(keyOf(userId)))
      if (timeline === undefined || timeline.epoch !== mark?.epoch || isBuilding(mark.epoch)) return { kind: 'reset' }
      const { base, entries } = timeline
      const index = Number(mark.position - base)
      // Entries that the server lost were counted in the mark: those that came instead are others.
      if (index > entries.length || (index > 0 && entries[index - 1] !== mark.last)) return { kind: 'reset' }
      const arrived = entries.subarray(Math.max(0, index))
      return {
        kind: 'arrived',
        postIds: newest(arrived, 0n, undefined, entries.length),
        gap: index < 0,
        mark: markOf(timeline),
      }
    },

    async marks(userIds) {
      const marks = new Map<string, string>()
      await inGroups(userIds, async (keys, members) => {
        const replies = (await redis.runForBytes(MARKS, keys, [])) as (Buffer | null)[]
        replies.forEach((reply, i) => {
          if (reply === null) return
          const epoch = reply.readBigUInt64BE(0)
          if (isBuilding(epoch)) return
          const count = (Number(reply.toString('latin1', 24)) - HEADER_BYTES) / ENTRY_BYTES
          const last = count > 0 ? reply.readBigUInt64BE(16) : 0n
          marks.set(members[i]!, encodeMark(epoch, reply.readBigUInt64BE(8) + BigInt(count), last))
        })
      })
      return marks
    },

    async active(userIds) {
      const counts = await inGroups([...new Set(userIds)], (keys) => redis.command('exists', keys))
      return counts.reduce<number>((sum, count) => sum + Number(count), 0)
    },

    async begin(userId) {
      const epoch = newEpoch()
      const header = encodeHeader({ epoch, base: 0n, floor: 0n })
      await redis.command('set', [keyOf(userId), header, 'EX', String(IDLE_S)])
      return epoch.toString(16)
    },

    async install(userId, token, postIds, floor) {
      const key = keyOf(userId)
      const epoch = BigInt(`0x${token}`)
      const begun: Timeline = { epoch, base: 0n, floor: 0n, entries: new BigUint64Array() }
      const installed = (from: Timeline): Timeline => {
        const highest = from.floor > floor ? from.floor : floor
        const entries = concat(ascending(postIds, highest), from.entries)
        return withinWindow({ epoch: readyEpoch(epoch), base: from.base, floor: highest, entries })
      }
      if (await swap(key, begun, installed(begun))) return true
      // It may only have been cut meanwhile.
      return await change(key, (timeline) => (timeline.epoch === epoch ? installed(timeline) : undefined))
    },

    async merge(userId, postIds, floor) {
      await change(keyOf(userId), (timeline) => {
        if (isBuilding(timeline.epoch)) return { ...timeline, epoch: newEpoch() }
        const highest = timeline.floor > floor ? timeline.floor : floor
        const known = new Set(timeline.entries)
        const added = ascending(postIds, highest).filter((id) => !known.has(id))
        if (added.length === 0 && highest === timeline.floor) return undefined
        return withinWindow({ ...timeline, floor: highest, entries: concat(timeline.entries, added) })
      })
    },

    async drop(userIds) {
      await inGroups(userIds, (keys) => redis.command('unlink', keys))
    },

    expire: async () => 0,

    incarnation: () => redis.incarnation(),
  }
}
