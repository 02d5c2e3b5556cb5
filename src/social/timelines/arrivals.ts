import type { Clock } from '../../core/clock.ts'
import { decodeCursor, encodeCursor } from '../../core/cursor.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { decomposeId, firstIdAt, ID_EPOCH_MS, parseId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import type { ShownPost } from '../documents.ts'
import type { Arrivals, FollowStore, PostStore, TimelineStore } from '../ports.ts'
import type { HomePage, HomeReader } from './home.ts'
import type { Outage } from './outage.ts'
import type { Outboxes } from './outboxes.ts'
import { authorsOf, newestOf } from './sources.ts'

/**
 * What a reader has seen. It holds where his timeline stood and, for posts that do not come by the timeline, the newest
 * id seen and those shortly below it: ids of several authors may become visible in another order than theirs.
 */
export interface Seen {
  /** Absent when the timeline was not ready; then nothing comes by it. */
  readonly mark: string | undefined
  /** Of what does not come by the timeline: everything at or below it was seen or is none of our business. */
  readonly low: bigint
  /** Ids above `low` that were seen. */
  readonly ids: readonly bigint[]
  /** The newest that came by the timeline, which may name them again. */
  readonly pushed: readonly bigint[]
  /** Of what arrived between the two marks, that up to this id was seen: the posts of one answer were taken one by one. */
  readonly partly?: { readonly mark: string; readonly upTo: bigint } | undefined
}

export interface Arrived {
  readonly posts: readonly ShownPost[]
  /** Between these and what was seen before there may be more. */
  readonly gap: boolean
  readonly seen: Seen
  /** What came, with what may not be shown, newest first. */
  readonly ids: readonly bigint[]
  /** Whom of those that are pulled the reader follows, as far as that was asked. */
  readonly pullAuthors: readonly string[]
}

/** So much later than a newer one may a post become visible. */
const LATE_MS = 10_000
const SEEN_MAX = 20

const newestFirst = (ids: readonly bigint[]) => [...new Set(ids)].sort((a, b) => (a < b ? 1 : -1))

/** What was seen by who has now seen these ids too, and everything that mattered up to `low`. */
function seenAfter(
  mark: string | undefined,
  low: bigint,
  ids: readonly bigint[],
  pushed: readonly bigint[] = [],
): Seen {
  const descending = newestFirst(ids)
  const [top] = newestFirst([...ids, ...pushed])
  const late = top === undefined ? 0n : firstIdAt(Math.max(decomposeId(top).timestampMs - LATE_MS, ID_EPOCH_MS)) - 1n
  const bounds = [low, late, descending[SEEN_MAX] ?? 0n]
  const newLow = bounds.reduce((max, bound) => (bound > max ? bound : max))
  return {
    mark,
    low: newLow,
    ids: descending.filter((id) => id > newLow),
    pushed: newestFirst(pushed).slice(0, SEEN_MAX),
  }
}

/** As {@link seenAfter}, by posts: without a mark none of them came by the timeline. */
function seenWith(before: Omit<Seen, 'partly'>, posts: readonly ShownPost[]): Seen {
  const { mark, low } = before
  const idsOf = (some: readonly ShownPost[]) => some.map((post) => post.postId)
  if (mark === undefined) return seenAfter(mark, low, [...idsOf(posts), ...before.ids], before.pushed)
  const pulled = idsOf(posts.filter((post) => post.mode === 'pull'))
  const pushed = idsOf(posts.filter((post) => post.mode === 'push'))
  return seenAfter(mark, low, [...pulled, ...before.ids], [...pushed, ...before.pushed])
}

/** What was seen by who took the posts of an answer, the oldest first, up to the last of these. */
export function seenUpTo(taken: readonly ShownPost[], before: Seen, after: Seen): Seen {
  const seen = seenWith(before, taken)
  const last = taken.at(-1)
  if (before.mark === undefined || after.mark === undefined || last === undefined) return seen
  return { ...seen, partly: { mark: after.mark, upTo: last.postId } }
}

const PARTS = 6

export function encodeSeen(userId: string, { mark, low, ids, pushed, partly }: Seen): string {
  const parts = [mark ?? '', low, ids.join('.'), pushed.join('.'), partly?.mark ?? '', partly?.upTo ?? '']
  return encodeCursor(`newer:${userId}`, parts)
}

const idsIn = (text: string) => text.split('.').flatMap((id) => parseId(id) ?? [])

/** Throws `invalid_cursor`, naming where the token stood. */
export function decodeSeen(userId: string, token: string, pointer = 'query/newer'): Seen {
  const [mark, low, ids, pushed, partlyMark, upTo] = partsOf(userId, token, pointer)
  return {
    mark: mark === '' ? undefined : mark,
    low: parseId(low!) ?? 0n,
    ids: idsIn(ids!),
    pushed: idsIn(pushed!),
    partly: partlyMark === '' ? undefined : { mark: partlyMark!, upTo: parseId(upTo!) ?? 0n },
  }
}

function partsOf(userId: string, token: string, pointer: string): string[] {
  try {
    return decodeCursor(`newer:${userId}`, PARTS, token)!
  } catch (error) {
    if (!isAppError(error, 'invalid_cursor')) throw error
    throw new AppError('invalid_cursor', 'This token is not one that this timeline handed out; start without one', {
      fields: [{ pointer, detail: 'must be the newer_token of an answer of this timeline' }],
    })
  }
}

/** Reading what came since: by the timeline's own order of arrival, and by id for the posts of pull authors. */
export function createArrivals(
  stores: { follows: FollowStore; posts: PostStore; timelines: TimelineStore },
  outboxes: Outboxes,
  home: HomeReader,
  clock: Clock,
  { outage, onAbsent }: { outage: Outage; onAbsent: (userId: string) => void },
) {
  const { follows, posts, timelines } = stores

  async function arrivedSince(userId: string, mark: string): Promise<Arrivals> {
    const arrivals = await outage.ask(() => timelines.since(userId, mark))
    if (arrivals !== 'away') return arrivals
    const retryAfterMs = LIMITS.timelineAwayMs
    throw new AppError('unavailable', 'The store of the timelines is not reachable; try again', { retryAfterMs })
  }

  /** Posts above `seen.low`, from the sources; for readers whose timeline is not ready. */
  async function fromSources(userId: string, seen: Seen, limit: number) {
    const authors = await authorsOf(follows, userId)
    const most = limit + seen.ids.length + 1
    const found = await newestOf(posts, clock, authors, undefined, most)
    const ids = found.filter((id) => id > seen.low)
    return { ids, gap: ids.length === most }
  }

  return {
    /**
     * At most `limit` posts, the newest ones, without those `known`. `undefined`: what was seen says nothing any more,
     * so start from the top. Throws `unavailable` when that is the store of the timelines.
     */
    async since(userId: string, seen: Seen, limit: number, known?: ReadonlySet<bigint>): Promise<Arrived | undefined> {
      let pullAuthors: readonly string[] = []
      let ids: readonly bigint[]
      let pushed: readonly bigint[] = []
      let gap = false
      let mark: string | undefined
      if (seen.mark === undefined) {
        // Before the sources are read, so that what comes meanwhile is behind the mark.
        const slice = await outage.ask(() => timelines.read(userId, undefined, 1))
        if (slice === undefined) onAbsent(userId)
        else if (slice !== 'away') mark = slice.mark
        const found = await fromSources(userId, seen, limit)
        ids = found.ids
        gap = found.gap
      } else {
        const { partly } = seen
        const [first, rest, authors] = await Promise.all([
          arrivedSince(userId, seen.mark),
          partly === undefined ? undefined : arrivedSince(userId, partly.mark),
          outboxes.followedBy(userId),
        ])
        if (first.kind === 'reset' || rest?.kind === 'reset') return undefined
        const left = partly === undefined ? first.postIds : first.postIds.filter((id) => id > partly.upTo)
        const outbox = await outboxes.between(authors, undefined, seen.low, limit + seen.ids.length + 1)
        gap = first.gap || rest?.gap === true || outbox.above > seen.low
        mark = (rest ?? first).mark
        pullAuthors = authors
        ids = outbox.postIds
        pushed = [...left, ...(rest?.postIds ?? [])]
      }
      const before = new Set([...seen.ids, ...seen.pushed])
      const isFresh = (id: bigint) => !before.has(id) && !known?.has(id)
      const fresh = newestFirst([...ids, ...pushed]).filter(isFresh)
      const shown = fresh.length === 0 ? [] : await home.allowed(userId, fresh)
      return {
        posts: shown.slice(0, limit),
        gap: gap || shown.length > limit,
        seen: seenAfter(mark, seen.low, [...ids, ...seen.ids], [...pushed, ...seen.pushed]),
        ids: fresh,
        pullAuthors,
      }
    },
    /** What was seen by who got this first page. */
    seenOf(page: HomePage): Seen {
      const { mark, posts, next } = page
      const last = posts.at(-1)
      if (last === undefined) {
        return { mark, low: firstIdAt(Math.max(clock.now() - LATE_MS, ID_EPOCH_MS)), ids: [], pushed: [] }
      }
      // What lies below a full page is for the next page to show.
      return seenWith({ mark, low: next === undefined ? 0n : last.postId - 1n, ids: [], pushed: [] }, posts)
    },
  }
}

export type ArrivalReader = ReturnType<typeof createArrivals>
