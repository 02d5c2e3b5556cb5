import type { Clock } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { TimelineStore, UserStore } from '../social/ports.ts'
import type { Copy } from './copying.ts'
import { allEnded, everyUser, staying } from './copying.ts'

const TRIES = 5
/** Stands for a timeline that is not ready. */
const WHOLE = Symbol('whole timeline')

/**
 * Copies the timelines that are ready, while posts arrive in both engines: each is begun in `to` first and read from `from`
 * then, so that whatever arrives is in what is read, or arrives in the build. A timeline that is not ready is not copied: it
 * is built when somebody reads it; one that an earlier move left in `to` is dropped for that.
 */
export function timelinesCopy(users: UserStore, from: TimelineStore, to: TimelineStore, clock: Clock): Copy {
  const whole = LIMITS.timelineEntriesMax
  const readAll = (store: TimelineStore, userId: string) => store.read(userId, undefined, whole, { visit: false })

  async function copyOne(userId: string, proceed: () => Promise<void>): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      await proceed()
      const token = await to.begin(userId)
      const slice = await readAll(from, userId)
      if (slice === undefined) {
        await to.drop([userId])
        return false
      }
      if (await to.install(userId, token, slice.postIds, slice.floor)) return true
    }
    // Somebody else builds it all the time: he does what we want.
    return false
  }

  /** What `to` lacks of what `from` has: posts, or the whole timeline. */
  async function lacking(userId: string): Promise<(bigint | typeof WHOLE)[]> {
    const [source, copy] = [await readAll(from, userId), await readAll(to, userId)]
    if (source === undefined) return []
    if (copy === undefined) return [WHOLE]
    const floor = source.floor > copy.floor ? source.floor : copy.floor
    // What `to` has been cut down to, it serves from the posts below.
    const held = new Set(copy.postIds)
    return source.postIds.filter((postId) => postId > floor && !held.has(postId))
  }

  /** Works on each timeline that is ready; answers how many times that was done. */
  async function inBatches(
    onProgress: (users: number) => void,
    proceed: () => Promise<void>,
    work: (userId: string) => Promise<boolean>,
  ): Promise<number> {
    return await everyUser(users, onProgress, proceed, async (userIds) => {
      const there = await to.marks(userIds)
      // Afterwards: what became ready in both meanwhile is no leftover.
      const ready = await from.marks(userIds)
      const leftOver = [...there.keys()].filter((userId) => !ready.has(userId))
      await proceed()
      if (leftOver.length > 0) await to.drop(leftOver)
      const done = await allEnded([...ready.keys()].map((userId) => work(userId)))
      return done.filter((isDone) => isDone).length
    })
  }

  return {
    copy: (onProgress, proceed) => inBatches(onProgress, proceed, (userId) => copyOne(userId, proceed)),
    mend: (onProgress, proceed) =>
      inBatches(onProgress, proceed, async (userId) => {
        const left = await staying(clock, await lacking(userId), () => lacking(userId))
        if (left.length === 0) return false
        await copyOne(userId, proceed)
        return true
      }),
  }
}
