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
    for (let pass = 0; pass < 3; pass++) expect(await copy.mend(ignored, undefined)).toBe(0)

    // One that never comes is found beside them, and copied.
    await from!.append(50n, ['reader'])
    expect(await copy.mend(ignored, undefined)).toBe(1)
    expect((await to!.read('reader', undefined, 1_000))?.postIds).toContain(50n)
    expect(await copy.mend(ignored, undefined)).toBe(0)
  })

  it('does so for follows', async () => {
    const [from, to] = await Promise.all(databases.map(({ sql, context }) => openFollowStore(sql, context)))
    const follow = (n: number, into: 'from' | 'to') =>
      ({ from, to })[into]!.follow({ followerId: 'reader', followeeId: `author-${n}` }, AT, 1_000)
    const clock = writesOnTheirWay(3, follow)
    for (let n = 0; n < 5; n++) await clock.sleep(0)
    const copy = followsCopy(users, from!, to!, clock)
    for (let pass = 0; pass < 3; pass++) expect(await copy.mend(ignored, undefined)).toBe(0)

    await follow(199, 'from')
    expect(await copy.mend(ignored, undefined)).toBe(1)
    expect(await to!.outgoingTo('reader', ['author-199'])).toMatchObject([{ otherId: 'author-199' }])
    expect(await copy.mend(ignored, undefined)).toBe(0)
  })
})
