import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { PGlite, type Transaction } from '@electric-sql/pglite'
import { retryConflicts } from '../sql/retry-conflicts.ts'
import { encodeParam, type SqlClient, type SqlParam, type SqlTx } from '../sql/sql.ts'
import { lockDataFolder } from './data-folder-lock.ts'
import { PROFILES } from './profiles.ts'

const PARSERS = { 20: (text: string) => BigInt(text), 1082: (text: string) => text }

type Runner = Pick<PGlite, 'query' | 'exec'> | Transaction

async function run<Row extends object>(on: Runner, text: string, params: readonly SqlParam[]): Promise<Row[]> {
  const result = await on.query<Row>(text, params.map(encodeParam))
  // It answers within the same turn of the event loop: without this a loop of statements lets no timer or socket through.
  await new Promise((resolve) => setImmediate(resolve))
  return result.rows
}

/**
 * PostgreSQL in WebAssembly, in this process: one connection, so transactions run one after the other. `folder` is
 * where its files lie, `undefined` keeps everything in memory. A killed process loses no acknowledged write; a power
 * cut may (there is no fsync).
 */
export async function openPglite(folder: string | undefined): Promise<SqlClient> {
  const path = folder === undefined ? undefined : resolve(folder)
  if (path !== undefined) await mkdir(dirname(path), { recursive: true })
  const lock = path === undefined ? undefined : await lockDataFolder(path)
  let db: PGlite
  try {
    db = await PGlite.create({ ...(path === undefined ? {} : { dataDir: path }), parsers: PARSERS })
  } catch (error) {
    await lock?.close()
    throw error
  }
  let closing: Promise<void> | undefined

  return {
    profile: PROFILES.pglite,
    query: (text, params = []) => retryConflicts(() => run(db, text, params)),
    transaction: (work, options = {}) =>
      retryConflicts(() =>
        db.transaction(async (pgliteTx) => {
          // One connection: nobody else writes during a transaction, so every one of them reads one snapshot.
          if (options.snapshot) await pgliteTx.exec('set transaction read only')
          const tx: SqlTx = {
            query: (text, params = []) => run(pgliteTx, text, params),
            script: async (text) => void (await pgliteTx.exec(text)),
          }
          return work(tx)
        }),
      ),
    async version() {
      const [row] = await run<{ version: string }>(db, 'select version()', [])
      return /PGlite [\d.]+/.exec(row?.version ?? '')?.[0] ?? 'PGlite'
    },
    close() {
      closing ??= db.close().finally(() => lock?.close())
      return closing
    },
  }
}
