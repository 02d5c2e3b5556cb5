import type { Driver, QueryResult } from 'neo4j-driver'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { failureKind, retry } from '../../core/retry.ts'
import { loadDriver } from '../driver.ts'
import { GraphError, graphError } from './failure.ts'
import { nameWith } from './schema.ts'

/** A whole number must be a bigint: the driver sends a JavaScript number as a floating one. */
export type GraphParam = string | bigint | boolean | null | undefined | readonly GraphParam[] | GraphParams
export interface GraphParams {
  readonly [name: string]: GraphParam
}

/**
 * Statements on the graph of one installation: `:User` and the types of relationships get its prefix. Each is a
 * transaction of its own; whole numbers are answered as numbers, and must be below 2^53.
 */
export interface GraphClient extends Closable {
  /** Runs a statement that may be repeated: again after a lost race, and when the server was away for a moment. */
  run<Row extends object>(statement: string, params?: GraphParams): Promise<Row[]>
  /** Runs a statement whose answer a repeat would change: again only when it is certain that it did nothing. */
  runOnce<Row extends object>(statement: string, params?: GraphParams): Promise<Row[]>
  /** The plan of a statement, operators from the result downwards; for tests and for questions about speed. */
  plan(statement: string, params?: GraphParams): Promise<string[]>
}

export interface GraphTarget {
  /** Scheme and first host, e.g. `neo4j://db.local:7687`. */
  readonly uri: string
  /** All hosts that may be asked who is in the cluster, `host:port`. */
  readonly hosts: readonly string[]
  readonly user: string
  readonly password: string
  /** The user's home database when undefined. */
  readonly database: string | undefined
  readonly prefix: string
}

const NAMES = /(?<=:)(User|FOLLOWS|KEPT|BLOCKS|MUTES)\b/g
const AWAY_BACKOFF = { firstMs: 50, maxMs: 1_000 }
const RACE_BACKOFF = { firstMs: 5, maxMs: 200 }

/**
 * Neo4j through its driver: `poolSize` connections at most, which come again by themselves. A statement ends within
 * {@link LIMITS.statementMsMax}; a server that does not even say so is given up a little later. Everything goes to the
 * leader of a cluster, because what is read must hold what anybody wrote before.
 */
export async function openGraph(
  target: GraphTarget,
  options: { poolSize: number; logger: Logger },
): Promise<GraphClient> {
  const neo4j = await loadDriver('Neo4j', 'neo4j-driver', async () => (await import('neo4j-driver')).default)
  const { uri, hosts, user, password, database, prefix } = target
  const auth = user === '' ? undefined : neo4j.auth.basic(user, password)
  const driver: Driver = neo4j.driver(uri, auth, {
    maxConnectionPoolSize: options.poolSize,
    connectionTimeout: LIMITS.connectMsMax,
    connectionAcquisitionTimeout: LIMITS.connectMsMax,
    disableLosslessIntegers: true,
    // All rows of an answer at once: statements are limited themselves.
    fetchSize: -1,
    notificationFilter: { minimumSeverityLevel: 'OFF' },
    telemetryDisabled: true,
    userAgent: 'fanfold',
    ...(uri.startsWith('neo4j') ? { resolver: () => [...hosts] } : {}),
  })
  const texts = new Map<string, string>()

  function textOf(statement: string): string {
    let text = texts.get(statement)
    if (text === undefined) {
      text = statement.replaceAll(NAMES, (name) => nameWith(prefix, name))
      texts.set(statement, text)
    }
    return text
  }

  async function attempt(text: string, params: GraphParams): Promise<QueryResult> {
    const session = driver.session({
      defaultAccessMode: neo4j.session.WRITE,
      ...(database === undefined ? {} : { database }),
    })
    try {
      const result = session.run(text, params, { timeout: LIMITS.statementMsMax })
      const answer = await inTime(result, LIMITS.statementMsMax + LIMITS.statementGraceMs)
      await session.close()
      return answer
    } catch (error) {
      // Not waited for: a server that does not answer does not answer this either.
      session.close().catch((cause) => options.logger.debug({ err: cause }, 'Neo4j: a session was not closed'))
      throw graphError(error)
    }
  }

  async function repeated(statement: string, params: GraphParams, mayRepeat: (error: unknown) => boolean) {
    const text = textOf(statement)
    const races = { tries: LIMITS.transactionTriesMax, backoff: RACE_BACKOFF, retryable: isLostRace }
    return retry({ tries: LIMITS.graphAwayTriesMax, backoff: AWAY_BACKOFF, retryable: mayRepeat }, () =>
      retry(races, () => attempt(text, params)),
    )
  }

  const rowsOf = <Row extends object>(result: QueryResult) => result.records.map((record) => record.toObject() as Row)

  return {
    async run<Row extends object>(statement: string, params: GraphParams = {}) {
      return rowsOf<Row>(await repeated(statement, params, isAway))
    },
    async runOnce<Row extends object>(statement: string, params: GraphParams = {}) {
      return rowsOf<Row>(await repeated(statement, params, (error) => failureKind(error) === 'unreachable'))
    },
    async plan(statement, params = {}) {
      const { summary } = await attempt(`explain ${textOf(statement)}`, params)
      return summary.plan === false ? [] : operatorsOf(summary.plan)
    },
    async close() {
      await inTime(driver.close(), LIMITS.connectMsMax).catch((error) =>
        options.logger.warn({ err: error }, 'Neo4j: the connections were not closed in time'),
      )
    },
  }
}

const isLostRace = (error: unknown) => failureKind(error) === 'conflict'
/** What has taken too long would again, and hold its caller up for minutes. */
const isLate = (error: unknown) => error instanceof GraphError && error.code === 'ETIMEDOUT'
const isAway = (error: unknown) => ['unreachable', 'ambiguous'].includes(failureKind(error)) && !isLate(error)

interface Plan {
  readonly operatorType: string
  readonly children: readonly Plan[]
}

const operatorsOf = ({ operatorType, children }: Plan): string[] => [
  operatorType.replace(/@.*$/, ''),
  ...children.flatMap(operatorsOf),
]

/** What does not come within this time fails as if the connection was lost. */
async function inTime<T>(work: PromiseLike<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new GraphError('Neo4j: no answer in time', 'ETIMEDOUT', '')), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
