import { AppError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine, EngineContext } from '../engine.ts'
import { addressesOf, shownUrl } from '../url.ts'
import { openRedis, type RedisTarget } from './client-ioredis.ts'
import { SCRIPTS } from './scripts.ts'
import { openTimelineStore } from './timeline-store.ts'

const DEFAULT_PORT = 6379
const OLDEST_VERSION = [6, 2] as const

/**
 * `redis://user:password@host:port/database`, `rediss:` for TLS; `?prefix=` begins every key. Throws
 * `engine_unreachable`, `engine_unsupported` for an old version, `invalid_config`, `driver_missing`.
 */
export async function openRedisEngine(url: URL, context: EngineContext): Promise<Engine> {
  return await open(url, context)
}

/** `redis-cluster://user:password@host:port,host:port,...`; `?tls=true`, and `?prefix=` and errors as above. */
export async function openRedisClusterEngine(url: URL, context: EngineContext): Promise<Engine> {
  return await open(url, context)
}

/** What a URL says. Throws `invalid_config`. */
export function targetOf(url: URL): RedisTarget & { readonly prefix: string } {
  const isCluster = url.protocol === 'redis-cluster:'
  const known = isCluster ? ['prefix', 'nodes', 'tls'] : ['prefix']
  const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalid(`?${unknown}= is not known; known: ${known.join(', ')}`)
  const prefix = url.searchParams.get('prefix') ?? ''
  if (!/^[A-Za-z0-9_-]{0,64}$/.test(prefix)) throw invalid('?prefix= may have letters, digits, _ and -')
  const database = /^\/?(\d*)$/.exec(url.pathname)?.[1]
  if (database === undefined) throw invalid(`${url.pathname} is not the number of a database`)
  if (isCluster && Number(database) > 0) throw invalid('a Redis Cluster has one database only, number 0')
  const isSafe = url.protocol === 'rediss:' || url.searchParams.get('tls') === 'true'
  return {
    isCluster,
    prefix,
    addresses: addressesOf(url, DEFAULT_PORT, invalid),
    options: {
      ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
      ...(isCluster ? {} : { db: Number(database) }),
      ...(isSafe ? { tls: {} } : {}),
    },
  }
}

const invalid = (message: string) => new AppError('invalid_config', `Redis: ${message}`)

async function open(url: URL, context: EngineContext): Promise<Engine> {
  const target = targetOf(url)
  const shown = shownUrl(url)
  const redis = await openRedis(target, context.logger)
  try {
    const server = { url: shown, isCluster: target.isCluster }
    for (const info of await redis.info()) checkServer(info, server, context.logger)
    await redis.load(SCRIPTS)
  } catch (error) {
    await redis.close()
    throw error
  }
  return {
    name: target.isCluster ? 'redis-cluster' : 'redis',
    url: shown,
    ports: { timelines: (port) => openTimelineStore(redis, port, { prefix: target.prefix }) },
    async version() {
      const versions = (await redis.info()).map((info) => info.get('redis_version') ?? '')
      return `Redis ${[...new Set(versions)].sort().join(', ')}${target.isCluster ? ` (${versions.length} masters)` : ''}`
    },
    async migrate() {
      await redis.load(SCRIPTS)
      return { pending: [], applied: true, version: 0 }
    },
    pendingMigrations: async () => 0,
    close: () => redis.close(),
  }
}

/** Refuses a server that can't serve; says what is unwise. `info` is what it answers to INFO. */
export function checkServer(
  info: ReadonlyMap<string, string>,
  server: { readonly url: string; readonly isCluster: boolean },
  logger: Logger,
): void {
  const version = info.get('redis_version') ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    throw new AppError('engine_unsupported', `${server.url} is Redis ${version}; ${OLDEST_VERSION.join('.')} is needed`)
  }
  if (info.get('cluster_enabled') === '1' && !server.isCluster) {
    throw new AppError('invalid_config', `${server.url} is a node of a cluster: use redis-cluster:`)
  }
  const policy = info.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    logger.warn(
      { url: server.url, policy },
      'Redis may evict timelines: they are built again when read. maxmemory-policy noeviction avoids that',
    )
  }
}
