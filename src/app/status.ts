import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { VERSION } from '../core/version.ts'
import type { Engine, PortName } from '../engines/engine.ts'
import type { Readiness, SystemStatus } from '../http/routes/system.ts'
import type { LogStore } from '../log/port.ts'
import type { Queue } from '../queue/port.ts'
import type { Base } from './base.ts'
import type { FiguresSource } from './figures.ts'
import { createLagWatch, type Pace } from './lag-watch.ts'
import { problemsOf } from './problems.ts'
import { STORE_NAMES } from './stores.ts'

/** A read model and the log it follows. */
export interface Followed {
  readonly name: string
  readonly store: LogStore<unknown>
}

const storesAt = (base: Base, engine: Engine) => STORE_NAMES.filter((store) => base.engineOf(store) === engine)

/**
 * Asks for something with a time-out; who asks while it is asked already waits for the same answer, so that what hangs
 * hangs once.
 */
function bounded<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return async () => {
    underWay ??= ask().finally(() => {
      underWay = undefined
    })
    let timer: NodeJS.Timeout | undefined
    const timeOut = new Promise<never>((_resolve, reject) => {
      const seconds = LIMITS.systemCheckMsMax / 1_000
      timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), LIMITS.systemCheckMsMax)
    })
    try {
      return await Promise.race([underWay, timeOut])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** {@link bounded} for each engine by itself. */
function boundedByEngine<T>(ask: (engine: Engine) => Promise<T>): (engine: Engine) => Promise<T> {
  const asks = new Map<Engine, () => Promise<T>>()
  return (engine) => {
    const known = asks.get(engine) ?? bounded(() => ask(engine))
    asks.set(engine, known)
    return known()
  }
}

async function engineStatus(
  base: Base,
  engine: Engine,
  versionOf: (engine: Engine) => Promise<string>,
): Promise<SystemStatus['engines'][number]> {
  const stores: PortName[] = storesAt(base, engine)
  if (engine === base.eventsEngine()) stores.push('events')
  const common = { name: engine.name, url: engine.url, stores }
  try {
    return { ...common, version: await versionOf(engine), ok: true }
  } catch (error) {
    return { ...common, version: null, ok: false, error: messageOf(error) }
  }
}

type ProjectionStatus = SystemStatus['projections'][number]

async function projectionStatus(
  base: Base,
  { name, store }: Followed,
): Promise<{ readonly status: ProjectionStatus; readonly position: string }> {
  const state = await store.projection(name)
  // Heads are read last: lag may look larger than it is for a moment, never smaller.
  const checkpoints = await store.checkpoints(name, state.liveGeneration)
  const quarantined = (await store.quarantines(name)).filter((q) => q.generation === state.liveGeneration).length
  const heads = await store.heads()
  const behind = checkpoints.map(({ shard, lastEventId }) => (heads[shard] ?? 0n) - lastEventId)
  const lag = Number(behind.reduce((sum, events) => sum + events, 0n))
  base.metrics.projectionLag.set({ projection: name }, lag)
  base.metrics.quarantinedStreams.set({ projection: name }, quarantined)
  const status = {
    name,
    log: store.log,
    generation: state.liveGeneration,
    building: state.buildingGeneration ?? null,
    lag,
    quarantined,
  }
  const folded = checkpoints.reduce((sum, { lastEventId }) => sum + lastEventId, 0n)
  return { status, position: `${state.liveGeneration} ${folded}` }
}

async function queueStatus(base: Base, queue: Queue): Promise<SystemStatus['queue']> {
  return (await queue.depths()).map(({ topic, lane, depth, deadLetters }) => {
    base.metrics.queueDepth.set({ topic, lane }, depth)
    base.metrics.deadLetters.set({ topic, lane }, deadLetters)
    return { topic, lane, depth, dead_letters: deadLetters }
  })
}

/** What of the system is looked at besides its engines. */
export interface StatusParts {
  readonly queue: Queue
  readonly followed: readonly Followed[]
  readonly figures: Pick<FiguresSource, 'now'>
  webhooks(): Promise<NonNullable<SystemStatus['webhooks']>>
  /** Payment operations in review, counted up to a limit. */
  reviews(limit: number): Promise<number>
}

/**
 * Looks at everything; also sets the gauges of the metrics. What can't be told within {@link LIMITS.systemCheckMsMax} is
 * left out and named in `problems`.
 */
export function statusOf(base: Base, parts: StatusParts): () => Promise<SystemStatus> {
  const { clock, config } = base
  const startedAt = new Date(clock.now()).toISOString()
  const versionOf = boundedByEngine((engine) => engine.version())
  const projections = parts.followed.map((one) => ({
    name: one.name,
    look: bounded(() => projectionStatus(base, one)),
    watch: createLagWatch(config.reportEvery),
  }))
  const lookAtQueue = bounded(() => queueStatus(base, parts.queue))
  const lookAtWebhooks = bounded(() => parts.webhooks())
  const lookAtReviews = bounded(() => parts.reviews(LIMITS.systemReviewsCounted))

  return async () => {
    const unknown: { what: string; reason: string }[] = []
    const orElse = async <T, Other>(what: string, look: () => Promise<T>, other: Other): Promise<T | Other> => {
      try {
        return await look()
      } catch (error) {
        unknown.push({ what, reason: messageOf(error) })
        return other
      }
    }
    const pace: Record<Pace, string[]> = { fine: [], stuck: [], growing: [] }
    const [engines, followed, queue, webhooks, reviews, figures] = await Promise.all([
      Promise.all(base.engines.map((engine) => engineStatus(base, engine, versionOf))),
      Promise.all(projections.map(({ name, look }) => orElse(`the lag of ${name}`, look, undefined))),
      orElse('the queue', lookAtQueue, []),
      orElse('webhooks', lookAtWebhooks, null),
      orElse('payment operations in review', lookAtReviews, 0),
      parts.figures.now(),
    ])
    const told = followed.flatMap((found, n) => {
      if (found === undefined) return []
      const { status, position } = found
      pace[projections[n]!.watch({ atMs: clock.now(), lag: status.lag, position })].push(status.name)
      return [status]
    })
    const seen = { engines, projections: told, queue, webhooks, figures }
    const problems = problemsOf({ ...seen, stuck: pace.stuck, growing: pace.growing, reviews, unknown })
    return { version: VERSION, started_at: startedAt, workers: base.workers, ...seen, problems }
  }
}

/** What is left to do: events not folded, messages not handled. Throws when somebody can't tell. */
export async function leftOver(base: Base, { queue, followed }: StatusParts): Promise<number> {
  const [depths, behind] = await Promise.all([
    queueStatus(base, queue),
    Promise.all(followed.map((one) => projectionStatus(base, one))),
  ])
  const waiting = depths.reduce((sum, topic) => sum + topic.depth, 0)
  return behind.reduce((sum, { status }) => sum + status.lag, waiting)
}

/** Stores without which requests are served: home timelines come from posts then, and what is queued is queued later. */
const DISPENSABLE: readonly PortName[] = ['timelines', 'queue']

/**
 * Whether requests can be served: the engines that they need answer within {@link LIMITS.systemCheckMsMax}, schemas are
 * up to date, nothing is closing. Anybody may ask, so no address is told; `/v1/system` has the details.
 */
export function readinessOf(base: Base): () => Promise<Readiness> {
  const pendingOf = boundedByEngine((engine) => engine.pendingMigrations())
  async function problemsAt(engine: Engine): Promise<string[]> {
    try {
      const pending = await pendingOf(engine)
      return pending === 0 ? [] : [`${engine.name} lacks ${pending} schema step(s); run: fanfold migrate`]
    } catch (error) {
      base.logger.warn({ err: error }, `${engine.name} is not reachable: ${messageOf(error)}`)
      return [`${engine.name} is not reachable`]
    }
  }
  return async () => {
    if (base.lifecycle.signal.aborted) return { ready: false, problems: ['shutting down'] }
    const asked = base.engines.filter((engine) => storesAt(base, engine).some((store) => !DISPENSABLE.includes(store)))
    const problems = (await Promise.all(asked.map(problemsAt))).flat()
    return { ready: problems.length === 0, problems }
  }
}

const CATCH_UP_POLL_MS = 50
/** Looking takes no more of the time than this share: the work that is waited for wants the same database. */
const CATCH_UP_SHARE = 1 / 5

/**
 * Waits until nothing is queued, every post is in the timelines, and no read model is behind; `hurry` ends the rest of
 * those that only catch up at times. Brokers that can't count what other processes hold are made up for by `fanouts`:
 * the posts whose fan-out is not done.
 */
export async function untilCaughtUp(
  work: () => Promise<number>,
  fanouts: () => Promise<number>,
  clock: Clock,
  onProgress: (left: number) => void = () => undefined,
  hurry: () => void = () => undefined,
): Promise<void> {
  for (;;) {
    const lookedMs = clock.now()
    const left = (await work()) + (await fanouts())
    onProgress(left)
    if (left === 0) return
    hurry()
    await clock.sleep(Math.max(CATCH_UP_POLL_MS, (clock.now() - lookedMs) / CATCH_UP_SHARE))
  }
}
