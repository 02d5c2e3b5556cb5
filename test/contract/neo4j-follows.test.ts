import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GraphClient } from '../../src/engines/neo4j/client-neo4j.ts'
import { openNeo4jEngine } from '../../src/engines/neo4j/engine.ts'
import { openFollowStore } from '../../src/engines/neo4j/follow-store.ts'
import { createEngines, parseUrl } from '../../src/engines/registry.ts'
import type { Edge } from '../../src/social/ports.ts'
import { testFollowCopies } from '../../src/testing/follow-copies.ts'
import { testFollowStore } from '../../src/testing/follow-store.ts'
import { testFollowSuggestions } from '../../src/testing/follow-suggestions.ts'
import { testFollowerDays } from '../../src/testing/follower-days.ts'
import { later, NOON } from '../../src/testing/social-values.ts'
import { testContext } from '../setup/context.ts'
import { type Neo4jUnderTest, neo4jServer, openNeo4jFollows, ownNeo4jUrl, removeNeo4jUrl } from '../setup/neo4j.ts'
import { runCommand } from '../setup/process.ts'

const MANY = 20_000
const edge = (followerId: string, followeeId: string): Edge => ({ followerId, followeeId })
const serverUrl = neo4jServer()

if (serverUrl !== undefined) {
  const shared = ownNeo4jUrl(serverUrl)
  const open = () => openNeo4jFollows(serverUrl, shared)
  afterAll(() => removeNeo4jUrl(shared))
  testFollowStore('neo4j', open)
  testFollowerDays('neo4j', open)
  testFollowSuggestions('neo4j', open)
  testFollowCopies('neo4j', open)

  describe('the graph of follows on neo4j', () => {
    let under: Neo4jUnderTest
    let other: Neo4jUnderTest
    beforeAll(async () => {
      under = await open()
      other = await openNeo4jFollows(serverUrl)
    }, 60_000)
    afterAll(async () => {
      await under.close()
      await other.close()
    })

    const count = async (graph: GraphClient, pattern: string) =>
      (await graph.run<{ n: number }>(`match ${pattern} return count(*) as n`))[0]?.n

    it('has an edge once, however many ask for it at the same moment', { timeout: 60_000 }, async () => {
      const { store, graph } = under
      const same = Array.from({ length: 16 }, () => store.follow(edge('r1', 'r2'), NOON, MANY))
      const back = Array.from({ length: 16 }, () => store.follow(edge('r2', 'r1'), NOON, MANY))
      for (const outcome of await Promise.all([...same, ...back])) {
        expect(outcome).toEqual({ kind: 'following', pending: true })
      }
      const batch = Array.from({ length: 60 }, (_, n) => edge(`s${n % 12}`, `s${(n * 7 + 1) % 12}`))
      const edges = batch.filter(({ followerId, followeeId }) => followerId !== followeeId)
      const added = await Promise.all([
        store.followMany(edges, NOON),
        store.followMany([...edges].reverse(), NOON),
        ...edges
          .slice(0, 8)
          .map(({ followerId, followeeId }) => store.followMany([edge(followeeId, followerId)], NOON)),
      ])
      const keys = added.flat().map(({ followerId, followeeId }) => `${followerId} ${followeeId}`)
      expect(new Set(keys).size).toBe(keys.length)
      expect(await count(graph, '()-[f:FOLLOWS]->()')).toBe(keys.length + 2)
      expect(await count(graph, '(u:User)')).toBe(14)
    })

    it('ends and takes up a follow at the same moment without losing or doubling it', { timeout: 60_000 }, async () => {
      const { store, graph } = under
      await store.follow(edge('t1', 't2'), NOON, MANY)
      const changes = Array.from({ length: 24 }, (_, n) =>
        n % 3 === 0 ? store.unfollow(edge('t1', 't2'), later(n)) : store.follow(edge('t1', 't2'), later(n), MANY),
      )
      await Promise.all(changes)
      const there = await count(graph, "(:User {user_id: 't1'})-[f:FOLLOWS]->(:User {user_id: 't2'})")
      const kept = await count(graph, "(:User {user_id: 't1'})-[f:KEPT]->(:User {user_id: 't2'})")
      expect([there, kept].sort()).toEqual([0, 1])
      await store.follow(edge('t1', 't2'), NOON, MANY)
      expect((await store.relations('t1', ['t2'])).get('t2')).toEqual({ follows: true, blocked: false, muted: false })
    })

    it('is not seen by another installation beside it', async () => {
      await under.store.follow(edge('p1', 'p2'), NOON, MANY)
      await other.store.follow(edge('p2', 'p1'), NOON, MANY)
      expect(await under.store.followees('p2', undefined, 10)).toEqual([])
      expect(await other.store.followees('p1', undefined, 10)).toEqual([])
      while ((await other.store.erase('p1', 10)) > 0);
      expect(await count(other.graph, "(u:User {user_id: 'p1'})")).toBe(0)
      expect(await count(under.graph, "(u:User {user_id: 'p1'})")).toBe(1)
    })

    it('is walked by its indexes alone, never sorted, however many followers somebody has', async () => {
      const { store, graph } = other
      const fans = Array.from({ length: 3_000 }, (_, n) => edge(`fan-${String(n).padStart(4, '0')}`, 'giant'))
      await store.followMany(fans, NOON)
      const plans = new Map<string, string[]>()
      const spy: GraphClient = {
        ...graph,
        async run(statement, params) {
          plans.set(statement, await graph.plan(statement, params))
          return graph.run(statement, params)
        },
      }
      const spied = await openFollowStore(spy)
      const everybody = fans.map(({ followerId }) => followerId)
      expect((await spied.followers('giant', undefined, 10)).map(({ userId }) => userId)).toEqual(
        everybody.slice(0, 10),
      )
      await spied.followees('giant', undefined, 10)
      await spied.kept('giant', undefined, 10)
      const range = { userId: 'giant', after: 'fan-0100', upTo: 'fan-0200' }
      expect(await spied.followerIds([range], 1_000)).toEqual([everybody.slice(101, 201)])
      expect(await spied.followerCuts('giant', undefined, 1_000, 2)).toEqual(['fan-0999', 'fan-1999'])
      await spied.relations('giant', everybody.slice(0, 3))
      await spied.followsAmong('giant', everybody.slice(0, 3))
      await spied.followerIds([{ ...range, leftSince: NOON }], 1_000)
      await spied.pendingBackfills(later(1), 10)
      expect(plans.size).toBe(9)
      for (const [statement, operators] of plans) {
        const leaves = operators.filter((each) => /Seek|Scan|Expand/.test(each))
        expect(leaves.length, statement).toBeGreaterThan(0)
        expect(
          leaves.filter((each) => !/^DirectedRelationship(Unique)?IndexSeek/.test(each)),
          statement,
        ).toEqual([])
        // Of two lists in order the first of both together are found by comparing so many.
        const mayCompare = statement.includes('union')
        const sorts = operators.filter((each) => /Sort|Top/.test(each))
        expect(sorts, statement).toEqual(mayCompare ? ['Top'] : [])
      }
    })
  })

  describe('the engine neo4j', () => {
    const engines = createEngines(testContext())
    afterAll(() => engines.close())
    const refusal = (url: string) =>
      engines.open(url).then(
        () => 'opened',
        (error: Error & { code: string }) => error,
      )
    const withUrl = (change: (url: URL) => void) => {
      const url = new URL(serverUrl)
      change(url)
      return url.href
    }

    it('makes its indexes once, though several processes do it at the same time', { timeout: 60_000 }, async () => {
      const under = await openNeo4jFollows(serverUrl)
      await under.close()
      const url = parseUrl(under.url)
      const several = await Promise.all([1, 2, 3].map(() => openNeo4jEngine(url, testContext())))
      const first = several[0]!
      const steps = await first.pendingMigrations()
      expect(steps).toBeGreaterThan(5)
      expect(await first.migrate({ dryRun: true })).toMatchObject({ applied: false, version: 0 })
      expect(await first.pendingMigrations()).toBe(steps)
      await Promise.all(several.map((engine) => engine.migrate()))
      expect(await Promise.all(several.map((engine) => engine.pendingMigrations()))).toEqual([0, 0, 0])
      expect(await first.migrate()).toEqual({ pending: [], applied: true, version: steps })
      await Promise.all(several.map((engine) => engine.close()))
      await removeNeo4jUrl(under.url)
    })

    it('says what is wrong, and never the password', { timeout: 60_000 }, async () => {
      const wrong: [url: string, code: string, words: string][] = [
        [withUrl((url) => (url.port = '1')), 'engine_unreachable', 'nobody listens there'],
        [
          withUrl((url) => (url.password = 'not-the-one')),
          'engine_unreachable',
          'does not accept the password of user',
        ],
        [withUrl((url) => (url.pathname = '/elsewhere')), 'engine_unreachable', 'there is no database "elsewhere"'],
        [`${serverUrl}?colour=blue`, 'invalid_config', '?colour= is not known'],
        [`${serverUrl}?prefix=1-2`, 'invalid_config', '?prefix= may have'],
        [serverUrl.replace(/^neo4j:(.*)$/, 'bolt:$1,127.0.0.1:1'), 'invalid_config', 'bolt: is for one server'],
      ]
      for (const [url, code, words] of wrong) {
        const error = await refusal(url)
        expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
        expect(String(error)).not.toMatch(/not-the-one|fanfold-test/)
      }
    })

    it('tells the doctor what to do', { timeout: 120_000 }, async () => {
      const doctor = (url: string) => runCommand(['doctor', '--database-url', 'pglite:memory', '--follows-url', url])
      const wrong = await doctor(withUrl((url) => (url.password = 'not-the-one')))
      expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('does not accept the password of user')])
      expect(wrong.stdout + wrong.stderr).not.toContain('not-the-one')
      const missing = await doctor(ownNeo4jUrl(serverUrl))
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('fanfold migrate')])
      expect(missing.stdout).toContain('Neo4j 5.')
    })
  })
}
