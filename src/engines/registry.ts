import { AppError, messageOf } from '../core/errors.ts'
import { type Closable, closeTold } from '../core/lifecycle.ts'
import type { Engine, EngineContext, EnginePorts, PortName } from './engine.ts'

type Open = (url: URL, context: EngineContext) => Promise<Engine>

/** Scheme of the URL -> the engine, loaded on first use: what is not configured costs nothing. */
const ENGINES: Readonly<Record<string, () => Promise<Open>>> = {
  'pglite:': async () => (await import('./postgres/engine.ts')).openPgliteEngine,
  'postgres:': async () => (await import('./postgres/engine.ts')).openPostgresEngine,
  'postgresql:': async () => (await import('./postgres/engine.ts')).openPostgresEngine,
  'redis:': async () => (await import('./redis/engine.ts')).openRedisEngine,
  'rediss:': async () => (await import('./redis/engine.ts')).openRedisEngine,
  'redis-cluster:': async () => (await import('./redis/engine.ts')).openRedisClusterEngine,
  'mongodb:': async () => (await import('./mongodb/engine.ts')).openMongodbEngine,
  'mongodb+srv:': async () => (await import('./mongodb/engine.ts')).openMongodbEngine,
  'neo4j:': async () => (await import('./neo4j/engine.ts')).openNeo4jEngine,
  'neo4j+s:': async () => (await import('./neo4j/engine.ts')).openNeo4jEngine,
  'bolt:': async () => (await import('./neo4j/engine.ts')).openNeo4jEngine,
  'bolt+s:': async () => (await import('./neo4j/engine.ts')).openNeo4jEngine,
  'cassandra:': async () => (await import('./cassandra/engine.ts')).openCassandraEngine,
  'mysql:': async () => (await import('./mysql/engine.ts')).openMysqlEngine,
  'mariadb:': async () => (await import('./mysql/engine.ts')).openMysqlEngine,
  'amqp:': async () => (await import('./rabbitmq/engine.ts')).openRabbitmqEngine,
  'amqps:': async () => (await import('./rabbitmq/engine.ts')).openRabbitmqEngine,
  'kafka:': async () => (await import('./kafka/engine.ts')).openKafkaEngine,
  'kafkas:': async () => (await import('./kafka/engine.ts')).openKafkaEngine,
}

export const SCHEMES: readonly string[] = Object.keys(ENGINES)

export interface Engines extends Closable {
  /** The engine of a URL; the same URL is opened once. Throws `engine_unreachable`, `engine_unsupported`, `driver_missing`. */
  open(url: string): Promise<Engine>
  readonly opened: readonly Engine[]
}

/** URL for people: without its password. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+-]*:\/\/[^:/@]*):[^@/]*@/i, '$1:***@')
}

const SEVERAL_HOSTS = /^([a-z][a-z0-9+-]*:\/\/(?:[^@/?#]*@)?[^,/?#]+),([^/?#@]+)/i

/** A list of hosts, `scheme://a:1,b:2`, is more than a URL can say: those after the first become `?nodes=b:2`. */
export function parseUrl(url: string): URL {
  try {
    const nodes = SEVERAL_HOSTS.exec(url)?.[2]
    const parsed = new URL(url.replace(SEVERAL_HOSTS, '$1'))
    if (nodes !== undefined) parsed.searchParams.set('nodes', nodes)
    return parsed
  } catch (cause) {
    throw new AppError('invalid_config', `"${redactUrl(url)}" is not a URL`, { cause })
  }
}

export function createEngines(context: EngineContext): Engines {
  const opened = new Map<string, Promise<Engine>>()
  const ready: Engine[] = []

  async function openNew(url: string): Promise<Engine> {
    const parsed = parseUrl(url)
    const load = ENGINES[parsed.protocol]
    if (load === undefined) {
      throw new AppError('engine_unsupported', `No engine for "${parsed.protocol}"; known: ${SCHEMES.join(' ')}`)
    }
    try {
      const engine = await (await load())(parsed, context)
      ready.push(engine)
      return engine
    } catch (cause) {
      if (cause instanceof AppError) throw cause
      throw new AppError('engine_unreachable', `${redactUrl(url)} could not be opened: ${messageOf(cause)}`, { cause })
    }
  }

  return {
    open(url) {
      let engine = opened.get(url)
      if (engine === undefined) {
        engine = openNew(url)
        opened.set(url, engine)
        // Whoever asks again tries again.
        engine.catch(() => opened.delete(url))
      }
      return engine
    },
    opened: ready,
    async close() {
      await Promise.all(ready.map((engine) => closeTold(`${engine.name} at ${engine.url}`, engine, context.logger)))
    },
  }
}

/** The port of an engine, or a clear refusal when it does not serve it. */
export function portOf<Name extends PortName>(engine: Engine, name: Name): EnginePorts[Name] {
  const open = engine.ports[name]
  if (open === undefined)
    throw new AppError('engine_unsupported', `${engine.name} (${engine.url}) does not serve ${name}`)
  return open as EnginePorts[Name]
}
