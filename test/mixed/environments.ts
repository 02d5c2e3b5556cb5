import { join } from 'node:path'
import { inject } from 'vitest'
import { newKeyspace, openRaw, withKeyspace } from '../setup/cassandra.ts'
import { kafkaUnderTest } from '../setup/kafka.ts'
import { openMongodbPosts } from '../setup/mongodb.ts'
import { createMysqlDatabase } from '../setup/mysql.ts'
import { openNeo4jFollows } from '../setup/neo4j.ts'
import { ownRabbitUrl, removeRabbitQueues } from '../setup/rabbitmq.ts'
import { openRedisTimelines } from '../setup/redis.ts'
import { createPostgresDatabase } from '../setup/sql.ts'

/** Which engine holds what. */
export interface SetUp {
  readonly name: string
  readonly about: string
  /** As scripts/engines calls them. */
  readonly servers: readonly string[]
  isThere(): boolean
  /** Makes databases of its own on the servers; answers the environment of a process that uses them. */
  open(folder: string, cleanups: (() => Promise<void>)[]): Promise<Record<string, string>>
}

export const SET_UPS: readonly SetUp[] = [
  {
    name: 'a',
    about: 'all embedded',
    servers: [],
    isThere: () => true,
    open: async (folder) => ({ FANFOLD_DATABASE_URL: `pglite:${join(folder, 'data')}` }),
  },
  {
    name: 'b',
    about: 'PostgreSQL, timelines on Redis, queue on RabbitMQ',
    servers: ['postgres', 'redis', 'rabbitmq'],
    isThere: () => [inject('postgresUrl'), inject('redisUrl'), inject('rabbitmqUrl')].every((url) => url !== undefined),
    async open(_, cleanups) {
      const database = await createPostgresDatabase(inject('postgresUrl')!)
      cleanups.push(() => database.drop())
      const redis = await openRedisTimelines(inject('redisUrl')!)
      cleanups.push(() => redis.close())
      const queue = ownRabbitUrl(inject('rabbitmqUrl')!)
      cleanups.push(() => removeRabbitQueues(queue))
      return {
        FANFOLD_DATABASE_URL: database.url,
        FANFOLD_TIMELINES_URL: redis.url,
        FANFOLD_QUEUE_URL: queue,
      }
    },
  },
  {
    name: 'c',
    about:
      'orders on MariaDB, payments on PostgreSQL, posts on MongoDB, follows on Neo4j, timelines on Cassandra, Kafka',
    servers: ['postgres', 'mariadb', 'mongodb', 'neo4j', 'cassandra', 'kafka'],
    isThere: () =>
      [
        ...[inject('postgresUrl'), inject('mariadbUrl'), inject('mongodbUrl')],
        ...[inject('neo4jUrl'), inject('cassandraUrl'), inject('kafkaUrl')],
      ].every((url) => url !== undefined),
    async open(_, cleanups) {
      const database = await createPostgresDatabase(inject('postgresUrl')!)
      cleanups.push(() => database.drop())
      const orders = await createMysqlDatabase(inject('mariadbUrl')!)
      cleanups.push(() => orders.drop())
      const posts = await openMongodbPosts(inject('mongodbUrl')!)
      cleanups.push(() => posts.close())
      const follows = await openNeo4jFollows(inject('neo4jUrl')!)
      cleanups.push(() => follows.close())
      const keyspace = newKeyspace()
      const timelines = withKeyspace(inject('cassandraUrl')!, keyspace)
      cleanups.push(async () => {
        const raw = await openRaw(timelines)
        await raw.define(`drop keyspace if exists ${keyspace}`)
        await raw.close()
      })
      const queue = kafkaUnderTest(inject('kafkaUrl')!)
      cleanups.push(() => queue.remove())
      return {
        FANFOLD_DATABASE_URL: database.url,
        FANFOLD_ORDERS_URL: orders.url,
        FANFOLD_POSTS_URL: posts.url,
        FANFOLD_FOLLOWS_URL: follows.url,
        FANFOLD_TIMELINES_URL: timelines,
        FANFOLD_QUEUE_URL: queue.url,
        FANFOLD_EVENTS_URL: queue.url,
      }
    },
  },
]
