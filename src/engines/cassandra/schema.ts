import { systemClock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { backoffMs } from '../../core/retry.ts'
import type { Migration, MigrationReport } from '../sql/migrate.ts'
import type { CassandraClient } from './client.ts'
import { isForbidden } from './failure.ts'
import type { CassandraTarget } from './target.ts'

// All changes of it are compare-and-set. Cells go 30 days after the last visit.
const FEEDS = `
create table if not exists <keyspace>.user_feeds (
  user_id text primary key, version bigint, epoch bigint, ready boolean, floor bigint, begun_at timestamp,
  read_at timestamp, future boolean)
with compaction = {'class': 'LeveledCompactionStrategy'}`

// Files hold a week of writing each, and are thrown away as a whole once all in them is over.
const ENTRIES = `
create table if not exists <keyspace>.user_feed_timeline (
  user_id text, week int, epoch bigint, post_id bigint, primary key ((user_id, week), epoch, post_id))
with clustering order by (epoch asc, post_id desc)
and compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS',
  'compaction_window_size': '7'}`

const ARRIVALS = `
create table if not exists <keyspace>.user_feed_arrivals (
  user_id text, epoch bigint, arrived_at timestamp, post_id bigint, primary key (user_id, epoch, arrived_at, post_id))
with clustering order by (epoch asc, arrived_at desc, post_id desc)
and compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'HOURS',
  'compaction_window_size': '8'}`

const HAS_KEYSPACE = 'select keyspace_name from system_schema.keyspaces where keyspace_name = ?'
const TABLES = 'select table_name from system_schema.tables where keyspace_name = ?'

const STEPS: readonly { readonly name: string; readonly cql: string }[] = [
  { name: 'keyspace', cql: '' },
  { name: 'user_feeds', cql: FEEDS },
  { name: 'user_feed_timeline', cql: ENTRIES },
  { name: 'user_feed_arrivals', cql: ARRIVALS },
]

function stepsOf({ keyspace, datacenter, replication }: CassandraTarget): Migration[] {
  const create = `create keyspace if not exists ${keyspace}
with replication = {'class': 'NetworkTopologyStrategy', '${datacenter}': ${replication}}`
  return STEPS.map(({ name, cql }, index) => ({
    version: index + 1,
    name,
    sql: index === 0 ? create : cql.trim().replaceAll('<keyspace>', keyspace),
  }))
}

/** The steps whose keyspace or table is not there. */
export async function pendingSteps(cassandra: CassandraClient, target: CassandraTarget): Promise<Migration[]> {
  const steps = stepsOf(target)
  if ((await cassandra.run(HAS_KEYSPACE, [target.keyspace])).length === 0) return steps
  const tables = new Set((await cassandra.run(TABLES, [target.keyspace])).map((row) => row['table_name']))
  return steps.slice(1).filter(({ name }) => !tables.has(name))
}

/** Makes what is missing; many processes may do so at once. Throws `invalid_config`, `schema_outdated`. */
export async function migrateSchema(
  cassandra: CassandraClient,
  target: CassandraTarget,
  { dryRun = false }: { dryRun?: boolean },
): Promise<MigrationReport> {
  const pending = await pendingSteps(cassandra, target)
  if (dryRun) return { pending, applied: false, version: STEPS.length - pending.length }
  const nodes = cassandra.nodes().length
  if (pending[0]?.version === 1 && nodes < target.replication) {
    const message = `Cassandra: ?replication=${target.replication} needs as many nodes, and there is ${nodes}`
    throw new AppError('invalid_config', `${message}; for a try with one node set ?replication=1`)
  }
  try {
    for (const step of pending) await cassandra.define(step.sql)
  } catch (cause) {
    if (!isForbidden(cause)) throw cause
    const names = pending.map(({ name }) => name).join(', ')
    const message = `The keyspace ${target.keyspace} lacks ${names}, which this user may not make; run fanfold migrate as one who may`
    throw new AppError('schema_outdated', message, { cause })
  }
  // Another process may have made a table just now, of which not all nodes know yet.
  const endAt = systemClock.now() + LIMITS.cassandraRequestMsMax
  for (let tries = 1; !(await cassandra.isAgreed()) && systemClock.now() < endAt; tries++) {
    await systemClock.sleep(backoffMs(tries, { firstMs: 50, maxMs: 500 }))
  }
  return { pending, applied: true, version: STEPS.length }
}
