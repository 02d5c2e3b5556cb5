import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, systemClock } from '../core/clock.ts'

/**
 * The system's clock, which can be set back for what one caller does: inside `at` it stands still at a moment, so that
 * the real commands write a past. Everybody else, background work included, sees the present.
 */
export interface DemoClock extends Clock {
  at<T>(timestampMs: number, work: () => Promise<T>): Promise<T>
}

/** `present` is the clock outside of `at`; the system's unless given. */
export function createDemoClock(present: Clock = systemClock): DemoClock {
  const moment = new AsyncLocalStorage<number>()
  return {
    now: () => moment.getStore() ?? present.now(),
    sleep: (ms, signal) => present.sleep(ms, signal),
    past: () => moment.getStore(),
    at: (timestampMs, work) => moment.run(timestampMs, work),
  }
}
