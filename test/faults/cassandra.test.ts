import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureKind } from '../../src/core/retry.ts'
import { createEngines, portOf } from '../../src/engines/registry.ts'
import type { TimelineStore } from '../../src/social/ports.ts'
import { until } from '../../src/testing/until.ts'
import { cassandraServer } from '../setup/cassandra.ts'
import { type PrivateRing, startRing } from '../setup/cassandra-ring.ts'
import { testContext } from '../setup/context.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

/**
 * Claim: timelines on a ring of three with three copies lose nothing, and are read and written, while any one node is
 * dead; with two dead the readers are served from the posts, and what was published is delivered once they are back.
 *
 * Method: the social model with its workers, posts in an embedded database, timelines on a ring of the test's own whose
 * nodes are killed and started again while posts are published. Then the verifier compares, and the ring itself must
 * have every post in every timeline.
 */
const READERS = Array.from({ length: 40 }, (_, n) => `reader-${n}`)
const QUIET_MS = 120_000

// The script's ring; one of containers can't be killed from here.
describe.runIf(cassandraServer()?.includes('127.0.0.3') === true)(
  'timelines on a ring of Cassandra under faults',
  () => {
    const engines = createEngines(testContext())
    const published: bigint[] = []
    let ring: PrivateRing
    let timelines: TimelineStore
    let world: SocialUnderTest
    beforeAll(async () => {
      ring = await startRing()
      const engine = await engines.open(ring.url)
      await engine.migrate()
      timelines = await portOf(engine, 'timelines')(testContext())
      world = await openSocial(sqlEngines()[0]!, { timelines })
      await world.people('author')
      await world.readers(...READERS)
      for (const userId of READERS) await world.social.follow(userId, 'author')
    }, 400_000)
    afterAll(async () => {
      await world?.close()
      await engines.close()
      await ring?.remove()
    }, 120_000)

    async function publish(count: number): Promise<void> {
      for (let n = 0; n < count; n++) {
        const { post_id } = await world.social.publish({ user_id: 'author', content: { text: `post ${n}` } })
        published.push(BigInt(post_id))
        // Whoever reads now is shown what is there, wherever it comes from.
        const page = await world.social.timeline(READERS[n % READERS.length]!, { limit: 20 })
        expect(page.items.length).toBeLessThanOrEqual(20)
      }
    }

    async function expectQuietAndWhole(): Promise<void> {
      const { deps, social } = world
      await until(
        'all is delivered',
        async () => {
          const [{ posts }, depths] = await Promise.all([deps.posts.ledger.backlog(1), deps.queue.depths()])
          return posts === 0 && depths.every(({ depth }) => depth === 0)
        },
        QUIET_MS,
      )
      expect(await deps.queue.deadLetters('social.fanout', 10)).toEqual([])
      expect(await social.verify()).toMatchObject({ ok: true, pending: 0, findings: [] })
      const newest = published.slice(-400).reverse()
      for (const userId of READERS) {
        expect((await timelines.read(userId, undefined, newest.length))?.postIds).toEqual(newest)
      }
    }

    it('nothing is lost while one node is killed and comes back, nor when another is killed then', async () => {
      const workers = world.social.startWorkers({ concurrency: 4 })
      try {
        await publish(10)
        await ring.kill(2)
        await publish(30)
        const back = ring.start(2)
        await publish(10)
        await back
        await expectQuietAndWhole()
        // It missed some: the others make up for it.
        await ring.kill(1)
        await publish(5)
        await expectQuietAndWhole()
        await ring.start(1)
      } finally {
        await workers.close()
      }
    }, 500_000)

    it('with two dead calls fail for a while, readers are served, and all is delivered afterwards', async () => {
      const workers = world.social.startWorkers({ concurrency: 4 })
      try {
        await Promise.all([ring.kill(1), ring.kill(3)])
        const error = await timelines.append(1n, ['reader-1']).then(
          () => undefined,
          (failure: unknown) => failure,
        )
        expect(failureKind(error)).not.toBe('permanent')
        expect(String(error)).toMatch(/^Error: Cassandra: /)
        await publish(10)
        const page = await world.social.timeline('reader-2', { limit: 10 })
        expect(page.items.map((post) => BigInt(post.post_id))).toEqual(published.slice(-10).reverse())
        await Promise.all([ring.start(1), ring.start(3)])
        await expectQuietAndWhole()
      } finally {
        await workers.close()
      }
    }, 500_000)
  },
)
