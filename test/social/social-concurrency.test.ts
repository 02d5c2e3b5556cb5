import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSocial, type Social } from '../../src/social/social.ts'
import { until } from '../../src/testing/until.ts'
import { seededRandom } from '../setup/random.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const FANS = 60
const POSTS = 4

for (const engine of sqlEngines().filter((candidate) => candidate.name === 'postgres')) {
  describe(`many at once on ${engine.name}`, () => {
    let under: SocialUnderTest
    let processes: Social[]
    const fans = Array.from({ length: FANS }, (_, n) => `fan${n}`)
    beforeAll(async () => {
      under = await openSocial(engine)
      await under.people('star', ...fans)
      // Three services over one database, each with a group commit of its own, stand for three processes.
      processes = [under.social, createSocial(under.deps), createSocial(under.deps)]
    })
    afterAll(() => under.close())

    it('keeps like and comment counts exact under likes, unlikes, comments, repeats and a deletion', async () => {
      const random = seededRandom(3)
      const posts: string[] = []
      for (let n = 0; n < POSTS; n++)
        posts.push((await under.social.publish({ user_id: 'star', content: { text: `${n}` } })).post_id)
      const wanted = new Map<string, boolean>()
      const commented = new Map<string, number>()
      const people = fans.map(async (fan) => {
        for (let n = 0; n < 20; n++) {
          const social = random.pick(processes)
          const post = random.pick(posts)
          const liked = random.int(3) > 0
          // One person's wishes follow each other; those of different people cross.
          await (liked ? social.like(post, fan) : social.unlike(post, fan))
          if (random.int(3) === 0) await (liked ? social.like(post, fan) : social.unlike(post, fan))
          wanted.set(`${post} ${fan}`, liked)
          if (random.int(4) > 0) continue
          const context = { idempotencyKey: `${post}-${fan}-${n}` }
          const twice = [random.pick(processes), random.pick(processes)].map((each) =>
            each.comment(post, { user_id: fan, text: 'c' }, context),
          )
          const [first, second] = await Promise.all(twice)
          expect(second).toEqual(first)
          if (random.int(2) === 0) await social.deleteComment(first!.comment_id)
          else commented.set(post, (commented.get(post) ?? 0) + 1)
        }
      })
      await Promise.all(people)
      for (const post of posts) {
        const likes = fans.filter((fan) => wanted.get(`${post} ${fan}`)).length
        expect(await under.social.post(post)).toMatchObject({
          like_count: likes,
          comment_count: commented.get(post) ?? 0,
        })
      }
      await Promise.all([
        under.social.deletePost(posts[0]!),
        ...fans.map((fan) => under.social.like(posts[0]!, fan).catch(() => undefined)),
      ])
      while (await under.social.sweep());
      const rows = await under.database.sql.query('select 1 from post_likes where post_id = $1', [BigInt(posts[0]!)])
      expect(rows).toEqual([])
      expect((await under.social.verify()).wrong_counts).toBe(0)
    })

    it('misses nobody when follows, unfollows and posts cross', async () => {
      const workers = processes.map((social) => social.startWorkers({ concurrency: 2 }))
      const random = seededRandom(5)
      const people = fans.map(async (fan) => {
        for (let n = 0; n < 8; n++) {
          const other = random.pick(fans)
          const social = random.pick(processes)
          if (random.int(3) === 0) await social.publish({ user_id: fan, content: { text: `${fan} ${n}` } })
          else if (other !== fan) await (random.int(4) === 0 ? social.unfollow(fan, other) : social.follow(fan, other))
        }
      })
      await Promise.all(people)
      await until(
        'the queue is empty',
        async () => (await under.deps.queue.depths()).every((topic) => topic.depth === 0),
        60_000,
      )
      const report = await under.social.verify()
      await Promise.all(workers.map((worker) => worker.close()))
      expect(report).toMatchObject({ ok: true, missing: 0, extra: 0, duplicate: 0, pending: 0 })
      expect(report.entries).toBeGreaterThan(100)
    })

    it('erases people in the middle of it all, and the counts of the others stay exact', async () => {
      const post = (await under.social.publish({ user_id: 'star', content: { text: 'keep' } })).post_id
      const gone = fans.slice(0, 10)
      const busy = fans.map(async (fan) => {
        for (let n = 0; n < 5; n++) {
          await processes[n % 3]!.like(post, fan).catch(() => undefined)
          await processes[n % 3]!.comment(post, { user_id: fan, text: 'c' }).catch(() => undefined)
        }
      })
      const erasing = gone.map((fan) => under.social.eraseUser(fan))
      await Promise.all([...busy, ...erasing])
      // What requests under way have left is taken away before the ids are free again.
      for (const fan of gone) {
        for (const store of [under.deps.follows, under.deps.posts]) while ((await store.erase(fan, 100)) > 0);
        await under.deps.timelines.drop([fan])
      }
      expect(await under.social.post(post)).toMatchObject({
        like_count: FANS - gone.length,
        comment_count: 5 * (FANS - gone.length),
      })
      expect((await under.social.verify()).wrong_counts).toBe(0)
    })
  })
}
