import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'

const REFUSE_MS = 1_000
/** The share of the room that may be filled before counting again; other processes fill it too. */
const SHARE = 8
const COUNT_AGAIN_MS = 60_000

/**
 * Refuses messages for a topic that holds too many. Counting is dear where many wait, so one count allows a share of
 * the room it found, and one that found none refuses for a second. The limit is held within that share.
 */
export function createDepthGuard(
  count: (topic: string, most: number) => Promise<number>,
  depthMax: number,
  clock: Clock,
): (messages: readonly { readonly topic: string }[]) => Promise<void> {
  interface Allowance {
    left: number
    until: number
    refusing: boolean
  }
  const allowances = new Map<string, Promise<Allowance>>()

  async function recount(topic: string): Promise<Allowance> {
    const room = depthMax - (await count(topic, depthMax))
    const refusing = room <= 0
    return { left: Math.ceil(room / SHARE), until: clock.now() + (refusing ? REFUSE_MS : COUNT_AGAIN_MS), refusing }
  }

  async function allowanceOf(topic: string): Promise<Allowance> {
    for (;;) {
      const known = allowances.get(topic)
      const allowance = await known
      if (allowance !== undefined && clock.now() < allowance.until && (allowance.refusing || allowance.left > 0)) {
        return allowance
      }
      // Whoever comes first counts for all that wait; a count that failed is not kept.
      if (allowances.get(topic) === known) {
        const counting = recount(topic)
        allowances.set(topic, counting)
        counting.catch(() => allowances.delete(topic))
      }
    }
  }

  return async (messages) => {
    const wanted = new Map<string, number>()
    for (const { topic } of messages) wanted.set(topic, (wanted.get(topic) ?? 0) + 1)
    for (const [topic, number] of wanted) {
      const allowance = await allowanceOf(topic)
      if (allowance.refusing) {
        throw new AppError('overloaded', `The queue ${topic} holds ${depthMax} messages; nothing was published`, {
          retryAfterMs: REFUSE_MS,
        })
      }
      allowance.left -= number
    }
  }
}
