import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { createLogHeads } from '../../src/engines/postgres/log-store.ts'
import { MIGRATIONS } from '../../src/engines/postgres/migrations.generated.ts'
import { migrate } from '../../src/engines/sql/migrate.ts'

/**
 * A migrated embedded database to copy: making one takes seconds, copying one a fraction. It is kept between runs, under a
 * name made from the schema and PGlite's version.
 */
export async function embeddedTemplate(): Promise<string> {
  const pglite = await readFile(
    new URL('../../node_modules/@electric-sql/pglite/package.json', import.meta.url),
    'utf8',
  )
  const hash = createHash('sha256').update(JSON.stringify(MIGRATIONS)).update(pglite).digest('hex').slice(0, 16)
  const template = join(tmpdir(), `fanfold-test-template-${hash}`)
  if (existsSync(template)) return template
  const draft = `${template}-${randomBytes(4).toString('hex')}`
  const sql = await openPglite(draft)
  await migrate(sql, MIGRATIONS, { afterwards: (tx) => createLogHeads(tx, sql.profile.logShards) })
  await sql.close()
  // Another run may have been faster; its template is as good.
  await rename(draft, template).catch(() => rm(draft, { recursive: true, force: true }))
  return template
}

/** A copy of the template: the folder for one test's database. */
export async function copyTemplate(template: string): Promise<{ folder: string; remove(): Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'fanfold-test-'))
  const folder = join(parent, 'data')
  await cp(template, folder, { recursive: true })
  return { folder, remove: () => rm(parent, { recursive: true, force: true }) }
}
