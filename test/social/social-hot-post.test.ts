import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFanfold, type Fanfold } from '../../src/app/fanfold.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { createSocial } from '../../src/social/social.ts'
import { until } from '../../src/testing/until.ts'
import { seededRandom } from '../setup/random.ts'
import { buildScript, type Script, type ScriptProcess } from '../setup/script.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { createPostgresDatabase, postgresServer, sqlEngines } from '../setup/sql.ts'
import type { Wish } from './liking.ts'

const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
const LIKERS = 10_000
const LIFE_MS = 1_500
const KILLS = 8
const ANSWERS = 1_000
const PROCESSES = 3
const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

for (const engine of sqlEngines()) {
  describe(`a post that ${LIKERS} people like at once, on ${engine.name}, seed ${SEED}`, () => {
    const fans = Array.from({ length: LIKERS }, (_, n) => `fan${n}`)
    const random = seededRandom(SEED)
    const liking = new Set<string>()
    let under: SocialUnderTest
    let post: string
    beforeAll(async () => {
      under = await openSocial(engine)
      await under.people('star')
      const createdAt = new Date()
      for (let from = 0; from < LIKERS; from += 2_000) {
        const some = fans.slice(from, from + 2_000)
        await under.deps.users.insertMany(some.map((id) => ({ userId: id, handle: id, name: id, createdAt })))
      }
      post = (await under.social.publish({ user_id: 'star', content: { text: 'hot' } })).post_id
    }, 60_000)
    afterAll(() => under.close())

    async function expectExact(): Promise<void> {
      const [row] = await under.database.sql.query<{ rows: bigint; noticed: bigint }>(
        `select (select count(*) from post_likes where post_id = $1) as rows,
          (select sum(count)::bigint from post_notices where post_id = $1 and kind = 'like') as noticed`,
        [BigInt(post)],
      )
      expect(row).toEqual({ rows: BigInt(liking.size), noticed: BigInt(liking.size) })
      expect((await under.social.post(post)).like_count).toBe(liking.size)
      expect((await under.social.notifications('star')).items).toMatchObject([{ kind: 'like', post_id: post }])
      expect((await under.social.verify({ userIds: [] })).findings).toEqual([])
    }

    it('counts every one of them once', async () => {
      await Promise.all(fans.map((fan) => under.social.like(post, fan)))
      for (const fan of fans) liking.add(fan)
      await expectExact()
    }, 120_000)

    it('stays exact when likes and unlikes cross, repeated, in any order, from two services', async () => {
      const services = [under.social, createSocial(under.deps)]
      await Promise.all(
        fans.map(async (fan) => {
          const liked = random.int(2) === 0
          const times = 1 + random.int(3)
          const social = random.pick(services)
          // A repeat may take another way than the first.
          const ways = Array.from({ length: times }, () => (random.int(4) === 0 ? random.pick(services) : social))
          await Promise.all(ways.map((way) => (liked ? way.like(post, fan) : way.unlike(post, fan))))
          if (liked) liking.add(fan)
          else liking.delete(fan)
        }),
      )
      expect(liking.size).toBeGreaterThan(LIKERS / 4)
      expect(liking.size).toBeLessThan((3 * LIKERS) / 4)
      await expectExact()
    }, 120_000)

    it('holds a like of another post up by the batch under way and no more', async () => {
      const quiet = (await under.social.publish({ user_id: 'star', content: { text: 'quiet' } })).post_id
      const batches: bigint[][] = []
      let started = () => {}
      const first = new Promise<void>((resolve) => {
        started = resolve
      })
      let release = () => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      const watched = createSocial({
        ...under.deps,
        posts: {
          ...under.deps.posts,
          async applyLikes(changes, at) {
            batches.push(changes.map(({ postId }) => postId))
            started()
            await gate
            return under.deps.posts.applyLikes(changes, at)
          },
        },
      })
      const hot = fans.slice(0, 2_000).map((fan) => watched.unlike(post, fan))
      await first
      const calm = watched.unlike(quiet, 'fan1')
      release()
      await calm
      const at = batches.findIndex((batch) => batch.includes(BigInt(quiet)))
      expect(at).toBe(1)
      await Promise.all(hot)
      expect(batches.length).toBeGreaterThan(4)
      for (const fan of fans.slice(0, 2_000)) liking.delete(fan)
      await expectExact()
      await watched.close()
    }, 60_000)
  })
}

const server = postgresServer()

/**
 * Claim: counts and notices are those of the rows whichever process dies when, and no answered like is lost.
 *
 * Method: processes like a few posts through the service, most of all one of them, and are killed with SIGKILL and
 * replaced at random while connections are cut. Each tells what it asks for and what was answered.
 */
describe.skipIf(server === undefined)(`likes of several processes under kill -9, seed ${SEED}`, () => {
  const random = seededRandom(SEED)
  const wishes: Wish[] = []
  let killed = 0
  let chaos = true
  let database: { url: string; drop(): Promise<void> }
  let sql: SqlClient
  let script: Script
  let fanfold: Fanfold
  const posts: string[] = []

  const answered = () => wishes.filter((wish) => wish.answered)

  async function keepLiking(n: number): Promise<ScriptProcess> {
    for (let run = 1; ; run++) {
      let ended: string | undefined
      let working = false
      const liker = script.start([database.url, `s${n}r${run}`, String(random.int(2 ** 31)), ...posts], (message) => {
        working = true
        wishes.push(message as Wish)
      })
      void liker.ended.then((code) => {
        ended = String(code)
      })
      while (chaos && ended === undefined && !working) await rest(10)
      const killAt = Date.now() + random.int(LIFE_MS)
      while (chaos && ended === undefined && Date.now() < killAt) await rest(10)
      // A process whose connection is cut while it starts may end; one that works must not.
      if (ended !== undefined && working) throw new Error(`a process ended by itself, ${ended}:\n${liker.stderr()}`)
      if (!chaos) return liker
      await liker.kill()
      if (working) killed += 1
    }
  }

  async function cutConnections(): Promise<void> {
    while (chaos) {
      await rest(200 + random.int(400))
      await sql.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and state = 'active' order by random() limit 1`,
      )
    }
  }

  beforeAll(async () => {
    database = await createPostgresDatabase(server!)
    const setUp = await createFanfold({ database: database.url, workers: false })
    await setUp.social.createUser({ user_id: 'star', handle: 'star', name: 'star' })
    for (const text of ['hot', 'warm', 'cool']) {
      posts.push((await setUp.social.publish({ user_id: 'star', content: { text } })).post_id)
    }
    await setUp.close()
    // One connection, so that it never cuts itself.
    sql = await openPg(new URL(database.url), PROFILES.postgres, { poolSize: 1, logger: silentLogger })
    script = await buildScript(new URL('./liking.ts', import.meta.url))
    const likers = Promise.all(Array.from({ length: PROCESSES }, (_, n) => keepLiking(n)))
    const cutting = cutConnections()
    // However slow the machine: until so much was done and disturbed.
    const enough = until('enough was done', () => killed >= KILLS && answered().length >= ANSWERS, 90_000)
    await Promise.race([enough, likers]).finally(() => {
      chaos = false
    })
    for (const liker of await likers) await liker.kill()
    await cutting
    // The server may still be busy with the last statements of the dead.
    await until('the dead are done', async () => {
      const others = await sql.query(
        'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      return others.length === 0
    })
    fanfold = await createFanfold({ database: database.url, workers: false })
  }, 180_000)

  afterAll(async () => {
    chaos = false
    await fanfold?.close()
    await sql?.close()
    await script?.remove()
    await database?.drop()
  })

  it('was disturbed while it worked', () => {
    const asked = wishes.length - answered().length
    process.stderr.write(`likes, seed ${SEED}: ${answered().length} of ${asked} answered, ${killed} killed\n`)
    expect(asked).toBeGreaterThan(answered().length)
  })

  it('has counts and notices that are those of the rows', async () => {
    const report = await fanfold.social.verify({ userIds: [] })
    expect(report).toMatchObject({ posts: posts.length, findings: [] })
    const rows = await sql.query<{ post_id: bigint; n: bigint }>(
      'select post_id, count(*) as n from post_likes group by post_id',
    )
    expect(rows).toHaveLength(posts.length)
    for (const { post_id, n } of rows) {
      expect((await fanfold.social.post(String(post_id))).like_count).toBe(Number(n))
    }
  })

  it('has what each person wanted last, as far as it was answered', async () => {
    const last = new Map<string, Wish>()
    for (const wish of wishes) last.set(`${wish.post} ${wish.fan}`, wish)
    const settled = [...last.values()].filter((wish) => wish.answered)
    expect(settled.length).toBeGreaterThan(0)
    const likes = await sql.query<{ post_id: bigint; user_id: string }>('select post_id, user_id from post_likes')
    const liked = new Set(likes.map((row) => `${row.post_id} ${row.user_id}`))
    const wrong = settled.filter((wish) => liked.has(`${wish.post} ${wish.fan}`) !== wish.liked)
    expect(wrong).toEqual([])
  })
})
