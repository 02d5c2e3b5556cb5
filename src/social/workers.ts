import { type Closable, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Backfill } from './backfill.ts'
import type { SocialDeps } from './deps.ts'
import { FANOUT_TOPIC, type FanoutService } from './fanout.ts'
import type { Users } from './users.ts'

const SWEEP_REST_MS = 1_000
const SWEEP_ITEMS = 500
const LEFTOVER_ROWS = 2_000

/** One round of the sweeper: takes up what a crash left half-way. Answers true when there may be more at once. */
export async function sweepSocial(
  deps: SocialDeps,
  fanout: FanoutService,
  backfill: Backfill,
  users: Users,
): Promise<boolean> {
  const now = deps.clock.now()
  const before = (ms: number) => new Date(now - ms)
  const done = [
    (await fanout.sweep(SWEEP_ITEMS)) === SWEEP_ITEMS,
    (await backfill.resume(before(LIMITS.fanoutPendingMs), SWEEP_ITEMS)) === SWEEP_ITEMS,
    (await deps.posts.clearLeftovers(LEFTOVER_ROWS)) > 0,
    (await users.finishErasures(before(LIMITS.eraseSettleMs), SWEEP_ITEMS)) === SWEEP_ITEMS,
  ]
  return done.includes(true)
}

export interface SocialWorkerOptions {
  /** Messages under way at the same time, per lane. */
  readonly concurrency?: number
}

/** Fan-out from the queue, and the sweeper. Any number of processes may run it. */
export function startSocialWorkers(
  deps: SocialDeps,
  fanout: FanoutService,
  sweep: () => Promise<boolean>,
  options: SocialWorkerOptions,
): Closable {
  const consumer = deps.queue.consume(FANOUT_TOPIC, (message) => fanout.handle(message), options)
  const loop = startLoop({
    name: 'social sweeper',
    logger: deps.logger,
    step: async () => ((await sweep()) ? 0 : SWEEP_REST_MS),
  })
  return {
    async close() {
      await Promise.all([consumer.close(), loop.close()])
    },
  }
}
