import type { TimelineStore } from '../social/ports.ts'
import { bindAll } from './bind-all.ts'

/**
 * Timelines in two engines: posts are appended to both, and what one of them could not take fails, so that the queue brings
 * it again. `leading` is read. A build goes to both; where the other refuses it, it is made absent there, and built when
 * somebody reads it.
 */
export function inBothTimelines(leading: TimelineStore, following: TimelineStore): TimelineStore {
  return {
    ...bindAll(leading),
    async append(postId, userIds) {
      const counts = await leading.append(postId, userIds)
      await following.append(postId, userIds)
      return counts
    },
    async begin(userId) {
      const [ours, theirs] = [await leading.begin(userId), await following.begin(userId)]
      return JSON.stringify([ours, theirs])
    },
    async install(userId, token, postIds, floor) {
      const tokens = tokensOf(token)
      if (tokens === undefined) return false
      const [ours, theirs] = tokens
      const isInstalled = await leading.install(userId, ours, postIds, floor)
      if (!isInstalled) return false
      if (!(await following.install(userId, theirs, postIds, floor))) await following.drop([userId])
      return true
    },
    async merge(userId, postIds, floor) {
      await leading.merge(userId, postIds, floor)
      await following.merge(userId, postIds, floor)
    },
    async drop(userIds) {
      await leading.drop(userIds)
      await following.drop(userIds)
    },
    async expire(readBefore, limit) {
      return Math.max(await leading.expire(readBefore, limit), await following.expire(readBefore, limit))
    },
  }
}

/** A build that was begun before the move, in one engine only, is begun again. */
function tokensOf(token: string): readonly [string, string] | undefined {
  try {
    const tokens: unknown = JSON.parse(token)
    if (Array.isArray(tokens) && tokens.length === 2) return [String(tokens[0]), String(tokens[1])]
  } catch {
    // A token of one engine.
  }
  return undefined
}
