import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { openFollowStore } from '../../src/engines/postgres/follow-store.ts'
import { openTimelineStore } from '../../src/engines/postgres/timeline-store.ts'
import { openUserStore } from '../../src/engines/postgres/user-store.ts'
import { followsCopy } from '../../src/moves/copy-follows.ts'
import { timelinesCopy } from '../../src/moves/copy-timelines.ts'
import type { UserStore } from '../../src/social/ports.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'

const [pglite] = sqlEngines()
const AT = new Date('2026-03-01T12:00:00Z')
const ignored = () => undefined
const proceed = async () => undefined

/**
 * Writes that reach the one engine at once and the other only after `lag` sleeps of whoever compares them; each sleep
 * begins another. So at every look there are some on their way, and never the same for long.
 */
function writesOnTheirWay(lag: number, write: (n: number, into: 'from' | 'to') => Promise<unknown>): Clock {
  let begun = 0
  return {
    ...systemClock,
    async sleep() {
      await write(begun, 'from')
      if (begun >= lag) await write(begun - lag, 'to')
      begun += 1
    },
  }
}

describe('comparing the two engines of a move', () => {
  let databases: TestDatabase[]
  let users: UserStore
  beforeEach(async () => {
    databases = [await pglite!.create(), await pglite!.create()]
    users = await openUserStore(databases[0]!.sql, databases[0]!.context)
    const person = (userId: string) => ({ userId, handle: userId, name: userId, createdAt: AT })
    await users.insertMany([person('reader'), ...Array.from({ length: 200 }, (_, n) => person(`author-${n}`))])
  })
  afterEach(() => Promise.all(databases.map((database) => database.drop())))

  it('takes posts that are on their way to the second for no difference, however many there are', async () => {
    const [from, to] = await Promise.all(databases.map(({ sql, context }) => openTimelineStore(sql, context)))
    for (const store of [from!, to!]) await store.install('reader', await store.begin('reader'), [], 0n)
    const clock = writesOnTheirWay(3, (n, into) => ({ from, to })[into]!.append(100n + BigInt(n), ['reader']))
    for (let n = 0; n < 5; n++) await clock.sleep(0)
    const copy = timelinesCopy(users, from!, to!, clock)
    for (let pass = 0; pass < 3; pass++) expect(await copy.mend(ignored, proceed)).toBe(0)

    // One that never comes is found beside them, and copied.
    await from!.append(50n, ['reader'])
    expect(await copy.mend(ignored, proceed)).toBe(1)
    expect((await to!.read('reader', undefined, 1_000))?.postIds).toContain(50n)
    expect(await copy.mend(ignored, proceed)).toBe(0)
  })

  it('does so for follows', async () => {
    const [from, to] = await Promise.all(databases.map(({ sql, context }) => openFollowStore(sql, context)))
    const follow = (n: number, into: 'from' | 'to') =>
      ({ from, to })[into]!.follow({ followerId: 'reader', followeeId: `author-${n}` }, AT, 1_000)
    const clock = writesOnTheirWay(3, follow)
    for (let n = 0; n < 5; n++) await clock.sleep(0)
    const copy = followsCopy(users, from!, to!, clock)
    for (let pass = 0; pass < 3; pass++) expect(await copy.mend(ignored, proceed)).toBe(0)

    await follow(199, 'from')
    expect(await copy.mend(ignored, proceed)).toBe(1)
    expect(await to!.outgoingTo('reader', ['author-199'])).toMatchObject([{ otherId: 'author-199' }])
    expect(await copy.mend(ignored, proceed)).toBe(0)
  })

  it('drops the timelines that an earlier move left in the second and the first has not any more', async () => {
    const [from, to] = await Promise.all(databases.map(({ sql, context }) => openTimelineStore(sql, context)))
    const copy = timelinesCopy(users, from!, to!, systemClock)
    for (const step of [copy.copy, copy.mend]) {
      await to!.install('reader', await to!.begin('reader'), [7n], 0n)
      await step(ignored, proceed)
      expect(await to!.read('reader', undefined, 10)).toBeUndefined()
    }
  })

  it('erases what an earlier move left in the second of users who are not there any more', async () => {
    const [from, to] = await Promise.all(databases.map(({ sql, context }) => openFollowStore(sql, context)))
    for (const store of [from!, to!]) await store.follow({ followerId: 'author-1', followeeId: 'reader' }, AT, 1_000)
    for (const n of [1, 2]) await to!.follow({ followerId: 'erased', followeeId: `author-${n}` }, AT, 1_000)
    await to!.follow({ followerId: 'left', followeeId: 'reader' }, AT, 1_000)
    await to!.unfollow({ followerId: 'left', followeeId: 'reader' }, AT)
    await to!.mute('erased', 'reader', AT)
    await followsCopy(users, from!, to!, systemClock).copy(ignored, proceed)
    for (const userId of ['erased', 'left']) expect(await to!.outgoing(userId, undefined, 10)).toEqual([])
    expect(await to!.followers('reader', undefined, 10)).toMatchObject([{ userId: 'author-1' }])
  })

  it('writes nothing from the moment on when it may not proceed', async () => {
    const [from, to] = await Promise.all(databases.map(({ sql, context }) => openFollowStore(sql, context)))
    for (let n = 0; n < 10; n++) await from!.follow({ followerId: 'reader', followeeId: `author-${n}` }, AT, 1_000)
    let looked = false
    const watched = {
      ...to!,
      async outgoingTo(userId: string, otherIds: readonly string[]) {
        looked = true
        return await to!.outgoingTo(userId, otherIds)
      },
    }
    const untilLooked = async () => {
      if (looked) throw new Error('the hold is lost')
    }
    const copy = followsCopy(users, from!, watched, systemClock)
    await expect(copy.copy(ignored, untilLooked)).rejects.toThrow('the hold is lost')
    expect(await to!.outgoing('reader', undefined, 10)).toEqual([])
  })
})
