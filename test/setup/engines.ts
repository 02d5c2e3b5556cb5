import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { embeddedTemplate } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a PostgreSQL server on which tests may create databases; absent when none answers. */
    postgresUrl: string | undefined
    /** Folder of a migrated PGlite database to copy. */
    embeddedTemplate: string
  }
}

const DEFAULT_POSTGRES_URL = 'postgres://postgres@127.0.0.1:55432/postgres'

async function reachable(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
  try {
    await client.connect()
    await client.query('select 1')
    return undefined
  } catch (error) {
    return error instanceof Error && error.message !== '' ? error.message : String(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Finds the servers that answer, once per run, and says which engines are left out and why. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('embeddedTemplate', await embeddedTemplate())
  const url = process.env['FANFOLD_TEST_POSTGRES_URL'] ?? DEFAULT_POSTGRES_URL
  const problem = await reachable(url)
  project.provide('postgresUrl', problem === undefined ? url : undefined)
  if (problem === undefined) return
  const required = process.env['FANFOLD_REQUIRE_ENGINES'] ?? ''
  if (required === 'all' || required.split(',').includes('postgres')) {
    throw new Error(`FANFOLD_REQUIRE_ENGINES wants PostgreSQL at ${url}, but: ${problem}`)
  }
  process.stderr.write(
    `left out: suites on PostgreSQL (${url}: ${problem}); start one with scripts/engines up postgres\n`,
  )
}
