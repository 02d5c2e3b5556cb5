import { messageOf } from '../../core/errors.ts'
import { parseId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import { GiveUp, type Lane, type Message, type OutgoingMessage } from '../../queue/port.ts'
import type { SocialDeps } from '../deps.ts'
import { postIdOf, postNotFound } from '../documents.ts'
import type { DeliveryCounts, Fanout } from '../ports.ts'
import type { Fanout as FanoutDocument } from '../schemas.ts'
import { toFanoutDocument } from './document.ts'
import { createFanoutRecords } from './records.ts'

/**
 * A post travels to the timelines of its author's followers through the queue.
 *
 * *Plan* message `{post_id}`: few followers are served at once; for many, the followers are cut into chunks of key
 * ranges, which are entered in the ledger and sent as *chunk* messages `{post_id, chunk}`. A giant is planned
 * {@link LIMITS.fanoutPlanChunks} chunks at a time, the next plan `{post_id, from}` waiting in line behind them: its
 * credit on the bulk lane. Pull posts are not delivered at all, except to their author.
 *
 * Every message may come twice, late, or while another worker has the same one: entries are unique, the ledger records
 * each chunk once, and of two planners one gets through. So a delivery is never lost and nothing is done too early.
 */
export const FANOUT_TOPIC = 'social.fanout'

export interface FanoutOptions {
  /** Followers of one chunk; {@link LIMITS.fanoutChunkFollowers} unless a test says otherwise. */
  readonly chunkFollowers?: number
  readonly planChunks?: number
  readonly smallLaneFollowers?: number
}

const NONE: DeliveryCounts = { delivered: 0, duplicate: 0, inactive: 0 }

interface PlanMessage {
  /** Chunks that are planned already. */
  readonly from: number | undefined
  readonly author: boolean
  readonly isRepeated: boolean
}

interface Details {
  readonly chunk?: number
  readonly from?: number
  /** The author's own timeline may lack the post too. */
  readonly author?: true
}

export function createFanout(deps: SocialDeps, options: FanoutOptions = {}) {
  const { posts, follows, timelines, queue, clock, metrics, logger } = deps
  const { ledger } = posts
  const chunkFollowers = options.chunkFollowers ?? LIMITS.fanoutChunkFollowers
  const planChunks = options.planChunks ?? LIMITS.fanoutPlanChunks
  const smallChunks = Math.ceil((options.smallLaneFollowers ?? LIMITS.fanoutSmallLaneFollowers) / chunkFollowers)
  /** Of a whole plan of a few chunks the small one; a giant's first plan is never whole. */
  const laneOf = (chunks: number, planned: boolean): Lane => (planned && chunks <= smallChunks ? 'small' : 'bulk')
  // One more than a chunk tells whether there are more.
  const records = createFanoutRecords(deps, clock, chunkFollowers + 1)

  const messageFor = (postId: bigint, lane: Lane, details: Details = {}): OutgoingMessage => ({
    topic: FANOUT_TOPIC,
    key: postId.toString(),
    payload: { post_id: postId.toString(), ...details },
    lane,
  })

  // A post that is done by then needs no mark, and one without a mark is enqueued twice at worst.
  const unmarked = new Set<bigint>()
  const stop = new AbortController()
  let marking: Promise<void> | undefined

  async function markAsEnqueued(): Promise<void> {
    await clock.sleep(LIMITS.fanoutPendingMs / 2, stop.signal)
    const postIds = [...unmarked]
    unmarked.clear()
    await ledger.enqueued(postIds, new Date(clock.now() + LIMITS.fanoutLostMs))
  }

  async function enqueue(postIds: readonly bigint[], details: Details): Promise<void> {
    await queue.publish(postIds.map((postId) => messageFor(postId, 'small', details)))
    for (const postId of postIds) unmarked.add(postId)
    marking ??= markAsEnqueued()
      .catch((error: unknown) => logger.debug({ err: error }, 'posts were not marked as enqueued'))
      .finally(() => {
        marking = undefined
      })
  }

  async function deliver(postId: bigint, followerIds: readonly string[]): Promise<DeliveryCounts> {
    if (followerIds.length === 0) return NONE
    const counts = await timelines.append(postId, followerIds)
    metrics.fanoutDeliveries.inc(counts.delivered)
    return counts
  }

  function observeDone(timestamp: Date): void {
    metrics.fanoutStalenessSeconds.observe(Math.max(0, clock.now() - timestamp.getTime()) / 1_000)
  }

  async function finishWhole({ postId, round, timestamp }: Fanout, counts: DeliveryCounts): Promise<void> {
    if (await records.finishWhole({ postId, round, ...counts })) observeDone(timestamp)
  }

  async function handlePlan(postId: bigint, { from, author, isRepeated }: PlanMessage): Promise<void> {
    const fanout = await records.find(postId)
    if (fanout === undefined || fanout.done) return
    if (from !== undefined) {
      // The next plan of a giant, unless somebody has made it already.
      if (fanout.plannedChunks === from && !fanout.planned) await planMore(fanout)
      else if (isRepeated) await sendAgain(fanout)
      return
    }
    // In a later round the author's own timeline has lost its last writes too.
    if (author || fanout.round > 0) await timelines.append(postId, [fanout.authorId])
    if (fanout.mode === 'pull') {
      await finishWhole(fanout, NONE)
      return
    }
    if (fanout.plannedChunks === 0) {
      const followerIds = await records.followerIds({ userId: fanout.authorId, leftSince: fanout.timestamp })
      if (followerIds.length <= chunkFollowers) {
        await finishWhole(fanout, await deliver(postId, followerIds))
        return
      }
    } else {
      // This plan came before.
      await sendChunksAgain(postId)
    }
    if (!fanout.planned) await planMore(fanout)
  }

  /** Whatever of the chunks is not done may have been lost on the way. */
  async function sendChunksAgain(postId: bigint): Promise<void> {
    const open = await ledger.openChunks(postId)
    await queue.publish(open.map((chunk) => messageFor(postId, 'bulk', { chunk })))
  }

  /** Whoever had the message before may have died between writing the plan and sending what comes of it. */
  async function sendAgain({ postId, plannedChunks, planned }: Fanout): Promise<void> {
    await sendChunksAgain(postId)
    if (!planned) await queue.publish([messageFor(postId, 'bulk', { from: plannedChunks })])
  }

  async function planMore(fanout: Fanout): Promise<void> {
    const { postId, authorId, plannedChunks, plannedUpTo } = fanout
    const cuts = await follows.followerCuts(authorId, plannedUpTo, chunkFollowers, planChunks)
    const finished = cuts.length < planChunks
    const upTo = finished ? [...cuts, undefined] : cuts
    // Another planner was faster: it sends the chunks.
    if (!(await ledger.plan(fanout, upTo, finished))) return
    const lane = laneOf(plannedChunks + upTo.length, finished)
    const messages = upTo.map((_, index) => messageFor(postId, lane, { chunk: plannedChunks + index }))
    const next = messageFor(postId, 'bulk', { from: plannedChunks + upTo.length })
    await queue.publish(finished ? messages : [...messages, next])
  }

  async function handleChunk(postId: bigint, number: number): Promise<void> {
    const chunk = await records.chunk(postId, number)
    if (chunk === undefined) return
    // Whoever left while the post was on its way, with the past kept, is owed it.
    const range = { userId: chunk.authorId, upTo: chunk.upTo, leftSince: chunk.timestamp }
    let total = NONE
    for (let { after } = chunk; ; ) {
      const followerIds = await records.followerIds({ ...range, after })
      const counts = await deliver(postId, followerIds)
      total = {
        delivered: total.delivered + counts.delivered,
        duplicate: total.duplicate + counts.duplicate,
        inactive: total.inactive + counts.inactive,
      }
      if (followerIds.length <= chunkFollowers) break
      after = followerIds.at(-1)
    }
    const { postDone } = await records.finishChunk({ postId, chunk: number, round: chunk.round, ...total })
    if (postDone) observeDone(chunk.timestamp)
  }

  return {
    /**
     * Sends new posts on their way. What fails here is taken up by the sweeper: the posts are marked pending.
     * `missedByAuthor`: their own authors' timelines lack them.
     */
    async enqueue(postIds: readonly bigint[], missedByAuthor: boolean): Promise<void> {
      try {
        await enqueue(postIds, missedByAuthor ? { author: true } : {})
      } catch (error) {
        logger.warn({ err: error, posts: postIds.length }, `the fan-out starts later: ${messageOf(error)}`)
      }
    },
    async handle(message: Pick<Message, 'payload'> & Partial<Pick<Message, 'attempt'>>): Promise<void> {
      const { post_id, chunk, from, author } = message.payload
      const postId = typeof post_id === 'string' ? parseId(post_id) : undefined
      if (postId === undefined) throw new GiveUp('the message names no post')
      if (chunk !== undefined) await handleChunk(postId, numberOf(chunk))
      else {
        await handlePlan(postId, {
          from: from === undefined ? undefined : numberOf(from),
          author: author === true,
          isRepeated: (message.attempt ?? 1) > 1,
        })
      }
    },
    /** How far the fan-out of a post is; throws `post_not_found`. */
    async progress(postId: string): Promise<FanoutDocument> {
      const id = postIdOf(postId)
      const [[post], state] = await Promise.all([posts.find([id]), ledger.state(id)])
      if (post === undefined || state === undefined) throw postNotFound(postId)
      return toFanoutDocument(post, state, laneOf)
    },
    /** Enqueues again what has been pending for too long; answers how many posts. */
    async sweep(limit: number): Promise<number> {
      const postIds = await ledger.claimPending(new Date(clock.now()), LIMITS.fanoutPendingMs, limit)
      // Publishing may have been cut short before the author's own timeline had it.
      if (postIds.length > 0) await enqueue(postIds, { author: true })
      return postIds.length
    },
    async drain(): Promise<void> {
      stop.abort()
      await marking
    },
  }
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new GiveUp('the message is not one of ours')
  return value
}

export type FanoutService = ReturnType<typeof createFanout>
