import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import type { Engine } from '../engines/engine.ts'
import type { Readiness, SystemStatus } from '../http/routes/system.ts'
import type { LogStore } from '../log/port.ts'
import type { Queue } from '../queue/port.ts'
import type { Base } from './base.ts'
import { STORE_NAMES } from './stores.ts'

/** A read model and the log it follows. */
export interface Followed {
  readonly name: string
  readonly store: LogStore<unknown>
}

async function engineStatus(base: Base, engine: Engine): Promise<SystemStatus['engines'][number]> {
  const stores = STORE_NAMES.filter((store) => base.engineOf(store) === engine)
  const common = { name: engine.name, url: engine.url, stores }
  try {
    return { ...common, version: await engine.version(), ok: true }
  } catch (error) {
    return { ...common, version: null, ok: false, error: messageOf(error) }
  }
}

async function projectionStatus(base: Base, { name, store }: Followed): Promise<SystemStatus['projections'][number]> {
  const state = await store.projection(name)
  // Heads are read last: lag may look larger than it is for a moment, never smaller.
  const checkpoints = await store.checkpoints(name, state.liveGeneration)
  const quarantined = (await store.quarantines(name)).filter((q) => q.generation === state.liveGeneration).length
  const heads = await store.heads()
  const behind = checkpoints.map(({ shard, lastEventId }) => (heads[shard] ?? 0n) - lastEventId)
  const lag = Number(behind.reduce((sum, events) => sum + events, 0n))
  base.metrics.projectionLag.set({ projection: name }, lag)
  base.metrics.quarantinedStreams.set({ projection: name }, quarantined)
  return {
    name,
    log: store.log,
    generation: state.liveGeneration,
    building: state.buildingGeneration ?? null,
    lag,
    quarantined,
  }
}

async function queueStatus(base: Base, queue: Queue): Promise<SystemStatus['queue']> {
  return (await queue.depths()).map(({ topic, lane, depth, deadLetters }) => {
    base.metrics.queueDepth.set({ topic, lane }, depth)
    base.metrics.deadLetters.set({ topic, lane }, deadLetters)
    return { topic, lane, depth, dead_letters: deadLetters }
  })
}

/** Looks at everything; also sets the gauges of the metrics. */
export function statusOf(
  base: Base,
  queue: Queue,
  followed: readonly Followed[],
  webhooks: () => Promise<SystemStatus['webhooks']>,
): () => Promise<SystemStatus> {
  const startedAt = new Date(base.clock.now()).toISOString()
  return async () => ({
    version: VERSION,
    started_at: startedAt,
    workers: base.workers,
    engines: await Promise.all(base.engines.map((engine) => engineStatus(base, engine))),
    projections: await Promise.all(followed.map((one) => projectionStatus(base, one))),
    queue: await queueStatus(base, queue),
    webhooks: await webhooks(),
  })
}

/**
 * Whether requests can be served: engines answer, schemas are up to date, nothing is closing. Anybody may ask, so no
 * address is told; `/v1/system` has the details.
 */
export function readinessOf(base: Base): () => Promise<Readiness> {
  return async () => {
    if (base.lifecycle.signal.aborted) return { ready: false, problems: ['shutting down'] }
    const problems: string[] = []
    for (const engine of base.engines) {
      try {
        const pending = await engine.pendingMigrations()
        if (pending > 0) problems.push(`${engine.name} lacks ${pending} schema step(s); run: fanfold migrate`)
      } catch (error) {
        base.logger.warn({ err: error }, `${engine.name} is not reachable: ${messageOf(error)}`)
        problems.push(`${engine.name} is not reachable`)
      }
    }
    return { ready: problems.length === 0, problems }
  }
}

const CATCH_UP_POLL_MS = 50

/** Waits until nothing is queued and no read model is behind; `hurry` ends the rest of those that only catch up at times. */
export async function untilCaughtUp(
  status: () => Promise<SystemStatus>,
  clock: Clock,
  onProgress: (left: number) => void = () => undefined,
  hurry: () => void = () => undefined,
): Promise<void> {
  for (;;) {
    const { projections, queue } = await status()
    const waiting = queue.reduce((sum, topic) => sum + topic.depth, 0)
    const left = projections.reduce((sum, projection) => sum + projection.lag, waiting)
    onProgress(left)
    if (left === 0) return
    hurry()
    await clock.sleep(CATCH_UP_POLL_MS)
  }
}
