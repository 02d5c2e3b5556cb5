import type { Clock } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { TimelineStore, UserStore } from '../social/ports.ts'
import type { Copy } from './copying.ts'
import { everyUser } from './copying.ts'

/** An append that is on its way to both engines is seen in one of them for this long. */
const ON_ITS_WAY_MS = 250
const TRIES = 5

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

  /** Whether `to` lacks something of what `from` has. */
  async function lacks(userId: string): Promise<boolean> {
    const [source, copy] = [await readAll(from, userId), await readAll(to, userId)]
    if (source === undefined) return false
    if (copy === undefined) return true
    const floor = source.floor > copy.floor ? source.floor : copy.floor
    // What `to` has been cut down to, it serves from the posts below.
    const held = new Set(copy.postIds)
    return source.postIds.some((postId) => postId > floor && !held.has(postId))
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
        if (!(await lacks(userId))) return false
        await clock.sleep(ON_ITS_WAY_MS)
        if (!(await lacks(userId))) return false
        await copyOne(userId)
        return true
      }),
  }
}
