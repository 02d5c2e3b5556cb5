import { describe, expect, it } from 'vitest'
import { createFigures, quantile, since } from '../../src/app/figures.ts'
import { createLagWatch } from '../../src/app/lag-watch.ts'
import { problemsOf, type Seen } from '../../src/app/problems.ts'
import { fakeClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { SYSTEM_PROBLEMS } from '../../src/http/routes/system.ts'

describe('a quantile of a histogram', () => {
  const buckets = { bounds: [0.1, 0.2, 0.4], counts: [10, 30, 40], total: 50 }

  it('lies between the bounds of its bucket, as evenly as its values', () => {
    expect(quantile(buckets, 0.1)).toBeCloseTo(0.05)
    expect(quantile(buckets, 0.4)).toBeCloseTo(0.15)
    expect(quantile(buckets, 0.8)).toBeCloseTo(0.4)
  })

  it('is the last bound when it lies beyond, and nothing without values', () => {
    expect(quantile(buckets, 0.99)).toBe(0.4)
    expect(quantile({ bounds: [1], counts: [0], total: 0 }, 0.5)).toBeUndefined()
    expect(quantile({ bounds: [1, 2], counts: [0, 4], total: 4 }, 0.5)).toBeCloseTo(1.5)
  })

  it('can be that of what came since', () => {
    const later = { bounds: [0.1, 0.2, 0.4], counts: [10, 30, 140], total: 150 }
    expect(since(later, buckets)).toEqual({ bounds: [0.1, 0.2, 0.4], counts: [0, 0, 100], total: 100 })
    expect(since(later, undefined)).toBe(later)
  })
})

describe('the figures of a process', () => {
  it('are totals since the start, with times of the last minute only', async () => {
    const clock = fakeClock(Date.UTC(2026, 0, 31))
    const metrics = createMetrics()
    const figures = createFigures(metrics, clock, { sweeps: () => true })
    expect(await figures.now()).toEqual({
      ...{ requests: 0, request_errors: 0, request_p50_ms: null, request_p99_ms: null },
      ...{ appended_events: 0, projected_events: 0, fanout_deliveries: 0, timeline_streams: 0 },
      ...{ fanout_backlog_posts: 0, fanout_backlog_seconds: 0 },
      ...{ fanout_staleness_p50_ms: null, fanout_staleness_p99_ms: null },
    })
    const answer = (status: string, seconds: number) =>
      metrics.httpSeconds.observe({ method: 'GET', route: `/${status}`, status }, seconds)
    for (let n = 0; n < 10; n++) answer('200', 4)
    answer('503', 4)
    answer('404', 4)
    metrics.appendedEvents.inc({ log: 'orders' }, 2)
    metrics.appendedEvents.inc({ log: 'payments' }, 3)
    metrics.projectedEvents.inc({ projection: 'payment_view' }, 5)
    metrics.fanoutDeliveries.inc(7)
    metrics.fanoutStalenessSeconds.observe(0.03)
    metrics.fanoutBacklog.set(4)
    metrics.fanoutBacklogSeconds.set(1.5)
    metrics.streams.set(6)
    const before = await figures.now()
    expect(before).toMatchObject({
      ...{ requests: 12, request_errors: 1, appended_events: 5, projected_events: 5, fanout_deliveries: 7 },
      ...{ timeline_streams: 6, fanout_backlog_posts: 4, fanout_backlog_seconds: 1.5 },
    })
    expect(before.request_p50_ms).toBeGreaterThan(2_500)
    expect(before.fanout_staleness_p50_ms).toBeGreaterThan(25)
    await figures.note()
    await clock.advance(LIMITS.systemTimesMs - 1)
    expect((await figures.now()).request_p50_ms).toBeGreaterThan(2_500)
    await clock.advance(1)
    expect(await figures.now()).toMatchObject({ requests: 12, request_p50_ms: null, fanout_staleness_p99_ms: null })
    answer('200', 0.004)
    const after = await figures.now()
    expect(after.requests).toBe(13)
    expect(after.request_p99_ms).toBeLessThanOrEqual(5)
  })

  it('say that nothing is known of the backlog where nobody looks after it', async () => {
    const figures = createFigures(createMetrics(), fakeClock(0), { sweeps: () => false })
    expect(await figures.now()).toMatchObject({ fanout_backlog_posts: null, fanout_backlog_seconds: null })
  })

  it('are kept for a quarter of an hour, oldest first', async () => {
    const clock = fakeClock(Date.UTC(2026, 0, 31))
    const metrics = createMetrics()
    const figures = createFigures(metrics, clock, { sweeps: () => true })
    for (let n = 0; n < LIMITS.systemSamplesKept + 3; n++) {
      metrics.fanoutDeliveries.inc()
      await figures.note()
      await clock.advance(LIMITS.systemSampleMs)
    }
    const { interval_ms, items } = figures.samples()
    expect(interval_ms * items.length).toBe(15 * 60_000)
    expect(items[0]).toMatchObject({ at: '2026-01-31T00:00:15.000Z', fanout_deliveries: 4 })
    expect(items.at(-1)).toMatchObject({ fanout_deliveries: LIMITS.systemSamplesKept + 3 })
  })
})

describe('a read model that is behind', () => {
  const at = (seconds: number, lag: number, position = 1) => ({
    atMs: seconds * 1_000,
    lag,
    position: String(position),
  })
  const paces = (...seen: ReturnType<typeof at>[]) => {
    const watch = createLagWatch()
    return seen.map(watch)
  }

  it('is stuck when it has folded nothing for long', () => {
    expect(paces(at(0, 5), at(10, 9), at(29, 9), at(30, 9))).toEqual(['fine', 'fine', 'fine', 'stuck'])
    expect(paces(at(0, 5), at(29, 9), at(30, 9, 2), at(40, 9, 2)).at(-1)).toBe('fine')
    expect(paces(at(0, 0), at(300, 1))).toEqual(['fine', 'fine'])
    expect(paces(at(0, 5), at(300, 0))).toEqual(['fine', 'fine'])
  })

  it('grows when it is behind by many, and was never by fewer', () => {
    const many = LIMITS.systemLagEvents
    expect(paces(at(0, many, 1), at(15, many, 2), at(30, many + 1, 3)).at(-1)).toBe('growing')
    expect(paces(at(0, many, 1), at(15, many - 1, 2), at(30, many + 1, 3)).at(-1)).toBe('fine')
    expect(paces(at(0, 10, 1), at(15, 11, 2), at(30, 12, 3)).at(-1)).toBe('fine')
  })

  it('may rest where it was told to', () => {
    const watch = createLagWatch(60_000)
    expect([at(0, 5), at(140, 5), at(150, 5)].map(watch)).toEqual(['fine', 'fine', 'stuck'])
  })
})

describe('what is wrong', () => {
  const engine = { name: 'redis', url: 'redis://r', stores: ['timelines'], version: '7', ok: true }
  const projection = { name: 'payment_view', log: 'payments', generation: 1, building: null, lag: 0, quarantined: 0 }
  const topic = { topic: 'social.fanout', lane: 'small', depth: 3, dead_letters: 0 }
  const well: Seen = {
    engines: [engine],
    projections: [projection],
    queue: [topic],
    webhooks: { waiting: 3, late_seconds: LIMITS.systemWebhooksLateSeconds },
    figures: {
      ...{ requests: 0, request_errors: 9, request_p50_ms: null, request_p99_ms: null },
      ...{ appended_events: 0, projected_events: 0, fanout_deliveries: 0, timeline_streams: 0 },
      ...{ fanout_backlog_posts: 4, fanout_backlog_seconds: LIMITS.systemBacklogSeconds },
      ...{ fanout_staleness_p50_ms: null, fanout_staleness_p99_ms: null },
    },
    ...{ stuck: [], growing: [], reviews: 0, unknown: [] },
  }

  it('is nothing when all is well', () => {
    expect(problemsOf(well)).toEqual([])
    expect(problemsOf({ ...well, webhooks: null })).toEqual([])
  })

  it('is told with the worst first, each with what to do', () => {
    const found = problemsOf({
      engines: [engine, { ...engine, name: 'cassandra', ok: false, version: null, error: 'no answer within 3 s' }],
      projections: [
        { ...projection, lag: 1_200, quarantined: 1 },
        { ...projection, name: 'order_search', lag: 20_000 },
      ],
      queue: [
        { ...topic, dead_letters: 1 },
        { ...topic, lane: 'bulk', dead_letters: 2 },
      ],
      webhooks: { waiting: 1, late_seconds: LIMITS.systemWebhooksLateSeconds + 1 },
      figures: { ...well.figures, fanout_backlog_seconds: LIMITS.systemBacklogSeconds + 1 },
      ...{ stuck: ['payment_view'], growing: ['order_search'], reviews: 2 },
      unknown: [
        { what: 'the queue', reason: 'gone' },
        { what: 'webhooks', reason: 'gone' },
      ],
    })
    expect(found.map(({ code }) => code)).toEqual([...SYSTEM_PROBLEMS])
    expect(found.map(({ message }) => message)).toEqual([
      'cassandra at redis://r does not answer: no answer within 3 s. It holds timelines',
      'payment_view has set 1 stream aside: an event of each could not be folded',
      'payment_view is 1,200 events behind and stands still',
      '3 messages of social.fanout were given up on',
      'What became of 2 payment operations at the processor is not known',
      '4 posts on the way to the followers, the oldest for 31 s',
      'order_search is 20,000 events behind, and that does not fall',
      '1 webhook waiting, one due for 61 s',
      'Nothing is known of the queue, webhooks: gone',
    ])
    for (const { what_to_do } of found) expect(what_to_do).not.toBe('')
  })
})
