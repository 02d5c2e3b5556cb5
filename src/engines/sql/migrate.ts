import { createHash } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'
import { INSUFFICIENT_PRIVILEGE, type SqlClient, type SqlTx, sqlState } from './sql.ts'

/** One numbered step of the schema. Steps are never edited after a release: a later one corrects an earlier one. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

export interface MigrationReport {
  /** Steps that were applied, or would be with `dryRun`. */
  readonly pending: readonly Migration[]
  readonly applied: boolean
  /** The newest step the database has now. */
  readonly version: number
}

const CREATE_BOOKKEEPING = `
create table if not exists schema_lock (id smallint primary key, holder text not null);
insert into schema_lock (id, holder) values (1, 'nobody') on conflict do nothing;
create table if not exists schema_migrations (
  version int primary key, name text not null, checksum text not null, applied_at timestamptz not null default now());`

const TAKE_LOCK = 'update schema_lock set holder = $1 where id = 1'
const APPLIED = 'select version, checksum from schema_migrations order by version'
const HAS_BOOKKEEPING = `select to_regclass('schema_migrations') is not null as present`
const RECORD = 'insert into schema_migrations (version, name, checksum) values ($1, $2, $3)'

/** Tells whether a step was applied from this text. */
export function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex').slice(0, 16)
}

/** The steps that are missing after those. Throws `schema_outdated` for one that is unknown, or known by another text. */
export function pendingAfter(
  applied: readonly { version: number; checksum: string }[],
  migrations: readonly Migration[],
): Migration[] {
  for (const row of applied) {
    const known = migrations.find((migration) => migration.version === row.version)
    if (known === undefined) {
      throw new AppError(
        'schema_outdated',
        `The database is at step ${row.version}, which this program does not know; update the program`,
      )
    }
    if (checksum(known) !== row.checksum) {
      throw new AppError(
        'schema_outdated',
        `Step ${row.version} (${known.name}) was applied from a different text than this program holds`,
      )
    }
  }
  const done = new Set(applied.map((row) => row.version))
  return migrations.filter((migration) => !done.has(migration.version))
}

/**
 * Brings the schema up to date, in one transaction under one row lock: when many processes start at once, one applies
 * the steps and the others find nothing left to do. `afterwards` runs in the same transaction.
 */
export async function migrate(
  sql: SqlClient,
  migrations: readonly Migration[],
  options: { dryRun?: boolean; afterwards?: (tx: SqlTx) => Promise<void> } = {},
): Promise<MigrationReport> {
  if (options.dryRun) {
    const pending = await pendingMigrations(sql, migrations)
    return { pending, applied: false, version: (migrations.at(-1)?.version ?? 0) - pending.length }
  }
  // Who only uses the tables has no right to the lock, nor needs it: that nothing is missing stays so.
  const missing = await pendingMigrations(sql, migrations)
  if (missing.length === 0) return { pending: [], applied: true, version: migrations.at(-1)?.version ?? 0 }
  return asOwner(missing.length, () => apply(sql, migrations, options.afterwards))
}

/** Runs what changes the schema. Throws `schema_outdated` when the login may not. */
export async function asOwner<T>(missing: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (sqlState(cause) !== INSUFFICIENT_PRIVILEGE) throw cause
    const message = `The database lacks ${missing} step(s), which this login may not add; run as the owner: fanfold migrate`
    throw new AppError('schema_outdated', message, { cause })
  }
}

async function apply(
  sql: SqlClient,
  migrations: readonly Migration[],
  afterwards: ((tx: SqlTx) => Promise<void>) | undefined,
): Promise<MigrationReport> {
  // `create table if not exists` itself races in PostgreSQL's catalog: the loser sees a unique violation, or a table or
  // type that is there already, once.
  await retry(
    {
      tries: 10,
      backoff: { firstMs: 20, maxMs: 200 },
      retryable: (error) => ['23505', '42P07', '42710', 'XX000'].includes(sqlState(error)),
    },
    () => sql.transaction((tx) => tx.script(CREATE_BOOKKEEPING)),
  )
  // A step may take long on large tables, and whoever waits for the lock waits as long.
  const work = async (tx: SqlTx): Promise<MigrationReport> => {
    await tx.query(TAKE_LOCK, [`pid ${process.pid}`])
    const pending = pendingAfter(await tx.query<{ version: number; checksum: string }>(APPLIED), migrations)
    for (const migration of pending) {
      await tx.script(migration.sql)
      await tx.query(RECORD, [migration.version, migration.name, checksum(migration)])
    }
    await afterwards?.(tx)
    return { pending, applied: true, version: migrations.at(-1)?.version ?? 0 }
  }
  return sql.transaction(work, { unlimited: true })
}

/** The steps a database still lacks; changes nothing. Throws `schema_outdated` when it is ahead of the program. */
export async function pendingMigrations(sql: SqlClient, migrations: readonly Migration[]): Promise<Migration[]> {
  const [row] = await sql.query<{ present: boolean }>(HAS_BOOKKEEPING)
  if (!row?.present) return [...migrations]
  return pendingAfter(await sql.query<{ version: number; checksum: string }>(APPLIED), migrations)
}
