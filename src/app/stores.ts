import type { Config } from '../core/config.ts'
import type { PortName, StoreName } from '../engines/engine.ts'

/** Which configured URL serves which store. */
const STORES = {
  users: 'databaseUrl',
  apiKeys: 'databaseUrl',
  webhooks: 'databaseUrl',
  moves: 'databaseUrl',
  posts: 'postsUrl',
  follows: 'followsUrl',
  timelines: 'timelinesUrl',
  orders: 'ordersUrl',
  payments: 'paymentsUrl',
  queue: 'queueUrl',
} as const satisfies Record<StoreName, keyof Config>

export const STORE_NAMES = Object.keys(STORES) as StoreName[]

export const storeUrl = (config: Config, store: StoreName): string => config[STORES[store]] ?? config.databaseUrl

/** Every URL that a configuration uses, once each. */
export function storeUrls(config: Config): string[] {
  const events = config.eventsUrl === undefined ? [] : [config.eventsUrl]
  return [...new Set([...STORE_NAMES.map((store) => storeUrl(config, store)), ...events])]
}

/** The stores that a URL serves in a configuration, and `events` when they are published there. */
export function storesOf(config: Config, url: string): PortName[] {
  const stores: PortName[] = STORE_NAMES.filter((store) => storeUrl(config, store) === url)
  return config.eventsUrl === url ? [...stores, 'events'] : stores
}
