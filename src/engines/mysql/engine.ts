import { AppError } from '../../core/errors.ts'
import type { Engine, EngineContext, EnginePorts } from '../engine.ts'
import { type MysqlClient, openMysql } from './client-mysql2.ts'
import { openFollowStore } from './follow-store.ts'
import { pruneKeys } from './idempotency.ts'
import { migrateAll, pendingMigrations } from './migrate.ts'
import { MIGRATIONS } from './migrations.generated.ts'
import { openOrderPorts } from './order-ports.ts'
import { refusalOf, shownUrl, targetOf } from './target.ts'

/** Whether a server is as new as it must be; both say `10.6.0`. */
export function isSupported(version: string, since: readonly number[]): boolean {
  const parts = /[\d.]+/.exec(version)?.[0].split('.').map(Number) ?? []
  const differing = since.findIndex((number, index) => (parts[index] ?? 0) !== number)
  return differing === -1 || (parts[differing] ?? 0) > since[differing]!
}

async function refuseOld(sql: MysqlClient): Promise<void> {
  const [version, { product, since }] = [await sql.version(), sql.profile]
  if (isSupported(version, since)) return
  const wanted = `${product} ${since.join('.')}`
  throw new AppError('engine_unsupported', `The server is ${version}; Fanfold needs ${wanted} or newer: update it`)
}

/** `mysql://user:password@host:port/database` of MySQL or MariaDB, `?tls=encrypt` or `?tls=verify`. */
export async function openMysqlEngine(url: URL, context: EngineContext): Promise<Engine> {
  const target = targetOf(url)
  const sql = await openMysql(target, context).catch((error: unknown) => {
    throw error instanceof AppError ? error : refusalOf(error, url, target)
  })
  try {
    await refuseOld(sql)
  } catch (error) {
    await sql.close()
    throw error
  }
  const ports: Pick<EnginePorts, 'follows' | 'orders'> = {
    follows: (port) => openFollowStore(sql, port),
    orders: (port) => openOrderPorts(sql, port),
  }
  return {
    name: sql.profile.name,
    url: shownUrl(url),
    ports,
    version: () => sql.version(),
    migrate: (options = {}) => migrateAll(sql, options),
    pendingMigrations: async () => (await pendingMigrations(sql, MIGRATIONS)).length,
    pruneKeys: (before, limit) => pruneKeys(sql, before, limit),
    close: () => sql.close(),
  }
}
