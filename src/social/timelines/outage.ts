import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Metrics } from '../../core/metrics.ts'
import { isTransient } from '../../core/retry.ts'

/**
 * The timelines' store may be away while all the others are there. What can be had without it is, and what it misses is
 * made up for by the sweeper. Who asks it while it hangs waits for seconds, so that after a failure one caller at a time
 * tries, {@link LIMITS.timelineAwayMs} after the last, and the others do without it at once.
 */
export function createOutage({ clock, logger, metrics }: { clock: Clock; logger: Logger; metrics: Metrics }) {
  let isAway = false
  let isTrying = false
  let tryAt = Number.NEGATIVE_INFINITY

  function failed(error: unknown): void {
    if (!isAway) logger.warn({ err: error }, `the timelines' store is away: ${messageOf(error)}`)
    isAway = true
    tryAt = clock.now() + LIMITS.timelineAwayMs
  }

  function succeeded(): void {
    if (isAway) logger.info({}, "the timelines' store is back")
    isAway = false
  }

  return {
    /** What the store answers, or `away`. Throws what trying again would not change. */
    async ask<Answer>(work: () => Promise<Answer>): Promise<Answer | 'away'> {
      const isTry = isAway
      if (isTry && (isTrying || clock.now() < tryAt)) {
        metrics.timelinesAway.inc()
        return 'away'
      }
      if (isTry) isTrying = true
      try {
        const answer = await work()
        succeeded()
        return answer
      } catch (error) {
        if (!isTransient(error)) throw error
        failed(error)
        metrics.timelinesAway.inc()
        return 'away'
      } finally {
        if (isTry) isTrying = false
      }
    },
  }
}

export type Outage = ReturnType<typeof createOutage>
