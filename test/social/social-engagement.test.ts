import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSocial } from '../../src/social/social.ts'
import { seededRandom } from '../setup/random.ts'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  describe(`likes on ${engine.name}`, () => {
    let under: SocialUnderTest
    let social: SocialUnderTest['social']
    beforeAll(async () => {
      under = await openSocial(engine)
      social = under.social
    })
    afterAll(() => under.close())

    const say = async (userId: string, text: string, visibility: 'public' | 'followers' = 'public') =>
      (await social.publish({ user_id: userId, content: { text }, visibility })).post_id

    it('tells a viewer at the next read whether he likes a post, and nobody else', async () => {
      await under.people('l-author', 'l-fan', 'l-other')
      const post = await say('l-author', 'first')
      const second = await say('l-author', 'second')
      expect(await social.post(post)).not.toHaveProperty('liked')
      expect((await social.post(post, { viewer: 'l-fan' })).liked).toBe(false)
      for (let n = 0; n < 5; n++) {
        await social.like(post, 'l-fan')
        expect(await social.post(post, { viewer: 'l-fan' })).toMatchObject({ liked: true, like_count: 1 })
        await social.unlike(post, 'l-fan')
        expect(await social.post(post, { viewer: 'l-fan' })).toMatchObject({ liked: false, like_count: 0 })
      }
      await social.like(post, 'l-fan')
      expect((await social.post(post, { viewer: 'l-other' })).liked).toBe(false)
      const profile = await social.posts('l-author', { viewer: 'l-fan' })
      expect(profile.items.map(({ post_id, liked }) => [post_id, liked])).toEqual([
        [second, false],
        [post, true],
      ])
      expect((await social.posts('l-author')).items.every((item) => !('liked' in item))).toBe(true)
    })

    it('says it of the post inside a repost too', async () => {
      await under.people('r-author', 'r-fan', 'r-other')
      const root = await say('r-author', 'root')
      const quote = await social.publish({ user_id: 'r-other', repost_of: root, content: { text: 'see' } })
      await social.like(root, 'r-fan')
      expect(await social.post(quote.post_id, { viewer: 'r-fan' })).toMatchObject({
        liked: false,
        reposted: { post_id: root, liked: true },
      })
      expect((await social.post(quote.post_id)).reposted).not.toHaveProperty('liked')
    })

    it('asks once for all posts of many pages at a time', async () => {
      await under.people('q-author', 'q-fan')
      for (let n = 0; n < 6; n++) await social.like(await say('q-author', `${n}`), 'q-fan')
      let queries = 0
      const counting = createSocial({
        ...under.deps,
        posts: {
          ...under.deps.posts,
          likesAmong: (likes) => {
            queries += 1
            return under.deps.posts.likesAmong(likes)
          },
        },
      })
      const page = await counting.posts('q-author', { viewer: 'q-fan' })
      expect(page.items.map((item) => item.liked)).toEqual([true, true, true, true, true, true])
      expect(queries).toBe(1)
      await counting.close()
    })

    it('lists who likes a post, newest first, in pages, to those who may read it', async () => {
      await under.people('w-author', 'w-a', 'w-b', 'w-c', 'w-stranger', 'w-enemy')
      const post = await say('w-author', 'closed', 'followers')
      for (const fan of ['w-a', 'w-b', 'w-c']) {
        await social.follow(fan, 'w-author')
        await social.like(post, fan)
      }
      const all = (await social.likers(post)).items
      expect(all.map((item) => item.user_id).sort()).toEqual(['w-a', 'w-b', 'w-c'])
      expect(all[0]).toMatchObject({ user_id: expect.stringMatching(/^w-/), handle: expect.stringMatching(/^w_/) })
      const times = all.map((item) => item.since)
      expect(times).toEqual([...times].sort().reverse())
      const walked: string[] = []
      for (let cursor: string | undefined; ; ) {
        const page = await social.likers(post, { limit: 1, cursor, viewer: 'w-a' })
        walked.push(...page.items.map((item) => item.user_id))
        if (page.next_cursor === undefined) break
        expect(page.items).toHaveLength(1)
        cursor = page.next_cursor
      }
      expect(walked).toEqual(all.map((item) => item.user_id))
      await social.block('w-author', 'w-enemy')
      const notFound = { code: 'post_not_found' }
      await expect(social.likers(post, { viewer: 'w-stranger' })).rejects.toMatchObject(notFound)
      await expect(social.likers(post, { viewer: 'w-enemy' })).rejects.toMatchObject(notFound)
      await expect(social.likers('12345')).rejects.toMatchObject(notFound)
      const { next_cursor } = await social.likers(post, { limit: 1 })
      const other = await say('w-author', 'other')
      await expect(social.likers(other, { cursor: next_cursor })).rejects.toMatchObject({ code: 'invalid_cursor' })
      await social.unlike(post, 'w-b')
      expect((await social.likers(post)).items.map((item) => item.user_id)).not.toContain('w-b')
    })

    it('keeps to what each person wanted last, and hands one wish per person and post to the store', async () => {
      const fans = Array.from({ length: 20 }, (_, n) => `o-${n}`)
      await under.people('o-author', ...fans)
      const post = await say('o-author', 'orders')
      const handed: number[] = []
      const watched = createSocial({
        ...under.deps,
        posts: {
          ...under.deps.posts,
          applyLikes: (changes, at) => {
            expect(new Set(changes.map(({ userId }) => userId)).size).toBe(changes.length)
            handed.push(changes.length)
            return under.deps.posts.applyLikes(changes, at)
          },
        },
      })
      const wanted = await Promise.all(
        fans.map(async (fan, seed) => {
          const random = seededRandom(seed)
          let liked = false
          for (let n = 0; n < 20; n++) {
            liked = random.int(2) === 0
            // Impatient people repeat themselves before they are answered.
            const wish = () => (liked ? watched.like(post, fan) : watched.unlike(post, fan))
            await Promise.all([wish(), wish()])
          }
          return liked
        }),
      )
      const likers = (await social.likers(post, { limit: 100 })).items.map((item) => item.user_id)
      expect(likers.sort()).toEqual(fans.filter((_, n) => wanted[n]).sort())
      expect((await social.post(post)).like_count).toBe(likers.length)
      expect(Math.max(...handed)).toBeGreaterThan(1)
      await watched.close()
    })

    it('finds a wrong count or notice, and names the post', async () => {
      await under.people('v-author', 'v-fan')
      const post = await say('v-author', 'books')
      await social.like(post, 'v-fan')
      await social.comment(post, { user_id: 'v-fan', text: 'c' })
      const { sql } = under.database
      const wrong = async () => (await social.verify({ userIds: [] })).findings
      expect(await wrong()).toEqual([])
      await sql.query('update posts set like_count = 3 where post_id = $1', [BigInt(post)])
      await sql.query("update post_notices set count = 5 where post_id = $1 and kind = 'comment'", [BigInt(post)])
      await sql.query("update post_notices set day = day - 1 where post_id = $1 and kind = 'like'", [BigInt(post)])
      expect(await wrong()).toEqual([
        { kind: 'like_count', post_id: post, stored: 3, actual: 1 },
        { kind: 'comment_notices', post_id: post, stored: 5, actual: 1 },
        { kind: 'like_notices', post_id: post, stored: 1, actual: 1 },
      ])
    })
  })
}
