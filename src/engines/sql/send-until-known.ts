import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import { backoffMs, failureKind } from '../../core/retry.ts'

const BACKOFF = { firstMs: 20, maxMs: 1_000 }

/**
 * Sends a statement until it is known what came of it: again while the database can't be reached, for as long as a command
 * may take. When an answer got lost on the way, the statement may have been carried out or not. Sending it again must not
 * be able to do it twice (what it needs is gone then); `landed` tells afterwards what of it is there, whoever sent it.
 */
export async function sendUntilKnown<Outcome>(
  clock: Clock,
  send: () => Promise<Outcome>,
  landed: (outcome: Outcome) => Promise<Outcome>,
): Promise<Outcome> {
  const deadline = clock.now() + LIMITS.commandMsMax
  let inDoubt = false
  for (let attempt = 1; ; attempt++) {
    try {
      const outcome = await send()
      return inDoubt ? await landed(outcome) : outcome
    } catch (error) {
      const failure = failureKind(error)
      if ((failure !== 'ambiguous' && failure !== 'unreachable') || clock.now() >= deadline) throw error
      inDoubt ||= failure === 'ambiguous'
      await clock.sleep(backoffMs(attempt, BACKOFF))
    }
  }
}
