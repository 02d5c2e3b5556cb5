import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import { inject } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { openRedis, type RedisClient } from '../../src/engines/redis/client-ioredis.ts'
import { targetOf } from '../../src/engines/redis/engine.ts'
import { openTimelineStore, type RedisTimelineOptions } from '../../src/engines/redis/timeline-store.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { TimelineStore } from '../../src/social/ports.ts'
import { testContext } from './context.ts'
import { freePort, type OwnProgram, ownFolder, startProgram } from './own-server.ts'

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

export interface RedisUnderTest {
  /** With the prefix, for other processes. */
  readonly url: string
  readonly store: TimelineStore
  readonly redis: RedisClient
  /** A connection of the test's own: it sees keys as they are. */
  readonly raw: Redis | Cluster
  /** Every key of this store, as long as it was opened with a prefix. */
  keys(): Promise<string[]>
  /** Makes every node forget its scripts. */
  flushScripts(): Promise<void>
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
    url: `${url}?prefix=${prefix}`,
    store: await openTimelineStore(redis, testContext(), { ...options, prefix }),
    redis,
    raw,
    keys,
    async flushScripts() {
      for (const master of mastersOf(raw)) await master.script('FLUSH')
    },
    async keyOf(userId) {
      const key = (await keys()).find((each) => each.endsWith(`}:${userId}`))
      if (key === undefined) throw new Error(`${userId} has no key`)
      return key
    },
    async close() {
      await Promise.all((await keys()).map((key) => raw.unlink(key)))
      raw.disconnect()
      await redis.close()
    },
  }
}

export function hasRedisProgram(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/** A Redis server for one test. */
export async function startRedis(args: readonly string[]): Promise<OwnProgram> {
  const folder = await ownFolder('redis')
  const port = await freePort()
  const all = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...args]
  return await startProgram({
    url: `redis://127.0.0.1:${port}/0`,
    folder,
    ready: 'Ready to accept connections',
    launch: () => spawn('redis-server', all, { stdio: ['ignore', 'pipe', 'pipe'] }),
  })
}
