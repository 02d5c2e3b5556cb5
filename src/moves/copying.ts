import type { Clock } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { UserStore } from '../social/ports.ts'

/**
 * Copies one kind of store; both steps may be repeated. `proceed` is called before every write, and throws when there
 * must be none any more; when a step has failed, nothing that it began is under way.
 */
export interface Copy {
  /** Copies all there is; answers how many things. */
  copy(onProgress: (users: number) => void, proceed: () => Promise<void>): Promise<number>
  /** Compares all there is, and mends what differs; answers how much did. */
  mend(onProgress: (users: number) => void, proceed: () => Promise<void>): Promise<number>
}

/** Hands out every user, some at a time; of each batch `work` answers how many things it counts. */
export async function everyUser(
  users: UserStore,
  onProgress: (users: number) => void,
  proceed: () => Promise<void>,
  work: (userIds: readonly string[]) => Promise<number>,
): Promise<number> {
  let done = 0
  let count = 0
  for (let after: string | undefined; ; ) {
    const userIds = await users.ids(after, LIMITS.moveUsersAtOnce)
    await proceed()
    count += await work(userIds)
    done += userIds.length
    onProgress(done)
    after = userIds.at(-1)
    if (userIds.length < LIMITS.moveUsersAtOnce) return count
  }
}

/** As `Promise.all`, but a failure is told when all have ended. */
export async function allEnded<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return await Promise.all(work)
}

const LOOK_AGAIN_MS = 250

/**
 * What of `differing` stays so. A write that is on its way to both engines is seen in one of them for a while, and under
 * load there is always one: what another look does not find any more was one, whatever else it finds.
 */
export async function staying<Thing>(
  clock: Clock,
  differing: Iterable<Thing>,
  look: (left: readonly Thing[]) => Promise<Iterable<Thing>>,
): Promise<Thing[]> {
  let left = [...differing]
  for (let looks = 0; left.length > 0 && looks < LIMITS.moveSettleTriesMax; looks++) {
    await clock.sleep(LOOK_AGAIN_MS)
    const now = new Set(await look(left))
    left = left.filter((one) => now.has(one))
  }
  return left
}
