import { LIMITS } from '../../core/limits.ts'
import type { SocialDeps } from '../deps.ts'

/** What a store says that loses nothing it has confirmed. */
const NEVER_LOSES = ''

/**
 * The timelines' store may forget the writes of its last second when it dies (Redis with `appendfsync everysec`, or a
 * failover to a replica). It then calls itself by another name, and whatever was delivered since it was last seen under
 * the old one, and a little before, is delivered again.
 */
export function createRepair({ posts: { ledger }, follows, timelines, clock, logger }: SocialDeps) {
  return {
    /** Looks at the name of the store; answers true when it was another one. */
    async look(): Promise<boolean> {
      const at = new Date(clock.now())
      const value = await timelines.incarnation()
      if (value === NEVER_LOSES) return false
      const known = await ledger.incarnation()
      const isLost = known !== undefined && known.value !== value
      if (isLost) {
        const since = new Date(known.confirmedAt.getTime() - LIMITS.timelineLossMs)
        const reopened = await ledger.reopen(since, at)
        const edges = await follows.reopenBackfills(since)
        logger.warn(
          { since: since.toISOString(), posts: reopened, follows: edges },
          `the timelines' store was restarted: ${reopened} posts and ${edges} follows are delivered again`,
        )
      }
      // Last, so that a crash in between repeats the work.
      await ledger.confirm(value, at)
      return isLost
    },
  }
}

export type Repair = ReturnType<typeof createRepair>
