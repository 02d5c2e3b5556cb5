import { type Closable, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { SocialDeps } from './deps.ts'
import { FANOUT_TOPIC, type FanoutService } from './fanout/fanout.ts'
import type { Repair } from './fanout/repair.ts'
import type { Backfill } from './timelines/backfill.ts'
import type { Users } from './users.ts'

/** Messages under way at the same time: they share queries, and the more they are the fewer those. */
const CONCURRENCY = 24
/** Chunks of large authors: enough to keep the timelines' store busy, few enough for others to get in between. */
const BULK_CONCURRENCY = 6
const SWEEP_REST_MS = 1_000
const SWEEP_ITEMS = 500
const LEFTOVER_ROWS = 2_000
const BACKLOG_COUNTED = 10_000
const DAY_MS = 86_400_000

export interface Swept {
  readonly fanout: FanoutService
  readonly backfill: Backfill
  readonly users: Users
  readonly repair: Repair
}

/** One round of the sweeper: takes up what a crash left half-way. Answers true when there may be more at once. */
export async function sweepSocial(deps: SocialDeps, { fanout, backfill, users, repair }: Swept): Promise<boolean> {
  const { posts, follows, timelines, metrics } = deps
  const now = deps.clock.now()
  const before = (ms: number) => new Date(now - ms)
  const chores = [
    () => repair.look(),
    async () => (await fanout.sweep(SWEEP_ITEMS)) === SWEEP_ITEMS,
    async () => (await backfill.resume(before(LIMITS.fanoutPendingMs), SWEEP_ITEMS)) === SWEEP_ITEMS,
    async () => (await posts.clearLeftovers(LEFTOVER_ROWS)) > 0,
    async () => (await users.finishErasures(before(LIMITS.eraseSettleMs), SWEEP_ITEMS)) === SWEEP_ITEMS,
    async () => (await follows.forgetBackfills(before(LIMITS.backfillKeptMs), SWEEP_ITEMS)) === SWEEP_ITEMS,
    async () => (await timelines.expire(before(LIMITS.timelineIdleDays * DAY_MS), SWEEP_ITEMS)) === SWEEP_ITEMS,
  ]
  // Some need no more than one of the stores: another that is away holds up only what needs it.
  const done: boolean[] = []
  const failures: unknown[] = []
  for (const chore of chores) {
    try {
      done.push(await chore())
    } catch (error) {
      failures.push(error)
    }
  }
  const backlog = await posts.ledger.backlog(BACKLOG_COUNTED)
  metrics.fanoutBacklog.set(backlog.posts)
  metrics.fanoutBacklogSeconds.set(Math.max(0, now - (backlog.oldest?.getTime() ?? now)) / 1_000)
  if (failures.length > 0) throw failures[0]
  return done.includes(true)
}

export interface SocialWorkerOptions {
  /** Messages under way at the same time, per lane; fewer on the bulk lane. */
  readonly concurrency?: number
}

/** Fan-out from the queue, and the sweeper. Any number of processes may run it. */
export function startSocialWorkers(
  deps: SocialDeps,
  fanout: FanoutService,
  sweep: () => Promise<boolean>,
  options: SocialWorkerOptions,
): Closable {
  const { concurrency = CONCURRENCY } = options
  const consumer = deps.queue.consume(FANOUT_TOPIC, (message) => fanout.handle(message), {
    concurrency,
    bulkConcurrency: Math.min(BULK_CONCURRENCY, concurrency),
  })
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
