import { systemClock, type Clock } from './core/clock.ts'
import { configFromOptions, type Config, type ConfigOptions } from './core/config.ts'
import { messageOf } from './core/errors.ts'
import { createIdMaker } from './core/ids.ts'
import { createLifecycle, type Closable } from './core/lifecycle.ts'
import { silentLogger, type Logger } from './core/logger.ts'
import { createMetrics, type Metrics } from './core/metrics.ts'
import type { Engine, EnginePorts, PortContext, PortName } from './engines/engine.ts'
import { createEngines, portOf } from './engines/registry.ts'
import { createHttpApp } from './http/app.ts'
import { createApiKeys, type ApiKeys } from './http/auth.ts'
import type { HttpApp } from './http/route.ts'
import { keyRoutes } from './http/routes/keys.ts'
import { systemRoutes, type Readiness, type SystemStatus } from './http/routes/system.ts'
import { VERSION } from './version.ts'

export interface FanfoldOptions extends ConfigOptions {
  /** Silent unless given. */
  readonly logger?: Logger
  /** Whether this process runs background work (fan-out, projections, recovery). Default true. */
  readonly workers?: boolean
  /** Whether the schema is brought up to date when opening. Default true. */
  readonly migrate?: boolean
  /** For tests. */
  readonly clock?: Clock
}

export interface Fanfold extends Closable, AsyncDisposable {
  readonly config: Config
  readonly apiKeys: ApiKeys
  readonly metrics: Metrics
  /** The HTTP server over these services, not yet listening; it is closed with the rest. */
  createHttp(): Promise<HttpApp>
  status(): Promise<SystemStatus>
  readiness(): Promise<Readiness>
}

/** Which configured URL serves which store. */
const STORES = {
  users: 'databaseUrl',
  apiKeys: 'databaseUrl',
  posts: 'postsUrl',
  follows: 'followsUrl',
  timelines: 'timelinesUrl',
  orders: 'ordersUrl',
  payments: 'paymentsUrl',
  queue: 'queueUrl',
} as const satisfies Record<PortName, keyof Config>

const STORE_NAMES = Object.keys(STORES) as PortName[]

const urlOf = (config: Config, store: PortName): string => config[STORES[store]] ?? config.databaseUrl

/** Every URL that a configuration uses, once each. */
export function storeUrls(config: Config): string[] {
  return [...new Set(STORE_NAMES.map((store) => urlOf(config, store)))]
}

/** The stores that a URL serves in a configuration. */
export function storesOf(config: Config, url: string): PortName[] {
  return STORE_NAMES.filter((store) => urlOf(config, store) === url)
}

/**
 * Opens Fanfold as a library: engines by their URLs, the three models, and (unless `workers: false`) their background
 * work. Throws `invalid_config`, `engine_unreachable`, `engine_unsupported`, `driver_missing`, `data_folder_in_use`,
 * `schema_outdated`. Close it when done: `await fanfold.close()`, or `await using`.
 */
export async function createFanfold(options: FanfoldOptions = {}): Promise<Fanfold> {
  const config = configFromOptions(options)
  const logger = options.logger ?? silentLogger
  const clock = options.clock ?? systemClock
  const metrics = createMetrics()
  const lifecycle = createLifecycle(logger)
  try {
    const engines = lifecycle.own(createEngines({ logger, metrics, clock, poolSize: config.poolSize }))
    const engineOf = new Map<PortName, Engine>()
    for (const store of STORE_NAMES) engineOf.set(store, await engines.open(urlOf(config, store)))
    if (options.migrate ?? true) for (const engine of engines.opened) await engine.migrate()

    const main = engineOf.get('apiKeys')!
    const node = (await main.leaseNode?.()) ?? 0
    const context: PortContext = { logger, metrics, clock, poolSize: config.poolSize, ids: createIdMaker({ node, clock }) }
    const open = <Name extends PortName>(store: Name) =>
      portOf(engineOf.get(store)!, store)(context) as ReturnType<EnginePorts[Name]>

    const apiKeys = createApiKeys({ store: await open('apiKeys'), clock, bootstrapSecret: config.apiKey })
    const startedAt = new Date(clock.now()).toISOString()

    async function engineStatus(engine: Engine): Promise<SystemStatus['engines'][number]> {
      const stores = STORE_NAMES.filter((store) => engineOf.get(store) === engine)
      const common = { name: engine.name, url: engine.url, stores }
      try {
        return { ...common, version: await engine.version(), ok: true }
      } catch (error) {
        return { ...common, version: null, ok: false, error: messageOf(error) }
      }
    }

    const status = async (): Promise<SystemStatus> => ({
      version: VERSION,
      started_at: startedAt,
      workers: options.workers ?? true,
      engines: await Promise.all(engines.opened.map(engineStatus)),
      projections: [],
      queue: [],
    })

    const readiness = async (): Promise<Readiness> => {
      if (lifecycle.signal.aborted) return { ready: false, problems: ['shutting down'] }
      const problems: string[] = []
      for (const engine of engines.opened) {
        try {
          const pending = await engine.pendingMigrations()
          if (pending > 0) problems.push(`${engine.url} lacks ${pending} schema step(s); run: fanfold migrate`)
        } catch (error) {
          problems.push(`${engine.url}: ${messageOf(error)}`)
        }
      }
      return { ready: problems.length === 0, problems }
    }

    return {
      config,
      apiKeys,
      metrics,
      status,
      readiness,
      async createHttp() {
        const routes = [keyRoutes(apiKeys), systemRoutes({ metrics, status, readiness })]
        return lifecycle.own(await createHttpApp({ apiKeys, logger, metrics, rateLimit: config.rateLimit, routes }))
      },
      close: () => lifecycle.close(),
      [Symbol.asyncDispose]: () => lifecycle.close(),
    }
  } catch (error) {
    await lifecycle.close().catch(() => undefined)
    throw error
  }
}
