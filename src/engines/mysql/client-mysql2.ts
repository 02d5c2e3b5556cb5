import type {
  Connection,
  ConnectionOptions,
  Pool,
  PoolConnection,
  ResultSetHeader,
  TypeCastField,
} from 'mysql2/promise'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { loadDriver } from '../driver.ts'
import { retryConflicts } from '../sql/retry-conflicts.ts'
import type { SqlClient, SqlParam, SqlRunner, SqlTx, TransactionOptions } from '../sql/sql.ts'
import { type DriverError, isLost, withSqlState } from './errors.ts'
import { createRenderer, type Statement } from './literals.ts'
import { type MysqlProfile, profileOf } from './profiles.ts'

/** What one statement answered: rows, or how many it inserted, deleted or changed (not: found). */
export interface Answer {
  readonly rows: readonly object[]
  readonly affected: number
}

export interface MysqlRunner extends SqlRunner {
  /**
   * Runs one statement that writes; answers how many rows it inserted, deleted or really changed. A row that
   * `on duplicate key update` changed counts twice, one that it left as it was not at all.
   */
  execute(text: string, params?: readonly SqlParam[]): Promise<number>
  /** Several statements in one round trip, in order; the first failure ends it. Outside a transaction, for reading. */
  batch(statements: readonly Statement[]): Promise<Answer[]>
}

export interface MysqlTx extends MysqlRunner, SqlTx {
  /**
   * As `batch`, and commits, in that one round trip: what they lock is held across no wait for the network. Nothing may
   * follow in the transaction.
   */
  last(statements: readonly Statement[]): Promise<Answer[]>
}

/** The SQL layer on MySQL's protocol. Placeholders are `?`; arrays are lists and rows (see `literalOf`). */
export interface MysqlClient extends MysqlRunner, SqlClient {
  readonly profile: MysqlProfile
  transaction<T>(work: (tx: MysqlTx) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** A connection of its own for as long as `work` takes, outside of any transaction; statements may take any time. */
  session<T>(work: (run: (text: string, params?: readonly SqlParam[]) => Promise<Answer>) => Promise<T>): Promise<T>
}

export interface MysqlTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly ssl?: { readonly rejectUnauthorized: boolean } | undefined
}

const SETTINGS = [
  `time_zone = '+00:00'`,
  // Nothing is cut or guessed, and a backslash escapes.
  `sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'`,
  `innodb_lock_wait_timeout = ${Math.ceil(LIMITS.commandMsMax / 1_000)}`,
  'group_concat_max_len = 16777216',
]

const BEGIN = [{ text: 'start transaction' }]
// Reads of one moment; without locks on gaps, writers need not see more than what is committed.
const BEGIN_SNAPSHOT = [
  { text: 'set transaction isolation level repeatable read' },
  { text: 'start transaction with consistent snapshot, read only' },
]
const COMMIT = { text: 'commit' }

/** The same types on every engine: see `SqlClient`. A truth value that is no column of its own comes as 0 or 1. */
function castField(field: TypeCastField, next: () => unknown): unknown {
  const { type, length } = field
  if (type === 'JSON' || (field as { extendedFormat?: string }).extendedFormat === 'json') {
    const text = field.string('utf8')
    return text === null ? null : JSON.parse(text)
  }
  if (type === 'LONGLONG') {
    const text = field.string()
    return text === null ? null : BigInt(text)
  }
  if (type === 'DATETIME' || type === 'TIMESTAMP') {
    const text = field.string()
    return text === null ? null : new Date(`${text.slice(0, 10)}T${text.slice(11, 23)}Z`)
  }
  if (type === 'DATE') return field.string()
  if (type === 'TINY' && length === 1) {
    const text = field.string()
    return text === null ? null : text !== '0'
  }
  return next()
}

const answerOf = (result: unknown): Answer =>
  Array.isArray(result)
    ? { rows: result as object[], affected: 0 }
    : { rows: [], affected: (result as ResultSetHeader).affectedRows }

interface MysqlOptions {
  readonly poolSize: number
  readonly logger: Logger
  /** How long an answer may take; then the connection is given up. */
  readonly answerMsMax?: number
}

/**
 * MySQL or MariaDB through mysql2. `poolSize` connections at most. Values travel inside the text of the statements, so
 * that several statements, and the begin and the commit around them, take one round trip. Fails when it can't connect.
 */
export async function openMysql(target: MysqlTarget, options: MysqlOptions): Promise<MysqlClient> {
  const mysql = await loadDriver('MySQL', 'mysql2', () => import('mysql2/promise'))
  const { ssl, ...address } = target
  const config: ConnectionOptions = {
    ...address,
    ...(ssl === undefined ? {} : { ssl }),
    connectTimeout: LIMITS.connectMsMax,
    multipleStatements: true,
    charset: 'UTF8MB4_BIN',
    // Counts of what was changed, not of what was found.
    flags: ['-FOUND_ROWS'],
    typeCast: castField,
  }
  const pool: Pool = mysql.createPool({
    ...config,
    connectionLimit: options.poolSize,
    maxIdle: options.poolSize,
  })
  // Without a listener, a connection that breaks twice would end the process; what was under way on it fails by itself.
  pool.on('connection', (connection) => {
    connection.on('error', (error: Error) => options.logger.debug({ err: error }, 'a database connection was lost'))
  })
  const ready = new WeakSet<object>()
  let profile: MysqlProfile | undefined
  let render = createRenderer('utf8mb4_bin')

  async function send(connection: Connection, texts: readonly string[], timeout: number): Promise<Answer[]> {
    const [result] = await connection.query({ sql: texts.join(';\n'), timeout })
    return texts.length === 1 ? [answerOf(result)] : (result as unknown[]).map(answerOf)
  }

  async function prepare(connection: Connection): Promise<void> {
    const timeout = LIMITS.connectMsMax
    if (profile === undefined) {
      const [answer] = await send(connection, ['select version() as version'], timeout)
      profile = profileOf((answer!.rows[0] as { version: string }).version)
      render = createRenderer(profile.collation)
    }
    await send(
      connection,
      [
        `set names utf8mb4 collate ${profile.collation}`,
        'set session transaction isolation level read committed',
        `set session ${[...SETTINGS, ...profile.settings].join(', ')}`,
      ],
      timeout,
    )
  }

  /** A connection within the time that connecting may take; one that comes later goes back. */
  async function acquire(): Promise<PoolConnection> {
    const wanted = pool.getConnection()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        wanted.then(
          (connection) => connection.release(),
          () => undefined,
        )
        reject(Object.assign(new Error('no database connection came free in time'), { code: '53300' }))
      }, LIMITS.connectMsMax)
    })
    try {
      const connection = await Promise.race([wanted, late])
      // From here on it is ours: later it would go back while it is used.
      clearTimeout(timer)
      if (!ready.has(connection.connection)) {
        await prepare(connection).catch((error: unknown) => {
          connection.destroy()
          throw error
        })
        ready.add(connection.connection)
      }
      return connection
    } catch (error) {
      throw withSqlState(error, true)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Runs `work` on a connection, which afterwards is used again, or given up when it broke. */
  async function lend<T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> {
    const connection = await acquire()
    let broken = false
    try {
      return await work(connection)
    } catch (error) {
      broken = error instanceof Error && isLost(error as DriverError)
      throw withSqlState(error)
    } finally {
      if (broken) connection.destroy()
      else connection.release()
    }
  }

  const statementMs = options.answerMsMax ?? LIMITS.statementMsMax + LIMITS.statementGraceMs
  const several = (statements: readonly Statement[]) =>
    retryConflicts(() => lend((connection) => send(connection, statements.map(render), statementMs)))
  const single = async (text: string, params?: readonly SqlParam[]) => (await several([{ text, params }]))[0]!

  function once<T>(work: (tx: MysqlTx) => Promise<T>, { snapshot }: TransactionOptions): Promise<T> {
    return lend(async (connection) => {
      let state = 'new' as 'new' | 'open' | 'over'
      async function run(statements: readonly Statement[], isLast = false): Promise<Answer[]> {
        if (state === 'over') throw new Error('the transaction is over')
        const begin = state === 'open' ? [] : snapshot ? BEGIN_SNAPSHOT : BEGIN
        const all = [...begin, ...statements, ...(isLast ? [COMMIT] : [])]
        state = 'open'
        const answers = await send(connection, all.map(render), statementMs)
        if (isLast) state = 'over'
        return answers.slice(begin.length, begin.length + statements.length)
      }
      try {
        const value = await work({
          query: async <Row extends object>(text: string, params?: readonly SqlParam[]) =>
            (await run([{ text, params }]))[0]!.rows as Row[],
          execute: async (text, params) => (await run([{ text, params }]))[0]!.affected,
          batch: (statements) => run(statements),
          last: (statements) => run(statements, true),
          script: async (text) => void (await run([{ text }])),
        })
        if (state === 'open') await send(connection, [COMMIT.text], statementMs)
        return value
      } catch (error) {
        if (state === 'open' && !(error instanceof Error && isLost(error as DriverError))) {
          await send(connection, ['rollback'], statementMs).catch(() => connection.destroy())
        }
        throw withSqlState(error)
      }
    })
  }

  // Who it is decides how statements are written, so the first connection comes before everything else.
  try {
    ;(await acquire()).release()
  } catch (error) {
    await pool.end()
    throw error
  }

  return {
    profile: profile!,
    query: async <Row extends object>(text: string, params?: readonly SqlParam[]) =>
      (await single(text, params)).rows as Row[],
    execute: async (text, params) => (await single(text, params)).affected,
    batch: several,
    transaction: (work, txOptions = {}) => retryConflicts(() => once(work, txOptions)),
    async session(work) {
      // Of no pool: whatever it has set, locked or left open goes with it.
      const connection = await mysql.createConnection(config).catch((error: unknown) => {
        throw withSqlState(error, true)
      })
      connection.on('error', (error: Error) => options.logger.debug({ err: error }, 'a database connection was lost'))
      try {
        await prepare(connection)
        return await work(async (text, params) => (await send(connection, [render({ text, params })], 0))[0]!)
      } catch (error) {
        throw withSqlState(error)
      } finally {
        await connection.end().catch(() => connection.destroy())
      }
    },
    async version() {
      const { rows } = await single('select version() as version')
      const { version } = rows[0] as { version: string }
      return `${profile!.product} ${/^[\d.]+/.exec(version)?.[0] ?? version}`
    },
    close: () => pool.end(),
  }
}
