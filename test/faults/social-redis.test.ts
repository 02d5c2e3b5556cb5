import { randomBytes } from 'node:crypto'
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFanfold } from '../../src/app/fanfold.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { FANOUT_TOPIC } from '../../src/social/fanout/fanout.ts'
import { until } from '../../src/testing/until.ts'
import type { OwnProgram } from '../setup/own-server.ts'
import { seededRandom } from '../setup/random.ts'
import { hasRedisProgram, openRedisTimelines, redisServers, startRedis } from '../setup/redis.ts'
import { buildScript, type Script, type ScriptProcess } from '../setup/script.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'
import { type ActorNews, type ActorOptions, openProcess, personOf, type SocialProcess } from './social-actor.ts'

/**
 * Claim: whoever dies when (workers, publishers, readers, the Redis that holds the timelines with its last second), no
 * reader lacks a post or sees one twice once everything is quiet, and while Redis is away nobody notices.
 *
 * Method: real processes of the social model on one PostgreSQL database, killed and replaced at random, with timelines
 * on a Redis of the test's own that is killed, cut short and emptied, and on the common Redis and Redis Cluster. Chunks
 * are tiny and authors are pulled from a few followers on, so that every path is taken. Then the verifier compares.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
const PEOPLE = 30
const SIZES = { chunkFollowers: 3, planChunks: 2, smallLaneFollowers: 6, pullFollowers: 14 }
const LOOPS = { publish: 1, relate: 2, read: 2 }

const server = postgresServer()
const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface World {
  readonly database: { readonly url: string; drop(): Promise<void> }
  readonly sql: SqlClient
  readonly timelines: string
  /** A process of the test's own; without workers until they are started. */
  readonly own: SocialProcess
  readonly posts: Map<string, string>
  readonly deleted: Set<string>
  walked: number
  nodes: number
}

describe.skipIf(server === undefined)(`timelines on Redis under faults, seed ${SEED}`, () => {
  const random = seededRandom(SEED)
  const cleanups: (() => Promise<unknown>)[] = []
  let script: Script
  beforeAll(async () => {
    process.stderr.write(`timelines on Redis under faults, seed ${SEED}\n`)
    script = await buildScript(new URL('./social-actor.ts', import.meta.url))
  })
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })
  afterAll(() => script?.remove())

  async function createWorld(timelines: string, follows: Iterable<string>, social = SIZES): Promise<World> {
    const database = await createPostgresDatabase(server!)
    cleanups.push(() => database.drop())
    const setUp = await createFanfold({ database: database.url, workers: false })
    await setUp.social.importFollows(follows)
    await setUp.close()
    const sql = await openPg(new URL(database.url), PROFILES.postgres, { poolSize: 2, logger: silentLogger })
    cleanups.push(() => sql.close())
    const own = await openProcess({ database: database.url, timelines, node: 63, social })
    cleanups.push(() => own.close())
    return { database, sql, timelines, own, posts: new Map(), deleted: new Set(), walked: 0, nodes: 0 }
  }

  function start(world: World, options: Partial<ActorOptions> = {}): Promise<ScriptProcess> {
    const all: ActorOptions = {
      ...{ database: world.database.url, timelines: world.timelines, node: world.nodes++ % 60 },
      ...{ seed: random.int(2 ** 31), people: PEOPLE, loops: LOOPS, workers: true, social: SIZES },
      ...options,
    }
    return new Promise((resolve, reject) => {
      const actor = script.start([JSON.stringify(all)], (message) => {
        const news = message as ActorNews
        if ('ready' in news) resolve(actor)
        else if ('walked' in news) world.walked += 1
        else if ('deleting' in news) world.deleted.add(news.deleting)
        else world.posts.set(news.post, news.author)
      })
      void actor.ended.then((code) => reject(new Error(`a process did not start, ${code}:\n${actor.stderr()}`)))
      cleanups.push(() => actor.kill())
    })
  }

  /** An actor that ended by itself saw something that must not be. */
  async function kill(actor: ScriptProcess): Promise<void> {
    await actor.kill()
    expect(await actor.ended, actor.stderr()).toBe('SIGKILL')
  }

  const randomFollows = function* () {
    for (let n = 0; n < PEOPLE; n++) {
      for (let m = 0; m < PEOPLE; m++) if (n !== m && random.int(5) < 2) yield `${personOf(n)} ${personOf(m)}`
    }
  }

  /** Waits until nothing is under way, with the workers of the test's own process alone; then everything must be there. */
  async function expectQuietAndWhole(world: World): Promise<void> {
    const { social, deps } = world.own
    const workers = social.startWorkers({ concurrency: 8 })
    try {
      await until(
        'the sweeper has looked',
        () =>
          social.sweep().then(
            () => true,
            () => false,
          ),
        20_000,
      )
      await until(
        'all is quiet',
        async () => {
          const [{ posts }, depths, follows] = await Promise.all([
            deps.posts.ledger.backlog(1),
            deps.queue.depths(),
            deps.follows.pendingBackfills(new Date(Date.now() + 60_000), 1),
          ])
          return posts === 0 && follows.length === 0 && depths.every(({ depth }) => depth === 0)
        },
        50_000,
      )
      expect(await deps.queue.deadLetters(FANOUT_TOPIC, 10)).toEqual([])
    } catch (error) {
      const left = await world.sql.query(
        'select payload, attempt, visible_at, claimed, last_error, now() from queue_messages limit 20',
      )
      const show = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
      process.stderr.write(`not done: ${JSON.stringify([left, await deps.queue.depths()], show, 1)}\n`)
      throw error
    } finally {
      await workers.close()
    }
    const report = await social.verify()
    const reasons = report.findings
      .slice(0, 5)
      .map((found) => ('user_id' in found ? social.explainTimeline(found.user_id, found.post_id) : found))
    expect(report, JSON.stringify(await Promise.all(reasons), null, 1)).toMatchObject({
      ...{ ok: true, pending: 0, findings: [] },
    })
    const unbalanced = await world.sql.query(
      `select * from post_fanouts f where done_at is null or done_chunks <> planned_chunks
         or followers_scanned <> delivered + duplicate + inactive
         or exists (select 1 from post_fanout_chunks c where c.post_id = f.post_id)`,
    )
    expect(unbalanced).toEqual([])
    const stored = await deps.posts.find([...world.posts.keys()].map(BigInt))
    const found = new Set(stored.map((post) => `${post.postId}`))
    expect([...world.posts.keys()].filter((id) => !found.has(id) && !world.deleted.has(id))).toEqual([])
  }

  describe.runIf(hasRedisProgram())('when Redis is killed and loses its last second', () => {
    /** Sizes of the file of appends, by time. */
    interface Growth {
      readonly file: string
      readonly sizes: { readonly at: number; readonly bytes: number }[]
      stop(): void
    }

    async function watch(redis: OwnProgram): Promise<Growth> {
      const folder = join(redis.folder, 'appendonlydir')
      const name = (await readdir(folder)).find((each) => each.endsWith('.incr.aof'))
      const file = join(folder, name!)
      const sizes: Growth['sizes'] = []
      const look = async () => void sizes.push({ at: Date.now(), bytes: (await stat(file)).size })
      await look()
      const timer = setInterval(look, 20)
      return { file, sizes, stop: () => clearInterval(timer) }
    }

    /** Kills it, and cuts off what it has written in its last 1.5 seconds; answers how many bytes. */
    async function lose(redis: OwnProgram, { file, sizes }: Growth): Promise<number> {
      const killedAt = Date.now()
      await redis.kill()
      const { bytes } = sizes.find(({ at }) => at >= killedAt - 1_500) ?? sizes.at(-1)!
      const all = (await stat(file)).size
      await truncate(file, bytes)
      return all - bytes
    }

    async function expectNobodyNotices({ own: { social } }: World, token: string): Promise<void> {
      const { post_id } = await social.publish({ user_id: 'herald', content: { text: 'while Redis is away' } })
      const shown: string[] = []
      for (let cursor: string | undefined; !shown.includes(post_id); ) {
        const page = await social.timeline('watcher', { limit: 20, cursor })
        expect(page.items).toHaveLength(20)
        shown.push(...page.items.map((post) => post.post_id))
        if (BigInt(shown.at(-1)!) < BigInt(post_id)) break
        cursor = page.next_cursor
      }
      expect(shown).toContain(post_id)
      expect((await social.timeline('watcher', { newer: token, limit: 20 })).reset).toBe(true)
      const lonely = `lonely-${randomBytes(4).toString('hex')}`
      await social.createUser({ user_id: lonely, handle: lonely.replace('-', '_'), name: lonely })
      await social.follow(lonely, 'herald')
      expect((await social.timeline(lonely)).items.map((post) => post.post_id)).toContain(post_id)
    }

    it('no reader lacks a post afterwards, and nobody notices meanwhile', { timeout: 120_000 }, async () => {
      const args = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0']
      const redis = await startRedis(args)
      cleanups.push(() => redis.remove())
      // These two are left alone by the others.
      const watched = Array.from({ length: 10 }, (_, n) => `watcher ${personOf(n)}`)
      const world = await createWorld(redis.url, ['watcher herald', ...watched, ...randomFollows()])
      const raw = new Redis(redis.url)
      raw.on('error', () => undefined)
      cleanups.push(async () => raw.disconnect())
      const actors = [await start(world), await start(world), await start(world)]
      const growth = await watch(redis)
      cleanups.push(async () => growth.stop())
      let lost = 0
      for (const awayMs of [0, 2_500]) {
        const { newer_token } = await until('a timeline is ready', async () => {
          const isReady = (await world.own.deps.timelines.read('watcher', undefined, 1)) !== undefined
          const page = await world.own.social.timeline('watcher')
          return isReady && page.items.length === 20 ? page : undefined
        })
        await rest(1_800 + random.int(500))
        lost += await lose(redis, growth)
        await expectNobodyNotices(world, newer_token!)
        await rest(awayMs)
        await redis.start()
        growth.sizes.splice(0)
        await rest(1_000)
        if (awayMs === 0) await until('Redis is emptied', () => raw.flushall().catch(() => undefined))
        await rest(1_000)
      }
      for (const actor of actors) await kill(actor)
      expect(lost).toBeGreaterThan(0)
      expect(world.posts.size).toBeGreaterThan(50)
      await expectQuietAndWhole(world)
      const [again] = await world.sql.query<{ n: number }>(
        'select count(*)::int as n from post_fanouts where round > 0',
      )
      expect(again!.n).toBeGreaterThan(0)
    })
  })

  for (const { name, url } of redisServers()) {
    async function ownPrefix(): Promise<string> {
      const timelines = await openRedisTimelines(url)
      cleanups.push(() => timelines.close())
      return timelines.url
    }

    it(`kill -9 of anybody at any time loses and doubles nothing, on ${name}`, { timeout: 120_000 }, async () => {
      const world = await createWorld(await ownPrefix(), randomFollows())
      const endAt = Date.now() + 9_000
      let killed = 0
      // Counted in what was done, not in time alone: the load is the same on a slow machine.
      const isEnough = () => Date.now() >= endAt && killed > 8 && world.posts.size > 50 && world.walked > 50
      const keepOne = async (roles: Partial<ActorOptions>) => {
        for (;;) {
          const actor = await start(world, roles)
          await rest(300 + random.int(2_000))
          await kill(actor)
          killed += 1
          if (isEnough()) return
        }
      }
      await Promise.all([
        keepOne({ loops: { publish: 0, relate: 0, read: 0 } }),
        keepOne({}),
        keepOne({ workers: false, loops: { publish: 2, relate: 1, read: 0 } }),
        keepOne({ workers: false, loops: { publish: 0, relate: 2, read: 3 } }),
      ])
      await expectQuietAndWhole(world)
    })

    it(`three processes share a giant, and small authors are not held up by it, on ${name}`, async () => {
      const followers = 2_000
      const sizes = { chunkFollowers: 4, planChunks: 8, smallLaneFollowers: 8, pullFollowers: 1_000_000 }
      const edges = function* () {
        for (let n = 0; n < followers; n++) yield `f${n} giant`
        for (let n = 0; n < 20; n++) for (let m = 0; m < 3; m++) yield `f${(7 * n + m) % followers} small${n}`
      }
      const world = await createWorld(await ownPrefix(), edges(), sizes)
      const { social, deps } = world.own
      const readers = Array.from({ length: 40 }, (_, n) => `f${n}`)
      for (const userId of readers) await social.rebuildTimelines({ userId })
      const loops = { publish: 0, relate: 0, read: 0 }
      const workers = await Promise.all([1, 2, 3].map(() => start(world, { loops, social: sizes })))
      const giant = BigInt((await social.publish({ user_id: 'giant', content: { text: 'big' } })).post_id)
      await until('the giant is under way', async () => (await deps.posts.ledger.state(giant))!.doneChunks > 8)
      const small = await Promise.all(
        Array.from({ length: 20 }, async (_, n) =>
          BigInt((await social.publish({ user_id: `small${n}`, content: { text: 's' } })).post_id),
        ),
      )
      await until('the giant is done', async () => (await deps.posts.ledger.state(giant))!.doneAt, 50_000)
      const done = await Promise.all(small.map((postId) => deps.posts.ledger.state(postId)))
      const giantState = (await deps.posts.ledger.state(giant))!
      for (const state of done) expect(state?.doneAt?.getTime()).toBeLessThan(giantState.doneAt!.getTime())
      expect(giantState).toMatchObject({
        followersScanned: followers,
        delivered: readers.length,
        inactive: followers - readers.length,
        plannedChunks: followers / sizes.chunkFollowers + 1,
        doneChunks: followers / sizes.chunkFollowers + 1,
      })
      for (const worker of workers) await kill(worker)
      for (const userId of readers) {
        expect((await deps.timelines.read(userId, undefined, 50))?.postIds).toContain(giant)
      }
      await expectQuietAndWhole(world)
    })
  }
})
