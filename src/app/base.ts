import { type Clock, systemClock } from '../core/clock.ts'
import { type Config, type ConfigOptions, configFromOptions } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { createIdMaker, type IdMaker } from '../core/ids.ts'
import { createLifecycle, type Lifecycle } from '../core/lifecycle.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import { createMetrics, type Metrics } from '../core/metrics.ts'
import type { Engine, EnginePorts, PortContext, PortName } from '../engines/engine.ts'
import { createEngines, portOf } from '../engines/registry.ts'
import type { Processor } from '../payments/processing/processor.ts'
import type { Post } from '../social/schemas.ts'
import type { RankTimeline } from '../social/timelines/ranking.ts'
import type { StreamOptions } from '../social/timelines/stream.ts'
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
  readonly workers: boolean
  readonly engines: readonly Engine[]
  engineOf(store: PortName): Engine
  /** The store of this name, opened once. */
  open<Name extends PortName>(store: Name): ReturnType<EnginePorts[Name]>
}

/**
 * Opens the engines behind the given stores. Throws `invalid_config`, `engine_unreachable`, `engine_unsupported`,
 * `driver_missing`, `data_folder_in_use`, `schema_outdated`; then nothing stays open.
 */
export async function openBase(options: FanfoldOptions, stores: readonly PortName[]): Promise<Base> {
  const config = configFromOptions(options)
  const logger = options.logger ?? silentLogger
  const clock = options.clock ?? systemClock
  const metrics = createMetrics()
  const lifecycle = createLifecycle(logger)
  try {
    const engines = lifecycle.own(createEngines({ logger, metrics, clock, poolSize: config.poolSize }))
    const byStore = new Map<PortName, Engine>()
    for (const store of stores) byStore.set(store, await engines.open(storeUrl(config, store)))
    const { readOnly = false } = options
    if (!readOnly && (options.migrate ?? true)) for (const engine of engines.opened) await engine.migrate()
    if (readOnly) await refuseOutdated(engines.opened)

    const leaser = readOnly ? undefined : engines.opened.find((engine) => engine.leaseNode !== undefined)
    const node = (await leaser?.leaseNode?.()) ?? 0
    const context: PortContext = {
      logger,
      metrics,
      clock,
      poolSize: config.poolSize,
      ids: createIdMaker({ node, clock }),
    }
    const ports = new Map<PortName, unknown>()
    const engineOf = (store: PortName): Engine => {
      const engine = byStore.get(store)
      if (engine === undefined) throw new Error(`the store "${store}" was not opened`)
      return engine
    }

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
      engineOf,
      open<Name extends PortName>(store: Name) {
        let port = ports.get(store)
        if (port === undefined) {
          port = portOf(engineOf(store), store)(context)
          ports.set(store, port)
        }
        return port as ReturnType<EnginePorts[Name]>
      },
    }
  } catch (error) {
    await lifecycle.close().catch(() => undefined)
    throw error
  }
}

async function refuseOutdated(engines: readonly Engine[]): Promise<void> {
  for (const engine of engines) {
    const missing = await engine.pendingMigrations()
    if (missing > 0)
      throw new AppError('schema_outdated', `${engine.url} lacks ${missing} step(s); run: fanfold migrate`)
  }
}
