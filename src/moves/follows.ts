import { LIMITS } from '../core/limits.ts'
import type { FollowStore, StoredRelation } from '../social/ports.ts'
import { bindAll } from './bind-all.ts'
import { differing } from './relations.ts'

/** The refusal of too many follows was decided by the store that leads. */
const NO_LIMIT = 2_000_000_000

/**
 * Follows in two engines. `leading` decides and answers; `following` gets the same writes afterwards, so whatever was
 * answered is in both. Two writes of one pair at the same time may reach the two in different order: whoever wrote looks
 * again afterwards, and makes the second as the first, until both agree.
 */
export function inBothFollows(leading: FollowStore, following: FollowStore): FollowStore {
  async function settle(userId: string, otherId: string): Promise<void> {
    for (let tries = 0; tries < LIMITS.moveSettleTriesMax; tries++) {
      const [there, here] = await Promise.all([
        following.outgoingTo(userId, [otherId]),
        leading.outgoingTo(userId, [otherId]),
      ])
      const wrong = differing(here, there)
      if (wrong.length === 0) return
      await following.restore(userId, wrong)
    }
  }
  const both = async <T>(work: (store: FollowStore) => Promise<T>): Promise<T> => {
    const answer = await work(leading)
    await work(following)
    return answer
  }
  const bothThenSettled = async <T>(userId: string, otherId: string, work: (store: FollowStore) => Promise<T>) => {
    const answer = await both(work)
    await settle(userId, otherId)
    return answer
  }

  return {
    ...bindAll(leading),
    async follow(edge, at, followsMax) {
      const outcome = await leading.follow(edge, at, followsMax)
      if (outcome.kind === 'limit') return outcome
      await following.follow(edge, at, NO_LIMIT)
      await settle(edge.followerId, edge.followeeId)
      return outcome
    },
    followMany: (edges, at) => both((store) => store.followMany(edges, at)),
    unfollow: (edge, keepUntil) =>
      bothThenSettled(edge.followerId, edge.followeeId, (store) => store.unfollow(edge, keepUntil)),
    backfilled: (edges, at) => both((store) => store.backfilled(edges, at)),
    reopenBackfills: (since) => both((store) => store.reopenBackfills(since)),
    forgetBackfills: (before, limit) => both((store) => store.forgetBackfills(before, limit)),
    block: (userId, otherId, at) => bothThenSettled(userId, otherId, (store) => store.block(userId, otherId, at)),
    unblock: (userId, otherId) => bothThenSettled(userId, otherId, (store) => store.unblock(userId, otherId)),
    mute: (userId, otherId, at) => bothThenSettled(userId, otherId, (store) => store.mute(userId, otherId, at)),
    unmute: (userId, otherId) => bothThenSettled(userId, otherId, (store) => store.unmute(userId, otherId)),
    restore: (userId, relations: readonly StoredRelation[]) => both((store) => store.restore(userId, relations)),
    async erase(userId, limit) {
      // Whoever erases goes on while anything went: until both have nothing left.
      return Math.max(await leading.erase(userId, limit), await following.erase(userId, limit))
    },
  }
}
