import { invalidField } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { StartJob } from '../http/routes/jobs.ts'
import type { Fanfold } from './fanfold.ts'
import type { JobWork, Tell, Work } from './jobs.ts'

const TIMELINES = 'timelines'

export interface JobWorkDeps extends Pick<Fanfold, 'social' | 'orders' | 'verifyPayments' | 'projections' | 'rebuild'> {
  /** How many events the read model that is being built has folded, and how many there are; `undefined` when none is. */
  rebuilt(projection: string): Promise<{ readonly done: number; readonly total: number } | undefined>
}

type Verify = (tell: Tell, signal: AbortSignal) => Promise<object>

/** What `fanfold verify` does. */
function verifications({ social, orders, verifyPayments }: JobWorkDeps) {
  return {
    social: (tell, signal) => social.verify({ signal, onProgress: (done) => tell(done, TIMELINES) }),
    orders: (tell) => orders.verifyOrders({ onProgress: ({ check, compared }) => tell(compared, check) }),
    payments: (tell) => verifyPayments((done) => tell(done, 'payments')),
  } satisfies Record<string, Verify>
}

/** Looks now and then how far a rebuild is: workers help with it, so what was folded here tells little. */
async function watched<T>(look: () => Promise<void>, work: Promise<T>): Promise<T> {
  let isOver = false
  let wake = () => {}
  const watching = (async () => {
    while (!isOver) {
      // How far it is only decorates; what fails here fails the work as well.
      await look().catch(() => undefined)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LIMITS.jobLookMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
        if (isOver) wake()
      })
    }
  })()
  try {
    return await work
  } finally {
    isOver = true
    wake()
    await watching
  }
}

/** The work behind each kind of job: what `fanfold verify` and `fanfold rebuild` do. */
export function jobWork(deps: JobWorkDeps): (input: StartJob) => JobWork {
  const verify = verifications(deps)

  function rebuildProjection(name: string): Work {
    return async (tell, signal) => {
      const look = async () => {
        const state = await deps.rebuilt(name)
        if (state !== undefined && !signal.aborted) tell(state.done, 'events', state.total)
      }
      const events = await watched(
        look,
        deps.rebuild(name, () => signal.throwIfAborted()),
      )
      return { projection: name, events }
    }
  }

  return ({ kind, model, target }) => {
    if (kind === 'verify') {
      if (target !== undefined) throw invalidField('/target', 'belongs to a rebuild')
      if (model === undefined) throw invalidField('/model', 'is required to verify')
      const names = model === 'all' ? (Object.keys(verify) as (keyof typeof verify)[]) : [model]
      const run: Work = async (tell, signal) => {
        const reports: Record<string, object> = {}
        for (const name of names) {
          signal.throwIfAborted()
          reports[name] = await verify[name](tell, signal)
        }
        return reports
      }
      return { run, what: names[0] === 'social' ? TIMELINES : names[0]!, cancellable: true }
    }
    if (model !== undefined) throw invalidField('/model', 'belongs to a verification')
    if (target === undefined) throw invalidField('/target', 'is required to rebuild')
    if (target === TIMELINES) {
      const run: Work = async (tell, signal) => {
        const onProgress = (done: number) => tell(done, TIMELINES)
        return { timelines: await deps.social.rebuildTimelines({ signal, onProgress }) }
      }
      return { run, what: TIMELINES, cancellable: true }
    }
    if (!deps.projections.includes(target))
      throw invalidField('/target', `must be one of ${[...deps.projections, TIMELINES].join(', ')}`)
    return { run: rebuildProjection(target), what: 'events', cancellable: false }
  }
}
