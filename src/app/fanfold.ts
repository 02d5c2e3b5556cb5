import type { Config } from '../core/config.ts'
import type { Closable } from '../core/lifecycle.ts'
import type { Metrics } from '../core/metrics.ts'
import { createHttpApp } from '../http/app.ts'
import { createApiKeys, type ApiKeys } from '../http/auth.ts'
import type { HttpApp } from '../http/route.ts'
import { keyRoutes } from '../http/routes/keys.ts'
import { systemRoutes, type Readiness, type SystemStatus } from '../http/routes/system.ts'
import { openBase, type FanfoldOptions } from './base.ts'
import { readinessOf, statusOf } from './status.ts'
import { STORE_NAMES } from './stores.ts'

export interface Fanfold extends Closable, AsyncDisposable {
  readonly config: Config
  readonly apiKeys: ApiKeys
  readonly metrics: Metrics
  /** The HTTP server over these services, not yet listening; it is closed with the rest. */
  createHttp(): Promise<HttpApp>
  status(): Promise<SystemStatus>
  readiness(): Promise<Readiness>
}

/**
 * Opens Fanfold as a library: engines by their URLs, the three models, and (unless `workers: false`) their background
 * work. Throws `invalid_config`, `engine_unreachable`, `engine_unsupported`, `driver_missing`, `data_folder_in_use`,
 * `schema_outdated`. Close it when done: `await fanfold.close()`, or `await using`.
 */
export async function createFanfold(options: FanfoldOptions = {}): Promise<Fanfold> {
  const base = await openBase(options, STORE_NAMES)
  const { config, logger, metrics, clock, lifecycle } = base
  try {
    const apiKeys = createApiKeys({ store: await base.open('apiKeys'), clock, bootstrapSecret: config.apiKey })
    const status = statusOf(base, await base.open("queue"), [])
    const readiness = readinessOf(base)
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
