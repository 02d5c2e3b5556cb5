/** Milliseconds since the Unix epoch, and timers. Tests pass a clock that they move by hand. */
export interface Clock {
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /**
   * The moment of the past in which the caller acts, if this clock can be set back for one caller alone: ids that he
   * makes are of that moment, as those of an import are.
   */
  past?(): number | undefined
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}

export interface FakeClock extends Clock {
  /** Moves time forward and wakes every sleeper that is due. */
  advance(ms: number): Promise<void>
}

/** A clock that stands still until told to move. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startMs
  let sleepers: { at: number; wake: () => void }[] = []
  return {
    now: () => now,
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted || ms <= 0) return resolve()
        const wake = () => {
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        sleepers.push({ at: now + ms, wake })
        signal?.addEventListener('abort', wake, { once: true })
      })
    },
    async advance(ms) {
      const target = now + ms
      for (;;) {
        // What is under way may be on its way to sleep.
        await new Promise((resolve) => setImmediate(resolve))
        const next = sleepers.filter((s) => s.at <= target).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        now = Math.max(now, next.at)
        sleepers = sleepers.filter((s) => s !== next)
        next.wake()
      }
      now = target
    },
  }
}
