import { LIMITS } from '../../core/limits.ts'
import { type ShownPost, toPostDocument } from '../documents.ts'
import type { Post } from '../schemas.ts'
import { type ArrivalReader, type Arrived, encodeSeen, type Seen, seenUpTo } from './arrivals.ts'
import type { QueuedEvent } from './event-queue.ts'
import { cursorBelow } from './feed.ts'
import { type HomeReader, TOP } from './home.ts'
import type { Outboxes } from './outboxes.ts'

/** Each with a token: a stream that is opened with it, as `newer`, goes on behind the event. */
export type TimelineEvent =
  /** Where the stream begins; always the first event. */
  | { readonly type: 'position'; readonly newer_token: string }
  | { readonly type: 'post'; readonly newer_token: string; readonly post: Post }
  /** More came than is told by the posts that follow; `next_cursor` leads to what lies below them. */
  | { readonly type: 'gap'; readonly newer_token: string; readonly next_cursor: string }
  /** What was seen before says nothing any more: the first page is to be read anew. */
  | { readonly type: 'reset'; readonly newer_token: string }

/** What a streamed timeline has to tell. */
export interface News {
  readonly events: readonly QueuedEvent<TimelineEvent>[]
  readonly seen: Seen
  /** What came, newest first, also what is not told. */
  readonly ids: readonly bigint[]
  readonly pullAuthors: readonly string[]
}

/** Counted as the document that is sent. */
export const measured = (event: TimelineEvent): QueuedEvent<TimelineEvent> => ({
  event,
  bytes: Buffer.byteLength(JSON.stringify(event)),
})

export interface NewsParts {
  readonly home: HomeReader
  readonly arrivals: ArrivalReader
  readonly outboxes: Outboxes
}

/** Arrivals as events of a stream. */
export function createNews({ home, arrivals, outboxes }: NewsParts, batchPosts: number) {
  async function fromTop(userId: string): Promise<News> {
    const [page, pullAuthors] = await Promise.all([
      home.read(userId, TOP, LIMITS.pageItemsDefault),
      outboxes.followedBy(userId),
    ])
    return { events: [], seen: arrivals.seenOf(page), ids: page.posts.map((post) => post.postId), pullAuthors }
  }

  /** Every event but a gap resumes exactly behind itself; a gap is told again until something behind it was received. */
  function eventsOf(userId: string, before: Seen, { posts, gap, seen }: Arrived): TimelineEvent[] {
    const events: TimelineEvent[] = []
    if (gap) {
      const newer_token = encodeSeen(userId, posts.length === 0 ? seen : before)
      events.push({ type: 'gap', newer_token, next_cursor: cursorBelow(userId, posts.at(-1)?.postId) })
    }
    const oldestFirst: readonly ShownPost[] = posts.toReversed()
    const documents = oldestFirst.map(toPostDocument)
    documents.forEach((post, index) => {
      const isLast = index === documents.length - 1
      const behind = isLast ? seen : seenUpTo(oldestFirst.slice(0, index + 1), before, seen)
      events.push({ type: 'post', newer_token: encodeSeen(userId, behind), post })
    })
    return events
  }

  return {
    /** Nothing is told; everything up to now was seen. */
    fromTop,
    /** What came since, without those `known`. */
    async since(userId: string, before: Seen, known?: ReadonlySet<bigint>): Promise<News> {
      const arrived = await arrivals.since(userId, before, batchPosts, known)
      if (arrived === undefined) {
        const top = await fromTop(userId)
        return { ...top, events: [measured({ type: 'reset', newer_token: encodeSeen(userId, top.seen) })] }
      }
      const events = eventsOf(userId, before, arrived)
      return { events: events.map(measured), seen: arrived.seen, ids: arrived.ids, pullAuthors: arrived.pullAuthors }
    },
  }
}
