import { messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { TimelineStore, TimelineWindow } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import type { CassandraClient } from './client.ts'
import { eachOf } from './each.ts'
import { newestFirst, openEntries } from './entries.ts'
import { newEpoch, openHeads } from './heads.ts'
import { decodeMark, encodeMark, floorOf, type Head, isFuture, sinceMark } from './layout.ts'

export interface CassandraTimelineOptions extends Partial<TimelineWindow> {
  /** Begins every key, so that several programs can share a keyspace. Empty unless given. */
  readonly prefix?: string
}

const VISIT_EVERY_MS = 24 * 60 * 60_000

const largest = (a: bigint, b: bigint) => (a > b ? a : b)

/**
 * The Cassandra layout: a header per timeline and a row per entry (see `layout.ts`).
 *
 * *No append is lost to a build.* An append reads the headers and writes into the epochs that it found; nothing holds a
 * build off meanwhile. It need not: a post is stored before it is appended, and a build reads its sources after `begin`
 * has been answered. An append that did not find the new header has read before that answer, since both ask a quorum, so
 * its post was stored before the sources were read. One that found it writes where the build will be seen. For the same
 * reason headers are not kept in memory. A merge likewise reads the header after its follow was stored.
 *
 * *No cut deletes.* Entries go by themselves after {@link LIMITS.cassandraEntryDays}; the floor follows. What is built
 * and merged is cut to the window by raising the floor; what is appended is not counted.
 */
export async function openTimelineStore(
  cassandra: CassandraClient,
  context: PortContext,
  options: CassandraTimelineOptions = {},
): Promise<TimelineStore> {
  const { clock, logger } = context
  const entriesMax = options.entriesMax ?? LIMITS.timelineEntriesMax
  const entriesKept = options.entriesKept ?? LIMITS.timelineEntriesKept
  const prefix = options.prefix ?? ''
  const keyOf = (userId: string) => (prefix === '' ? userId : `${prefix}:${userId}`)
  const heads = openHeads(cassandra, clock, keyOf)
  const entries = openEntries(cassandra, clock, keyOf)

  /** Readers look among the posts of the future only if told; so they are told before there are some. */
  async function announceFuture(userId: string, head: Head): Promise<void> {
    if (head.hasFuture) return
    await heads.change(
      userId,
      (now) => (now?.epoch !== head.epoch || now.hasFuture ? undefined : { ...now, hasFuture: true }),
      head,
    )
  }

  async function visit(userId: string, found: Head): Promise<void> {
    const now = clock.now()
    const { epoch } = found
    try {
      await heads.change(
        userId,
        (head) => (head?.epoch !== epoch || now - head.readAt <= VISIT_EVERY_MS ? undefined : { ...head, readAt: now }),
        found,
      )
    } catch (error) {
      // The page is there all the same; the next one is a visit too.
      logger.warn({ err: error }, `a visit was not noted: ${messageOf(error)}`)
    }
  }

  return {
    async append(postId, userIds) {
      const found = await heads.findMany(userIds)
      if (isFuture(postId, clock.now())) {
        await eachOf([...found], ([userId, head]) => announceFuture(userId, head))
      }
      await entries.addToMany(postId, found)
      return { delivered: found.size, duplicate: 0, inactive: userIds.length - found.size }
    },

    async read(userId, below, limit, { visit: isVisit = true } = {}) {
      const at = clock.now()
      const head = await heads.find(userId)
      if (head === undefined || !head.isReady) return undefined
      const floor = floorOf(head, at)
      const [postIds] = await Promise.all([
        entries.newest(userId, head, floor, below, limit),
        isVisit && at - head.readAt > VISIT_EVERY_MS ? visit(userId, head) : undefined,
      ])
      return { postIds, floor, mark: encodeMark({ epoch: head.epoch, at }) }
    },

    async since(userId, text) {
      const at = clock.now()
      const mark = decodeMark(text, at)
      const head = mark && (await heads.find(userId))
      if (mark === undefined || head === undefined || !head.isReady || head.epoch !== mark.epoch) {
        return { kind: 'reset' }
      }
      const since = sinceMark(mark, at)
      const { postIds, isCut } = await entries.since(userId, head, since, LIMITS.timelineEntriesMax)
      const next = encodeMark({ epoch: head.epoch, at })
      return { kind: 'arrived', postIds, gap: isCut || since.isForgotten, mark: next }
    },

    async marks(userIds) {
      const marks = new Map<string, string>()
      await eachOf([...(await heads.findMany(userIds))], async ([userId, head]) => {
        if (!head.isReady) return
        const [newest = 0n] = await entries.newest(userId, head, 0n, undefined, 1)
        marks.set(userId, `${head.epoch}.${newest}`)
      })
      return marks
    },

    active: async (userIds) => (await heads.findMany(userIds)).size,

    async begin(userId) {
      const epoch = newEpoch()
      const now = clock.now()
      const begun = { epoch, isReady: false, floor: 0n, begunAt: now, readAt: now, hasFuture: false }
      await heads.change(userId, () => begun)
      return String(epoch)
    },

    async install(userId, token, postIds, floor) {
      const epoch = BigInt(token)
      const head = await heads.find(userId)
      if (head?.epoch !== epoch || head.isReady) return false
      const all = newestFirst(postIds.filter((postId) => postId > floor))
      const isCut = all.length > entriesMax
      const kept = isCut ? all.slice(0, entriesKept) : all
      const cutFloor = isCut ? all[entriesKept]! : floor
      await entries.addMany(userId, head, kept)
      const hasFuture = kept.some((postId) => isFuture(postId, clock.now()))
      return await heads.change(
        userId,
        (now) =>
          now?.epoch !== epoch || now.isReady
            ? undefined
            : { ...now, isReady: true, floor: largest(now.floor, cutFloor), hasFuture: now.hasFuture || hasFuture },
        head,
      )
    },

    async merge(userId, postIds, floor) {
      for (let head = await heads.find(userId); head !== undefined; head = await heads.find(userId)) {
        const { epoch } = head
        const isSame = (now: Head | undefined): now is Head => now?.epoch === epoch && now.isReady === head?.isReady
        if (!head.isReady) {
          const failBuild = (now: Head | undefined) => (isSame(now) ? { ...now, epoch: newEpoch() } : undefined)
          if (await heads.change(userId, failBuild, head)) return
          continue
        }
        const highest = largest(head.floor, floor)
        const added = newestFirst(postIds.filter((postId) => postId > highest))
        if (added.some((postId) => isFuture(postId, clock.now()))) await announceFuture(userId, head)
        await entries.addMany(userId, head, added)
        await entries.note(userId, head, added)
        const all = added.length === 0 ? [] : await entries.newest(userId, head, highest, undefined, entriesMax + 1)
        const newFloor = all.length > entriesMax ? all[entriesKept]! : highest
        if (newFloor > head.floor) {
          await heads.change(
            userId,
            (now) => (isSame(now) && now.floor < newFloor ? { ...now, floor: newFloor } : undefined),
            head,
          )
        }
        return
      }
    },

    async drop(userIds) {
      await eachOf([...new Set(userIds)], async (userId) => {
        // Looked for first: an epoch that is found here is over once the header is gone, a later one may be in use.
        const found = await entries.epochs(userId)
        const removed = await heads.remove(userId)
        await entries.remove(userId, new Set([...found, ...removed]))
      })
    },

    expire: async () => 0,

    incarnation: async () => '',
  }
}
