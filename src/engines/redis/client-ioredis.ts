import { createHash } from 'node:crypto'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { loadDriver } from '../driver.ts'
import type { Address } from '../url.ts'
import type { Script } from './scripts.ts'

type Arg = string | Buffer

/** What the stores need of Redis, on one server or a cluster. Keys of one call must have the same hash tag. */
export interface RedisClient extends Closable {
  readonly isCluster: boolean
  command(name: string, args: readonly Arg[]): Promise<unknown>
  /** Null when there is no such key. */
  getBytes(key: string): Promise<Buffer | null>
  /** Runs a script on the node of its keys, and loads it there first when the node does not have it (any more). */
  run(script: Script, keys: readonly string[], args: readonly Arg[]): Promise<unknown>
  /** The same; strings are answered as bytes. */
  runForBytes(script: Script, keys: readonly string[], args: readonly Arg[]): Promise<unknown>
  /** Sections of INFO of every master. */
  info(): Promise<ReadonlyMap<string, string>[]>
  load(scripts: readonly Script[]): Promise<void>
  /** Another after a restart or failover of any master, or when there are other masters. */
  incarnation(): Promise<string>
}

export interface RedisTarget {
  /** One server, or some nodes of a cluster. */
  readonly addresses: readonly Address[]
  readonly isCluster: boolean
  readonly options: Pick<RedisOptions, 'username' | 'password' | 'db' | 'tls'>
}

const CLOSED = 'Connection is closed.'

/**
 * The driver's errors carry the command with its arguments: passwords, and the ids of hundreds of users. What is
 * needed to tell errors apart stays.
 */
function withoutArguments(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const lean = new Error(error.message)
  lean.name = error.name
  if (error.stack !== undefined) lean.stack = error.stack
  return 'code' in error ? Object.assign(lean, { code: error.code }) : lean
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = Array.from(text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm), ([, name, value]) => [name!, value!] as const)
  return new Map(fields)
}

/** Why a node of a cluster can't be reached, which the driver's cluster does not tell. Ends the connection. */
async function refusalOf(node: Redis): Promise<Error | undefined> {
  let refusal: Error | undefined
  node.on('error', (error) => {
    refusal ??= withoutArguments(error)
  })
  await node.connect().catch((error) => {
    refusal ??= withoutArguments(error)
  })
  node.disconnect()
  return refusal
}

/**
 * Redis through ioredis. A command is answered or fails within {@link LIMITS.redisCommandMsMax}; one that was under way
 * when the connection was lost is sent once more, so commands must be repeatable. Reconnects by itself.
 */
export async function openRedis(target: RedisTarget, logger: Logger): Promise<RedisClient> {
  const driver = await loadDriver('Redis', 'ioredis', () => import('ioredis'))
  const options = {
    ...target.options,
    connectTimeout: LIMITS.redisCommandMsMax,
    commandTimeout: LIMITS.redisCommandMsMax,
    maxRetriesPerRequest: 1,
    lazyConnect: true,
  }
  const retryStrategy = (times: number) => Math.min(100 * times, 2_000)
  let problem: Error | undefined

  let client: Redis | Cluster
  let masters: () => Redis[]
  if (target.isCluster) {
    const cluster = new driver.Cluster([...target.addresses], {
      redisOptions: options,
      lazyConnect: true,
      clusterRetryStrategy: retryStrategy,
      slotsRefreshInterval: 10_000,
      // It would wait for as long as no node answers.
      enableOfflineQueue: false,
    })
    cluster.on('node error', (error) => onError(error))
    masters = () => cluster.nodes('master')
    client = cluster
  } else {
    const redis = new driver.Redis({ ...target.addresses[0], ...options, retryStrategy })
    masters = () => [redis]
    client = redis
  }

  let isOpen = false
  function onError(error: unknown): void {
    const cause = error instanceof Error && 'lastNodeError' in error ? (error.lastNodeError ?? error) : error
    const latest = withoutArguments(cause)
    // What comes after a refused connection or password is that the connection is closed.
    if (problem === undefined || latest.message !== CLOSED) problem = latest
    if (isOpen) logger.warn({ err: latest }, `Redis: ${latest.message}`)
  }
  client.on('error', onError)
  try {
    await client.connect()
    isOpen = true
  } catch (error) {
    client.disconnect()
    if (problem === undefined || problem.message === CLOSED)
      problem = await refusalOf(new driver.Redis({ ...target.addresses[0], ...options, retryStrategy: () => null }))
    throw problem ?? withoutArguments(error)
  }

  async function attempt<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw withoutArguments(error)
    }
  }

  async function evaluate(
    call: (command: string, args: Arg[]) => Promise<unknown>,
    script: Script,
    keys: readonly string[],
    args: readonly Arg[],
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await call('evalsha', [script.sha1, ...rest])
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw withoutArguments(error)
      return await attempt(call('eval', [script.text, ...rest]))
    }
  }

  const info = () => attempt(Promise.all(masters().map(async (node) => parseInfo(await node.info()))))

  return {
    isCluster: target.isCluster,
    command: (name, args) => attempt(client.call(name, [...args])),
    getBytes: (key) => attempt(client.getBuffer(key)),
    run: (script, keys, args) => evaluate((name, all) => client.call(name, all), script, keys, args),
    runForBytes: (script, keys, args) => evaluate((name, all) => client.callBuffer(name, all), script, keys, args),
    info,
    async load(scripts) {
      await attempt(Promise.all(masters().flatMap((node) => scripts.map(({ text }) => node.script('LOAD', text)))))
    },
    async incarnation() {
      const runs = (await info()).map((fields) => fields.get('run_id') ?? '')
      // The masters as the cluster sees them: what we know may be older than the last failover.
      const nodes = target.isCluster ? await attempt(client.cluster('SLOTS')) : []
      const ids = nodes.map(([, , master]) => String((master as unknown[])[2]))
      const all = [...new Set([...runs, ...ids])].sort().join(' ')
      return createHash('sha256').update(all).digest('hex')
    },
    async close() {
      client.disconnect()
    },
  }
}
