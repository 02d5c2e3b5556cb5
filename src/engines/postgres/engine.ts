import { AppError } from '../../core/errors.ts'
import type { Engine, EngineContext, EnginePorts, StoreName } from '../engine.ts'
import { pruneKeys } from '../sql/idempotency.ts'
import { migrate, pendingMigrations } from '../sql/migrate.ts'
import { leaseNode, type NodeLease } from '../sql/node-lease.ts'
import type { SqlClient } from '../sql/sql.ts'
import { openApiKeyStore } from './api-key-store.ts'
import { openPg } from './client-pg.ts'
import { openPglite } from './client-pglite.ts'
import { openFollowStore } from './follow-store.ts'
import { createLogHeads } from './log-store.ts'
import { MIGRATIONS } from './migrations.generated.ts'
import { openMoveStore } from './move-store.ts'
import { openOrderPorts } from './order-ports.ts'
import { openPaymentPorts } from './payment-ports.ts'
import { openPostStore } from './post-store.ts'
import { PROFILES, type ProfileName } from './profiles.ts'
import { openSqlQueue } from './queue.ts'
import { createRoles } from './roles.ts'
import { openTimelineStore } from './timeline-store.ts'
import { openUserStore } from './user-store.ts'
import { openWebhookStore } from './webhook-out-store.ts'

/** `pglite:memory` keeps everything in memory; any other path is a folder. */
export async function openPgliteEngine(url: URL, context: EngineContext): Promise<Engine> {
  const path = decodeURIComponent(url.pathname || url.host)
  const sql = await openPglite(path === 'memory' ? undefined : path)
  return engineOf('pglite', `pglite:${path}`, sql, context)
}

/** `postgres://user:password@host:port/database`, `?profile=` for a database that speaks PostgreSQL's protocol. */
export async function openPostgresEngine(url: URL, context: EngineContext): Promise<Engine> {
  const name = url.searchParams.get('profile') ?? 'postgres'
  if (!(name in PROFILES) || name === 'pglite') {
    const known = Object.keys(PROFILES).filter((profile) => profile !== 'pglite')
    throw new AppError('invalid_config', `?profile=${name} is not known; known: ${known.join(', ')}`)
  }
  const driverUrl = new URL(url)
  driverUrl.searchParams.delete('profile')
  const sql = await openPg(driverUrl, PROFILES[name as ProfileName], {
    poolSize: context.poolSize,
    logger: context.logger,
  })
  const shown = new URL(url)
  if (shown.password !== '') shown.password = '***'
  try {
    await sql.version()
  } catch (error) {
    await sql.close()
    throw error
  }
  return engineOf(name, shown.href, sql, context)
}

function engineOf(name: string, url: string, sql: SqlClient, context: EngineContext): Engine {
  let lease: Promise<NodeLease> | undefined
  const ports: Pick<EnginePorts, StoreName> = {
    users: (port) => openUserStore(sql, port),
    posts: (port) => openPostStore(sql, port),
    follows: (port) => openFollowStore(sql, port),
    timelines: (port) => openTimelineStore(sql, port),
    orders: (port) => openOrderPorts(sql, port),
    payments: (port) => openPaymentPorts(sql, port),
    queue: (port) => openSqlQueue(sql, port),
    apiKeys: async () => openApiKeyStore(sql),
    webhooks: async () => openWebhookStore(sql),
    moves: async () => openMoveStore(sql),
  }
  return {
    name,
    url,
    ports,
    version: () => sql.version(),
    migrate: (options = {}) =>
      migrate(sql, MIGRATIONS, { ...options, afterwards: (tx) => createLogHeads(tx, sql.profile.logShards) }),
    ...(sql.profile.concurrent ? { createRoles: (prefix: string) => createRoles(sql, prefix) } : {}),
    pendingMigrations: async () => (await pendingMigrations(sql, MIGRATIONS)).length,
    pruneKeys: (before, limit) => pruneKeys(sql, before, limit),
    async leaseNode() {
      lease ??= leaseNode(sql, context.logger)
      return (await lease).node
    },
    async close() {
      await (await lease)?.close()
      await sql.close()
    },
  }
}
