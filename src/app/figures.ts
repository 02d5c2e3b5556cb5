import type { Clock } from '../core/clock.ts'
import { type Closable, startLoop } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Figures, Samples } from '../http/routes/system.ts'

/** A histogram added up over its labels: how many values lay at or below each bound. */
export interface Buckets {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly total: number
}

interface MetricValue {
  readonly metricName?: string
  readonly value: number
  readonly labels: Readonly<Record<string, string | number | undefined>>
}

interface Metric {
  get(): Promise<{ readonly values: readonly MetricValue[] }>
}

interface Note {
  readonly atMs: number
  readonly figures: Figures
  readonly requests: Buckets
  readonly staleness: Buckets
}

const sumOf = async (metric: Metric) => (await metric.get()).values.reduce((sum, { value }) => sum + value, 0)

function bucketsOf(values: readonly MetricValue[]): Buckets {
  const sums = new Map<number, number>()
  let total = 0
  for (const { metricName = '', labels, value } of values) {
    const { le } = labels
    if (metricName.endsWith('_count')) total += value
    else if (metricName.endsWith('_bucket') && le !== '+Inf') sums.set(Number(le), (sums.get(Number(le)) ?? 0) + value)
  }
  const bounds = [...sums.keys()].sort((a, b) => a - b)
  return { bounds, counts: bounds.map((bound) => sums.get(bound)!), total }
}

/** What came to a histogram since an earlier moment. */
export function since(now: Buckets, before: Buckets | undefined): Buckets {
  if (before === undefined) return now
  const earlier = new Map(before.bounds.map((bound, n) => [bound, before.counts[n]!]))
  const counts = now.counts.map((count, n) => count - (earlier.get(now.bounds[n]!) ?? 0))
  return { bounds: now.bounds, counts, total: now.total - before.total }
}

/**
 * A quantile, in the unit of the bounds, as Prometheus estimates it: values are taken to lie evenly between two bounds, and
 * those beyond the last at it. `undefined` without any value.
 */
export function quantile({ bounds, counts, total }: Buckets, share: number): number | undefined {
  if (total <= 0) return undefined
  const rank = share * total
  const at = counts.findIndex((count) => count >= rank)
  if (at === -1) return bounds.at(-1)
  const [from, below] = at === 0 ? [0, 0] : [bounds[at - 1]!, counts[at - 1]!]
  const inside = counts[at]! - below
  return inside === 0 ? from : from + ((bounds[at]! - from) * (rank - below)) / inside
}

const milliseconds = (seconds: number | undefined) => (seconds === undefined ? null : Math.round(seconds * 10_000) / 10)

export interface FiguresSource {
  /** Of this moment. */
  now(): Promise<Figures>
  /** Notes them now; done by itself once started. */
  note(): Promise<void>
  /** What was noted, oldest first. */
  samples(): Samples
  /** Once, however often it is called. */
  start(logger: Logger): Closable
}

/** Figures of this process, from its own counters: no engine is asked. `sweeps`: does it look after the fan-out? */
export function createFigures(metrics: Metrics, clock: Clock, { sweeps }: { sweeps(): boolean }): FiguresSource {
  let notes: Note[] = []
  let loop: Closable | undefined

  async function take(): Promise<Note> {
    const [requestValues, stalenessValues] = await Promise.all([
      metrics.httpSeconds.get(),
      metrics.fanoutStalenessSeconds.get(),
    ])
    const atMs = clock.now()
    const before = notes.findLast((note) => note.atMs <= atMs - LIMITS.systemTimesMs)
    const requests = bucketsOf(requestValues.values)
    const staleness = bucketsOf(stalenessValues.values)
    const answered = since(requests, before?.requests)
    const delivered = since(staleness, before?.staleness)
    const errors = requestValues.values.filter(
      ({ metricName, labels }) => metricName?.endsWith('_count') && Number(labels.status) >= 500,
    )
    const figures: Figures = {
      requests: requests.total,
      request_errors: errors.reduce((sum, { value }) => sum + value, 0),
      request_p50_ms: milliseconds(quantile(answered, 0.5)),
      request_p99_ms: milliseconds(quantile(answered, 0.99)),
      appended_events: await sumOf(metrics.appendedEvents),
      projected_events: await sumOf(metrics.projectedEvents),
      fanout_deliveries: await sumOf(metrics.fanoutDeliveries),
      fanout_backlog_posts: sweeps() ? await sumOf(metrics.fanoutBacklog) : null,
      fanout_backlog_seconds: sweeps() ? await sumOf(metrics.fanoutBacklogSeconds) : null,
      fanout_staleness_p50_ms: milliseconds(quantile(delivered, 0.5)),
      fanout_staleness_p99_ms: milliseconds(quantile(delivered, 0.99)),
      timeline_streams: await sumOf(metrics.streams),
    }
    return { atMs, figures, requests, staleness }
  }

  async function note(): Promise<void> {
    notes = [...notes, await take()].slice(-LIMITS.systemSamplesKept)
  }

  return {
    now: async () => (await take()).figures,
    note,
    samples: () => ({
      interval_ms: LIMITS.systemSampleMs,
      items: notes.map(({ atMs, figures }) => ({ at: new Date(atMs).toISOString(), ...figures })),
    }),
    start(logger) {
      loop ??= startLoop({
        name: 'figures',
        logger,
        async step() {
          await note()
          return LIMITS.systemSampleMs
        },
      })
      return loop
    },
  }
}
