import { describe, expect, it } from 'vitest'
import { createJobs, type Tell } from '../../src/app/jobs.ts'
import { fakeClock } from '../../src/core/clock.ts'
import { AppError } from '../../src/core/errors.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { StartJob } from '../../src/http/routes/jobs.ts'
import { until } from '../../src/testing/until.ts'

interface UnderWay {
  readonly tell: Tell
  readonly signal: AbortSignal
  end(result: Readonly<Record<string, unknown>>): void
  fail(error: unknown): void
}

const verify = (model: NonNullable<StartJob['model']>): StartJob => ({ kind: 'verify', model })
const codeOf = (error: unknown) => (error instanceof AppError ? error.code : error)
const refusal = (act: () => unknown) => {
  try {
    return act()
  } catch (error) {
    return codeOf(error)
  }
}

/** Jobs whose work goes on as a test says. */
function byHand({ cancellable = true } = {}) {
  const clock = fakeClock(Date.UTC(2026, 0, 31))
  const underWay: UnderWay[] = []
  const jobs = createJobs({
    ...{ clock, logger: silentLogger },
    workOf: () => ({
      ...{ what: 'things', cancellable },
      run: (tell, signal) => new Promise((end, fail) => underWay.push({ tell, signal, end, fail })),
    }),
  })
  const begun = async (count: number) => {
    await until('the work begins', () => underWay.length === count)
    return underWay[count - 1]!
  }
  const ended = (jobId: string) => until('it ends', () => jobs.get(jobId).ended_at !== null)
  return { clock, jobs, begun, ended }
}

describe('a job', () => {
  it('tells how far it is, and in the end its result', async () => {
    const { clock, jobs, begun, ended } = byHand()
    const { job_id, ...started } = jobs.start(verify('orders'))
    expect(started).toEqual({
      ...{ kind: 'verify', model: 'orders', state: 'running', cancellable: true },
      progress: { done: 0, total: null, what: 'things' },
      ...{ started_at: '2026-01-31T00:00:00.000Z', ended_at: null, result: null, error: null },
    })
    const work = await begun(1)
    work.tell(5, 'rows')
    expect(jobs.get(job_id).progress).toEqual({ done: 5, total: null, what: 'rows' })
    work.tell(6, 'rows', 10)
    expect(jobs.list()).toMatchObject([{ job_id, progress: { done: 6, total: 10 } }])
    await clock.advance(1_000)
    const differences = Array.from({ length: LIMITS.jobFindingsMax + 1 }, (_, n) => n)
    work.end({ orders: { ok: false, differences } })
    await ended(job_id)
    expect(jobs.get(job_id)).toMatchObject({ state: 'done', cancellable: false, ended_at: '2026-01-31T00:00:01.000Z' })
    expect(jobs.get(job_id).result).toEqual({
      orders: { ok: false, differences: differences.slice(0, LIMITS.jobFindingsMax) },
    })
  })

  it('fails with the code of its error, or as an unexpected one', async () => {
    const { jobs, begun, ended } = byHand()
    const first = jobs.start(verify('orders')).job_id
    ;(await begun(1)).fail(new AppError('unavailable', 'the database is away'))
    await ended(first)
    expect(jobs.get(first)).toMatchObject({
      ...{ state: 'failed', result: null },
      error: { code: 'unavailable', message: 'the database is away' },
    })
    const second = jobs.start(verify('orders')).job_id
    ;(await begun(2)).fail(new TypeError('x is not y'))
    await ended(second)
    expect(jobs.get(second).error).toEqual({ code: 'internal', message: 'x is not y' })
  })

  it('runs once at a time, and beside few others', async () => {
    const { jobs, begun, ended } = byHand()
    const { job_id } = jobs.start(verify('orders'))
    const work = await begun(1)
    expect(refusal(() => jobs.start(verify('orders')))).toBe('job_running')
    for (let n = 1; n < LIMITS.jobsRunningMax; n++) jobs.start({ kind: 'rebuild', target: `t${n}` })
    expect(refusal(() => jobs.start(verify('payments')))).toBe('overloaded')
    work.end({})
    await ended(job_id)
    expect(jobs.start(verify('orders')).state).toBe('running')
  })

  it('ends when it is cancelled, at its next step', async () => {
    const { jobs, begun, ended } = byHand()
    const { job_id } = jobs.start(verify('orders'))
    const work = await begun(1)
    expect(jobs.cancel(job_id)).toMatchObject({ state: 'running', cancellable: false })
    expect(jobs.cancel(job_id)).toMatchObject({ state: 'running' })
    expect(work.signal.aborted).toBe(true)
    expect(refusal(() => work.tell(7, 'rows'))).toBe('job_cancelled')
    work.fail(new Error('whatever the work makes of it'))
    await ended(job_id)
    expect(jobs.get(job_id)).toMatchObject({ state: 'failed', error: { code: 'job_cancelled' } })
    expect(refusal(() => jobs.cancel(job_id))).toBe('job_ended')
    expect(refusal(() => jobs.cancel('job_x'))).toBe('job_not_found')
  })

  it('goes on when it can not be cancelled', async () => {
    const { jobs, begun } = byHand({ cancellable: false })
    const { job_id } = jobs.start({ kind: 'rebuild', target: 'payment_view' })
    const work = await begun(1)
    expect(refusal(() => jobs.cancel(job_id))).toBe('job_not_cancellable')
    expect(work.signal.aborted).toBe(false)
  })
})

describe('jobs', () => {
  it('are remembered, the newest, and those that run', async () => {
    const { jobs, begun, ended } = byHand()
    const running = jobs.start(verify('all')).job_id
    await begun(1)
    const ids: string[] = []
    for (let n = 0; n < LIMITS.jobsKept + 2; n++) {
      const { job_id } = jobs.start({ kind: 'rebuild', target: 't' })
      ;(await begun(n + 2)).end({})
      await ended(job_id)
      ids.unshift(job_id)
    }
    expect(jobs.list().map(({ job_id }) => job_id)).toEqual([...ids.slice(0, LIMITS.jobsKept - 1), running])
    expect(refusal(() => jobs.get(ids.at(-1)!))).toBe('job_not_found')
  })

  it('end when the process closes, and none begins any more', async () => {
    const { jobs, begun } = byHand({ cancellable: false })
    const { job_id } = jobs.start(verify('orders'))
    const work = await begun(1)
    let isClosed = false
    const closing = jobs.close().then(() => {
      isClosed = true
    })
    expect(work.signal.aborted).toBe(true)
    expect(refusal(() => jobs.start(verify('social')))).toBe('shutting_down')
    await new Promise((resolve) => setImmediate(resolve))
    expect(isClosed).toBe(false)
    work.fail(work.signal.reason)
    await closing
    expect(jobs.get(job_id)).toMatchObject({ state: 'failed', error: { code: 'shutting_down' } })
  })
})
