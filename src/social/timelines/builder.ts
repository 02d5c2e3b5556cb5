import { createBatcher } from '../../core/batcher.ts'
import { messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { SocialDeps } from '../deps.ts'
import { authorsOf, newestOf } from './sources.ts'

/** A build is refused when the user followed somebody meanwhile, or another process built too. */
const TRIES = 3

/**
 * Builds timelines from their sources: the follows and the posts. It is begun first and the sources are read then, while
 * the fan-out appends already: what was published before is in the sources, and what is published later arrives.
 */
export function createTimelineBuilder(
  { users, follows, posts, timelines, clock, logger }: SocialDeps,
  entries: number = LIMITS.timelineEntriesKept,
) {
  const underWay = new Map<string, Promise<void>>()

  /** One build of a timeline after the other: each that begins makes the one before it fail. */
  function inTurn(userId: string, work: () => Promise<void>): Promise<void> {
    const turn = (underWay.get(userId) ?? Promise.resolve()).then(work)
    const settled = turn
      .catch(() => undefined)
      .finally(() => {
        if (underWay.get(userId) === settled) underWay.delete(userId)
      })
    underWay.set(userId, settled)
    return turn
  }

  /** Leaves it to the next read when others, such as another process that builds, kept changing the timeline. */
  async function build(userId: string, isWanted: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < TRIES && (await isWanted()); tries++) {
      // Whoever asks, who does not exist gets none: nobody would drop it again.
      if ((await users.find([userId])).length === 0) return
      const token = await timelines.begin(userId)
      const authors = await authorsOf(follows, userId)
      const postIds = await newestOf(posts, clock, authors, undefined, entries + 1)
      const floor = postIds[entries] ?? 0n
      if (await timelines.install(userId, token, postIds.slice(0, entries), floor)) return
    }
  }

  const isNotReady = async (userId: string) => (await timelines.marks([userId])).size === 0

  const building = createBatcher<string, undefined>({
    maxItems: 1,
    concurrency: LIMITS.timelineBuildsMax,
    run: async (userIds) => {
      for (const userId of userIds) await build(userId, () => isNotReady(userId))
      return userIds.map(() => ({ ok: true, value: undefined }))
    },
  })

  return {
    /** Builds it anew, whatever is there. */
    rebuild: (userId: string): Promise<void> => inTurn(userId, () => build(userId, async () => true)),
    /** Builds it soon, if it is not there by then; readers are served from the sources until then. */
    request(userId: string): void {
      // After a loss many ask at once; those who are not served now ask again with their next page.
      if (underWay.has(userId) || underWay.size >= LIMITS.batchWaitingMax) return
      const work = async () => {
        await building.add(userId)
      }
      inTurn(userId, work).catch((error: unknown) => {
        logger.warn({ err: error }, `a timeline is built later: ${messageOf(error)}`)
      })
    },
    async drain(): Promise<void> {
      await Promise.all(underWay.values())
    },
  }
}

export type TimelineBuilder = ReturnType<typeof createTimelineBuilder>
