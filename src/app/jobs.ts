import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import type { Closable } from '../core/lifecycle.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { JobDocument, JobSource, StartJob } from '../http/routes/jobs.ts'

/** Told by the work of a job as it goes on; ends the work by throwing once the job is to end. */
export type Tell = (done: number, what: string, total?: number) => void

/** The work of a job. Answers the result. */
export type Work = (tell: Tell, signal: AbortSignal) => Promise<Readonly<Record<string, unknown>>>

export interface JobWork {
  readonly run: Work
  /** What is counted, before there is anything to count. */
  readonly what: string
  /** Whether the work ends when it is told to. */
  readonly cancellable: boolean
}

export interface Jobs extends JobSource, Closable {}

interface Job {
  document: JobDocument
  readonly name: string
  readonly abort: AbortController
  readonly done: Promise<void>
}

export interface JobsDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** The work that somebody asks for; throws `invalid_input` for what can't be done. */
  workOf(input: StartJob): JobWork
}

/** Lists of differences may be as long as what was compared. */
function cut(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, LIMITS.jobFindingsMax)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, cut(member)]))
}

function errorOf(error: unknown): NonNullable<JobDocument['error']> {
  return { code: isAppError(error) ? error.code : 'internal', message: messageOf(error) }
}

/** Jobs of this process, in its memory. Closing ends those under way and waits for them. */
export function createJobs({ clock, logger, workOf }: JobsDeps): Jobs {
  const jobs = new Map<string, Job>()
  let isClosing = false
  const now = () => new Date(clock.now()).toISOString()
  const running = () => [...jobs.values()].filter(({ document }) => document.state === 'running')

  function forgetOld(): void {
    const ended = [...jobs.values()].filter(({ document }) => document.state !== 'running')
    for (const { document } of ended.slice(0, Math.max(0, jobs.size - LIMITS.jobsKept))) jobs.delete(document.job_id)
  }

  function find(jobId: string): Job {
    const job = jobs.get(jobId)
    if (job === undefined)
      throw new AppError('job_not_found', `This process knows no job ${jobId}; it forgets them when it stops`)
    return job
  }

  function refuse(name: string): void {
    if (isClosing) throw new AppError('shutting_down')
    const same = running().find((job) => job.name === name)
    if (same !== undefined) {
      const { job_id } = same.document
      throw new AppError('job_running', `${name} is running as ${job_id}`, { data: { job_id } })
    }
    if (running().length >= LIMITS.jobsRunningMax) {
      throw new AppError(
        'overloaded',
        `At most ${LIMITS.jobsRunningMax} jobs run at a time; wait until one has ended`,
        {
          data: { limit: LIMITS.jobsRunningMax },
        },
      )
    }
  }

  async function carryOut(jobId: string, { run }: JobWork, signal: AbortSignal): Promise<void> {
    const change = (changes: Partial<JobDocument>) => {
      const job = jobs.get(jobId)!
      job.document = { ...job.document, ...changes }
    }
    const tell: Tell = (done, what, total) => {
      change({ progress: { done, total: total ?? null, what } })
      signal.throwIfAborted()
    }
    try {
      const result = cut(await run(tell, signal)) as Record<string, unknown>
      change({ state: 'done', result })
    } catch (error) {
      // Whatever the work makes of being told to end, it was told to.
      change({ state: 'failed', error: errorOf(signal.aborted ? signal.reason : error) })
      if (!signal.aborted) logger.error({ err: error, job: jobId }, `${jobId} failed: ${messageOf(error)}`)
    }
    change({ cancellable: false, ended_at: now() })
  }

  return {
    start(input) {
      const work = workOf(input)
      const { kind, model, target } = input
      const name = `${kind} ${model ?? target}`
      refuse(name)
      const jobId = `job_${randomBytes(9).toString('base64url')}`
      const document: JobDocument = {
        ...{
          job_id: jobId,
          kind,
          ...(model === undefined ? {} : { model }),
          ...(target === undefined ? {} : { target }),
        },
        ...{ state: 'running', progress: { done: 0, total: null, what: work.what }, cancellable: work.cancellable },
        ...{ started_at: now(), ended_at: null, result: null, error: null },
      }
      const abort = new AbortController()
      // The work begins when the job is known.
      const done = Promise.resolve().then(() => carryOut(jobId, work, abort.signal))
      jobs.set(jobId, { document, name, abort, done })
      forgetOld()
      logger.info({ job: jobId }, `${jobId}: ${name}`)
      return document
    },
    list: () => Array.from(jobs.values(), ({ document }) => document).reverse(),
    get: (jobId) => find(jobId).document,
    cancel(jobId) {
      const job = find(jobId)
      const { state, cancellable } = job.document
      if (state !== 'running') throw new AppError('job_ended', `${jobId} has ended already`)
      if (!cancellable && !job.abort.signal.aborted) throw new AppError('job_not_cancellable')
      job.abort.abort(new AppError('job_cancelled'))
      job.document = { ...job.document, cancellable: false }
      return job.document
    },
    async close() {
      isClosing = true
      const open = running()
      for (const { abort } of open) abort.abort(new AppError('shutting_down'))
      await Promise.all(open.map(({ done }) => done))
    },
  }
}
