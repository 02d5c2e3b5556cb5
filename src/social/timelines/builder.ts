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
  { follows, posts, timelines, clock, logger }: SocialDeps,
  entries: number = LIMITS.timelineEntriesKept,
) {
  const underWay = new Map<string, Promise<void>>()

  /** False when others kept changing the timeline; then the next read tries again. */
  async function build(userId: string): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      const token = await timelines.begin(userId)
      const authors = await authorsOf(follows, userId)
      const postIds = await newestOf(posts, clock, authors, undefined, entries + 1)
      const floor = postIds[entries] ?? 0n
      if (await timelines.install(userId, token, postIds.slice(0, entries), floor)) return true
    }
    return false
  }

  const building = createBatcher<string, undefined>({
    maxItems: 1,
    concurrency: LIMITS.timelineBuildsMax,
    run: async (userIds) => {
      for (const userId of userIds) await build(userId)
      return userIds.map(() => ({ ok: true, value: undefined }))
    },
  })

  return {
    build,
    /** Builds it soon; readers are served from the sources until then. Each timeline once at a time. */
    request(userId: string): void {
      // After a loss many ask at once; those who are not served now ask again with their next page.
      if (underWay.has(userId) || underWay.size >= LIMITS.batchWaitingMax) return
      const work = building
        .add(userId)
        .catch((error: unknown) => {
          logger.warn({ err: error }, `a timeline is built later: ${messageOf(error)}`)
        })
        .finally(() => underWay.delete(userId))
      underWay.set(userId, work)
    },
    async drain(): Promise<void> {
      await Promise.all(underWay.values())
    },
  }
}

export type TimelineBuilder = ReturnType<typeof createTimelineBuilder>
