import { asOwner, checksum, type Migration, type MigrationReport, pendingAfter } from '../sql/migrate.ts'
import type { SqlParam } from '../sql/sql.ts'
import type { Answer, MysqlClient } from './client-mysql2.ts'
import { createLogHeads } from './log-store.ts'
import { MIGRATIONS } from './migrations.generated.ts'

const CREATE_BOOKKEEPING = `
create table if not exists schema_migrations (
  version int not null primary key, name varchar(200) not null, checksum varchar(64) not null,
  applied_at datetime(6) not null
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin`

// Names of locks belong to the server, so this one says which database it is for. The wait ends now and then, so that a
// connection that went away meanwhile is noticed.
const LOCK_NAME = `concat('fanfold:', left(md5(database()), 24))`
const TAKE_LOCK = `select get_lock(${LOCK_NAME}, 10) as taken`

const HAS_BOOKKEEPING = `
select count(*) as present from information_schema.tables
where table_schema = database() and table_name = 'schema_migrations'`
const APPLIED = 'select version, checksum from schema_migrations order by version'
const RECORD = 'insert into schema_migrations (version, name, checksum, applied_at) values (?, ?, ?, now(6))'

type Run = (text: string, params?: readonly SqlParam[]) => Promise<Answer>

async function pendingBy(run: Run, migrations: readonly Migration[]): Promise<Migration[]> {
  const [{ present }] = (await run(HAS_BOOKKEEPING)).rows as [{ present: bigint }]
  if (present === 0n) return [...migrations]
  return pendingAfter((await run(APPLIED)).rows as { version: number; checksum: string }[], migrations)
}

/** The steps a database still lacks; changes nothing. Throws `schema_outdated` when it is ahead of the program. */
export function pendingMigrations(sql: MysqlClient, migrations: readonly Migration[]): Promise<Migration[]> {
  return pendingBy(async (text) => ({ rows: await sql.query(text), affected: 0 }), migrations)
}

/**
 * Brings the schema up to date under a lock of the server: when many processes start at once, one applies the steps and
 * the others find nothing left to do. DDL can't be undone here, so a step is recorded once all of it is there, and one
 * that was cut off is run again: its statements can be repeated. So can `afterwards`.
 */
export async function migrate(
  sql: MysqlClient,
  migrations: readonly Migration[],
  options: { dryRun?: boolean; afterwards?: (run: Run) => Promise<void> } = {},
): Promise<MigrationReport> {
  const newest = migrations.at(-1)?.version ?? 0
  const missing = await pendingMigrations(sql, migrations)
  if (options.dryRun) return { pending: missing, applied: false, version: newest - missing.length }
  // Who only uses the tables may not make any, nor needs to.
  if (missing.length === 0) return { pending: [], applied: true, version: newest }
  return asOwner(missing.length, () =>
    sql.session(async (run) => {
      await run(`set session ${sql.profile.noTimeLimit}`)
      while ((await run(TAKE_LOCK)).rows.every((row) => Number((row as { taken: unknown }).taken) !== 1));
      await run(CREATE_BOOKKEEPING)
      const pending = await pendingBy(run, migrations)
      for (const [index, migration] of pending.entries()) {
        await run(migration.sql)
        // Before the last step is recorded, as nobody comes back once all are.
        if (index === pending.length - 1) await options.afterwards?.(run)
        await run(RECORD, [migration.version, migration.name, checksum(migration)])
      }
      return { pending, applied: true, version: newest }
    }),
  )
}

/** Every step, and the heads of the logs. */
export const migrateAll = (sql: MysqlClient, options: { dryRun?: boolean } = {}): Promise<MigrationReport> =>
  migrate(sql, MIGRATIONS, { ...options, afterwards: (run) => createLogHeads(run, sql.profile.logShards) })
