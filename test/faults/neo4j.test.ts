import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTransient } from '../../src/core/retry.ts'
import type { Edge } from '../../src/social/ports.ts'
import { NOON } from '../../src/testing/social-values.ts'
import { until } from '../../src/testing/until.ts'
import { hasNeo4jProgram, type Neo4jUnderTest, openNeo4jFollows } from '../setup/neo4j.ts'
import { type OwnServer, startEngine } from '../setup/own-server.ts'

/**
 * Goal: what the follow store said is there stays there, once, whatever becomes of the server. Method: writers follow one
 * by one and by the batch while the server is killed as by `kill -9`; it is started again, the same store goes on, and
 * the graph is compared with what was asked for and what was answered.
 */
const ROUNDS = 2
const WRITERS = 6
const keyOf = ({ followerId, followeeId }: Edge) => `${followerId} ${followeeId}`

describe.skipIf(!hasNeo4jProgram())('follows on neo4j, when the server is killed', () => {
  let server: OwnServer
  let under: Neo4jUnderTest
  beforeAll(async () => {
    server = await startEngine('neo4j')
    under = await openNeo4jFollows(server.url)
  }, 400_000)
  afterAll(async () => {
    await under?.close()
    await server?.remove()
  }, 120_000)

  const everyEdge = async () => {
    const rows = await under.graph.run<{ a: string; b: string; n: number }>(
      'match (x:User)-[f:FOLLOWS]->(y:User) return x.user_id as a, y.user_id as b, count(f) as n',
    )
    return rows.map(({ a, b, n }) => ({ key: `${a} ${b}`, n }))
  }

  it('keeps each acknowledged edge, and none twice', { timeout: 900_000 }, async () => {
    const { store } = under
    const asked = new Set<string>()
    const acknowledged = new Set<string>()
    const failures: unknown[] = []

    for (let round = 0; round < ROUNDS; round++) {
      let isDown = false
      const before = acknowledged.size

      /** Follows until the server is gone; odd writers by the batch. */
      async function write(writer: number): Promise<void> {
        for (let n = 0; !isDown; n++) {
          const size = writer % 2 === 0 ? 1 : 40
          const edges = Array.from({ length: size }, (_, k) => {
            return { followerId: `w${round}-${writer}-${n}`, followeeId: `star-${k}` }
          })
          for (const edge of edges) asked.add(keyOf(edge))
          try {
            if (size === 1) await store.follow(edges[0]!, NOON, 1_000)
            else await store.followMany(edges, NOON)
            for (const edge of edges) acknowledged.add(keyOf(edge))
          } catch (error) {
            failures.push(error)
            return
          }
        }
      }

      const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer))
      await until('enough is written', () => acknowledged.size - before > 200, 240_000)
      await server.kill()
      isDown = true
      await Promise.all(writers)
      await server.start()
      // The same store, without being opened again.
      expect(await store.followerCount('star-0', 100_000)).toBeGreaterThan(0)
      const there = await everyEdge()
      const keys = new Set(there.map(({ key }) => key))
      expect(there.filter(({ n }) => n !== 1)).toEqual([])
      expect([...acknowledged].filter((key) => !keys.has(key))).toEqual([])
      expect([...keys].filter((key) => !asked.has(key))).toEqual([])
    }
    expect(failures.length).toBeGreaterThan(0)
    expect(failures.filter((error) => !isTransient(error))).toEqual([])
    // Whoever lost an answer asks again: everything is there then, once.
    const edges = Array.from(asked, (key) => {
      const [followerId, followeeId] = key.split(' ') as [string, string]
      return { followerId, followeeId }
    })
    await store.followMany(edges, NOON)
    const there = await everyEdge()
    expect(there.filter(({ n }) => n !== 1)).toEqual([])
    expect(new Set(there.map(({ key }) => key))).toEqual(asked)
    expect(await store.followMany(edges, NOON)).toEqual([])
  })
})
