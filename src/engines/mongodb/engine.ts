import { AppError } from '../../core/errors.ts'
import type { Engine, EngineContext } from '../engine.ts'
import { shownUrl } from '../url.ts'
import { type MongoTarget, openMongo } from './client.ts'
import { openPostStore } from './post-store.ts'
import { collectionsOf, LAST_VERSION, makeIndexes, missingSteps } from './schema.ts'

const DEFAULT_DATABASE = 'fanfold'
const OPTIONS = ['nodes', 'prefix', 'replicaSet', 'authSource', 'tls', 'directConnection']

const invalid = (message: string) => new AppError('invalid_config', `MongoDB: ${message}`)

/** What a URL says. Throws `invalid_config`. */
export function targetOf(url: URL): MongoTarget {
  const params = url.searchParams
  const unknown = [...params.keys()].find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw invalid(`?${unknown}= is not known; known: ${OPTIONS.slice(1).join(', ')}`)
  const flag = (name: string) => {
    const value = params.get(name)
    if (value === null) return undefined
    if (value !== 'true' && value !== 'false') throw invalid(`?${name}= is true or false`)
    return value === 'true'
  }
  const prefix = params.get('prefix') ?? ''
  if (!/^[A-Za-z0-9_-]{0,64}$/.test(prefix)) throw invalid('?prefix= may have letters, digits, _ and -')
  const database = decodeURIComponent(url.pathname.slice(1)) || DEFAULT_DATABASE
  if (!/^[A-Za-z0-9_-]{1,63}$/.test(database)) throw invalid(`"${database}" is not the name of a database`)
  if (url.password !== '' && url.username === '') throw invalid('a password needs a user')
  const hosts = [url.host, params.get('nodes')].filter((host) => host !== null && host !== '')
  const [tls, directConnection] = [flag('tls'), flag('directConnection')]
  const [authSource, replicaSet] = [params.get('authSource'), params.get('replicaSet')]
  return {
    connection: `${url.protocol}//${hosts.length === 0 ? '127.0.0.1' : hosts.join(',')}/`,
    database,
    prefix,
    options: {
      ...(url.username === ''
        ? {}
        : { auth: { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) } }),
      ...(authSource === null ? {} : { authSource }),
      ...(replicaSet === null ? {} : { replicaSet }),
      ...(tls === undefined ? {} : { tls }),
      ...(directConnection === undefined ? {} : { directConnection }),
    },
  }
}

/**
 * `mongodb://user:password@host:port,host:port/database`, or `mongodb+srv:`; the database is `fanfold` unless named.
 * `?prefix=` begins the name of every collection; `replicaSet`, `authSource`, `tls` and `directConnection` as MongoDB
 * means them. Throws `engine_unreachable`, `engine_unsupported` before 4.4, `invalid_config`, `driver_missing`.
 */
export async function openMongodbEngine(url: URL, context: EngineContext): Promise<Engine> {
  const target = targetOf(url)
  const shown = shownUrl(url)
  const mongo = await openMongo(target, shown, context.poolSize, context.logger)
  const collections = collectionsOf(mongo.db, target.prefix)
  const opened: { close(): Promise<void> }[] = []
  return {
    name: 'mongodb',
    url: shown,
    ports: {
      async posts(port) {
        const { store, close } = openPostStore(collections, port)
        opened.push({ close })
        return store
      },
    },
    version: () => mongo.version(),
    async migrate(options) {
      const pending = await missingSteps(collections)
      if (options?.dryRun) return { pending, applied: false, version: LAST_VERSION - pending.length }
      await makeIndexes(collections, pending)
      return { pending, applied: true, version: LAST_VERSION }
    },
    pendingMigrations: async () => (await missingSteps(collections)).length,
    async close() {
      for (const each of opened.splice(0)) await each.close()
      await mongo.close()
    },
  }
}
