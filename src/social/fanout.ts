import { createBatcher } from '../core/batcher.ts'
import { messageOf } from '../core/errors.ts'
import { parseId } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { GiveUp, type Lane, type Message, type OutgoingMessage } from '../queue/port.ts'
import type { SocialDeps } from './deps.ts'
import type { DeliveryCounts, Fanout } from './ports.ts'

/**
 * A post travels to the timelines of its author's followers through the queue.
 *
 * *Plan* message `{post_id}`: few followers are served at once; for many, the followers are cut into chunks of key
 * ranges, which are entered in the ledger and sent as *chunk* messages `{post_id, chunk}`. A giant is planned
 * {@link LIMITS.fanoutPlanChunks} chunks at a time, the next plan `{post_id, from}` waiting in line behind them.
 *
 * Every message may come twice, late, or while another worker has the same one: entries are unique, the ledger records
 * each chunk once, and of two planners one gets through. So a delivery is never lost and nothing is done too early.
 */
export const FANOUT_TOPIC = 'social.fanout'

/** Of the timelines that get an entry, one in so many is trimmed: so each is about as often as it grows by as many. */
const TRIM_ONE_IN = 64

export interface FanoutOptions {
  /** Followers of one chunk; {@link LIMITS.fanoutChunkFollowers} unless a test says otherwise. */
  readonly chunkFollowers?: number
  readonly planChunks?: number
  readonly smallLaneFollowers?: number
  /** Entries a timeline keeps. */
  readonly timelineEntries?: number
  readonly random?: () => number
}

export function createFanout(deps: SocialDeps, options: FanoutOptions = {}) {
  const { posts, follows, timelines, queue, clock, metrics, logger } = deps
  const { ledger } = posts
  const chunkFollowers = options.chunkFollowers ?? LIMITS.fanoutChunkFollowers
  const planChunks = options.planChunks ?? LIMITS.fanoutPlanChunks
  const smallChunks = Math.ceil((options.smallLaneFollowers ?? LIMITS.fanoutSmallLaneFollowers) / chunkFollowers)
  const timelineEntries = options.timelineEntries ?? LIMITS.timelineEntriesMax
  const random = options.random ?? Math.random

  const messageFor = (postId: bigint, lane: Lane, more: { chunk?: number; from?: number } = {}): OutgoingMessage => ({
    topic: FANOUT_TOPIC,
    key: postId.toString(),
    payload: { post_id: postId.toString(), ...more },
    lane,
  })

  // Not waited for: a post that is looked at too early is enqueued twice, which does no harm.
  const marking = createBatcher<bigint, undefined>({
    run: async (postIds) => {
      await ledger.enqueued(postIds, new Date(clock.now() + LIMITS.fanoutLostMs))
      return postIds.map(() => ({ ok: true, value: undefined }))
    },
  })

  async function enqueue(postIds: readonly bigint[]): Promise<void> {
    await queue.publish(postIds.map((postId) => messageFor(postId, 'small')))
    for (const postId of postIds) {
      marking.add(postId).catch((error: unknown) => logger.debug({ err: error }, 'a post was not marked as enqueued'))
    }
  }

  async function deliver(postId: bigint, followerIds: readonly string[]): Promise<DeliveryCounts> {
    const delivered = await timelines.append(postId, followerIds)
    const sample = followerIds.filter(() => random() < 1 / TRIM_ONE_IN)
    if (sample.length > 0) await timelines.trim(sample, timelineEntries)
    metrics.fanoutDeliveries.inc(delivered)
    return { delivered, duplicate: followerIds.length - delivered, inactive: 0 }
  }

  function observeDone(timestamp: Date): void {
    metrics.fanoutStalenessSeconds.observe(Math.max(0, clock.now() - timestamp.getTime()) / 1_000)
  }

  /** One read for most authors: all their followers, or `undefined` when they are more than a chunk. */
  async function allFollowers(authorId: string): Promise<string[] | undefined> {
    const items = await follows.followers(authorId, undefined, chunkFollowers + 1)
    return items.length > chunkFollowers ? undefined : items.map((item) => item.userId)
  }

  async function handlePlan(postId: bigint, from: number | undefined): Promise<void> {
    const fanout = await ledger.find(postId)
    if (fanout === undefined || fanout.done) return
    if (from !== undefined) {
      // The next plan of a giant, unless somebody has made it already.
      if (fanout.plannedChunks === from && !fanout.planned) await planMore(fanout)
      return
    }
    if (fanout.plannedChunks === 0) {
      const followerIds = await allFollowers(fanout.authorId)
      // Publishing did this already unless it was cut short.
      await timelines.append(postId, [fanout.authorId])
      if (followerIds !== undefined) {
        const counts = await deliver(postId, followerIds)
        if (await ledger.finishWhole(postId, counts, new Date(clock.now()))) observeDone(fanout.timestamp)
        return
      }
    } else {
      // This plan came before: whatever of its chunks is not done may have been lost on the way.
      const open = await ledger.openChunks(postId)
      await queue.publish(open.map((chunk) => messageFor(postId, 'bulk', { chunk })))
    }
    if (!fanout.planned) await planMore(fanout)
  }

  async function planMore(fanout: Fanout): Promise<void> {
    const { postId, authorId, plannedChunks, plannedUpTo } = fanout
    const cuts = await follows.followerCuts(authorId, plannedUpTo, chunkFollowers, planChunks)
    const finished = cuts.length < planChunks
    const upTo = finished ? [...cuts, undefined] : cuts
    // Another planner was faster: it sends the chunks.
    if (!(await ledger.plan(postId, plannedChunks, upTo, finished))) return
    const lane: Lane = plannedChunks === 0 && finished && upTo.length <= smallChunks ? 'small' : 'bulk'
    const messages = upTo.map((_, index) => messageFor(postId, lane, { chunk: plannedChunks + index }))
    const next = messageFor(postId, 'bulk', { from: plannedChunks + upTo.length })
    await queue.publish(finished ? messages : [...messages, next])
  }

  async function handleChunk(postId: bigint, number: number): Promise<void> {
    const chunk = await ledger.chunk(postId, number)
    if (chunk === undefined || chunk.done) return
    const total = { delivered: 0, duplicate: 0, inactive: 0 }
    for (let after = chunk.after; ; ) {
      const items = await follows.followers(chunk.authorId, after, chunkFollowers, chunk.upTo)
      const counts = await deliver(
        postId,
        items.map((item) => item.userId),
      )
      total.delivered += counts.delivered
      total.duplicate += counts.duplicate
      after = items.at(-1)?.userId
      if (items.length < chunkFollowers || after === chunk.upTo) break
    }
    const { postDone } = await ledger.finishChunk(postId, number, total, new Date(clock.now()))
    if (!postDone) return
    const [post] = await posts.find([postId])
    if (post !== undefined) observeDone(post.timestamp)
  }

  return {
    /** Sends new posts on their way. What fails here is taken up by the sweeper: the posts are marked pending. */
    async enqueue(postIds: readonly bigint[]): Promise<void> {
      try {
        await enqueue(postIds)
      } catch (error) {
        logger.warn({ err: error, posts: postIds.length }, `the fan-out starts later: ${messageOf(error)}`)
      }
    },
    async handle(message: Pick<Message, 'payload'>): Promise<void> {
      const { post_id, chunk, from } = message.payload
      const postId = typeof post_id === 'string' ? parseId(post_id) : undefined
      if (postId === undefined) throw new GiveUp('the message names no post')
      return chunk === undefined ? handlePlan(postId, numberOf(from)) : handleChunk(postId, numberOf(chunk) ?? 0)
    },
    /** Enqueues again what has been pending for too long; answers how many posts. */
    async sweep(limit: number): Promise<number> {
      const postIds = await ledger.claimPending(new Date(clock.now()), LIMITS.fanoutPendingMs, limit)
      if (postIds.length > 0) await enqueue(postIds)
      return postIds.length
    },
    drain: () => marking.drain(),
  }
}

function numberOf(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new GiveUp('the message is not one of ours')
  return value
}

export type FanoutService = ReturnType<typeof createFanout>
