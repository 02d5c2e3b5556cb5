import { type Clock, systemClock } from '../core/clock.ts'
import { type Config, type ConfigOptions, configFromOptions } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { createIdMaker, type IdMaker } from '../core/ids.ts'
import { createLifecycle, type Lifecycle } from '../core/lifecycle.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import { createMetrics, type Metrics } from '../core/metrics.ts'
import type { Engine, EnginePorts, PortContext, StoreName } from '../engines/engine.ts'
import { createEngines, portOf } from '../engines/registry.ts'
import { MOVABLE_STORES, type MovableStore } from '../moves/port.ts'
import type { Processor } from '../payments/processing/processor.ts'
import type { EventPublisher } from '../relay/port.ts'
import type { Post } from '../social/schemas.ts'
import type { RankTimeline } from '../social/timelines/ranking.ts'
import type { StreamOptions } from '../social/timelines/stream.ts'
import { knownMoves } from './known-moves.ts'
import { storeUrl } from './stores.ts'

export interface FanfoldOptions extends ConfigOptions {
  /** Silent unless given. */
  readonly logger?: Logger
  /** Whether this process runs background work (fan-out, projections, recovery). Default true. */
  readonly workers?: boolean
  /** Whether the schema is brought up to date when opening. Default true. */
  readonly migrate?: boolean
  /**
   * Whether nothing is written, so that a database user who only reads can verify and export: the schema must be up to
   * date, there is no background work, and commands must not be called. Default false.
   */
  readonly readOnly?: boolean
  /** Orders the candidates of timelines that are asked for with `order: 'ranked'`; newest first unless given. */
  readonly rankTimeline?: RankTimeline<Post>
  /** Payment processors besides those that come with Fanfold. */
  readonly processors?: readonly Processor[]
  /** For tests. */
  readonly clock?: Clock
  /** Other limits of streams of timelines, and the time between two of their comments; for tests. */
  readonly streams?: StreamOptions & { readonly heartbeatMs?: number }
}

/** What every part of an app stands on: configuration, engines, ids, and what closes it all. */
export interface Base {
  readonly options: FanfoldOptions
  readonly config: Config
  readonly logger: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  readonly ids: IdMaker
  readonly lifecycle: Lifecycle
  /** Whether this process runs background work; that may begin later than the rest. */
  workers: boolean
  readonly engines: readonly Engine[]
  /** The node number of this process in its ids; 0 when it has none. */
  readonly node: number
  engineOf(store: StoreName): Engine
  /** The store of this name, opened once. */
  open<Name extends StoreName>(store: Name): ReturnType<EnginePorts[Name]>
  /** The store of this name at another place than the configuration says, with its engine ready. Opened once for each URL. */
  openAt<Name extends StoreName>(store: Name, url: string): ReturnType<EnginePorts[Name]>
  /** The engine at which events are published for others, once that has begun. */
  eventsEngine(): Engine | undefined
  /** Opens a publisher of events for others, with its engine ready; each caller gets his own. */
  openPublisher(url: string): Promise<EventPublisher>
  /** From here on {@link Base.engineOf} answers the engine of this URL, which is open. */
  moved(store: StoreName, url: string): Promise<void>
}

/**
 * Opens the engines behind the given stores. Throws `invalid_config`, `engine_unreachable`, `engine_unsupported`,
 * `driver_missing`, `data_folder_in_use`, `schema_outdated`; then nothing stays open.
 */
export async function openBase(options: FanfoldOptions, stores: readonly StoreName[]): Promise<Base> {
  const config = configFromOptions(options)
  const logger = options.logger ?? silentLogger
  const clock = options.clock ?? systemClock
  const metrics = createMetrics()
  const lifecycle = createLifecycle(logger)
  try {
    const engines = lifecycle.own('the engines', createEngines({ logger, metrics, clock, poolSize: config.poolSize }))
    const { readOnly = false } = options
    const prepared = new Map<Engine, Promise<void>>()
    const ready = async (url: string): Promise<Engine> => {
      const engine = await engines.open(url)
      let preparing = prepared.get(engine)
      if (preparing === undefined) {
        preparing = readOnly ? refuseOutdated(engine) : (options.migrate ?? true) ? migrated(engine) : Promise.resolve()
        prepared.set(engine, preparing)
        preparing.catch(() => prepared.delete(engine))
      }
      await preparing
      return engine
    }

    const byStore = new Map<StoreName, Engine>()
    let eventsEngine: Engine | undefined
    const inPlace = stores.filter((store) => !isMovable(store))
    for (const store of inPlace) byStore.set(store, await ready(storeUrl(config, store)))

    const leaser = readOnly ? undefined : engines.opened.find((engine) => engine.leaseNode !== undefined)
    const node = (await leaser?.leaseNode?.()) ?? 0
    const context: PortContext = {
      logger,
      metrics,
      clock,
      poolSize: config.poolSize,
      ids: createIdMaker({ node, clock }),
    }
    // A store whose move is done is where it was moved to; its old engine may be gone.
    const urls = new Map<StoreName, string>()
    const ports = new Map<string, unknown>()
    const engineOf = (store: StoreName): Engine => {
      const engine = byStore.get(store)
      if (engine === undefined) throw new Error(`the store "${store}" was not opened`)
      return engine
    }
    const openOf = <Name extends StoreName>(store: Name, url: string, engine: () => Promise<Engine>) => {
      const name = `${store} ${url}`
      let port = ports.get(name)
      if (port === undefined) {
        const opening = engine().then((opened): Promise<unknown> => portOf(opened, store)(context))
        // Who asks again, when the engine is back, gets it.
        opening.catch(() => ports.delete(name))
        port = opening
        ports.set(name, port)
      }
      return port as ReturnType<EnginePorts[Name]>
    }
    const open = <Name extends StoreName>(store: Name) =>
      openOf(store, urls.get(store) ?? storeUrl(config, store), async () => engineOf(store))

    const movable = stores.filter(isMovable)
    if (movable.length > 0) {
      const moves = await open('moves')
      // Before it looks for them, so that none goes on without it.
      if (!readOnly) await moves.join(node)
      for (const move of await knownMoves(moves, readOnly)) if (move.phase === 'done') urls.set(move.store, move.toUrl)
    }
    for (const store of movable) byStore.set(store, await ready(urls.get(store) ?? storeUrl(config, store)))

    return {
      options,
      config,
      logger,
      clock,
      metrics,
      ids: context.ids,
      lifecycle,
      workers: !readOnly && (options.workers ?? true),
      engines: engines.opened,
      node,
      engineOf,
      open,
      eventsEngine: () => eventsEngine,
      async openPublisher(url) {
        eventsEngine = await ready(url)
        return portOf(eventsEngine, 'events')(context)
      },
      openAt: (store, url) => openOf(store, url, () => ready(url)),
      async moved(store, url) {
        byStore.set(store, await engines.open(url))
      },
    }
  } catch (error) {
    await lifecycle.close().catch(() => undefined)
    throw error
  }
}

const isMovable = (store: StoreName): store is MovableStore => MOVABLE_STORES.some((movable) => movable === store)

async function migrated(engine: Engine): Promise<void> {
  await engine.migrate()
}

async function refuseOutdated(engine: Engine): Promise<void> {
  const missing = await engine.pendingMigrations()
  if (missing > 0) throw new AppError('schema_outdated', `${engine.url} lacks ${missing} step(s); run: fanfold migrate`)
}
