import type { Db, DbOptions, MongoBulkWriteError, MongoClient, MongoClientOptions } from 'mongodb'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { loadDriver } from '../driver.ts'

export interface MongoTarget {
  /** What the driver connects to: scheme and hosts. */
  readonly connection: string
  readonly database: string
  /** Begins the name of every collection. */
  readonly prefix: string
  readonly options: Pick<MongoClientOptions, 'auth' | 'authSource' | 'replicaSet' | 'tls' | 'directConnection'>
}

export interface Mongo extends Closable {
  readonly db: Db
  readonly isReplicated: boolean
  version(): Promise<string>
}

const UNAUTHORISED = 13
const WRONG_PASSWORD = 18
/** The server was about to stop or to be another's secondary, or a majority did not answer in time. */
const AWAY = new Set([6, 7, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436])
const NETWORK =
  /^Mongo(Network|NetworkTimeout|ServerSelection|WaitQueueTimeout|PoolCleared|PoolClosed|TopologyClosed)Error$/
/** We closed it. */
const CLOSED = /^Mongo(NotConnected|ClientClosed)Error$/
const DUPLICATE = 11_000

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined

export const isDuplicate = (error: unknown) => codeOf(error) === DUPLICATE

/** Of a bulk write that failed only by what is there already, the places in it; of another, the failure is thrown. */
export function duplicatesOf(error: unknown): Set<number> {
  if (!(error instanceof Error) || !('writeErrors' in error)) throw error
  const failed = [error.writeErrors].flat() as { index: number; code: number }[]
  if (failed.length === 0 || failed.some(({ code }) => code !== DUPLICATE)) throw error
  const unsure = (error as MongoBulkWriteError).result.getWriteConcernError()
  if (unsure !== undefined) throw new AppError('unavailable', `MongoDB: ${unsure.errmsg}`, { cause: error })
  return new Set(failed.map(({ index }) => index))
}

/** A bulk write has what broke it off as its "response". */
function isAway(error: Error): boolean {
  if (NETWORK.test(error.name) || AWAY.has(codeOf(error) ?? -1)) return true
  return 'errorResponse' in error && error.errorResponse instanceof Error && isAway(error.errorResponse)
}

/** Whether the server, or the way to it, failed: the same may succeed soon. */
export const isNetworkFailure = (error: unknown) => error instanceof Error && isAway(error)

/** What went wrong with the server, or between it and us, as `unavailable`; anything else as it is. */
function translated(error: unknown): unknown {
  if (!(error instanceof Error) || !(isAway(error) || CLOSED.test(error.name))) return error
  return new AppError('unavailable', `MongoDB: ${error.message}`, { cause: error })
}

/** The same functions, whose failures are those of {@link translated}. */
export function guarded<Store extends object>(store: Store): Store {
  const wrap = (value: unknown): unknown => {
    if (typeof value !== 'function') return typeof value === 'object' && value !== null ? guarded(value) : value
    return async (...args: unknown[]) => {
      try {
        return await value(...args)
      } catch (error) {
        throw translated(error)
      }
    }
  }
  return Object.fromEntries(Object.entries(store).map(([name, value]) => [name, wrap(value)])) as Store
}

/** Why a server could not be opened, and what to do; `shown` is its URL without the password. */
export function refusalOf(error: unknown, shown: string): AppError {
  const cause = rootOf(error)
  const message = messageOf(cause)
  const unreachable = (why: string) => new AppError('engine_unreachable', `${shown}: ${why}`, { cause })
  if (/wire version/.test(message)) return new AppError('engine_unsupported', `${shown}: ${message}`, { cause })
  if (codeOf(cause) === WRONG_PASSWORD || /authenticat/i.test(message)) {
    return unreachable(`user or password refused (${message}); say ?authSource= when the user is of another database`)
  }
  if (codeOf(cause) === UNAUTHORISED) return unreachable(`the user may not use this database: ${message}`)
  if (/ECONNREFUSED/.test(message)) return unreachable('nobody listens there: is it running, and is the port right?')
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return unreachable(`the name of the host is not known: ${message}`)
  if (/ECONNRESET|closed/.test(message))
    return unreachable(`the connection was closed; does it want ?tls=true? (${message})`)
  if (/timed out|ETIMEDOUT/i.test(message)) {
    return unreachable(`no answer in time: is the host right, is a firewall between, has the replica set a primary?`)
  }
  return unreachable(message)
}

/** The driver says of each server why; it is the first of those that helps. */
function rootOf(error: unknown): unknown {
  if (!(error instanceof Error) || !('reason' in error)) return error
  const { servers } = error.reason as { servers?: Map<string, { error?: Error | null }> }
  return [...(servers?.values() ?? [])].find((server) => server.error)?.error ?? error
}

/**
 * MongoDB through its driver: at most `poolSize` connections, which it makes again by itself. Writes are acknowledged
 * by the majority and journalled, reads see what is: no acknowledged write is lost by a failover. Throws
 * `engine_unreachable`, `engine_unsupported`, `driver_missing`.
 */
export async function openMongo(target: MongoTarget, shown: string, poolSize: number, logger: Logger): Promise<Mongo> {
  const driver = await loadDriver('MongoDB', 'mongodb', () => import('mongodb'))
  const client: MongoClient = new driver.MongoClient(target.connection, {
    ...target.options,
    appName: 'fanfold',
    maxPoolSize: poolSize,
    connectTimeoutMS: LIMITS.mongodbSelectMsMax,
    serverSelectionTimeoutMS: LIMITS.mongodbSelectMsMax,
    waitQueueTimeoutMS: LIMITS.mongodbCommandMsMax,
    socketTimeoutMS: LIMITS.mongodbCommandMsMax,
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: LIMITS.mongodbCommandMsMax },
    readPreference: 'primary',
    retryReads: true,
    retryWrites: true,
    ignoreUndefined: true,
    useBigInt64: true,
    promoteBuffers: true,
  })
  client.on('error', (error) => logger.warn({ err: error }, `MongoDB: ${error.message}`))
  try {
    await client.connect()
    const hello = await client
      .db('admin')
      .command({ hello: 1 })
      .catch(() => client.db('admin').command({ isMaster: 1 }))
    const isReplicated = hello['setName'] !== undefined || hello['msg'] === 'isdbgrid'
    // What the majority has is what a failover keeps; a single server knows no majority.
    const options: DbOptions = isReplicated ? { readConcern: new driver.ReadConcern('majority') } : {}
    const db = client.db(target.database, options)
    // The first command of the database itself: it needs the user's right to it.
    await db.command({ ping: 1 })
    return {
      db,
      isReplicated,
      async version() {
        const info = await client.db('admin').command({ buildInfo: 1 })
        return `MongoDB ${info['version']}${isReplicated ? '' : ' (single server)'}`
      },
      close: () => client.close(),
    }
  } catch (error) {
    await client.close()
    throw refusalOf(error, shown)
  }
}
