import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { embeddedTemplate } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a PostgreSQL server on which tests may create databases; absent when none answers. */
    postgresUrl: string | undefined
    /** URL of a Redis server, and of a Redis Cluster, where tests may use keys of a prefix of their own. */
    redisUrl: string | undefined
    redisClusterUrl: string | undefined
    /** URL of Stripe's own mock server. */
    stripeMockUrl: string | undefined
    /** Folder of a migrated PGlite database to copy. */
    embeddedTemplate: string
  }
}

interface Server {
  /** As scripts/engines calls it. */
  readonly engine: string
  readonly title: string
  readonly provide: 'postgresUrl' | 'redisUrl' | 'redisClusterUrl' | 'stripeMockUrl'
  readonly defaultUrl: string
  /** Asks it something; throws when it does not answer. */
  ask(url: string): Promise<unknown>
}

const SERVERS: readonly Server[] = [
  {
    engine: 'postgres',
    title: 'PostgreSQL',
    provide: 'postgresUrl',
    defaultUrl: 'postgres://postgres@127.0.0.1:55432/postgres',
    async ask(url) {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
      try {
        await client.connect()
        await client.query('select 1')
      } finally {
        await client.end().catch(() => undefined)
      }
    },
  },
  {
    engine: 'redis',
    title: 'Redis',
    provide: 'redisUrl',
    defaultUrl: 'redis://127.0.0.1:56379/0',
    ask: (url) => askRedis(new Redis(url, { lazyConnect: true, connectTimeout: 3_000, retryStrategy: null })),
  },
  {
    engine: 'redis-cluster',
    title: 'Redis Cluster',
    provide: 'redisClusterUrl',
    defaultUrl: 'redis-cluster://127.0.0.1:57001,127.0.0.1:57002,127.0.0.1:57003',
    ask(url) {
      const nodes = url.replace(/^redis-cluster:\/\//, '').split(',')
      const options = { lazyConnect: true, clusterRetryStrategy: null, redisOptions: { connectTimeout: 3_000 } }
      return askRedis(
        new Cluster(
          nodes.map((node) => `redis://${node}`),
          options,
        ),
      )
    },
  },
  {
    engine: 'stripe-mock',
    title: 'stripe-mock',
    provide: 'stripeMockUrl',
    defaultUrl: 'http://127.0.0.1:52111',
    async ask(url) {
      const response = await fetch(url, { signal: AbortSignal.timeout(3_000) })
      await response.arrayBuffer()
      if (!response.headers.has('stripe-mock-version')) throw new Error('what answers there is no stripe-mock')
    },
  },
]

async function askRedis(client: Redis | Cluster): Promise<void> {
  let problem: unknown
  client.on('error', (error) => {
    problem = error
  })
  try {
    await client.connect()
    await client.exists('fanfold')
  } catch (error) {
    throw problem ?? error
  } finally {
    client.disconnect()
  }
}

const wordsOf = (error: unknown) => (error instanceof Error && error.message !== '' ? error.message : String(error))

/** Finds the servers that answer, once per run, and says which engines are left out and why. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('embeddedTemplate', await embeddedTemplate())
  const required = process.env['FANFOLD_REQUIRE_ENGINES'] ?? ''
  for (const { engine, title, provide, defaultUrl, ask } of SERVERS) {
    const url = process.env[`FANFOLD_TEST_${engine.toUpperCase().replaceAll('-', '_')}_URL`] ?? defaultUrl
    try {
      await ask(url)
      project.provide(provide, url)
    } catch (error) {
      const problem = wordsOf(error)
      if (required === 'all' || required.split(',').includes(engine)) {
        throw new Error(`FANFOLD_REQUIRE_ENGINES wants ${title} at ${url}, but: ${problem}`)
      }
      project.provide(provide, undefined)
      process.stderr.write(
        `left out: suites on ${title} (${url}: ${problem}); start one with scripts/engines up ${engine}\n`,
      )
    }
  }
}
