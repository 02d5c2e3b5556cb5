import type { Config } from '../core/config.ts'
import type { PortName } from '../engines/engine.ts'

/** Which configured URL serves which store. */
const STORES = {
  users: 'databaseUrl',
  apiKeys: 'databaseUrl',
  webhooks: 'databaseUrl',
  posts: 'postsUrl',
  follows: 'followsUrl',
  timelines: 'timelinesUrl',
  orders: 'ordersUrl',
  payments: 'paymentsUrl',
  queue: 'queueUrl',
} as const satisfies Record<PortName, keyof Config>

export const STORE_NAMES = Object.keys(STORES) as PortName[]

export const storeUrl = (config: Config, store: PortName): string => config[STORES[store]] ?? config.databaseUrl

/** Every URL that a configuration uses, once each. */
export function storeUrls(config: Config): string[] {
  return [...new Set(STORE_NAMES.map((store) => storeUrl(config, store)))]
}

/** The stores that a URL serves in a configuration. */
export function storesOf(config: Config, url: string): PortName[] {
  return STORE_NAMES.filter((store) => storeUrl(config, store) === url)
}
