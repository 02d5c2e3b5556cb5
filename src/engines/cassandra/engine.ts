import { AppError } from '../../core/errors.ts'
import type { Engine, EngineContext } from '../engine.ts'
import { shownUrl } from '../url.ts'
import { openCassandra } from './client.ts'
import { migrateSchema, pendingSteps } from './schema.ts'
import { targetOf } from './target.ts'
import { openTimelineStore } from './timeline-store.ts'

const OLDEST_VERSION = [4, 0] as const

/**
 * `cassandra://user:password@host:port,host:port/keyspace`; `?dc=` the datacenter to work in, `?replication=` copies of
 * each row when the keyspace is made, `?prefix=` begins every key, `?tls=true`. Throws `engine_unreachable`,
 * `engine_unsupported` for an old version, `invalid_config`, `driver_missing`.
 */
export async function openCassandraEngine(url: URL, context: EngineContext): Promise<Engine> {
  const target = targetOf(url)
  const shown = shownUrl(url)
  const cassandra = await openCassandra(target, shown, context.logger)
  try {
    checkVersions(
      cassandra.nodes().map(({ version }) => version),
      shown,
    )
  } catch (error) {
    await cassandra.close()
    throw error
  }
  return {
    name: 'cassandra',
    url: shown,
    ports: { timelines: (port) => openTimelineStore(cassandra, port, { prefix: target.prefix }) },
    async version() {
      // Asks, so that it fails when nobody answers.
      await cassandra.run('select release_version from system.local', [])
      const nodes = cassandra.nodes()
      const versions = [...new Set(nodes.map(({ version }) => version))].sort().join(', ')
      const down = nodes.filter(({ isUp }) => !isUp).length
      return `Cassandra ${versions} (${nodes.length} node${nodes.length === 1 ? '' : 's'}${down > 0 ? `, ${down} down` : ''})`
    },
    migrate: (options = {}) => migrateSchema(cassandra, target, options),
    pendingMigrations: async () => (await pendingSteps(cassandra, target)).length,
    close: () => cassandra.close(),
  }
}

/** Refuses nodes that are too old. */
export function checkVersions(versions: readonly string[], shown: string): void {
  for (const version of versions) {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
      throw new AppError(
        'engine_unsupported',
        `${shown} is Cassandra ${version}; ${OLDEST_VERSION.join('.')} or newer is needed`,
      )
    }
  }
}
