import { Base as Kafka } from '@platformatic/kafka'
import { Cluster, Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { Connection } from 'rabbitmq-client'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { createEngines } from '../../src/engines/registry.ts'

/** Servers on which tests may make databases, keyspaces, topics or keys with names of their own. */
export type ServerKey =
  | 'postgresUrl'
  | 'redisUrl'
  | 'redisClusterUrl'
  | 'stripeMockUrl'
  | 'mariadbUrl'
  | 'mongodbUrl'
  | 'neo4jUrl'
  | 'cassandraUrl'
  | 'rabbitmqUrl'
  | 'kafkaUrl'

export interface Server {
  /** As scripts/engines calls it. */
  readonly engine: string
  readonly title: string
  readonly provide: ServerKey
  readonly defaultUrl: string
  /** Asks it something; throws when it does not answer. */
  ask(url: string): Promise<unknown>
}

export const SERVERS: readonly Server[] = [
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
  {
    engine: 'mariadb',
    title: 'MariaDB',
    provide: 'mariadbUrl',
    defaultUrl: 'mysql://root@127.0.0.1:53306/mysql',
    async ask(url) {
      const connection = await createConnection({ uri: url, connectTimeout: 3_000 })
      try {
        await connection.query('select 1')
      } finally {
        await connection.end()
      }
    },
  },
  {
    engine: 'mongodb',
    title: "a server that speaks MongoDB's protocol",
    provide: 'mongodbUrl',
    defaultUrl: 'mongodb://127.0.0.1:57017/',
    async ask(url) {
      const client = new MongoClient(url, { serverSelectionTimeoutMS: 3_000 })
      try {
        await client.db('admin').command({ ping: 1 })
      } finally {
        await client.close()
      }
    },
  },
  {
    engine: 'neo4j',
    title: 'Neo4j',
    provide: 'neo4jUrl',
    defaultUrl: 'neo4j://neo4j:fanfold-test@127.0.0.1:57687',
    ask: askNeo4j,
  },
  {
    engine: 'cassandra',
    title: 'Cassandra',
    provide: 'cassandraUrl',
    defaultUrl: 'cassandra://cassandra:cassandra@127.0.0.1:59042,127.0.0.2:59042,127.0.0.3:59042/fanfold',
    ask: askCassandra,
  },
  {
    engine: 'rabbitmq',
    title: 'RabbitMQ',
    provide: 'rabbitmqUrl',
    defaultUrl: 'amqp://guest:guest@127.0.0.1:55672/',
    ask: askRabbit,
  },
  {
    engine: 'kafka',
    title: 'Kafka',
    provide: 'kafkaUrl',
    defaultUrl: 'kafka://127.0.0.1:59092',
    async ask(url) {
      const { host } = new URL(url)
      const client = new Kafka({ clientId: 'tests', bootstrapBrokers: [host], retries: 0, connectTimeout: 3_000 })
      try {
        await client.metadata({ topics: [] })
      } finally {
        await client.close()
      }
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

async function askCassandra(url: string): Promise<void> {
  const engines = createEngines({ logger: silentLogger, metrics: createMetrics(), clock: systemClock, poolSize: 1 })
  try {
    const version = await (await engines.open(url)).version()
    if (/ down/.test(version)) throw new Error(`not all of its nodes are up: ${version}`)
  } finally {
    await engines.close()
  }
}

async function askNeo4j(url: string): Promise<void> {
  const engines = createEngines({ logger: silentLogger, metrics: createMetrics(), clock: systemClock, poolSize: 1 })
  try {
    await engines.open(url)
  } finally {
    await engines.close()
  }
}

/** Whether it lets us in. */
async function askRabbit(url: string): Promise<void> {
  const connection = new Connection({ url, connectionTimeout: 3_000 })
  // It would go on trying by itself.
  const refused = new Promise<never>((_resolve, reject) => {
    connection.on('error', reject)
  })
  try {
    await Promise.race([connection.onConnect(3_000), refused])
  } finally {
    connection.unsafeDestroy()
  }
}
