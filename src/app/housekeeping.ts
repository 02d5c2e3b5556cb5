import { type Closable, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Base } from './base.ts'

const DAY_MS = 86_400_000
const REST_MS = 3_600_000
const KEYS_PER_STEP = 1_000

/** Forgets up to so many rows that have had their time; answers how many. */
export type Prune = (limit: number) => Promise<number>

/** Forgets idempotency keys that have outlived {@link LIMITS.idempotencyKeyDays}, in small steps, and what `prunes` forget. */
export function startHousekeeping(
  { engines, clock, logger }: Pick<Base, 'engines' | 'clock' | 'logger'>,
  prunes: readonly Prune[] = [],
): Closable {
  return startLoop({
    name: 'housekeeping',
    logger,
    async step() {
      const before = new Date(clock.now() - LIMITS.idempotencyKeyDays * DAY_MS)
      let most = 0
      for (const engine of engines) most = Math.max(most, (await engine.pruneKeys?.(before, KEYS_PER_STEP)) ?? 0)
      for (const prune of prunes) most = Math.max(most, await prune(KEYS_PER_STEP))
      return most < KEYS_PER_STEP ? REST_MS : 0
    },
  })
}
