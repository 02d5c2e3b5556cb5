import type { Measured } from './bench.ts'

const WARM_UP_MS = 500

/**
 * `clients` callers, each sending its next operation when the one before is answered. A failing operation fails the
 * measurement: a fast error is no result.
 */
export async function closedLoop(
  clients: number,
  seconds: number,
  operation: () => Promise<unknown>,
): Promise<Measured> {
  const latencies: number[] = []
  const start = performance.now() + WARM_UP_MS
  const end = start + seconds * 1_000

  async function client(): Promise<void> {
    for (;;) {
      const sent = performance.now()
      if (sent >= end) return
      await operation()
      const answered = performance.now()
      // By the time of the answer, so that who takes long is not counted short at both ends.
      if (answered >= start && answered <= end) latencies.push(answered - sent)
    }
  }

  await Promise.all(Array.from({ length: clients }, client))
  return { seconds, latenciesMs: Float64Array.from(latencies) }
}
