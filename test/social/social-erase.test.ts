import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { SqlRunner } from '../../src/engines/sql/sql.ts'
import type { SocialDeps } from '../../src/social/deps.ts'
import { createSocial } from '../../src/social/social.ts'
import { createGate } from '../../src/testing/gate.ts'
import { until } from '../../src/testing/until.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

// Nothing else in a database reads like these.
const ID = 'id-to-be-erased'
const HANDLE = 'handle_to_be_erased'
const TAG = 'tag_to_be_erased'
/** What somebody else wrote stays his. */
const BY_ANOTHER = `@${HANDLE} was here`

/** The tables with a row that holds the text anywhere, whatever tables there are. */
async function namedIn(sql: SqlRunner, text: string): Promise<string[]> {
  const tables = await sql.query<{ schema: string; name: string }>(
    `select table_schema as schema, table_name as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1, 2`,
  )
  expect(tables.length).toBeGreaterThan(20)
  const naming: string[] = []
  for (const { schema, name } of tables) {
    const rows = await sql.query(
      `select 1 from "${schema}"."${name}" as t where position($1 in replace(t::text, $2, '')) > 0 limit 1`,
      [text, BY_ANOTHER],
    )
    if (rows.length > 0) naming.push(name)
  }
  return naming
}

for (const engine of sqlEngines()) {
  describe(`erasing a user on ${engine.name}`, () => {
    let clock: FakeClock
    let under: SocialUnderTest
    let workers: ReturnType<SocialUnderTest['social']['startWorkers']>
    let kept: string
    let mentioning: string
    beforeAll(async () => {
      clock = fakeClock(Date.now())
      // With two followers who read, an author's posts are pulled.
      under = await openSocial(engine, { clock, pullFollowers: 1 })
      workers = under.social.startWorkers()
    })
    afterAll(async () => {
      await workers.close()
      await under.close()
    })

    const named = (text: string) => namedIn(under.database.sql, text)
    const say = async (userId: string, text: string, more: { repost_of?: string; key?: string } = {}) => {
      const { key: idempotencyKey, ...rest } = more
      return (await under.social.publish({ user_id: userId, content: { text }, ...rest }, { idempotencyKey })).post_id
    }
    const delivered = () =>
      until('the queue is empty', async () => (await under.deps.queue.depths()).every((topic) => topic.depth === 0))

    it('is tried on a user whom every table of the social model names that can', async () => {
      const { social, deps } = under
      await social.createUser({ user_id: ID, handle: HANDLE, name: HANDLE }, { idempotencyKey: `new-${ID}` })
      await under.readers('stays', 'other')
      await under.people('foe', 'friend')
      await social.rebuildTimelines({ userId: ID })
      for (const [follower, followee] of [
        [ID, 'stays'],
        ['stays', ID],
        ['other', ID],
        ['friend', ID],
      ] as const) {
        await social.follow(follower, followee)
      }
      const now = new Date(clock.now())
      await deps.follows.unfollow({ followerId: 'friend', followeeId: ID }, now)
      await social.follow(ID, 'friend')
      await deps.follows.unfollow({ followerId: ID, followeeId: 'friend' }, now)
      await social.block(ID, 'foe')
      await social.block('foe', ID)
      await social.mute('other', ID)
      await social.mute(ID, 'other')

      kept = await say('stays', 'to be kept')
      const his = await say(ID, `by ${ID} #${TAG}`, { key: `post-${ID}` })
      await social.editPost(his, { content: { text: `again by ${ID} #${TAG} @stays` } })
      mentioning = await say('stays', BY_ANOTHER)
      await social.publish({ user_id: ID, repost_of: kept })
      await say(ID, `quoted by ${ID}`, { repost_of: kept })
      await say('stays', 'quoting', { repost_of: his })
      await say('other', 'quoting', { repost_of: kept })
      for (const fan of [ID, 'other']) {
        await social.like(kept, fan)
        await social.comment(kept, { user_id: fan, text: `by ${fan}` }, { idempotencyKey: `comment-${fan}` })
      }
      await social.like(his, 'stays')
      await social.comment(his, { user_id: 'stays', text: 'c' })
      const deleted = await say(ID, `deleted by ${ID}`)
      await social.like(deleted, 'stays')
      await social.deletePost(deleted)
      await social.seeNotifications(ID, { up_to: now.toISOString() })
      await delivered()
      expect(await social.post(kept)).toMatchObject({ like_count: 2, comment_count: 2, repost_count: 3 })

      expect(await named(ID)).toEqual(
        expect.arrayContaining([
          ...['blocks', 'comments', 'follow_backfills', 'follows', 'kept_follows', 'mutes', 'post_likes'],
          ...['post_mentions', 'post_notices', 'post_versions', 'posts', 'pull_authors', 'user_feed_timeline', 'users'],
        ]),
      )
      expect(await named(HANDLE)).toEqual(['users'])
      expect(await named(TAG)).toEqual(expect.arrayContaining(['post_hashtags', 'posts']))
    })

    it('leaves the id alone in the list of taken ids, and nothing once requests under way are over', async () => {
      await under.social.eraseUser(ID)
      expect(await named(ID)).toEqual(['users'])
      expect(await named(HANDLE)).toEqual([])
      expect(await named(TAG)).toEqual([])
      // As a request would leave it that had passed all checks before.
      const at = new Date(clock.now())
      await under.deps.posts.applyLikes([{ postId: BigInt(kept), userId: ID, liked: true }], at)
      expect(await named(ID)).toEqual(['post_likes', 'users'])
      await clock.advance(LIMITS.eraseSettleMs + 1)
      await until('nothing names the user', async () => {
        await under.social.sweep()
        return (await named(ID)).length === 0
      })
      expect(await named(HANDLE)).toEqual([])
      expect(await named(TAG)).toEqual([])
    })

    for (const id of [ID, 'id-that-nobody-had']) {
      it(`leaves no timeline to who asks for that of ${id}`, async () => {
        const { users, timelines } = under.deps
        const asked = createGate()
        const deps: SocialDeps = {
          ...under.deps,
          // The timeline is asked for at the same time, and is found absent before the user is.
          users: { ...users, find: (userIds) => asked.opened.then(() => users.find(userIds)) },
          timelines: {
            ...timelines,
            async read(...args) {
              const slice = await timelines.read(...args)
              setImmediate(asked.open)
              return slice
            },
          },
        }
        const social = createSocial(deps, { pullFollowers: 1 })
        await expect(social.timeline(id)).rejects.toMatchObject({ code: 'user_not_found' })
        await social.close()
        expect(await named(id)).toEqual([])
      })
    }

    it('leaves the counts, notifications and timelines of the others exact', async () => {
      const { social } = under
      expect(await social.post(kept)).toMatchObject({ like_count: 1, comment_count: 1, repost_count: 1 })
      expect(await social.post(mentioning)).not.toHaveProperty('mentions')
      const told = (await social.notifications('stays')).items
      expect(told.map(({ kind, count, actors }) => [kind, count, actors]).sort()).toEqual([
        ['comment', 1, ['other']],
        ['like', 1, ['other']],
        ['repost', 1, ['other']],
      ])
      await delivered()
      expect(await social.verify()).toMatchObject({ ok: true, findings: [] })
    })
  })
}
