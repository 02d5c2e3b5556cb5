import type { FollowCopies } from './follow-copies.ts'

export interface Edge {
  readonly followerId: string
  readonly followeeId: string
}

/** How one user stands to another, as policy needs it. */
export interface Relation {
  readonly follows: boolean
  /** Either of the two blocks the other. */
  readonly blocked: boolean
  readonly muted: boolean
  /** After an unfollow that kept the past: posts up to this moment still belong to the timeline. */
  readonly keptUntil?: Date | undefined
}

export interface FollowItem {
  readonly userId: string
  readonly since: Date
}

/** Followers of a user above `after` (absent: from the start) and not above `upTo` (absent: to the end). */
export interface FollowerRange {
  readonly userId: string
  readonly after?: string | undefined
  readonly upTo?: string | undefined
  /** Also those who unfollowed with the past kept up to this moment or a later one. */
  readonly leftSince?: Date | undefined
}

export type FollowOutcome =
  /** The edge is there; `pending` until {@link FollowStore.backfilled} is called for it. */
  { readonly kind: 'following'; readonly pending: boolean } | { readonly kind: 'limit' }

export interface FollowerDay {
  readonly latestAt: Date
  readonly count: number
  readonly actors: readonly string[]
}

/** Somebody whom a user might want to follow. */
export interface Suggestion {
  readonly userId: string
  /** How many of those whom the user follows follow this one, as far as was looked. */
  readonly through: number
}

export interface FollowStore extends FollowCopies {
  /**
   * Adds the edge, pending; an edge that is there is left as it is. Refused at `followsMax` follows, give or take the
   * requests of the same moment.
   */
  follow(edge: Edge, at: Date, followsMax: number): Promise<FollowOutcome>
  /** Adds many edges, pending; answers those that are new. */
  followMany(edges: readonly Edge[], at: Date): Promise<Edge[]>
  /** With `keepUntil` the edge is remembered as one whose earlier posts stay; following again makes it whole. */
  unfollow(edge: Edge, keepUntil?: Date): Promise<void>
  /** The followees' earlier posts are in the followers' timelines. */
  backfilled(edges: readonly Edge[], at: Date): Promise<void>
  /** Edges pending since before a moment, oldest first. */
  pendingBackfills(before: Date, limit: number): Promise<Edge[]>
  /** Makes edges that were backfilled after a moment pending again; answers how many. */
  reopenBackfills(since: Date): Promise<number>
  /** Forgets up to `limit` backfills that were done before a moment; answers how many. */
  forgetBackfills(before: Date, limit: number): Promise<number>

  block(userId: string, otherId: string, at: Date): Promise<void>
  unblock(userId: string, otherId: string): Promise<void>
  mute(userId: string, otherId: string, at: Date): Promise<void>
  unmute(userId: string, otherId: string): Promise<void>

  /** How `userId` stands to each of the others; one entry each. */
  relations(userId: string, otherIds: readonly string[]): Promise<Map<string, Relation>>
  /** Whom a user follows, in key order, above `after`. */
  followees(userId: string, after: string | undefined, limit: number): Promise<FollowItem[]>
  /** Edges that were ended with their past kept, in key order of the followee, above `after`. */
  kept(userId: string, after: string | undefined, limit: number): Promise<{ userId: string; until: Date }[]>
  /** Which of these others a user follows, or followed with the past kept. */
  followsAmong(userId: string, otherIds: readonly string[]): Promise<string[]>
  /** How many follow a user, counted no further than `max`. */
  followerCount(userId: string, max: number): Promise<number>
  /** Who follows a user, in key order, above `after`. */
  followers(userId: string, after: string | undefined, limit: number): Promise<FollowItem[]>
  /** Of each range the first `limit` followers, in key order; for the fan-out, and so as lean as can be. */
  followerIds(ranges: readonly FollowerRange[], limit: number): Promise<string[][]>
  /**
   * Cuts the followers above `after` into chunks of `every`: answers the last key of each whole chunk, at most `limit`
   * of them. What remains behind the last one is less than a chunk, or was beyond the limit.
   */
  followerCuts(userId: string, after: string | undefined, every: number, limit: number): Promise<string[]>

  /**
   * The UTC days on which people began to follow a user and still do, newest first; those whose latest follow began
   * before a moment. `count` stops at {@link LIMITS.noticeFollowersMax}; `actors` are the newest
   * {@link LIMITS.noticeActorsMax} of them, without those he mutes and without blocks between them: maybe none.
   */
  followerDays(userId: string, before: Date | undefined, limit: number): Promise<FollowerDay[]>

  /**
   * Friends of friends: users followed by those whom `userId` follows, most `through` first, then in key order. Left out
   * are he himself, whom he follows, whom he mutes, and whoever blocks or is blocked by him. Bounded work: it looks at
   * the {@link LIMITS.suggestionFolloweesMax} whom he followed last (of the same moment: in key order), and of each of
   * them at the first {@link LIMITS.suggestionFanOutMax} followees in key order, the user himself among them.
   */
  suggestions(userId: string, limit: number): Promise<Suggestion[]>

  /** Deletes up to `limit` relations of any kind that name a user; answers how many. */
  erase(userId: string, limit: number): Promise<number>
}
