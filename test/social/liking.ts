import { createFanfold } from '../../src/app/fanfold.ts'
import { failureKind } from '../../src/core/retry.ts'
import { seededRandom } from '../setup/random.ts'
import { tell } from '../setup/tell.ts'

/** A wish of one who likes posts: told before it is sent, and once more when it is answered. */
export interface Wish {
  readonly fan: string
  readonly post: string
  readonly liked: boolean
  readonly answered: boolean
}

const FANS = 40

/** Likes, unlikes and comments at random, most of it on the first post, through the service itself, until killed. */
export async function main(url: string, name: string, seed: string, ...posts: string[]): Promise<void> {
  const random = seededRandom(Number(seed))
  const { social } = await createFanfold({ database: url, migrate: false, workers: false, poolSize: 4 })

  async function live(fan: string): Promise<void> {
    for (;;) {
      const post = random.int(4) > 0 ? posts[0]! : random.pick(posts)
      const liked = random.int(5) > 1
      tell({ fan, post, liked, answered: false } satisfies Wish)
      const wish = () => (liked ? social.like(post, fan) : social.unlike(post, fan))
      try {
        // Some send it twice, as clients do that don't wait.
        await Promise.all(random.int(3) === 0 ? [wish(), wish()] : [wish()])
        tell({ fan, post, liked, answered: true } satisfies Wish)
        if (random.int(10) > 0) continue
        const { comment_id } = await social.comment(post, { user_id: fan, text: 'c' })
        if (random.int(2) === 0) await social.deleteComment(comment_id)
      } catch (error) {
        // The test cuts connections; anything else is a fault.
        if (failureKind(error) === 'permanent') throw error
      }
    }
  }

  const fans = Array.from({ length: FANS }, (_, n) => `${name}-f${n}`)
  for (const fan of fans) await social.createUser({ user_id: fan, handle: fan.replaceAll('-', '_'), name: fan })
  await Promise.all(fans.map(live))
}
