import { createHash } from 'node:crypto'
import type { Pool, PoolClient, PoolConfig, QueryConfig } from 'pg'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { loadDriver } from '../driver.ts'
import { retryConflicts } from '../sql/retry-conflicts.ts'
import {
  encodeParam,
  type SqlClient,
  type SqlParam,
  type SqlProfile,
  type SqlTransactionOptions,
  type SqlTx,
} from '../sql/sql.ts'

const INT8 = 20
const INT8_ARRAY = 1016
const DATE = 1082
const TEXT_ARRAY: number = 1009
/** The driver would make local midnights and rounded numbers of them: date[], numeric[]. */
const ARRAYS_AS_TEXT: readonly number[] = [1182, 1231]

/** The longest that a timer waits, which is for ever. */
const NO_LIMIT_MS = 2_147_483_647
/** What the driver says of an answer that did not come in time. */
const NO_ANSWER = 'Query read timeout'

/** Statements are constants, so a short hash of the text names the prepared statement on every connection. */
function statementName(text: string, names: Map<string, string>): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `f${createHash('sha256').update(text).digest('hex').slice(0, 20)}`
    names.set(text, name)
  }
  return name
}

interface PgOptions {
  readonly poolSize: number
  readonly logger: Logger
  /** How long an answer may take; then the connection is given up: a server that is cut off says nothing. */
  readonly answerMsMax?: number
}

/**
 * PostgreSQL through node-postgres. `poolSize` connections at most; each statement ends within
 * {@link LIMITS.statementMsMax}, or is given up with its connection {@link LIMITS.statementGraceMs} later; an idle
 * transaction ends within {@link LIMITS.idleTransactionMsMax}.
 */
export async function openPg(url: URL, profile: SqlProfile, options: PgOptions): Promise<SqlClient> {
  const pg = await loadDriver(
    'PostgreSQL',
    'pg',
    async () => (await import('pg')).default as unknown as typeof import('pg'),
  )
  const config: PoolConfig = {
    connectionString: url.href,
    max: options.poolSize,
    connectionTimeoutMillis: 10_000,
    statement_timeout: LIMITS.statementMsMax,
    query_timeout: options.answerMsMax ?? LIMITS.statementMsMax + LIMITS.statementGraceMs,
    keepAlive: true,
    idle_in_transaction_session_timeout: LIMITS.idleTransactionMsMax,
    application_name: 'fanfold',
    // The planner can't know how many rows an array has; compiling a statement of 50 ms would take it a second.
    options: '-c jit=off',
    types: {
      getTypeParser(typeId, format) {
        const oid: number = typeId
        if (oid === INT8) return BigInt
        if (oid === DATE) return String
        if (ARRAYS_AS_TEXT.includes(oid)) return pg.types.getTypeParser(TEXT_ARRAY, format)
        const parse = pg.types.getTypeParser(typeId, format)
        if (oid === INT8_ARRAY) return (text: string) => (parse(text) as string[]).map((item) => item && BigInt(item))
        return parse
      },
    },
  }
  const pool: Pool = new pg.Pool(config)
  // A connection that breaks while idle must not end the process; the pool replaces it at the next use.
  pool.on('error', (error) => options.logger.warn({ err: error }, 'an idle database connection was lost'))
  // Between lending and use a connection has no listener of the pool's: without one of its own, losing it then would end
  // the process. What was under way on it fails by itself.
  pool.on('connect', (client) => {
    client.on('error', (error) => options.logger.debug({ err: error }, 'a database connection was lost'))
  })
  const names = new Map<string, string>()

  async function run<Row extends object>(
    on: Pool | PoolClient,
    text: string,
    params: readonly SqlParam[],
    limit: Pick<PoolConfig, 'query_timeout'> = {},
  ): Promise<Row[]> {
    const values = params.map(encodeParam)
    const query: QueryConfig = { text, name: statementName(text, names), values, ...limit }
    return (await on.query<Row>(query)).rows
  }

  async function once<T>(work: (tx: SqlTx) => Promise<T>, txOptions: SqlTransactionOptions): Promise<T> {
    const client = await pool.connect()
    let broken: Error | undefined
    // The pool hears of a connection that breaks while idle, but not while it is lent: without this the process ends.
    const onError = (error: Error) => {
      broken = error
    }
    client.on('error', onError)
    const limit = txOptions.unlimited ? { query_timeout: NO_LIMIT_MS } : {}
    try {
      await client.query(txOptions.snapshot ? 'begin isolation level repeatable read read only' : 'begin')
      if (txOptions.unlimited) await client.query('set local statement_timeout = 0')
      const value = await work({
        query: (text, params = []) => run(client, text, params, limit),
        script: async (text) => void (await client.query({ text, ...limit })),
      })
      await client.query('commit')
      return value
    } catch (error) {
      if (error instanceof Error && error.message === NO_ANSWER) broken = error
      else {
        await client.query('rollback').catch((rollbackError: Error) => {
          broken = rollbackError
        })
      }
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  return {
    profile,
    query: (text, params = []) => retryConflicts(() => run(pool, text, params)),
    transaction: (work, txOptions = {}) => retryConflicts(() => once(work, txOptions)),
    async version() {
      const { rows } = await pool.query<{ version: string }>('select version()')
      return (rows[0]?.version ?? '').split(' (')[0]!.split(' on ')[0]!
    },
    close: () => pool.end(),
  }
}
