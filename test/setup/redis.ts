import { randomBytes } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import { inject } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import type { PortContext } from '../../src/engines/engine.ts'
import { openRedis, type RedisClient } from '../../src/engines/redis/client-ioredis.ts'
import { targetOf } from '../../src/engines/redis/engine.ts'
import { openTimelineStore, type RedisTimelineOptions } from '../../src/engines/redis/timeline-store.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { TimelineStore } from '../../src/social/ports.ts'

export interface RedisServer {
  readonly name: 'redis' | 'redis-cluster'
  readonly url: string
}

/** Those that answer; see `engines.ts` beside this file. */
export function redisServers(): RedisServer[] {
  const servers = [
    { name: 'redis', url: inject('redisUrl') },
    { name: 'redis-cluster', url: inject('redisClusterUrl') },
  ] as const
  return servers.flatMap(({ name, url }) => (url === undefined ? [] : [{ name, url }]))
}

export const redisContext = (): PortContext => ({
  logger: silentLogger,
  metrics: createMetrics(),
  clock: systemClock,
  poolSize: 10,
  ids: createIdMaker({ node: 1, clock: systemClock }),
})

export interface RedisUnderTest {
  readonly store: TimelineStore
  readonly redis: RedisClient
  /** A connection of the test's own: it sees keys as they are. */
  readonly raw: Redis | Cluster
  /** Every key of this store, as long as it was opened with a prefix. */
  keys(): Promise<string[]>
  /** The one key of a user. */
  keyOf(userId: string): Promise<string>
  close(): Promise<void>
}

const mastersOf = (raw: Redis | Cluster) => (raw instanceof Cluster ? raw.nodes('master') : [raw])

/** Timelines under a prefix that nobody else uses; closing removes them. */
export async function openRedisTimelines(url: string, options: RedisTimelineOptions = {}): Promise<RedisUnderTest> {
  const prefix = `test-${randomBytes(6).toString('hex')}`
  const target = targetOf(parseUrl(url))
  const redis = await openRedis(target, silentLogger)
  const raw = target.isCluster
    ? new Cluster([...target.addresses], { redisOptions: target.options })
    : new Redis({ ...target.addresses[0], ...target.options })
  raw.on('error', () => undefined)

  async function keys(): Promise<string[]> {
    const found = new Set<string>()
    for (const master of mastersOf(raw)) {
      for await (const some of master.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
        for (const key of some as string[]) found.add(key)
      }
    }
    return [...found]
  }

  return {
    store: await openTimelineStore(redis, redisContext(), { ...options, prefix }),
    redis,
    raw,
    keys,
    async keyOf(userId) {
      const key = (await keys()).find((each) => each.endsWith(`}:${userId}`))
      if (key === undefined) throw new Error(`${userId} has no key`)
      return key
    },
    async close() {
      for (const key of await keys()) await raw.unlink(key)
      raw.disconnect()
      await redis.close()
    },
  }
}
