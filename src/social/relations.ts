import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { SocialDeps } from './deps.ts'
import { userIdOf } from './documents.ts'
import { STRANGERS } from './policy.ts'
import type { FollowItem } from './ports.ts'
import type { FollowEntry, Relations } from './schemas.ts'
import type { Backfill } from './timelines/backfill.ts'
import type { Users } from './users.ts'

export interface UnfollowOptions {
  /** The followee's public posts so far stay in the timeline. */
  readonly keep_history?: boolean | undefined
}

export const interactionBlocked = () => new AppError('interaction_blocked')

export function createRelations({ users: store, follows, clock }: SocialDeps, users: Users, backfill: Backfill) {
  const now = () => new Date(clock.now())

  function pair(userId: string, otherId: string): void {
    userIdOf(userId, 'params/id')
    userIdOf(otherId, 'params/other')
    if (userId === otherId) throw new AppError('self_reference', 'A user cannot follow, block or mute himself')
  }

  async function existingPair(userId: string, otherId: string): Promise<void> {
    pair(userId, otherId)
    await users.require(userId, otherId)
  }

  async function page(
    list: string,
    request: PageRequest,
    fetch: (after: string | undefined, limit: number) => Promise<FollowItem[]>,
  ) {
    const limit = pageLimit(request.limit)
    const after = decodeCursor(list, 1, request.cursor)?.[0]
    const rows = await fetch(after, limit + 1)
    const found = new Map((await store.find(rows.map((row) => row.userId))).map((user) => [user.userId, user]))
    const shown = pageOf(
      list,
      rows,
      limit,
      (row) => [row.userId],
      (row) => row,
    )
    const items = shown.items.map((row): FollowEntry => {
      const user = found.get(row.userId)
      return { user_id: row.userId, handle: user?.handle ?? '', name: user?.name ?? '', since: row.since.toISOString() }
    })
    return { ...shown, items }
  }

  return {
    async follow(followerId: string, followeeId: string): Promise<void> {
      await existingPair(followerId, followeeId)
      const relation = (await follows.relations(followerId, [followeeId])).get(followeeId) ?? STRANGERS
      if (relation.blocked) throw interactionBlocked()
      const edge = { followerId, followeeId }
      const outcome = await follows.follow(edge, now(), LIMITS.followsPerUserMax)
      if (outcome.kind === 'limit') {
        throw new AppError('too_many_follows', `A user may follow at most ${LIMITS.followsPerUserMax} people`, {
          data: { limit: LIMITS.followsPerUserMax },
        })
      }
      if (outcome.pending) await backfill.one(edge)
    },
    async unfollow(followerId: string, followeeId: string, options: UnfollowOptions = {}): Promise<void> {
      pair(followerId, followeeId)
      await follows.unfollow({ followerId, followeeId }, options.keep_history ? now() : undefined)
    },
    async block(userId: string, otherId: string): Promise<void> {
      await existingPair(userId, otherId)
      await follows.block(userId, otherId, now())
    },
    async unblock(userId: string, otherId: string): Promise<void> {
      pair(userId, otherId)
      await follows.unblock(userId, otherId)
    },
    async mute(userId: string, otherId: string): Promise<void> {
      await existingPair(userId, otherId)
      await follows.mute(userId, otherId, now())
    },
    async unmute(userId: string, otherId: string): Promise<void> {
      pair(userId, otherId)
      await follows.unmute(userId, otherId)
    },
    async between(userId: string, otherId: string): Promise<Relations> {
      userIdOf(userId, 'params/id')
      userIdOf(otherId, 'params/other')
      await users.require(userId, otherId)
      const [[to], [from]] = await Promise.all([
        follows.outgoingTo(userId, [otherId]),
        follows.outgoingTo(otherId, [userId]),
      ])
      return {
        follows: to?.follows !== undefined,
        followed_by: from?.follows !== undefined,
        blocks: to?.blockedAt !== undefined,
        blocked_by: from?.blockedAt !== undefined,
        mutes: to?.mutedAt !== undefined,
      }
    },
    async follows(userId: string, request: PageRequest = {}): Promise<Page<FollowEntry>> {
      await users.require(userIdOf(userId))
      return page(`follows:${userId}`, request, (after, limit) => follows.followees(userId, after, limit))
    },
    async followers(userId: string, request: PageRequest = {}): Promise<Page<FollowEntry>> {
      await users.require(userIdOf(userId))
      return page(`followers:${userId}`, request, (after, limit) => follows.followers(userId, after, limit))
    },
  }
}
