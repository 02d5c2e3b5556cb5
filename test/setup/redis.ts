import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
    store: await openTimelineStore(redis, redisContext(), { ...options, prefix }),
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

export interface PrivateRedis {
  readonly url: string
  /** Where its data is. */
  readonly folder: string
  /** As by `kill -9`; returns when it is gone. */
  kill(): Promise<void>
  /** Starts it again with the data that it left. */
  start(): Promise<void>
  freeze(): void
  thaw(): void
  remove(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A Redis server for one test, with a folder and a port of its own. */
export async function startRedis(args: readonly string[]): Promise<PrivateRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-redis-'))
  const port = await freePort()
  let server: ChildProcess | undefined

  async function start(): Promise<void> {
    const all = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...args]
    server = spawn('redis-server', all, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise<void>((resolve, reject) => {
      server?.once('exit', () => reject(new Error('redis-server ended')))
      let output = ''
      server?.stdout?.on('data', (chunk) => {
        output += chunk
        if (output.includes('Ready to accept connections')) resolve()
      })
    })
  }
  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}/0`,
    folder,
    start,
    kill,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    async remove() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
