import { randomBytes } from 'node:crypto'
import type { AnyBulkWriteOperation, Collection } from 'mongodb'
import { type Clock, systemClock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import { retry } from '../../core/retry.ts'
import { isNetworkFailure } from './client.ts'
import { projectNotices } from './notice-copies.ts'
import { ALIVE, type Collections, type CountedRow, DAY_MS, type PostDoc } from './schema.ts'

/*
 * Likes, comments and reposts are documents of their own; their numbers are in the post. No transaction spans the two,
 * so a change goes through these steps, each of which changes one document at a time and may be repeated:
 *
 * 1. begin   the operation's id is added to `ops` of the post, which must not be deleted
 * 2. write   rows are written with the id as `op`: inserted, or marked as gone, but only those without an `op`
 * 3. count   the post's numbers change, and the id in `ops` gets a "+", in one update that wants the id without it
 * 4. settle  the rows lose their `op`, or go
 * 5. forget  the id leaves `ops`
 *
 * Whoever finds a row or post with an old operation takes it over ("recover"). With a "+", its rows are counted: 4 and
 * 5 are repeated. Without one, another id takes its place in `ops`, after which 3 can't happen under the old one any
 * more; its rows get the new id, and steps 3 to 5 follow under that. A row whose `op` its post does not know was never
 * counted (an id leaves `ops` after its rows are settled, or when it is replaced): such rows, which a slow process may
 * write long after it was taken for dead, get a new id in the same way. So every row is counted once, by exactly one
 * operation.
 */

export interface Counted {
  readonly kind: 'like' | 'comment' | 'repost'
  /** Begins the names of days, ends the ids of operations. */
  readonly letter: 'l' | 'c' | 'r'
  readonly count: 'like_count' | 'comment_count' | 'repost_count'
  readonly rows: Collection<CountedRow & { readonly _id: unknown }>
  /** The field of a row that names the post. */
  readonly post: 'post_id' | 'repost_of'
  readonly time: 'since' | 'timestamp'
  /** The field that marks a row as taken back. */
  readonly gone: 'gone' | 'deleted_at'
  /** Whether such a row goes when that is counted; else it stays as it is. */
  readonly removes: boolean
}

export type Kind = Counted['kind']

interface AnyRow extends CountedRow {
  readonly [field: string]: unknown
}

interface Change {
  n: number
  hasGone: boolean
  hasNew: boolean
  /** Of the author's notices, by day. */
  readonly days: Map<string, { n: number; at: Date | undefined }>
}

const FIRST_RETRY_MS = 2
const RETRY = { tries: 6, backoff: { firstMs: 50, maxMs: 1_000 }, retryable: isNetworkFailure }
const STALE_AT_ONCE = 100
const TRIES_MAX = 300

export interface Counting {
  newOp(kind: Kind): string
  /** Step 1; answers the authors of the posts that are there, all others take no change. */
  begin(postIds: readonly bigint[], op: string): Promise<Map<bigint, string>>
  /** Steps 3 to 5 for the posts that were begun; with the rows, if the caller has just read them. */
  finish(op: string, postIds: readonly bigint[], rows?: readonly CountedRow[]): Promise<void>
  /** Completes another's operation on a post. */
  recover(postId: bigint, op: string): Promise<void>
  /** Waits for an operation that holds a row, or completes it once it is old; to be called again and again. */
  waitFor(postId: bigint, op: string, attempt: number): Promise<void>
  /** What is not complete on these posts: operations that they know, and those that rows of theirs bear. */
  underWay(postIds: readonly bigint[]): Promise<ReadonlyMap<bigint, string>>
  /** Completes operations of processes that are no more; answers how many. */
  sweep(): Promise<number>
}

/** What a row done to a post says about its day and doer. */
export const rowOf = (userId: string, author: string | undefined, at: Date, op: string) => ({
  user_id: userId,
  day: Math.floor(at.getTime() / DAY_MS),
  ...(userId === author ? { own: true as const } : {}),
  op,
})

export function createCounting(collections: Collections, clock: Clock): Counting {
  const { posts } = collections
  const kinds: readonly Counted[] = [
    {
      ...{
        kind: 'like',
        letter: 'l',
        count: 'like_count',
        post: 'post_id',
        time: 'since',
        gone: 'gone',
        removes: true,
      },
      rows: collections.likes as never,
    },
    {
      ...{ kind: 'comment', letter: 'c', count: 'comment_count', post: 'post_id', time: 'since', gone: 'gone' },
      ...{ rows: collections.comments as never, removes: true },
    },
    {
      ...{
        kind: 'repost',
        letter: 'r',
        count: 'repost_count',
        post: 'repost_of',
        time: 'timestamp',
        gone: 'deleted_at',
      },
      ...{ rows: posts as never, removes: false },
    },
  ]
  const kindOf = (op: string) => kinds.find(({ letter }) => letter === op.at(-1))!
  const timeOf = (ms: number) => ms.toString(16).padStart(12, '0')
  const newOp = (kind: Kind) =>
    `${timeOf(clock.now())}-${randomBytes(8).toString('hex')}${kinds.find((each) => each.kind === kind)!.letter}`
  const isOld = (op: string) => op < timeOf(clock.now() - LIMITS.mongodbOperationMs)

  async function begin(postIds: readonly bigint[], op: string): Promise<Map<bigint, string>> {
    const [only] = postIds
    if (only === undefined) return new Map()
    const author = { projection: { user_id: 1 } } as const
    const push = { $push: { ops: op } } as object
    if (postIds.length === 1) {
      const post = await posts.findOneAndUpdate({ _id: only, ...ALIVE }, push, author)
      return new Map(post === null ? [] : [[only, post.user_id]])
    }
    await posts.updateMany({ _id: { $in: [...postIds] }, ...ALIVE }, push)
    const found = await posts.find({ _id: { $in: [...postIds] }, ops: op }, author).toArray()
    return new Map(found.map((post) => [post._id, post.user_id]))
  }

  async function rowsOf(op: string, postIds: readonly bigint[]): Promise<readonly AnyRow[]> {
    const { rows, post } = kindOf(op)
    const filter = { op, [post]: { $in: [...postIds] } } as object
    return (await rows.find(filter).toArray()) as unknown as AnyRow[]
  }

  /** What the rows of an operation change, by post. */
  function changesOf(op: string, rows: readonly AnyRow[]): Map<bigint, Change> {
    const { letter, post, time, gone } = kindOf(op)
    const changes = new Map<bigint, Change>()
    for (const row of rows) {
      const postId = row[post] as bigint
      const change = changes.get(postId) ?? { n: 0, hasGone: false, hasNew: false, days: new Map() }
      changes.set(postId, change)
      const isGone = row[gone] !== undefined
      if (isGone) change.hasGone = true
      else change.hasNew = true
      const by = isGone ? -1 : 1
      change.n += by
      if (row.own) continue
      const name = `${letter}${row.day}`
      const day = change.days.get(name) ?? { n: 0, at: undefined }
      change.days.set(name, day)
      day.n += by
      const at = row[time] as Date
      if (!isGone && (day.at === undefined || at > day.at)) day.at = at
    }
    return changes
  }

  function countOf(op: string, postId: bigint, change: Change): AnyBulkWriteOperation<PostDoc> {
    const increments: Record<string, number> = { [kindOf(op).count]: change.n }
    const latest: Record<string, Date> = {}
    for (const [name, day] of change.days) {
      increments[`days.${name}.n`] = day.n
      if (day.at !== undefined) latest[`days.${name}.at`] = day.at
    }
    if (change.days.size > 0) increments['revision'] = 1
    // An operator without a field is an error before MongoDB 5.
    const raised = Object.keys(latest).length === 0 ? {} : { $max: latest }
    const update = { $inc: increments, $set: { 'ops.$': `${op}+` }, ...raised }
    return { updateOne: { filter: { _id: postId, ops: op }, update: update as object } }
  }

  async function settle(op: string, postIds: readonly bigint[], has = { gone: true, new: true }): Promise<void> {
    const { rows, post, gone, removes } = kindOf(op)
    const ours = { op, [post]: { $in: [...postIds] } }
    if (removes && has.gone) await rows.deleteMany({ ...ours, [gone]: { $exists: true } } as object)
    if (!removes || has.new) await rows.updateMany(ours as object, { $unset: { op: '' } } as object)
  }

  const forget = (op: string, postIds: readonly bigint[]) =>
    posts.updateMany({ _id: { $in: [...postIds] } }, { $pull: { ops: { $in: [op, `${op}+`] } } } as object)

  async function complete(op: string, postIds: readonly bigint[], known?: readonly CountedRow[]): Promise<void> {
    if (postIds.length === 0) return
    const changes = changesOf(op, (known as readonly AnyRow[] | undefined) ?? (await rowsOf(op, postIds)))
    const changed = [...changes.keys()]
    let taken: bigint[] = []
    if (changed.length > 0) {
      const updates = changed.map((postId) => countOf(op, postId, changes.get(postId)!))
      const { matchedCount } = await posts.bulkWrite(updates, { ordered: false })
      if (matchedCount < changed.length) {
        const query = { _id: { $in: changed }, ops: `${op}+` }
        const counted = new Set((await posts.find(query, { projection: { _id: 1 } }).toArray()).map((post) => post._id))
        taken = changed.filter((postId) => !counted.has(postId))
      }
    }
    const ours = taken.length === 0 ? postIds : postIds.filter((postId) => !taken.includes(postId))
    const noticed = ours.filter((postId) => (changes.get(postId)?.days.size ?? 0) > 0)
    if (noticed.length > 0) {
      await projectNotices(collections, noticed, (postId) => [...(changes.get(postId)?.days.keys() ?? [])])
    }
    if (changed.length > 0 && ours.length > 0) {
      const all = [...changes.values()]
      await settle(op, ours, { gone: all.some((change) => change.hasGone), new: all.some((change) => change.hasNew) })
    }
    await forget(op, ours)
    for (const postId of taken) await recover(postId, op)
  }

  const finish: Counting['finish'] = (op, postIds, rows) =>
    // What a try before has done to the rows, the next one has to see.
    retry(RETRY, (attempt) => complete(op, postIds, attempt === 1 ? rows : undefined))

  async function recover(postId: bigint, op: string): Promise<void> {
    const { kind, rows, post: field, removes } = kindOf(op)
    const ours = { op, [field]: postId } as object
    for (;;) {
      const post = await posts.findOne({ _id: postId }, { projection: { ops: 1, deleted_at: 1, days: 1 } })
      if (post?.ops?.includes(`${op}+`)) {
        await projectNotices(collections, [postId], () => Object.keys(post.days ?? {}))
        await settle(op, [postId])
        await forget(op, [postId])
        return
      }
      if (post === null || post.deleted_at !== undefined) {
        // Nobody counts them any more.
        if (removes) await rows.deleteMany(ours)
        else await rows.updateMany(ours, { $unset: { op: '' } } as object)
        await forget(op, [postId])
        return
      }
      const next = newOp(kind)
      const { matchedCount } = post.ops?.includes(op)
        ? await posts.updateOne({ _id: postId, ...ALIVE, ops: op }, { $set: { 'ops.$': next } } as object)
        : await posts.updateOne({ _id: postId, ...ALIVE }, { $push: { ops: next } } as object)
      if (matchedCount === 0) continue
      await rows.updateMany(ours, { $set: { op: next } } as object)
      await finish(next, [postId])
      return
    }
  }

  async function staleRows({ rows, post }: Counted, before: string): Promise<[bigint, string][]> {
    const query = { op: { $lt: before } } as object
    const found = await rows.find(query, { projection: { op: 1, [post]: 1 }, limit: STALE_AT_ONCE }).toArray()
    return found.map((row) => [(row as unknown as AnyRow)[post] as bigint, row.op!])
  }

  return {
    newOp,
    begin,
    finish,
    recover,
    async waitFor(postId, op, attempt) {
      // Many tries are as good as age: the clock of its process may be ahead.
      if (isOld(op) || attempt > TRIES_MAX) return recover(postId, op)
      await systemClock.sleep(FIRST_RETRY_MS * 2 ** Math.min(attempt, 5) * (0.5 + Math.random()))
    },
    async underWay(postIds) {
      const begun = { _id: { $in: [...postIds] }, 'ops.0': { $exists: true } } as object
      const found = await posts.find(begun, { projection: { ops: 1 } }).toArray()
      const open = new Map(found.map((post) => [post._id, post.ops![0]!.replace('+', '')]))
      for (const { rows, post } of kinds) {
        const unsettled = { op: { $gt: '' }, [post]: { $in: [...postIds] } } as object
        const held = (await rows.find(unsettled, { projection: { op: 1, [post]: 1 } }).toArray()) as unknown as AnyRow[]
        for (const row of held) open.set(row[post] as bigint, row.op!)
      }
      return open
    },
    async sweep() {
      const before = timeOf(clock.now() - LIMITS.mongodbOperationMs)
      const projection = { projection: { ops: 1 }, limit: STALE_AT_ONCE }
      const begun = await posts.find({ ops: { $lt: before } }, projection).toArray()
      const stale = new Map<string, [bigint, string]>()
      const add = (postId: bigint, op: string) => stale.set(`${postId} ${op}`, [postId, op])
      for (const { _id, ops } of begun) for (const op of ops ?? []) if (isOld(op)) add(_id, op.replace('+', ''))
      for (const kind of kinds) for (const [postId, op] of await staleRows(kind, before)) add(postId, op)
      for (const [postId, op] of stale.values()) await recover(postId, op)
      return stale.size
    },
  }
}
