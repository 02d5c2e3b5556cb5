import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { openMongodbEngine } from '../../src/engines/mongodb/engine.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { PostStore } from '../../src/social/ports.ts'
import { aPost, auditAll } from '../../src/testing/social-values.ts'
import { until } from '../../src/testing/until.ts'
import { testContext } from '../setup/context.ts'
import { mongodbServer, ownDatabase, startMongodb } from '../setup/mongodb.ts'
import type { OwnServer } from '../setup/own-server.ts'
import { seededRandom } from '../setup/random.ts'
import { buildScript, type Script, type ScriptProcess } from '../setup/script.ts'
import type { LikerNews } from './mongodb-liker.ts'

/**
 * Claim: whoever dies when (processes that like, comment and repost, the server itself), no answered write is lost,
 * none counts twice, and once all is quiet every count is that of the rows.
 *
 * Method: three processes with many fans each on a server of the test's own; processes are killed and replaced at
 * random, the server is killed twice and started with what it had written. Then one process more, whose clock is ahead
 * so that it need not wait for what the dead left to grow old, and the audit.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_123)
const server = mongodbServer()
const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe.skipIf(server === undefined)(`posts on mongodb under faults, seed ${SEED}`, () => {
  const random = seededRandom(SEED)
  const cleanups: (() => Promise<unknown>)[] = []
  let script: Script
  let own: OwnServer | undefined
  beforeAll(async () => {
    script = await buildScript(new URL('./mongodb-liker.ts', import.meta.url))
    own = await startMongodb(server!)
  })
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })
  afterAll(async () => {
    await script?.remove()
    await own?.remove()
  })

  it('loses and doubles nothing', { timeout: 300_000 }, async ({ skip }) => {
    if (own === undefined) return skip('the server is not one of scripts/engines, so there is no second one')
    const url = ownDatabase(own.url)
    const setUp = await openMongodbEngine(parseUrl(url), testContext())
    await setUp.migrate()
    const postIds = [11n, 12n, 13n]
    const first = await setUp.ports.posts!(testContext())
    await first.insert(postIds.map((id) => aPost(id, 'star')))
    await setUp.close()

    const wishes = new Map<string, { liked: boolean; isSure: boolean }>()
    const made = new Set<string>()
    const removed = new Set<string>()
    let answered = 0
    let actors = 0
    async function start(): Promise<ScriptProcess> {
      actors += 1
      const name = `a${actors}`
      return await new Promise((resolve, reject) => {
        const actor = script.start([url, name, String(100 + actors), ...postIds.map(String)], (message) => {
          const news = message as LikerNews
          if ('ready' in news) resolve(actor)
          else if ('made' in news) made.add(news.made)
          else if ('removing' in news) removed.add(news.removing)
          else {
            if (news.answered) answered += 1
            wishes.set(`${news.post}/${news.fan}`, { liked: news.liked, isSure: news.answered })
          }
        })
        void actor.ended.then((code) => reject(new Error(`a process did not start, ${code}:\n${actor.stderr()}`)))
        cleanups.push(() => actor.kill())
      })
    }
    async function kill(actor: ScriptProcess): Promise<void> {
      await actor.kill()
      expect(await actor.ended, actor.stderr()).toBe('SIGKILL')
    }

    let isUp = true
    let crashes = 0
    // Counted in what was done, not in time: the load is the same on a slow machine.
    const isEnough = () => answered > 60 && made.size > 10 && crashes === 2 && actors >= 6
    const replace = async () => {
      for (;;) {
        const actor = await start()
        const before = answered
        await until('more was answered', () => isUp && answered > before + 5 + random.int(10), 150_000)
        await rest(random.int(100))
        await kill(actor)
        if (isEnough()) return
      }
    }
    const crash = async () => {
      for (; crashes < 2; crashes++) {
        const before = answered
        await until('something was answered', () => answered > before + 10, 150_000)
        await rest(random.int(100))
        isUp = false
        await own!.kill()
        await rest(300)
        await own!.start()
        isUp = true
      }
    }
    await Promise.all([crash(), replace(), replace(), replace()])

    const ahead = { ...systemClock, now: () => Date.now() + 2 * LIMITS.mongodbOperationMs }
    const engine = await openMongodbEngine(parseUrl(url), testContext())
    cleanups.push(() => engine.close())
    const posts: PostStore = await engine.ports.posts!({ ...testContext(), clock: ahead })
    expect(await auditAll(posts, 20)).toEqual([])
    const asked = [...wishes.keys()].map((name) => {
      const [post, userId] = name.split('/') as [string, string]
      return { postId: BigInt(post), userId }
    })
    const liked = new Set((await posts.likesAmong(asked)).map(({ postId, userId }) => `${postId}/${userId}`))
    const wrong = [...wishes].filter(([name, wish]) => wish.isSure && liked.has(name) !== wish.liked)
    expect(wrong).toEqual([])
    const rows = new Set<string>()
    for (const postId of postIds)
      for (const { commentId } of await posts.comments(postId, undefined, 10_000)) rows.add(`${commentId}`)
    for (const { postId } of await posts.find([...made].map(BigInt))) rows.add(`${postId}`)
    expect([...made].filter((id) => !removed.has(id) && !rows.has(id))).toEqual([])
    expect(liked.size).toBeGreaterThan(5)
  })
})
