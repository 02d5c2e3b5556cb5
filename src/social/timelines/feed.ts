import { decodeCursor, encodeCursor, type PageRequest, pageLimit } from '../../core/cursor.ts'
import { invalidField, isAppError } from '../../core/errors.ts'
import { parseId } from '../../core/ids.ts'
import type { SocialDeps } from '../deps.ts'
import { type ShownPost, toPostDocument, userIdOf } from '../documents.ts'
import type { Post } from '../schemas.ts'
import type { Users } from '../users.ts'
import { type ArrivalReader, decodeSeen, encodeSeen } from './arrivals.ts'
import { type HomeReader, type Place, TOP } from './home.ts'
import { createRankedReader, type RankedPlace, type RankTimeline } from './ranking.ts'
import type { TimelinePage } from './schemas.ts'

export const TIMELINE_ORDERS = ['newest', 'ranked'] as const

export interface TimelineRequest extends PageRequest {
  /** `newer_token` of an earlier answer: what came since then instead of a page. Not together with `cursor`. */
  readonly newer?: string | undefined
  /** `ranked`: in the order of the ranking function that was given to Fanfold; without one as `newest`. */
  readonly order?: (typeof TIMELINE_ORDERS)[number] | undefined
}

const PLACE_PARTS = 2
const RANKED_PARTS = 3

/** The cursor of a page behind a post, or of the first page. */
export function cursorBelow(userId: string, postId: bigint | undefined): string {
  return encodeCursor(`timeline:${userId}`, [postId ?? '', ''])
}

const rootsText = (place: Place) => place.reposted.join('.')

function placeOf(below: string, roots: string): Place {
  return { below: parseId(below), reposted: roots.split('.').flatMap((text) => parseId(text) ?? []) }
}

/** Home timelines as the API shows them: pages by time or ranked, and what came since. */
export function createFeed(
  { metrics }: SocialDeps,
  users: Users,
  home: HomeReader,
  arrivals: ArrivalReader,
  rank: RankTimeline<Post> | undefined,
) {
  const ranked = createRankedReader(home, rank === undefined ? (posts) => posts : rankDocuments(rank))

  async function newestPage(userId: string, request: TimelineRequest, limit: number): Promise<TimelinePage> {
    const list = `timeline:${userId}`
    const cursor = decodeCursor(list, PLACE_PARTS, request.cursor)
    const place = cursor === undefined ? TOP : placeOf(cursor[0]!, cursor[1]!)
    const page = await home.read(userId, place, limit)
    metrics.timelineReads.inc({ from: page.mark === undefined ? 'absent' : 'ready' })
    return {
      items: page.posts.map(toPostDocument),
      ...(page.next === undefined
        ? {}
        : { next_cursor: encodeCursor(list, [page.next.below ?? '', rootsText(page.next)]) }),
      ...(cursor === undefined ? { newer_token: encodeSeen(userId, arrivals.seenOf(page)) } : {}),
    }
  }

  async function rankedPage(userId: string, request: TimelineRequest, limit: number): Promise<TimelinePage> {
    const list = `ranked:${userId}`
    const cursor = decodeCursor(list, RANKED_PARTS, request.cursor)
    const from: RankedPlace | undefined =
      cursor === undefined
        ? undefined
        : { block: placeOf(cursor[0]!, cursor[1]!), shown: cursor[2]!.split('.').filter((name) => name !== '') }
    const page = await ranked.read(userId, from, limit)
    const items = page.posts.map(toPostDocument)
    if (page.next === undefined) return { items }
    const { block, shown } = page.next
    return { items, next_cursor: encodeCursor(list, [block.below ?? '', rootsText(block), shown.join('.')]) }
  }

  async function since(userId: string, token: string, limit: number): Promise<TimelinePage> {
    const arrived = await arrivals.since(userId, decodeSeen(userId, token), limit).catch(resetIfAway)
    if (arrived === undefined) return { ...(await newestPage(userId, {}, limit)), reset: true }
    const last = arrived.posts.at(-1)
    return {
      items: arrived.posts.map(toPostDocument),
      ...(arrived.gap ? { next_cursor: cursorBelow(userId, last?.postId), gap: true } : {}),
      newer_token: encodeSeen(userId, arrived.seen),
    }
  }

  return {
    async timeline(userId: string, request: TimelineRequest = {}): Promise<TimelinePage> {
      const limit = pageLimit(request.limit)
      if (request.newer !== undefined && request.cursor !== undefined) {
        throw invalidField('query/newer', 'cannot be combined with cursor')
      }
      const known = users.require(userIdOf(userId))
      const page =
        request.newer !== undefined
          ? since(userId, request.newer, limit)
          : request.order === 'ranked'
            ? rankedPage(userId, request, limit)
            : newestPage(userId, request, limit)
      // Both at once; who does not exist is told so, whatever the rest says.
      page.catch(() => undefined)
      await known
      return page
    },
  }
}

/** Nobody can tell what came while the timelines' store is away; the first page comes from the posts. */
function resetIfAway(error: unknown): undefined {
  if (!isAppError(error, 'unavailable')) throw error
}

/** The ranking function is given documents, as the API shows them. */
function rankDocuments(rank: RankTimeline<Post>): RankTimeline<ShownPost> {
  return async (candidates, reader) => {
    const byDocument = new Map(candidates.map((post) => [post.postId.toString(), post]))
    const chosen = await rank(candidates.map(toPostDocument), reader)
    // Each once, and none that was not a candidate.
    return [...new Set(chosen.map((post) => post.post_id))].flatMap((id) => byDocument.get(id) ?? [])
  }
}

export type Feed = ReturnType<typeof createFeed>
