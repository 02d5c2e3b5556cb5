import { randomBytes } from 'node:crypto'
import { afterAll, inject } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { type CassandraClient, openCassandra, type Row } from '../../src/engines/cassandra/client.ts'
import { migrateSchema } from '../../src/engines/cassandra/schema.ts'
import { targetOf } from '../../src/engines/cassandra/target.ts'
import { type CassandraTimelineOptions, openTimelineStore } from '../../src/engines/cassandra/timeline-store.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { TimelineStore } from '../../src/social/ports.ts'
import { testContext } from './context.ts'

/** Of the ring, if it answers; see `engines.ts` beside this file. */
export const cassandraServer = (): string | undefined => inject('cassandraUrl')

const NAME = 'fanfold_test_'
const STALE_MS = 3 * 3_600_000

/** A name for a keyspace, which tells when it was made. */
export const newKeyspace = () => `${NAME}${Date.now().toString(36)}_${randomBytes(4).toString('hex')}`

export const withKeyspace = (url: string, keyspace: string) =>
  url.replace(/^(cassandra:\/\/[^/]+\/)[^?]*/, `$1${keyspace}`)

export async function openRaw(url: string): Promise<CassandraClient> {
  return await openCassandra(targetOf(parseUrl(url)), url, silentLogger)
}

/** Those of runs that were killed. */
async function dropStale(raw: CassandraClient): Promise<void> {
  for (const row of await raw.run('select keyspace_name from system_schema.keyspaces', [])) {
    const name = row['keyspace_name'] as string
    const madeAt = Number.parseInt(name.slice(NAME.length).split('_')[0]!, 36)
    if (name.startsWith(NAME) && madeAt < Date.now() - STALE_MS) await raw.define(`drop keyspace if exists ${name}`)
  }
}

let keyspaceUrl: Promise<string> | undefined

/** The keyspace of this test file, with its tables: making one takes seconds. */
async function ownKeyspace(url: string): Promise<string> {
  keyspaceUrl ??= (async () => {
    const own = withKeyspace(url, newKeyspace())
    const raw = await openRaw(own)
    try {
      await dropStale(raw)
      await migrateSchema(raw, targetOf(parseUrl(own)), {})
    } finally {
      await raw.close()
    }
    return own
  })()
  return await keyspaceUrl
}

afterAll(async () => {
  if (keyspaceUrl === undefined) return
  const raw = await openRaw(await keyspaceUrl)
  await raw.define(`drop keyspace if exists ${raw.keyspace}`)
  await raw.close()
}, 60_000)

export interface CassandraUnderTest {
  /** With the prefix, for other processes. */
  readonly url: string
  readonly store: TimelineStore
  readonly cassandra: CassandraClient
  /** A user as he is called in the tables. */
  keyOf(userId: string): string
  /** Every row that names a user of this store, by table. */
  rows(): Promise<Record<string, Row[]>>
  close(): Promise<void>
}

export interface CassandraTestOptions extends Omit<CassandraTimelineOptions, 'prefix'> {
  readonly clock?: Clock
}

/** Timelines under a prefix that nobody else uses. */
export async function openCassandraTimelines(
  server: string,
  { clock, ...options }: CassandraTestOptions = {},
): Promise<CassandraUnderTest> {
  const url = await ownKeyspace(server)
  const prefix = randomBytes(6).toString('hex')
  const cassandra = await openRaw(url)
  return {
    url: `${url}${url.includes('?') ? '&' : '?'}prefix=${prefix}`,
    store: await openTimelineStore(cassandra, testContext({ clock }), { ...options, prefix }),
    cassandra,
    keyOf: (userId) => `${prefix}:${userId}`,
    async rows() {
      const found: Record<string, Row[]> = {}
      for (const table of ['user_feeds', 'user_feed_timeline', 'user_feed_arrivals']) {
        const all = await cassandra.run(`select * from ${cassandra.keyspace}.${table}`, [], { rowsMax: 100_000 })
        found[table] = all.filter((row) => String(row['user_id']).startsWith(`${prefix}:`))
      }
      return found
    },
    close: () => cassandra.close(),
  }
}
