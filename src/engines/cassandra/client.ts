import type { Client, types } from 'cassandra-driver'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { loadDriver } from '../driver.ts'
import { failureOf, openFailure } from './failure.ts'
import type { CassandraTarget } from './target.ts'

export type Value = string | bigint | number | boolean | Date | null | readonly (string | number)[]
export type Row = Readonly<Record<string, unknown>>

export interface NodeInfo {
  readonly address: string
  readonly version: string
  readonly isUp: boolean
}

export interface RunOptions {
  /** Sees what a compare-and-set left half-way, and ends it. */
  readonly isSerial?: boolean
  /** Rows that come at once; there are no further pages. */
  readonly rowsMax?: number
  /** A partition of the statement, where the statement itself does not tell. */
  readonly routingKey?: string
}

/** What the store needs of Cassandra. Statements are prepared and go to a node that holds their partition. */
export interface CassandraClient extends Closable {
  readonly keyspace: string
  /** For statements that may be repeated: the driver does so, at another node, when it gets no answer. */
  run(cql: string, values: readonly Value[], options?: RunOptions): Promise<Row[]>
  /** A compare-and-set (Paxos): true when it was applied. Never repeated by itself. */
  swap(cql: string, values: readonly Value[]): Promise<boolean>
  /** Several rows of one partition at once. */
  runTogether(cql: string, rows: readonly (readonly Value[])[]): Promise<void>
  /** Cuts keys into groups of at most `max` that live on the same nodes. */
  group(keys: readonly string[], max: number): string[][]
  /** A change of the schema, by way of one node that is the same for all processes; returns when all nodes know it. */
  define(cql: string): Promise<void>
  /** True when all nodes that are up have the same schema. */
  isAgreed(): Promise<boolean>
  nodes(): readonly NodeInfo[]
}

/** The driver has it and its types lack it. */
interface Agreement {
  checkSchemaAgreement(): Promise<boolean>
}

/** As above. */
interface Control {
  readonly controlConnection: { readonly connection?: { close(): void } | null }
}

/** At most `max` pieces of work at a time; the others wait in line. */
function createGate(max: number) {
  let inside = 0
  const waiting: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (inside < max) inside += 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) inside -= 1
      else next()
    }
  }
}

/**
 * Cassandra through cassandra-driver: one connection to each node, which carries many requests. Reads and writes ask a
 * quorum of the datacenter. Throws `engine_unreachable`, `invalid_config`, `driver_missing`.
 */
export async function openCassandra(target: CassandraTarget, shown: string, logger: Logger): Promise<CassandraClient> {
  const load = async () => (await import('cassandra-driver')).default
  const driver = await loadDriver('Cassandra', 'cassandra-driver', load)
  const { localQuorum, localSerial } = driver.types.consistencies
  const { keyspace } = target
  const client: Client = new driver.Client({
    contactPoints: [...target.nodes],
    localDataCenter: target.datacenter,
    protocolOptions: { port: target.port },
    ...(target.credentials === undefined ? {} : { credentials: target.credentials }),
    ...(target.isSafe ? { sslOptions: { rejectUnauthorized: true } } : {}),
    encoding: { useBigIntAsLong: true },
    socketOptions: { connectTimeout: LIMITS.cassandraRequestMsMax, readTimeout: LIMITS.cassandraRequestMsMax },
    policies: {
      reconnection: new driver.policies.reconnection.ExponentialReconnectionPolicy(250, 5_000),
      retry: new driver.policies.retry.IdempotenceAwareRetryPolicy(new driver.policies.retry.RetryPolicy()),
    },
    queryOptions: { prepare: true, consistency: localQuorum, serialConsistency: localSerial },
  })
  client.on('log', (level: string, source: string, message: string) => {
    if (level === 'warning' || level === 'error') logger.debug({ source }, `Cassandra: ${message}`)
  })
  try {
    await client.connect()
  } catch (error) {
    await client.shutdown().catch(() => undefined)
    throw openFailure(error, shown, target.datacenter)
  }
  const pass = createGate(LIMITS.cassandraRequestsMax)
  const passSwap = createGate(LIMITS.cassandraSwapsMax)
  let closing: Promise<void> | undefined

  async function ask<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await pass(work)
    } catch (error) {
      throw failureOf(error)
    }
  }

  async function shutDown(): Promise<void> {
    await client.shutdown()
    // After it has lost every node, the driver (4.10) watches them over a connection that is in none of its pools.
    ;(client as unknown as Control).controlConnection.connection?.close()
  }

  const execute = (cql: string, values: readonly Value[], options: object): Promise<types.ResultSet> =>
    ask(() => client.execute(cql, values as Value[], options))

  const nodes = () =>
    client.hosts
      .values()
      .map((host) => ({ host, address: host.address, version: host.cassandraVersion, isUp: host.isUp() }))

  return {
    keyspace,
    async run(cql, values, options = {}) {
      const { isSerial = false } = options
      const asked = () =>
        execute(cql, values, {
          isIdempotent: true,
          ...(isSerial ? { consistency: localSerial } : {}),
          ...(options.rowsMax === undefined ? {} : { fetchSize: options.rowsMax }),
          ...(options.routingKey === undefined ? {} : { routingKey: Buffer.from(options.routingKey) }),
        })
      const result = await (isSerial ? passSwap(asked) : asked())
      // A statement that answers nothing has no rows.
      return (result.rows as Row[] | undefined) ?? []
    },
    async swap(cql, values) {
      const result = await passSwap(() => execute(cql, values, { isIdempotent: false }))
      return result.wasApplied()
    },
    async runTogether(cql, rows) {
      const queries = rows.map((values) => ({ query: cql, params: values as Value[] }))
      await ask(() => client.batch(queries, { logged: false, isIdempotent: true }))
    },
    group(keys, max) {
      const byNode = new Map<string, string[]>()
      for (const key of keys) {
        const node = client.getReplicas(keyspace, Buffer.from(key))?.[0]?.address ?? ''
        const group = byNode.get(node)
        if (group === undefined) byNode.set(node, [key])
        else group.push(key)
      }
      const groups: string[][] = []
      for (const group of byNode.values()) {
        for (let from = 0; from < group.length; from += max) groups.push(group.slice(from, from + max))
      }
      return groups
    },
    async define(cql) {
      const up = nodes().filter(({ isUp }) => isUp)
      up.sort((a, b) => (a.address < b.address ? -1 : 1))
      if (up[0] === undefined) throw new AppError('engine_unreachable', `${shown}: no node is up`)
      // Nodes that make the same table at the same time make two, of which one is lost.
      await execute(cql, [], { prepare: false, isIdempotent: true, host: up[0].host })
    },
    isAgreed: () => (client.metadata as unknown as Agreement).checkSchemaAgreement(),
    nodes: () => nodes().map(({ address, version, isUp }) => ({ address, version, isUp })),
    close() {
      closing ??= shutDown().catch((error: unknown) => {
        logger.debug({ err: error }, `closing Cassandra: ${messageOf(error)}`)
      })
      return closing
    },
  }
}
