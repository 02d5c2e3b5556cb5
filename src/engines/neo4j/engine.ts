import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { retry } from '../../core/retry.ts'
import type { Engine, EngineContext } from '../engine.ts'
import { shownUrl } from '../url.ts'
import { type GraphClient, type GraphTarget, openGraph } from './client-neo4j.ts'
import { GraphError } from './failure.ts'
import { openFollowStore } from './follow-store.ts'
import { type IndexRow, missingSteps, SHOW_INDEXES, schemaSteps } from './schema.ts'

const DEFAULT_PORT = 7687
/** The first with `call (variable) { }`. */
const OLDEST_VERSION = [5, 23] as const

/**
 * `neo4j://user:password@host:port,host:port/database` for a server or a cluster, `bolt:` for one server and nothing
 * else, `neo4j+s:` and `bolt+s:` for TLS; `?prefix=` begins every label and type. Throws `engine_unreachable`,
 * `engine_unsupported` for an old version, `invalid_config`, `driver_missing`.
 */
export async function openNeo4jEngine(url: URL, context: EngineContext): Promise<Engine> {
  const target = targetOf(url)
  const shown = shownUrl(url)
  const graph = await openGraph(target, context)
  let version: string
  try {
    version = await askVersion(graph)
  } catch (error) {
    const reason = await reasonOf(error, target, context)
    await graph.close()
    throw unreachable(shown, target, reason)
  }
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number)
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    await graph.close()
    throw new AppError('engine_unsupported', `${shown} is Neo4j ${version}; ${OLDEST_VERSION.join('.')} is needed`)
  }
  const missing = async () => missingSteps(target.prefix, await graph.run<IndexRow>(SHOW_INDEXES))
  const steps = schemaSteps(target.prefix)

  return {
    name: 'neo4j',
    url: shown,
    ports: { follows: () => openFollowStore(graph) },
    version: async () => `Neo4j ${await askVersion(graph)}`,
    async migrate(options = {}) {
      const pending = await missing()
      if (options.dryRun) return { pending, applied: false, version: steps.length - pending.length }
      for (const step of pending) await makeIndex(graph, step.sql)
      if (pending.length > 0) {
        await graph.run('call db.awaitIndexes($seconds)', { seconds: BigInt(LIMITS.statementMsMax / 1_000) })
        const left = await missing()
        if (left.length > 0) throw new AppError('schema_outdated', inTheWay(shown, left))
      }
      return { pending, applied: true, version: steps.length }
    },
    pendingMigrations: async () => (await missing()).length,
    close: () => graph.close(),
  }
}

function inTheWay(url: string, left: readonly { readonly name: string }[]): string {
  const names = left.map(({ name }) => name).join(', ')
  return `${url}: others of that name or shape are in the way of these indexes, or they are still being built: ${names}`
}

/** Another process may make the same at the same time: one of the two then fails, once. */
async function makeIndex(graph: GraphClient, command: string): Promise<void> {
  const retryable = (error: unknown) =>
    error instanceof GraphError && error.status.startsWith('Neo.ClientError.Schema.')
  const options = { tries: LIMITS.transactionTriesMax, backoff: { firstMs: 20, maxMs: 500 }, retryable }
  await retry(options, () => graph.run(command))
}

async function askVersion(graph: GraphClient): Promise<string> {
  const rows = await graph.run<{ name: string; version: string }>(
    'call dbms.components() yield name, versions return name, versions[0] as version',
  )
  return rows.find(({ name }) => name === 'Neo4j Kernel')?.version ?? ''
}

/** What a URL says. Throws `invalid_config`. */
export function targetOf(url: URL): GraphTarget {
  const known = ['prefix', 'nodes']
  const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalid(`?${unknown}= is not known; known: prefix`)
  const prefix = url.searchParams.get('prefix') ?? ''
  if (prefix !== '' && !/^[A-Za-z][A-Za-z0-9_]{0,31}$/.test(prefix)) {
    throw invalid('?prefix= may have a letter and then up to 31 letters, digits and _')
  }
  const database = decodeURIComponent(url.pathname.replace(/^\//, ''))
  if (!/^([A-Za-z][A-Za-z0-9.-]{2,62})?$/.test(database))
    throw invalid(`"${url.pathname}" is not the name of a database`)
  const nodes = url.searchParams.get('nodes')
  if (nodes !== null && url.protocol.startsWith('bolt'))
    throw invalid('bolt: is for one server; use neo4j: for several')
  const hosts = [url.host, ...(nodes?.split(',') ?? [])].map(hostOf)
  return {
    uri: `${url.protocol}//${hosts[0]}`,
    hosts,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: database === '' ? undefined : database,
    prefix,
  }
}

const invalid = (message: string) => new AppError('invalid_config', `Neo4j: ${message}`)

function hostOf(text: string): string {
  const [, host, port] = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(text) ?? []
  if (host === undefined) throw invalid(`"${text}" is not host:port`)
  return `${host === '' ? '127.0.0.1' : host}:${port ?? DEFAULT_PORT}`
}

/** Asked who is in the cluster, the driver says only that nobody told it: the first server alone says why. */
async function reasonOf(error: unknown, target: GraphTarget, context: EngineContext): Promise<unknown> {
  if (!(error instanceof GraphError) || !/discovery|routing/i.test(error.message)) return error
  const alone = await openGraph({ ...target, uri: target.uri.replace(/^neo4j/, 'bolt') }, { ...context, poolSize: 1 })
  try {
    await askVersion(alone)
    return error
  } catch (reason) {
    return reason
  } finally {
    await alone.close()
  }
}

function unreachable(url: string, target: GraphTarget, reason: unknown): AppError {
  const { status, message } = reason instanceof GraphError ? reason : { status: '', message: String(reason) }
  return new AppError('engine_unreachable', `${url}: ${adviceOn(status, message, target)}`, { cause: reason })
}

function adviceOn(status: string, message: string, { user, database, hosts }: GraphTarget): string {
  if (status === 'Neo.ClientError.Security.Unauthorized') {
    return user === ''
      ? 'the server wants a user and a password: neo4j://user:password@host:port'
      : `the server does not accept the password of user "${user}"`
  }
  if (status === 'Neo.ClientError.Security.AuthenticationRateLimit') {
    return `too many wrong passwords of user "${user}"; wait a few seconds, and check the password`
  }
  if (status === 'Neo.ClientError.Security.CredentialsExpired') {
    return `the password of user "${user}" has to be changed first:  cypher-shell -u ${user}`
  }
  if (status === 'Neo.ClientError.Database.DatabaseNotFound') {
    return `there is no database "${database}"; its name is the path of the URL (Neo4j Community has "neo4j" only)`
  }
  if (/ECONNREFUSED/.test(message))
    return `nobody listens there (${hosts.join(', ')}); is Neo4j running, and Bolt on this port?`
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return `there is no such host (${hosts.join(', ')})`
  if (/timed? ?out|no answer in time/i.test(message)) return `no answer in time (${message}); is a firewall in between?`
  if (/HTTP/.test(message)) return 'this is the HTTP port; Bolt is on another one, 7687 unless configured'
  return message
}
