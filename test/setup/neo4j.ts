import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { type GraphClient, openGraph } from '../../src/engines/neo4j/client-neo4j.ts'
import { openNeo4jEngine, targetOf } from '../../src/engines/neo4j/engine.ts'
import { schemaSteps } from '../../src/engines/neo4j/schema.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { FollowStore } from '../../src/social/ports.ts'
import { testContext } from './context.ts'

/** The server, if it answers; see `engines.ts` beside this file. */
export function neo4jServer(): string | undefined {
  return inject('neo4jUrl')
}

/** A URL for labels and types that nobody else uses. */
export function ownNeo4jUrl(serverUrl: string): string {
  return `${serverUrl}?prefix=t${randomBytes(5).toString('hex')}`
}

export interface Neo4jUnderTest {
  /** With the prefix, for other processes. */
  readonly url: string
  readonly store: FollowStore
  readonly graph: GraphClient
  close(): Promise<void>
}

/**
 * A migrated graph, under a prefix of its own unless a URL is given; closing empties it, and removes its indexes if the
 * prefix was its own. With the same URL the server need not plan every statement anew.
 */
export async function openNeo4jFollows(serverUrl: string, sharedUrl?: string): Promise<Neo4jUnderTest> {
  const url = sharedUrl ?? ownNeo4jUrl(serverUrl)
  const engine = await openNeo4jEngine(parseUrl(url), testContext())
  await engine.migrate()
  const store = await engine.ports.follows!(testContext())
  const graph = await openGraph(targetOf(parseUrl(url)), { poolSize: 2, logger: silentLogger })
  return {
    url,
    store,
    graph,
    async close() {
      await engine.close()
      await emptyGraph(graph)
      if (sharedUrl === undefined) await removeIndexes(graph, url)
      await graph.close()
    },
  }
}

const REMOVE = 'match (u:User) with u limit 1000 detach delete u return count(*) as n'

async function emptyGraph(graph: GraphClient): Promise<void> {
  while ((await graph.run<{ n: number }>(REMOVE))[0]?.n !== 0);
}

async function removeIndexes(graph: GraphClient, url: string): Promise<void> {
  for (const { sql } of schemaSteps(targetOf(parseUrl(url)).prefix)) {
    const [, kind, name] = /^create (constraint|index) (\w+)/.exec(sql)!
    await graph.run(`drop ${kind} ${name} if exists`)
  }
}

/** Removes what several graphs of one URL have left. */
export async function removeNeo4jUrl(url: string): Promise<void> {
  const graph = await openGraph(targetOf(parseUrl(url)), { poolSize: 1, logger: silentLogger })
  await removeIndexes(graph, url)
  await graph.close()
}

/** Whether a server of the test's own can be started, by `startEngine`. */
export const hasNeo4jProgram = () => spawnSync('java', ['--version']).status === 0
