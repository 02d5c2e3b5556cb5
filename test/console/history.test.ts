import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_HISTORY, ratesOf, remember, type Sample } from '../../console/src/pages/overview/history.ts'

const NOW_MS = Date.parse('2026-03-01T12:00:00Z')
const STARTED_MS = NOW_MS - 3_600_000

function sample(seconds: number, requests: number, appended = 0): Sample {
  const figures = {
    ...{ requests, request_errors: 0, request_p50_ms: null, request_p99_ms: null },
    ...{ appended_events: appended, projected_events: 0, fanout_deliveries: 0, timeline_streams: 0 },
    ...{
      fanout_backlog_posts: 0,
      fanout_backlog_seconds: 0,
      fanout_staleness_p50_ms: null,
      fanout_staleness_p99_ms: null,
    },
  }
  return { atMs: NOW_MS + seconds * 1_000, figures, lag: null, depth: null }
}

const requestsPerSecond = (history: typeof NO_HISTORY) => ratesOf(history, ({ requests }) => requests)

describe('the history of the overview', () => {
  it('has rates of what was counted, over the last ten seconds', () => {
    const history = remember(
      NO_HISTORY,
      [0, 5, 10, 15, 20].map((at) => sample(at, at * 3)),
      STARTED_MS,
    )
    expect(requestsPerSecond(history)).toEqual([null, 3, 3, 3, 3])
    const burst = remember(history, [sample(25, 160)], STARTED_MS)
    expect(requestsPerSecond(burst).at(-1)).toBe((160 - 45) / 10)
  })

  it('is in order and has each moment once, however samples come', () => {
    const first = remember(NO_HISTORY, [sample(10, 30), sample(12, 36)], STARTED_MS)
    const both = remember(first, [sample(0, 0), sample(5, 15), sample(10, 30)], STARTED_MS)
    expect(both.samples.map(({ atMs }) => (atMs - NOW_MS) / 1_000)).toEqual([0, 5, 10, 12])
    expect(requestsPerSecond(both)).toEqual([null, 3, 3, 3])
  })

  it('knows nothing of the moment when a new process began to count', () => {
    const before = remember(NO_HISTORY, [sample(0, 900), sample(5, 910)], STARTED_MS)
    const after = remember(before, [sample(20, 4), sample(22, 14)], NOW_MS + 15_000)
    expect(requestsPerSecond(after)).toEqual([null, 2, null, 5])
  })

  it('sees a restart by its time, too, when the new process has counted more already', () => {
    const before = remember(NO_HISTORY, [sample(0, 1), sample(5, 2)], STARTED_MS)
    const after = remember(before, [sample(20, 500)], NOW_MS + 15_000)
    expect(requestsPerSecond(after)).toEqual([null, 0.2, null])
  })

  it('has no rate below zero, whatever the counters do', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.nat(1_000), fc.nat(1_000)), { maxLength: 40 })
    fc.assert(
      fc.property(steps, (all) => {
        let at = 0
        const samples = all.map(([pause, requests, appended]) => {
          at += pause
          return sample(at, requests, appended)
        })
        const history = remember(NO_HISTORY, samples, STARTED_MS)
        const rates = [...requestsPerSecond(history), ...ratesOf(history, (now) => now.appended_events)]
        expect(rates.filter((rate) => rate !== null && !(rate >= 0))).toEqual([])
      }),
    )
  })

  it('ends 15 minutes ago', () => {
    const history = remember(
      NO_HISTORY,
      [0, 300, 901, 1_200].map((at) => sample(at, at)),
      STARTED_MS,
    )
    expect(history.samples.map(({ atMs }) => (atMs - NOW_MS) / 1_000)).toEqual([300, 901, 1_200])
  })
})
