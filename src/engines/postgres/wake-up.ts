import type { Clock } from '../../core/clock.ts'

/** Tells pollers of this process that there is something to find. A hint: polling finds it anyway. */
export interface WakeUp {
  wake(): void
  /** To be taken before looking; a wake between the look and the rest is then not missed. */
  ticket(): number
  /** Rests for `ms`, until somebody wakes, or until `signal` aborts; not at all when woken since the ticket. */
  rest(ticket: number, ms: number, signal: AbortSignal): Promise<void>
}

export function createWakeUp(clock: Clock): WakeUp {
  let wakes = 0
  const resting = new Set<AbortController>()
  return {
    wake() {
      wakes += 1
      for (const rest of resting) rest.abort()
    },
    ticket: () => wakes,
    async rest(ticket, ms, signal) {
      if (ticket !== wakes || signal.aborted) return
      const rest = new AbortController()
      const end = () => rest.abort()
      resting.add(rest)
      signal.addEventListener('abort', end, { once: true })
      await clock.sleep(ms, rest.signal)
      signal.removeEventListener('abort', end)
      resting.delete(rest)
    },
  }
}
