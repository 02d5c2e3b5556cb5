import { failureKind } from '../../src/core/retry.ts'
import { openMongodbEngine } from '../../src/engines/mongodb/engine.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { aPost } from '../../src/testing/social-values.ts'
import { testContext } from '../setup/context.ts'
import { seededRandom } from '../setup/random.ts'
import { tell } from '../setup/tell.ts'

/** Told before it is sent, and again when it is answered. */
export type LikerNews =
  | { readonly ready: true }
  | { readonly fan: string; readonly post: string; readonly liked: boolean; readonly answered: boolean }
  /** A comment, or a repost, that was answered. */
  | { readonly made: string }
  | { readonly removing: string }

const FANS = 5

/** Likes, unlikes, comments and reposts at random, most of it on the first post, until killed. */
export async function main(url: string, name: string, seed: string, ...postIds: string[]): Promise<void> {
  const random = seededRandom(Number(seed))
  const context = testContext()
  const engine = await openMongodbEngine(parseUrl(url), context)
  const posts = await engine.ports.posts!(context)
  tell({ ready: true } satisfies LikerNews)
  let lastId = BigInt(seed) * 1_000_000n

  async function once(fan: string): Promise<void> {
    const postId = BigInt(random.int(4) > 0 ? postIds[0]! : random.pick(postIds))
    const liked = random.int(5) > 1
    const wish = { fan, post: `${postId}`, liked }
    tell({ ...wish, answered: false } satisfies LikerNews)
    await posts.applyLikes([{ postId, userId: fan, liked }], new Date())
    tell({ ...wish, answered: true } satisfies LikerNews)
    if (random.int(3) > 0) return
    lastId += 1n
    const id = lastId
    if (random.int(3) > 0) {
      const comment = { commentId: id, postId, userId: fan, text: 'c', timestamp: new Date() }
      if ((await posts.insertComment(comment, undefined)).kind !== 'created') return
      tell({ made: `${id}` } satisfies LikerNews)
      if (random.int(2) > 0) return
      tell({ removing: `${id}` } satisfies LikerNews)
      await posts.deleteComment(id)
    } else {
      const [outcome] = await posts.insert([aPost(id, fan, { repostOf: postId, timestamp: new Date() })])
      if (outcome?.kind !== 'created') return
      tell({ made: `${id}` } satisfies LikerNews)
      if (random.int(2) > 0) return
      tell({ removing: `${id}` } satisfies LikerNews)
      await posts.delete(id, new Date())
    }
  }

  async function live(fan: string): Promise<void> {
    for (;;) {
      try {
        await once(fan)
      } catch (error) {
        // The server is killed now and then; anything else is a fault.
        if (failureKind(error) === 'permanent') throw error
      }
    }
  }
  await Promise.all(Array.from({ length: FANS }, (_, n) => live(`${name}-f${n}`)))
}
