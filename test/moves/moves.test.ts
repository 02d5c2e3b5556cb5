import { afterEach, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import type { FollowStore, StoredRelation } from '../../src/social/ports.ts'
import { until } from '../../src/testing/until.ts'
import { hasRedisProgram, startRedis } from '../setup/redis.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'
import { openProcess, openRaw, type ProcessUnderTest } from './moving.ts'

const server = postgresServer()

interface Database {
  readonly url: string
  drop(): Promise<void>
}

describe.skipIf(server === undefined)('moves of stores', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function database(): Promise<Database> {
    const created = await createPostgresDatabase(server!)
    closing.push(() => created.drop())
    return created
  }
  async function processOn(url: string, more: Parameters<typeof openProcess>[0] = {}): Promise<ProcessUnderTest> {
    const opened = await openProcess({ database: url, poolSize: 4, ...more })
    closing.push(() => opened.close())
    return opened
  }
  async function rawAt(url: string) {
    const raw = await openRaw(url)
    closing.push(() => raw.close())
    return raw
  }
  /** Work beside a test ends before what it uses is closed, also when the test fails. */
  function finishing(work: readonly Promise<void>[], end: () => void): void {
    closing.push(async () => {
      end()
      await Promise.allSettled(work)
    })
  }
  async function people(one: ProcessUnderTest, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, n) => `user-${n}`)
    for (const id of ids) await one.social.createUser({ user_id: id, handle: id.replace('-', '_'), name: id })
    return ids
  }
  const withoutTimes = (relations: readonly StoredRelation[]) =>
    relations.map(({ otherId, follows, keptUntil, blockedAt, mutedAt }) => {
      const parts = { follows, keptUntil, blockedAt, mutedAt }
      return [otherId, ...Object.entries(parts).flatMap(([name, part]) => (part === undefined ? [] : [name]))].join(' ')
    })
  async function allOf(follows: FollowStore, ids: readonly string[]) {
    return Object.fromEntries(
      await Promise.all(ids.map(async (id) => [id, withoutTimes(await follows.outgoing(id, undefined, 1_000))])),
    ) as Record<string, string[]>
  }

  it('copy follows, blocks and mutes while several processes change them', async () => {
    const [home, target] = [await database(), await database()]
    const processes = [await processOn(home.url), await processOn(home.url), await processOn(home.url)]
    const ids = await people(processes[0]!, 30)
    for (const id of ids) for (const other of ids) if (other > id) await processes[0]!.social.follow(id, other)

    // Each process changes what its own users do, so that what must be there in the end is known.
    let isOver = false
    const expected = new Map<string, Set<string>>(
      ids.map((id) => [id, new Set(ids.filter((other) => other > id).map((other) => `${other} follows`))]),
    )
    let changes = 0
    async function change({ social }: ProcessUnderTest, own: readonly string[], seed: number): Promise<void> {
      let random = seed
      const next = (below: number) => {
        random = (random * 48_271) % 2_147_483_647
        return random % below
      }
      while (!isOver) {
        const userId = own[next(own.length)]!
        const other = ids[next(ids.length)]!
        if (other === userId) continue
        const relations = expected.get(userId)!
        const deed = next(6)
        if (deed === 0) {
          if (!relations.has(`${other} blockedAt`) && !expected.get(other)!.has(`${userId} blockedAt`)) {
            await social.follow(userId, other)
            relations.add(`${other} follows`)
          }
        } else if (deed === 1) {
          await social.unfollow(userId, other)
          relations.delete(`${other} follows`)
        } else if (deed === 2 || deed === 3) {
          await (deed === 2 ? social.mute(userId, other) : social.unmute(userId, other))
          if (deed === 2) relations.add(`${other} mutedAt`)
          else relations.delete(`${other} mutedAt`)
        } else {
          continue
        }
        changes += 1
      }
    }
    const changing = processes.map((one, index) =>
      change(
        one,
        ids.filter((_, n) => n % processes.length === index),
        index + 7,
      ),
    )
    finishing(changing, () => {
      isOver = true
    })
    const moved = await processes[0]!.moves.move('follows', target.url)
    const atEnd = changes
    await until('changes after the move', () => changes > atEnd + 50)
    isOver = true
    await Promise.all(changing)
    expect(moved.copied).toBeGreaterThan(100)

    const there = await allOf((await rawAt(target.url)).follows, ids)
    const wanted = Object.fromEntries(
      ids.map((id) => {
        const byOther = new Map<string, string[]>()
        for (const one of [...expected.get(id)!].sort()) {
          const [other, part] = one.split(' ') as [string, string]
          byOther.set(other, [...(byOther.get(other) ?? []), part])
        }
        return [id, [...byOther].map(([other, parts]) => [other, ...parts].join(' '))]
      }),
    )
    expect(there).toEqual(wanted)
    // What was written last is not in the old place any more.
    expect(await allOf((await rawAt(home.url)).follows, ids)).not.toEqual(wanted)
  })

  it('keep both engines the same when one pair is changed by several processes at once', async () => {
    const [home, target] = [await database(), await database()]
    const [one, two] = [await processOn(home.url), await processOn(home.url)]
    const ids = await people(one, 3)
    // Left in the phase where both are written: it is told to stop when everybody has followed.
    const stop = new AbortController()
    const onProgress = (step: string) => void (step === 'copying' && stop.abort())
    await expect(one.moves.move('follows', target.url, { signal: stop.signal, onProgress })).rejects.toThrow()
    const [a, b] = [ids[0]!, ids[1]!]
    const [source, copy] = [await rawAt(home.url), await rawAt(target.url)]
    for (let round = 0; round < 20; round++) {
      await Promise.all([
        one.social.follow(a, b),
        two.social.unfollow(a, b),
        two.social.mute(a, b),
        one.social.unmute(a, b),
      ])
      expect(await allOf(copy.follows, ids)).toEqual(await allOf(source.follows, ids))
    }
    await expect(one.moves.forget('follows')).rejects.toMatchObject({ code: 'move_unfinished' })
    await one.moves.move('follows', target.url)
  })

  it('go on where they were left when the one who moved is gone', async () => {
    const [home, target] = [await database(), await database()]
    const serving = await processOn(home.url)
    const ids = await people(serving, 10)
    for (const id of ids) if (id !== ids[0]) await serving.social.follow(id, ids[0]!)
    const stop = new AbortController()
    const first = await openProcess({ database: home.url, poolSize: 2, workers: false })
    const onProgress = (step: string) => void (step === 'copying' && stop.abort())
    await expect(first.moves.move('follows', target.url, { signal: stop.signal, onProgress })).rejects.toThrow()
    await first.close()

    const second = await processOn(home.url, { workers: false })
    const other = await database()
    await expect(second.moves.move('follows', other.url)).rejects.toMatchObject({ code: 'move_unfinished' })
    await second.moves.move('follows', target.url)
    expect(await second.moves.list()).toMatchObject([{ store: 'follows', phase: 'done', toUrl: target.url }])
    await serving.social.follow(ids[0]!, ids[1]!)
    const there = await rawAt(target.url)
    expect(await there.follows.followerCount(ids[0]!, 100)).toBe(9)
    expect(await there.follows.followerCount(ids[1]!, 100)).toBe(1)

    // Who starts later with the old configuration goes where the store is, not where it was.
    const late = await processOn(home.url, { workers: false })
    await late.social.unfollow(ids[0]!, ids[1]!)
    expect(await there.follows.followerCount(ids[1]!, 100)).toBe(0)
    await late.moves.forget('follows')
    expect(await late.moves.list()).toEqual([])
  })

  it('can be cancelled until they are done, and nothing is missing in the old engine', async () => {
    const [home, target] = [await database(), await database()]
    const serving = await processOn(home.url)
    const ids = await people(serving, 4)
    const stop = new AbortController()
    const onProgress = (step: string) => void (step === 'copying' && stop.abort())
    await expect(serving.moves.move('follows', target.url, { signal: stop.signal, onProgress })).rejects.toThrow()
    await serving.social.follow(ids[0]!, ids[1]!)
    await serving.moves.cancel('follows')
    await serving.social.follow(ids[0]!, ids[2]!)
    const [source, copy] = [await rawAt(home.url), await rawAt(target.url)]
    expect(withoutTimes(await source.follows.outgoing(ids[0]!, undefined, 9))).toEqual([
      'user-1 follows',
      'user-2 follows',
    ])
    expect(withoutTimes(await copy.follows.outgoing(ids[0]!, undefined, 9))).toEqual(['user-1 follows'])
    expect(await serving.moves.list()).toEqual([])
    await expect(serving.moves.cancel('follows')).rejects.toMatchObject({ code: 'move_unfinished' })
    await serving.moves.move('follows', target.url)
    await expect(serving.moves.cancel('follows')).rejects.toMatchObject({ code: 'move_unfinished' })
    expect(withoutTimes(await copy.follows.outgoing(ids[0]!, undefined, 9))).toEqual([
      'user-1 follows',
      'user-2 follows',
    ])
  })

  it('refuse what can not be', async () => {
    const home = await database()
    const serving = await processOn(home.url)
    await expect(serving.moves.move('follows', home.url)).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(serving.moves.move('follows', 'nothing://here')).rejects.toMatchObject({ code: 'engine_unsupported' })
    await expect(serving.moves.move('follows', 'postgres://postgres@127.0.0.1:1/x')).rejects.toMatchObject({
      code: 'engine_unreachable',
    })
    expect(await serving.moves.list()).toEqual([])
  })

  it.skipIf(!hasRedisProgram())('copy timelines while posts arrive', async () => {
    const home = await database()
    const redis = await startRedis(['--appendonly', 'yes'])
    closing.push(() => redis.remove())
    const processes = [await processOn(home.url), await processOn(home.url)]
    const [first, second] = [processes[0]!, processes[1]!]
    const ids = await people(first, 40)
    for (const id of ids) for (const other of ids.slice(0, 5)) if (other !== id) await first.social.follow(id, other)
    for (const userId of ids.slice(0, 30)) await first.social.rebuildTimelines({ userId })

    let isOver = false
    const published: bigint[] = []
    async function publish({ social }: ProcessUnderTest, author: string): Promise<void> {
      while (!isOver) {
        const post = await social.publish({ user_id: author, content: { text: `post ${published.length}` } })
        published.push(BigInt(post.post_id))
      }
    }
    const publishing = [publish(first, ids[0]!), publish(second, ids[1]!), publish(second, ids[2]!)]
    finishing(publishing, () => {
      isOver = true
    })
    await until('posts', () => published.length > 20)
    const moved = await first.moves.move('timelines', redis.url)
    const atEnd = published.length
    await until('posts after the move', () => published.length > atEnd + 20)
    isOver = true
    await Promise.all(publishing)
    expect(moved.copied).toBe(30)

    await until('an idle sweeper', async () => (await second.social.sweep()) === false)
    for (const { social } of processes) {
      await until('timelines as they must be', async () => (await social.verify()).ok)
    }
    const there = await rawAt(redis.url)
    expect((await there.timelines.marks(ids)).size).toBeGreaterThanOrEqual(30)
    const { postIds } = (await there.timelines.read(ids[9]!, undefined, LIMITS.timelineEntriesMax))!
    const newestFirst = published.sort((one, other) => Number(other - one))
    expect(postIds).toEqual(newestFirst.slice(0, postIds.length))
    expect(postIds.length).toBeGreaterThanOrEqual(Math.min(published.length, LIMITS.timelineEntriesKept))
  })
})
