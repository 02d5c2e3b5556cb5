import type { Clock } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { FollowStore, StoredRelation, UserStore } from '../social/ports.ts'
import type { Copy } from './copying.ts'
import { everyUser, staying } from './copying.ts'
import { differing } from './relations.ts'

/**
 * Makes the relations of every user in `to` as they are in `from`, while both are written: what differs is looked at again
 * until it agrees, since a write may have come in between.
 */
export function followsCopy(users: UserStore, from: FollowStore, to: FollowStore, clock: Clock): Copy {
  async function pass(
    wait: boolean,
    onProgress: (users: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let made = 0
    await everyUser(users, onProgress, signal, async (userIds) => {
      const counts = await Promise.all(userIds.map((userId) => alignUser(userId, wait)))
      for (const count of counts) made += count
    })
    return made
  }

  /** Answers how many pairs had to be made the same. */
  async function alignUser(userId: string, wait: boolean): Promise<number> {
    const pageItems = LIMITS.movePageItems
    let made = 0
    for (let after: string | undefined; ; ) {
      const [copy, source] = [
        await to.outgoing(userId, after, pageItems),
        await from.outgoing(userId, after, pageItems),
      ]
      // Only as far as both pages reach.
      const ends = [copy, source].flatMap((items) => (items.length < pageItems ? [] : [items.at(-1)!.otherId]))
      const end = ends.sort()[0]
      const within = ({ otherId }: StoredRelation) => end === undefined || otherId <= end
      const wrong = differing(source.filter(within), copy.filter(within)).map(({ otherId }) => otherId)
      if (wrong.length > 0) made += await align(userId, wrong, wait)
      if (end === undefined) return made
      after = end
    }
  }

  /** With `wait`, what agrees a while later was on its way, and does not count. */
  async function align(userId: string, otherIds: readonly string[], wait: boolean): Promise<number> {
    const look = async (left: readonly string[]) =>
      differing(await from.outgoingTo(userId, left), await to.outgoingTo(userId, left))
    const idsOf = (relations: readonly StoredRelation[]) => relations.map(({ otherId }) => otherId)
    const wrong = wait ? await staying(clock, otherIds, async (left) => idsOf(await look(left))) : otherIds
    let left = wrong
    for (let tries = 0; left.length > 0 && tries < LIMITS.moveSettleTriesMax; tries++) {
      const relations = await look(left)
      if (relations.length > 0) await to.restore(userId, relations)
      left = idsOf(relations)
    }
    return wrong.length
  }

  return {
    copy: (onProgress, signal) => pass(false, onProgress, signal),
    mend: (onProgress, signal) => pass(true, onProgress, signal),
  }
}
