import type { Clock } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { TimelineStore, UserStore } from '../social/ports.ts'
import type { Copy } from './copying.ts'
import { everyUser, staying } from './copying.ts'

const TRIES = 5
/** Stands for a timeline that is not ready. */
const WHOLE = Symbol('whole timeline')

/**
 * Copies the timelines that are ready, while posts arrive in both engines: each is begun in `to` first and read from `from`
 * then, so that whatever arrives is in what is read, or arrives in the build. A timeline that is not ready is not copied: it
 * is built when somebody reads it.
 */
export function timelinesCopy(users: UserStore, from: TimelineStore, to: TimelineStore, clock: Clock): Copy {
  const whole = LIMITS.timelineEntriesMax
  const readAll = (store: TimelineStore, userId: string) => store.read(userId, undefined, whole, { visit: false })

  async function copyOne(userId: string): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
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

  async function inBatches(
    onProgress: (users: number) => void,
    signal: AbortSignal | undefined,
    work: (userId: string) => Promise<boolean>,
  ): Promise<number> {
    let count = 0
    await everyUser(users, onProgress, signal, async (userIds) => {
      const ready = [...(await from.marks(userIds)).keys()]
      const done = await Promise.all(ready.map((userId) => work(userId)))
      count += done.filter((isCounted) => isCounted).length
    })
    return count
  }

  return {
    copy: (onProgress, signal) => inBatches(onProgress, signal, copyOne),
    mend: (onProgress, signal) =>
      inBatches(onProgress, signal, async (userId) => {
        const left = await staying(clock, await lacking(userId), () => lacking(userId))
        if (left.length === 0) return false
        await copyOne(userId)
        return true
      }),
  }
}
