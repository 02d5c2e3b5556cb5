import { randomBytes } from 'node:crypto'
import { systemClock } from '../src/core/clock.ts'
import { createIdMaker } from '../src/core/ids.ts'
import { silentLogger } from '../src/core/logger.ts'
import { createMetrics } from '../src/core/metrics.ts'
import type { Engine, EnginePorts, PortContext, StoreName } from '../src/engines/engine.ts'
import { createEngines, portOf } from '../src/engines/registry.ts'
import { makePlace } from './engine-places.ts'
import { outputOf } from './postgres.ts'

/** An engine with a place of its own in it, migrated. */
export interface EngineUnderTest {
  readonly name: string
  readonly version: string
  readonly url: string
  serves(store: StoreName): boolean
  open<Name extends StoreName>(store: Name): ReturnType<EnginePorts[Name]>
}

export interface EnginesUnderTest {
  readonly engines: readonly EngineUnderTest[]
  close(): Promise<void>
}

/** Where something of our own can be put, by what scripts/engines calls the server. */
const OWN_PLACE: Readonly<Record<string, (url: string, name: string) => string>> = {
  postgres: inDatabase,
  mariadb: inDatabase,
  mongodb: inDatabase,
  redis: withPrefix,
  'redis-cluster': withPrefix,
  neo4j: (url, name) => `${url}?prefix=${name}`,
  cassandra: (url, name) => url.replace(/^(cassandra:\/\/[^/]+\/)[^?]*/, `$1${name}`),
  rabbitmq: withPrefix,
  kafka: withPrefix,
}

function inDatabase(url: string, name: string): string {
  return url.replace(/^([a-z]+:\/\/[^/]+)(?:\/[^?]*)?/, `$1/${name}`)
}

function withPrefix(url: string, name: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}prefix=${name.replaceAll('_', '-')}`
}

/** Starts every server, and makes an empty place in each that is called `name` and something. */
export async function openEngines(say: (text: string) => void): Promise<EnginesUnderTest> {
  const name = `fanfold_bench_${randomBytes(4).toString('hex')}`
  const exports = await outputOf('scripts/engines', ['up', ...Object.keys(OWN_PLACE)])
  const urls = Array.from(exports.matchAll(/^export FANFOLD_TEST_(\w+)_URL=(\S+)$/gm), ([, server, url]) => ({
    server: server!.toLowerCase().replaceAll('_', '-'),
    // As the shell would read it.
    url: url!.replace(/\\(.)/g, '$1'),
  }))
  const places = [{ server: 'pglite', url: 'pglite:memory' }]
  const removing: (() => Promise<void>)[] = []
  for (const { server, url } of urls) {
    const place = OWN_PLACE[server]
    if (place === undefined) continue
    const own = place(url, name)
    removing.push(await makePlace(server, url, own, name))
    places.push({ server, url: own })
  }

  const context: PortContext = {
    logger: silentLogger,
    metrics: createMetrics(),
    clock: systemClock,
    poolSize: 10,
    ids: createIdMaker({ node: 1, clock: systemClock }),
  }
  const opened = createEngines(context)
  const engines: EngineUnderTest[] = []
  const close = async () => {
    await opened.close()
    for (const remove of removing) await remove()
  }
  try {
    for (const { server, url } of places) {
      const engine: Engine = await opened.open(url)
      await engine.migrate()
      const version = await engine.version()
      say(`${server}: ${version}`)
      engines.push({
        ...{ name: server, version, url },
        serves: (store) => store in engine.ports,
        open: <Name extends StoreName>(store: Name) => portOf(engine, store)(context) as ReturnType<EnginePorts[Name]>,
      })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { engines, close }
}
