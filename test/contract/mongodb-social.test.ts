import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSocial, type Social } from '../../src/social/social.ts'
import { testContext } from '../setup/context.ts'
import { type MongodbUnderTest, mongodbServer, openMongodbPosts } from '../setup/mongodb.ts'
import { seededRandom } from '../setup/random.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const server = mongodbServer()

describe.skipIf(server === undefined)('the social model with its posts on mongodb', () => {
  const fans = Array.from({ length: 30 }, (_, n) => `fan${n}`)
  let mongodb: MongodbUnderTest
  let under: SocialUnderTest
  let processes: Social[]
  beforeAll(async () => {
    mongodb = await openMongodbPosts(server!)
    under = await openSocial(sqlEngines()[0]!, { posts: mongodb.store })
    await under.people('star', ...fans)
    // Three services, each with a group commit and a store of its own, stand for three processes.
    const others = [1, 2].map(async () => {
      const posts = await mongodb.engine.ports.posts!(testContext())
      return createSocial({ ...under.deps, posts })
    })
    processes = [under.social, ...(await Promise.all(others))]
  })
  afterAll(async () => {
    for (const social of processes.slice(1)) await social.close()
    await under.close()
    await mongodb.close()
  })

  it('keeps counts exact under likes, unlikes, comments, reposts, repeats and a deletion', async () => {
    const random = seededRandom(3)
    const posts: string[] = []
    for (let n = 0; n < 3; n++) {
      posts.push((await under.social.publish({ user_id: 'star', content: { text: `${n}` } })).post_id)
    }
    const wanted = new Map<string, boolean>()
    const commented = new Map<string, number>()
    const people = fans.map(async (fan) => {
      for (let n = 0; n < 8; n++) {
        const social = random.pick(processes)
        const post = random.pick(posts)
        const liked = random.int(3) > 0
        // One person's wishes follow each other; those of different people cross.
        await (liked ? social.like(post, fan) : social.unlike(post, fan))
        wanted.set(`${post} ${fan}`, liked)
        if (random.int(3) > 0) continue
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
    const reposts = fans.slice(0, 10).map((fan, n) => processes[n % 3]!.publish({ user_id: fan, repost_of: posts[1]! }))
    await Promise.all([...people, ...reposts])
    for (const post of posts) {
      expect(await under.social.post(post)).toMatchObject({
        like_count: fans.filter((fan) => wanted.get(`${post} ${fan}`)).length,
        comment_count: commented.get(post) ?? 0,
        repost_count: post === posts[1] ? 10 : 0,
      })
    }
    await Promise.all([
      under.social.deletePost(posts[0]!),
      ...fans.map((fan, n) => processes[n % 3]!.like(posts[0]!, fan).catch(() => undefined)),
    ])
    while (await under.social.sweep());
    const rows = mongodb.raw.collection('post_likes')
    expect(await rows.countDocuments({ post_id: BigInt(posts[0]!) })).toBe(0)
    expect((await under.social.verify()).wrong_counts).toBe(0)
  })

  it('erases people in the middle of it all: nothing names them, and the counts of the others stay exact', async () => {
    const post = (await under.social.publish({ user_id: 'star', content: { text: 'keep' } })).post_id
    const gone = fans.slice(0, 5)
    const busy = fans.map(async (fan) => {
      for (let n = 0; n < 3; n++) {
        await processes[n % 3]!.like(post, fan).catch(() => undefined)
        await processes[n % 3]!.comment(post, { user_id: fan, text: `@${gone[0]}` }).catch(() => undefined)
      }
    })
    await Promise.all([...busy, ...gone.map((fan) => under.social.eraseUser(fan))])
    // What requests under way have left is taken away before the ids are free again.
    for (const fan of gone) while ((await under.deps.posts.erase(fan, 100)) > 0);
    expect(await under.social.post(post)).toMatchObject({
      like_count: fans.length - gone.length,
      comment_count: 3 * (fans.length - gone.length),
    })
    for (const { name } of await mongodb.raw.listCollections().toArray()) {
      for (const doc of await mongodb.raw.collection(name).find().toArray()) {
        const { text: _, ...ids } = doc
        const words = JSON.stringify(ids, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))
        for (const fan of gone) expect(words).not.toMatch(new RegExp(`${fan}["/\\\\]`))
      }
    }
    expect((await under.social.verify()).wrong_counts).toBe(0)
  })
})
