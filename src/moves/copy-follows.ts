import type { Clock } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { FollowStore, StoredRelation, UserStore } from '../social/ports.ts'
import type { Copy } from './copying.ts'
import { allEnded, everyUser, staying } from './copying.ts'
import { differing } from './relations.ts'

/**
 * Makes the relations of every user in `to` as they are in `from`, while both are written: what differs is looked at again
 * until it agrees, since a write may have come in between.
 */
export function followsCopy(users: UserStore, from: FollowStore, to: FollowStore, clock: Clock): Copy {
  const pageItems = LIMITS.movePageItems

  /** Answers how many pairs had to be made the same. */
  async function alignUser(userId: string, wait: boolean, proceed: () => Promise<void>): Promise<number> {
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
      if (wrong.length > 0) made += await align(userId, wrong, wait, proceed)
      if (end === undefined) return made
      after = end
    }
  }

  /** With `wait`, what agrees a while later was on its way, and does not count. */
  async function align(
    userId: string,
    otherIds: readonly string[],
    wait: boolean,
    proceed: () => Promise<void>,
  ): Promise<number> {
    const look = async (left: readonly string[]) =>
      differing(await from.outgoingTo(userId, left), await to.outgoingTo(userId, left))
    const idsOf = (relations: readonly StoredRelation[]) => relations.map(({ otherId }) => otherId)
    const wrong = wait ? await staying(clock, otherIds, async (left) => idsOf(await look(left))) : otherIds
    let left = wrong
    for (let tries = 0; left.length > 0 && tries < LIMITS.moveSettleTriesMax; tries++) {
      const relations = await look(left)
      await proceed()
      if (relations.length > 0) await to.restore(userId, relations)
      left = idsOf(relations)
    }
    return wrong.length
  }

  /**
   * An earlier move may have left in `to` what users had set who were erased since: nobody hands them out any more, but
   * those whom they followed.
   */
  async function eraseUnknownFollowers(userId: string, proceed: () => Promise<void>): Promise<void> {
    for (let after: string | undefined; ; ) {
      const [ids = []] = await to.followerIds([{ userId, after, leftSince: new Date(0) }], pageItems)
      const known = new Set((await users.find(ids)).map((user) => user.userId))
      for (const unknown of ids.filter((id) => !known.has(id)))
        do await proceed()
        while ((await to.erase(unknown, pageItems)) > 0)
      if (ids.length < pageItems) return
      after = ids.at(-1)
    }
  }

  return {
    copy: (onProgress, proceed) =>
      everyUser(users, onProgress, proceed, async (userIds) => {
        await allEnded(userIds.map((userId) => eraseUnknownFollowers(userId, proceed)))
        return sum(await allEnded(userIds.map((userId) => alignUser(userId, false, proceed))))
      }),
    mend: (onProgress, proceed) =>
      everyUser(users, onProgress, proceed, async (userIds) =>
        sum(await allEnded(userIds.map((userId) => alignUser(userId, true, proceed)))),
      ),
  }
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
