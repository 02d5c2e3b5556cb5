import { randomUUID } from 'node:crypto'
import type { AnyBulkWriteOperation } from 'mongodb'
import { systemClock } from '../../core/clock.ts'
import type { ChunkDone, DeliveryCounts, Fanout, FanoutLedger, WholeDone } from '../../social/ports.ts'
import { ALIVE, type Collections, type FanDoc, type OpenChunk, type PostDoc } from './schema.ts'

const SWEEP_MS_MAX = 15 * 60_000

/** Posts whose chunks are recorded at the same time. */
const POSTS_AT_ONCE = 16

const FIELDS = { user_id: 1, mode: 1, timestamp: 1, fan: 1 } as const

function toFanout({ _id, user_id, mode, timestamp, fan }: PostDoc & { readonly fan: FanDoc }): Fanout {
  return {
    postId: _id,
    authorId: user_id,
    mode,
    timestamp,
    round: fan.round,
    plannedChunks: fan.planned_chunks,
    planned: fan.planned,
    plannedUpTo: fan.planned_up_to,
    done: fan.done_at !== undefined,
  }
}

const hasFan = (post: PostDoc): post is PostDoc & { readonly fan: FanDoc } => post.fan !== undefined

const chunkOf = (c: number, after: string | undefined, upTo: string | undefined): OpenChunk => ({
  c,
  ...(after === undefined ? {} : { after }),
  ...(upTo === undefined ? {} : { up_to: upTo }),
})

function sumOf(items: readonly DeliveryCounts[]) {
  const sum = { delivered: 0, duplicate: 0, inactive: 0 }
  for (const item of items) {
    sum.delivered += item.delivered
    sum.duplicate += item.duplicate
    sum.inactive += item.inactive
  }
  return { 'fan.delivered': sum.delivered, 'fan.duplicate': sum.duplicate, 'fan.inactive': sum.inactive }
}

/** The ledger is part of the post; each change of it is one update that wants the state it is made for. */
export function openFanoutLedger({ posts, incarnation }: Collections): FanoutLedger {
  async function read(postIds: readonly bigint[]): Promise<(PostDoc & { readonly fan: FanDoc })[]> {
    const found = await posts.find({ _id: { $in: [...postIds] }, ...ALIVE }, { projection: FIELDS }).toArray()
    return found.filter(hasFan)
  }

  /** Posts that this very call changed, of many in one round trip. */
  async function changedBy(by: string, postIds: readonly bigint[]): Promise<Set<bigint>> {
    const query = { _id: { $in: [...postIds] }, 'fan.by': by }
    return new Set((await posts.find(query, { projection: { _id: 1 } }).toArray()).map((post) => post._id))
  }

  /**
   * Records chunks of one post in one update, which wants all of them open. The last ones also want to be the last, and
   * others want not to be, so that exactly one call finds that the post is done.
   */
  async function finishOf(postId: bigint, items: readonly ChunkDone[], at: Date) {
    let left = items
    for (let attempt = 0; ; attempt++) {
      // The others of this moment change the same document; one of them gets through each time.
      if (attempt > 0) await systemClock.sleep(Math.random() * Math.min(2 ** attempt, 32))
      const [post] = await read([postId])
      if (post === undefined) return undefined
      const { fan } = post
      left = left.filter(({ chunk, round }) => round === fan.round && fan.open.some(({ c }) => c === chunk))
      if (left.length === 0) return undefined
      const numbers = left.map((item) => item.chunk)
      const isLast = fan.planned && fan.open.length === left.length
      const filter = {
        _id: postId,
        ...{ 'fan.round': fan.round, 'fan.planned': fan.planned },
        ...{ 'fan.open.c': { $all: numbers } },
        ...(isLast
          ? { 'fan.open': { $size: left.length } }
          : fan.planned
            ? { [`fan.open.${left.length}`]: { $exists: true } }
            : {}),
      }
      const update = {
        $pull: { 'fan.open': { c: { $in: numbers } } },
        $inc: { ...sumOf(left), 'fan.done_chunks': left.length },
        ...(isLast ? { $set: { 'fan.done_at': at }, $unset: { sweep_at: '' } } : {}),
      }
      const { matchedCount } = await posts.updateOne(filter as object, update as object)
      if (matchedCount === 1) return { recorded: left, isLast }
    }
  }

  return {
    async find(postIds) {
      return (await read(postIds)).map(toFanout)
    },
    async plan({ postId, round, plannedChunks }, upTo, finished) {
      const [post] = await read([postId])
      if (post === undefined || upTo.length === 0) return false
      const { fan } = post
      if (fan.round !== round || fan.planned_chunks !== plannedChunks) return false
      const chunks = upTo.map((end, n) => chunkOf(plannedChunks + n, n === 0 ? fan.planned_up_to : upTo[n - 1], end))
      const last = upTo.at(-1)
      const filter = {
        _id: postId,
        ...{ 'fan.round': round, 'fan.planned_chunks': plannedChunks, 'fan.planned': false },
        'fan.done_at': { $exists: false },
      }
      const { matchedCount } = await posts.updateOne(filter, {
        $push: { 'fan.open': { $each: chunks } },
        $inc: { 'fan.planned_chunks': upTo.length },
        $set: { 'fan.planned': finished, ...(last === undefined ? {} : { 'fan.planned_up_to': last }) },
        ...(last === undefined ? { $unset: { 'fan.planned_up_to': '' } } : {}),
      } as object)
      return matchedCount === 1
    },
    async finishWhole(items: readonly WholeDone[], at) {
      if (items.length === 0) return []
      const by = randomUUID()
      const updates = items.map((item): AnyBulkWriteOperation<PostDoc> => {
        const filter = { _id: item.postId, 'fan.round': item.round, 'fan.planned_chunks': 0 }
        const done = {
          'fan.planned_chunks': 1,
          'fan.planned': true,
          'fan.done_chunks': 1,
          'fan.done_at': at,
          'fan.by': by,
        }
        const update = { $set: { ...done, ...sumOf([item]) }, $unset: { sweep_at: '' } }
        return { updateOne: { filter: { ...filter, 'fan.done_at': { $exists: false } }, update: update as object } }
      })
      await posts.bulkWrite(updates, { ordered: false })
      const recorded = await changedBy(
        by,
        items.map((item) => item.postId),
      )
      return items.map((item) => recorded.has(item.postId))
    },
    async chunks(refs) {
      const found = new Map((await read([...new Set(refs.map((ref) => ref.postId))])).map((post) => [post._id, post]))
      return refs.flatMap(({ postId, chunk }) => {
        const post = found.get(postId)
        const open = post?.fan.open.find(({ c }) => c === chunk)
        if (post === undefined || open === undefined) return []
        const { user_id: authorId, timestamp, fan } = post
        return [{ postId, chunk, authorId, timestamp, round: fan.round, after: open.after, upTo: open.up_to }]
      })
    },
    async openChunks(postId) {
      const [post] = await read([postId])
      return (post?.fan.open ?? []).map(({ c }) => c).sort((a, b) => a - b)
    },
    async finishChunks(items, at) {
      const byPost = new Map<bigint, ChunkDone[]>()
      for (const item of items) byPost.set(item.postId, [...(byPost.get(item.postId) ?? []), item])
      const recorded = new Map<ChunkDone, boolean>()
      const postIds = [...byPost.keys()]
      for (let from = 0; from < postIds.length; from += POSTS_AT_ONCE) {
        const some = postIds.slice(from, from + POSTS_AT_ONCE)
        const done = await Promise.all(some.map((postId) => finishOf(postId, byPost.get(postId)!, at)))
        for (const one of done) for (const item of one?.recorded ?? []) recorded.set(item, one!.isLast)
      }
      return items.map((item) => ({ recorded: recorded.has(item), postDone: recorded.get(item) ?? false }))
    },
    async enqueued(postIds, lookAgainAt) {
      const earlier = { _id: { $in: [...postIds] }, sweep_at: { $lt: lookAgainAt } }
      await posts.updateMany(earlier, { $set: { sweep_at: lookAgainAt } })
    },
    async claimPending(now, firstWaitMs, limit) {
      const due = await posts
        .find({ sweep_at: { $lte: now } }, { projection: { sweep_at: 1, 'fan.sweeps': 1 } })
        .sort({ sweep_at: 1, _id: 1 })
        .limit(limit)
        .toArray()
      if (due.length === 0) return []
      const by = randomUUID()
      const updates = due.map(({ _id, sweep_at, fan }): AnyBulkWriteOperation<PostDoc> => {
        const sweeps = fan?.sweeps ?? 0
        const waitMs = Math.min(firstWaitMs * 2 ** (Math.min(sweeps, 20) + 1), SWEEP_MS_MAX)
        const next = { sweep_at: new Date(now.getTime() + waitMs), 'fan.sweeps': sweeps + 1, 'fan.by': by }
        return { updateOne: { filter: { _id, sweep_at: sweep_at! }, update: { $set: next } as object } }
      })
      await posts.bulkWrite(updates, { ordered: false })
      const ids = due.map((post) => post._id)
      const claimed = await changedBy(by, ids)
      return ids.filter((postId) => claimed.has(postId))
    },
    async pending(postIds) {
      if (postIds.length === 0) return []
      const query = { _id: { $in: [...postIds] }, sweep_at: { $exists: true } }
      return (await posts.find(query, { projection: { _id: 1 } }).toArray()).map((post) => post._id)
    },
    async backlog(max) {
      // The smallest id is the oldest post, near enough.
      const [open] = await posts
        .aggregate<{ posts: number; least: bigint }>([
          { $match: { sweep_at: { $gt: new Date(0) } } },
          { $limit: max },
          { $group: { _id: null, posts: { $sum: 1 }, least: { $min: '$_id' } } },
        ])
        .toArray()
      if (open === undefined) return { posts: 0, oldest: undefined }
      const oldest = await posts.findOne({ _id: BigInt(open.least) }, { projection: { timestamp: 1 } })
      return { posts: Number(open.posts), oldest: oldest?.timestamp }
    },
    async state(postId) {
      const [post] = await read([postId])
      if (post === undefined) return undefined
      const { mode, fan } = post
      const counts = { delivered: fan.delivered, duplicate: fan.duplicate, inactive: fan.inactive }
      return {
        mode,
        ...counts,
        followersScanned: fan.delivered + fan.duplicate + fan.inactive,
        plannedChunks: fan.planned_chunks,
        planned: fan.planned,
        doneChunks: fan.done_chunks,
        doneAt: fan.done_at,
      }
    },
    async incarnation() {
      const found = await incarnation.findOne({ _id: 'timelines' })
      return found === null ? undefined : { value: found.value, confirmedAt: found.confirmed_at }
    },
    async confirm(value, at) {
      await incarnation.updateOne({ _id: 'timelines' }, { $set: { value, confirmed_at: at } }, { upsert: true })
    },
    async reopen(doneSince, at) {
      const begun = { done_chunks: 0, planned_chunks: 0, delivered: 0, duplicate: 0, inactive: 0, sweeps: 0 }
      const fields = Object.fromEntries(Object.entries(begun).map(([name, none]) => [`fan.${name}`, none]))
      const update = {
        $inc: { 'fan.round': 1 },
        $set: { ...fields, 'fan.planned': false, 'fan.open': [], sweep_at: at },
        $unset: { 'fan.planned_up_to': '', 'fan.done_at': '' },
      } as object
      // Those that are not done first: a post that gets done in between is then among the others.
      const pending = await posts.updateMany({ sweep_at: { $gt: new Date(0) } }, update)
      const done = await posts.updateMany({ 'fan.done_at': { $gte: doneSince } }, update)
      return pending.modifiedCount + done.modifiedCount
    },
  }
}
