import type { DeliveryCounts } from './fanout.ts'

/** Candidates of a timeline and where it stood when they were read. */
export interface TimelineSlice {
  /** Unique, newest first, all above `floor`. Shorter than asked for only when the floor is reached. */
  readonly postIds: readonly bigint[]
  readonly floor: bigint
  /** Stands for what had arrived by then; for {@link TimelineStore.since}. At most 64 characters of [A-Za-z0-9_.-]. */
  readonly mark: string
}

export type Arrivals =
  /**
   * What arrived after the mark, newest first: late posts, also those below the floor, and merged ones included. It may
   * name again what arrived just before. `gap`: some of what arrived since has been cut off again.
   */
  | { readonly kind: 'arrived'; readonly postIds: readonly bigint[]; readonly gap: boolean; readonly mark: string }
  /** The timeline was rebuilt, repacked or dropped since, or the mark is none: it says nothing (any more). */
  | { readonly kind: 'reset' }

/** How much of a timeline is kept. */
export interface TimelineWindow {
  /** A timeline with more entries is cut, soon but not at once. */
  readonly entriesMax: number
  /** The newest entries that a cut leaves. */
  readonly entriesKept: number
}

/**
 * The precomputed home timelines. A timeline is *absent* (never read, or not for long), *being built*, or *ready*. Only
 * ready ones can be read; those being built take appends, so that a build misses nothing that arrives meanwhile. A post
 * never makes a timeline: users who do not read cost nothing.
 *
 * Stores hold a bounded window of each timeline and cut by themselves; a cut raises the floor.
 */
export interface TimelineStore {
  /**
   * Adds a post to those of the timelines that are not absent. `duplicate` counts those that had it already, on engines
   * that can tell; the others count them as delivered. `inactive` counts the absent ones.
   */
  append(postId: bigint, userIds: readonly string[]): Promise<DeliveryCounts>
  /**
   * One consistent view of the candidates below an id; `undefined` unless the timeline is ready. Counts as a visit,
   * which keeps the timeline for {@link LIMITS.timelineIdleDays}, unless `visit` is false.
   */
  read(
    userId: string,
    below: bigint | undefined,
    limit: number,
    options?: { readonly visit?: boolean },
  ): Promise<TimelineSlice | undefined>
  /** What arrived since a mark of this timeline. */
  since(userId: string, mark: string): Promise<Arrivals>
  /**
   * The marks of those timelines that are ready, by user: to be compared with earlier answers of this method, and not
   * for {@link TimelineStore.since}. A mark differs from the one before if a newest post arrived.
   */
  marks(userIds: readonly string[]): Promise<Map<string, string>>
  /** How many of these users have a timeline. */
  active(userIds: readonly string[]): Promise<number>

  /** Starts to build a timeline, whatever is there; answers a token for {@link TimelineStore.install}. */
  begin(userId: string): Promise<string>
  /**
   * Makes the timeline ready: these posts above this floor, and those that arrived since it was begun. False, and
   * nothing done, when it was begun again, merged into, dropped or installed since.
   */
  install(userId: string, token: string, postIds: readonly bigint[], floor: bigint): Promise<boolean>
  /**
   * Adds earlier posts to a ready timeline and raises its floor to at least this id. Those at or below the floor may be
   * left out. A build under way is made to fail, as it may have read its sources before; an absent timeline stays
   * absent.
   */
  merge(userId: string, postIds: readonly bigint[], floor: bigint): Promise<void>

  /** Forgets timelines altogether: no key, row or cache names these users afterwards. */
  drop(userIds: readonly string[]): Promise<void>
  /** Drops up to `limit` timelines that were not read since; answers how many. Engines that do so by themselves answer 0. */
  expire(readBefore: Date, limit: number): Promise<number>
  /**
   * Changes whenever the store may have lost writes that it had confirmed (restart, failover); the empty text on engines
   * that lose none. At most 4,000 characters.
   */
  incarnation(): Promise<string>
}
