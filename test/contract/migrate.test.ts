import { afterEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { createLogHeads } from '../../src/engines/postgres/log-store.ts'
import { MIGRATIONS } from '../../src/engines/postgres/migrations.generated.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { type Migration, migrate, pendingMigrations } from '../../src/engines/sql/migrate.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'

const STEPS: readonly Migration[] = [
  { version: 1, name: 'first', sql: 'create table first (id int primary key); insert into first values (1);' },
  { version: 2, name: 'second', sql: 'create table second (id int primary key);' },
]
const BROKEN: Migration = { version: 3, name: 'broken', sql: 'create table third (id int); select 1 / 0;' }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openEmbedded(): Promise<SqlClient> {
  const sql = await openPglite(undefined)
  closing.push(() => sql.close())
  return sql
}

async function openServer(clients: number): Promise<SqlClient[]> {
  const { url, drop } = await createPostgresDatabase(postgresServer()!)
  closing.push(drop)
  const open = () => openPg(new URL(url), PROFILES.postgres, { poolSize: 2, logger: silentLogger })
  const all = await Promise.all(Array.from({ length: clients }, open))
  closing.push(async () => void (await Promise.all(all.map((sql) => sql.close()))))
  return all
}

const engines: [string, () => Promise<SqlClient>][] = [['pglite', openEmbedded]]
if (postgresServer() !== undefined) engines.push(['postgres', async () => (await openServer(1))[0]!])

describe.each(engines)('migrate on %s', (_name, open) => {
  const tables = async (sql: SqlClient) =>
    (
      await sql.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
      )
    ).map((row) => row.name)

  it('applies what is missing, once', async () => {
    const sql = await open()
    expect(await migrate(sql, STEPS.slice(0, 1))).toMatchObject({ applied: true, version: 1 })
    const second = await migrate(sql, STEPS)
    expect(second.pending.map((step) => step.name)).toEqual(['second'])
    expect(await migrate(sql, STEPS)).toMatchObject({ pending: [], version: 2 })
    expect(await sql.query('select * from first')).toEqual([{ id: 1 }])
  })

  it('changes nothing in a dry run', async () => {
    const sql = await open()
    const report = await migrate(sql, STEPS, { dryRun: true })
    expect(report.pending.map((step) => step.version)).toEqual([1, 2])
    expect(report.applied).toBe(false)
    expect(await tables(sql)).toEqual([])
    await migrate(sql, STEPS.slice(0, 1))
    expect(await migrate(sql, STEPS, { dryRun: true })).toMatchObject({ version: 1, pending: [STEPS[1]] })
    expect(await tables(sql)).not.toContain('second')
  })

  it('leaves nothing of a run in which a step failed', async () => {
    const sql = await open()
    await migrate(sql, STEPS.slice(0, 1))
    await expect(migrate(sql, [...STEPS, BROKEN])).rejects.toThrow('division by zero')
    expect(await tables(sql)).toEqual(['first', 'schema_lock', 'schema_migrations'])
    expect(await pendingMigrations(sql, STEPS)).toEqual([STEPS[1]])
    expect(await migrate(sql, STEPS)).toMatchObject({ version: 2 })
  })

  it('leaves nothing when what runs afterwards fails', async () => {
    const sql = await open()
    await expect(migrate(sql, STEPS, { afterwards: () => Promise.reject(new Error('afterwards')) })).rejects.toThrow(
      'afterwards',
    )
    expect(await pendingMigrations(sql, STEPS)).toEqual(STEPS)
  })

  it('refuses a database whose steps were applied from another text', async () => {
    const sql = await open()
    await migrate(sql, STEPS)
    const edited = [STEPS[0]!, { ...STEPS[1]!, sql: 'create table other (id int);' }]
    for (const attempt of [
      () => migrate(sql, edited),
      () => migrate(sql, edited, { dryRun: true }),
      () => pendingMigrations(sql, edited),
    ]) {
      await expect(attempt()).rejects.toSatisfy(
        (error) => isAppError(error, 'schema_outdated') && /different text/.test(error.message),
      )
    }
  })

  it('refuses a database that is ahead of the program', async () => {
    const sql = await open()
    await migrate(sql, STEPS)
    await expect(migrate(sql, STEPS.slice(0, 1))).rejects.toSatisfy(
      (error) => isAppError(error, 'schema_outdated') && /step 2/.test(error.message),
    )
  })
})

describe.skipIf(postgresServer() === undefined)('migrate on PostgreSQL by many at once', () => {
  it('lets one of eight apply the steps on an empty database, and the others find nothing left', async () => {
    const clients = await openServer(8)
    const afterwards = openHeads(clients[0]!.profile.logShards)
    const reports = await Promise.all(clients.map((sql) => migrate(sql, MIGRATIONS, { afterwards })))
    expect(reports.filter((report) => report.pending.length === MIGRATIONS.length)).toHaveLength(1)
    expect(reports.filter((report) => report.pending.length === 0)).toHaveLength(7)
    expect(await clients[3]!.query('select count(*)::int as steps from schema_migrations')).toEqual([
      { steps: MIGRATIONS.length },
    ])
    expect(await clients[3]!.query('select count(*)::int as heads from log_head')).toEqual([{ heads: 8 }])
  })
})

/** What the engine runs after the steps. */
function openHeads(shards: number) {
  return (tx: Parameters<typeof createLogHeads>[0]) => createLogHeads(tx, shards)
}
