import type { SystemFigures } from 'fanfold/client'

/** What the charts show, in milliseconds. */
const WINDOW_MS = 15 * 60_000
/** A rate is that of the last so many milliseconds: calm enough to be read, quick enough to be live. */
const RATE_MS = 10_000

export interface Sample {
  /** In milliseconds since 1970, of the server. */
  readonly atMs: number
  readonly figures: SystemFigures
  /** Sums over all projections and queues; the server's own samples do not have them. */
  readonly lag: number | null
  readonly depth: number | null
}

export interface History {
  /** Oldest first. */
  readonly samples: readonly Sample[]
  /** Index of the first sample of the same process, for each sample: counters begin anew with a process. */
  readonly runs: readonly number[]
  /** When processes started that were seen. */
  readonly starts: readonly number[]
}

export const NO_HISTORY: History = { samples: [], runs: [], starts: [] }

const isLater = (now: SystemFigures, before: SystemFigures) =>
  now.requests >= before.requests &&
  now.appended_events >= before.appended_events &&
  now.fanout_deliveries >= before.fanout_deliveries

function runsOf(samples: readonly Sample[], starts: readonly number[]): number[] {
  const runs: number[] = []
  samples.forEach((sample, index) => {
    const before = samples[index - 1]
    const isSameRun =
      before !== undefined &&
      isLater(sample.figures, before.figures) &&
      !starts.some((start) => before.atMs < start && start <= sample.atMs)
    runs.push(isSameRun ? runs[index - 1]! : index)
  })
  return runs
}

/** Adds what was sampled: in order of time, once each, the last 15 minutes. `startedAtMs`: of the process that told it. */
export function remember(history: History, samples: readonly Sample[], startedAtMs: number): History {
  const byTime = new Map([...samples, ...history.samples].map((sample) => [sample.atMs, sample]))
  const all = [...byTime.values()].sort((a, b) => a.atMs - b.atMs)
  const from = (all.at(-1)?.atMs ?? 0) - WINDOW_MS
  const kept = all.filter(({ atMs }) => atMs >= from)
  const starts = [...new Set([...history.starts, startedAtMs])].filter((start) => start >= from)
  return { samples: kept, runs: runsOf(kept, starts), starts }
}

/** Per second; `null` where a process has just begun to count. */
export function ratesOf({ samples, runs }: History, counter: (figures: SystemFigures) => number): (number | null)[] {
  let from = 0
  return samples.map(({ atMs, figures }, index) => {
    from = Math.max(from, runs[index]!)
    while (from < index - 1 && samples[from + 1]!.atMs <= atMs - RATE_MS) from++
    const earlier = samples[from]!
    const passedMs = atMs - earlier.atMs
    return passedMs <= 0 ? null : ((counter(figures) - counter(earlier.figures)) * 1_000) / passedMs
  })
}
