import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import type { PortContext } from '../../src/engines/engine.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { createLogHeads } from '../../src/engines/postgres/log-store.ts'
import { MIGRATIONS } from '../../src/engines/postgres/migrations.generated.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { migrate } from '../../src/engines/sql/migrate.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { testContext } from './context.ts'
import { copyTemplate } from './template.ts'

export interface TestDatabase {
  readonly sql: SqlClient
  /** URL by which another process can open it; PGlite only after this one has closed it. */
  readonly url: string
  readonly context: PortContext
  drop(): Promise<void>
}

export interface SqlEngineUnderTest {
  readonly name: 'pglite' | 'postgres'
  /** A fresh, migrated database. */
  create(): Promise<TestDatabase>
}

async function migrated(sql: SqlClient): Promise<void> {
  await migrate(sql, MIGRATIONS, { afterwards: (tx) => createLogHeads(tx, sql.profile.logShards) })
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** An empty database of its own on the PostgreSQL server; not migrated. */
export async function createPostgresDatabase(serverUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `fanfold_test_${randomBytes(6).toString('hex')}`
  await onServer(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => onServer(serverUrl, `drop database if exists ${name} with (force)`) }
}

const pglite: SqlEngineUnderTest = {
  name: 'pglite',
  async create() {
    const { folder, remove } = await copyTemplate(inject('embeddedTemplate'))
    const sql = await openPglite(folder)
    const drop = async () => {
      await sql.close()
      await remove()
    }
    return { sql, url: `pglite:${folder}`, context: testContext(), drop }
  },
}

function postgres(serverUrl: string): SqlEngineUnderTest {
  return {
    name: 'postgres',
    async create() {
      const database = await createPostgresDatabase(serverUrl)
      const sql = await openPg(new URL(database.url), PROFILES.postgres, { poolSize: 10, logger: silentLogger })
      await migrated(sql)
      const drop = async () => {
        await sql.close()
        await database.drop()
      }
      return { sql, url: database.url, context: testContext(), drop }
    },
  }
}

/** The SQL engines that answer: PGlite always, PostgreSQL when a server is there (see `engines.ts` beside this file). */
export function sqlEngines(): SqlEngineUnderTest[] {
  const serverUrl = inject('postgresUrl')
  return serverUrl === undefined ? [pglite] : [pglite, postgres(serverUrl)]
}

/** The PostgreSQL server, for tests that need several processes; `undefined` leaves the suite out. */
export function postgresServer(): string | undefined {
  return inject('postgresUrl')
}
