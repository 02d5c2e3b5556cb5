import { afterEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { migrate, migrateAll, pendingMigrations } from '../../src/engines/mysql/migrate.ts'
import { MIGRATIONS } from '../../src/engines/mysql/migrations.generated.ts'
import type { Migration } from '../../src/engines/sql/migrate.ts'
import { createMysqlDatabase, mysqlServer, openMysqlUrl } from '../setup/mysql.ts'

const STEPS: readonly Migration[] = [
  {
    version: 1,
    name: 'first',
    sql: 'create table if not exists first (id int primary key); insert ignore into first values (1);',
  },
  { version: 2, name: 'second', sql: 'create table if not exists second (id int primary key);' },
]
const BROKEN: Migration = {
  version: 3,
  name: 'broken',
  sql: 'create table if not exists third (id int); insert into nowhere values (1); create table fourth (id int);',
}
const MENDED: Migration = { ...BROKEN, sql: 'create table if not exists third (id int); create table fourth (id int);' }

const server = mysqlServer()

describe.skipIf(server === undefined)('migrate on MariaDB', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function clients(count: number) {
    const { url, drop } = await createMysqlDatabase(server!)
    closing.push(drop)
    const all = await Promise.all(Array.from({ length: count }, () => openMysqlUrl(url, 2)))
    closing.push(async () => void (await Promise.all(all.map((sql) => sql.close()))))
    return all
  }
  const open = async () => (await clients(1))[0]!
  type Sql = Awaited<ReturnType<typeof open>>
  const tables = async (sql: Sql) =>
    (
      await sql.query<{ name: string }>(
        'select table_name as name from information_schema.tables where table_schema = database() order by 1',
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
    expect(report).toMatchObject({ pending: STEPS, applied: false, version: 0 })
    expect(await tables(sql)).toEqual([])
  })

  it('records no step that failed, and goes on with it at the next run', async () => {
    const sql = await open()
    await expect(migrate(sql, [...STEPS, BROKEN])).rejects.toThrow('nowhere')
    expect(await tables(sql)).toEqual(['first', 'schema_migrations', 'second', 'third'])
    expect(await pendingMigrations(sql, [...STEPS, BROKEN])).toEqual([BROKEN])
    expect(await migrate(sql, [...STEPS, MENDED])).toMatchObject({ pending: [MENDED], version: 3 })
    expect(await tables(sql)).toContain('fourth')
  })

  it('applies the last step again when what runs afterwards failed', async () => {
    const sql = await open()
    const afterwards = () => Promise.reject(new Error('afterwards'))
    await expect(migrate(sql, STEPS, { afterwards })).rejects.toThrow('afterwards')
    expect(await pendingMigrations(sql, STEPS)).toEqual([STEPS[1]])
  })

  it('has steps whose statements can all be repeated', async () => {
    const sql = await open()
    await migrateAll(sql)
    const before = await tables(sql)
    await sql.execute('delete from schema_migrations')
    expect(await migrateAll(sql)).toMatchObject({ pending: MIGRATIONS })
    expect(await tables(sql)).toEqual(before)
    expect(await sql.query('select location_id from locations')).toEqual([{ location_id: 'main' }])
    expect(await sql.query('select log from log_head')).toHaveLength(2 * sql.profile.logShards)
  })

  it('refuses a database whose steps were applied from another text, or that is ahead of the program', async () => {
    const sql = await open()
    await migrate(sql, STEPS)
    const edited = [STEPS[0]!, { ...STEPS[1]!, sql: 'create table other (id int);' }]
    await expect(migrate(sql, edited)).rejects.toSatisfy(
      (error) => isAppError(error, 'schema_outdated') && /different text/.test(error.message),
    )
    await expect(migrate(sql, STEPS.slice(0, 1))).rejects.toSatisfy(
      (error) => isAppError(error, 'schema_outdated') && /step 2/.test(error.message),
    )
  })

  it('lets one of eight apply the steps on an empty database, and the others find nothing left', async () => {
    const all = await clients(8)
    const reports = await Promise.all(all.map((sql) => migrateAll(sql)))
    expect(reports.map((report) => report.pending.length).sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: 7 }, () => 0),
      MIGRATIONS.length,
    ])
    expect(await all[3]!.query('select version from schema_migrations')).toHaveLength(MIGRATIONS.length)
    expect(await all[3]!.query('select shard from log_head')).toHaveLength(2 * all[3]!.profile.logShards)
  })

  it('says what to do to a login that may not change the schema', async () => {
    const sql = await open()
    const database = (await sql.query<{ name: string }>('select database() as name'))[0]!.name
    const user = `reader_${database.slice(-12)}`
    await sql.execute(`create user '${user}'@'127.0.0.1'`)
    closing.push(async () => void (await admin.execute(`drop user '${user}'@'127.0.0.1'`)))
    await sql.execute(`grant select on ${database}.* to '${user}'@'127.0.0.1'`)
    const admin = await openMysqlUrl(server!, 1)
    closing.unshift(() => admin.close())
    const url = new URL(server!)
    Object.assign(url, { username: user, pathname: `/${database}` })
    const reader = await openMysqlUrl(url.href, 1)
    closing.push(() => reader.close())
    await expect(migrateAll(reader)).rejects.toSatisfy(
      (error) => isAppError(error, 'schema_outdated') && /run as the owner: fanfold migrate/.test(error.message),
    )
  })
})
