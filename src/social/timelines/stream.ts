import { createBatcher } from '../../core/batcher.ts'
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import { type Loop, startLoop } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { SocialDeps } from '../deps.ts'
import { userIdOf } from '../documents.ts'
import type { Users } from '../users.ts'
import { decodeSeen, encodeSeen, type Seen } from './arrivals.ts'
import { createEventQueue, type EventQueue, type QueuedEvent } from './event-queue.ts'
import { createNews, measured, type News, type NewsParts, type TimelineEvent } from './news.ts'

export interface StreamRequest {
  /** `newer_token` of a page or an event; from now on unless given. */
  readonly newer?: string | undefined
  /** Where `newer` came from, as `invalid_cursor` names it; `query/newer` unless given. */
  readonly pointer?: string | undefined
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Events as they come, the oldest first; to be iterated once. Ends when its signal aborts, when the user is erased, and
 * when Fanfold is closed. Throws `reader_too_slow` when more than {@link LIMITS.streamBufferBytesMax} were waiting for
 * the reader as more came.
 */
export interface TimelineStream extends AsyncIterable<TimelineEvent> {
  [Symbol.asyncIterator](): AsyncGenerator<TimelineEvent, void, undefined>
  /** Aborts when the stream has ended, also while its reader is busy with an event. */
  readonly ended: AbortSignal
}

export interface StreamOptions {
  readonly lookMs?: number
  readonly fullLookMs?: number
  readonly batchPosts?: number
  readonly bufferBytesMax?: number
  readonly perUserMax?: number
  readonly max?: number
}

interface Reader {
  readonly queue: EventQueue<TimelineEvent>
  /** What he got before he joined the others. */
  skip: ReadonlySet<bigint> | undefined
}

/** One timeline that is streamed, to any number of readers. */
interface Watch {
  readonly userId: string
  readonly readers: Set<Reader>
  joining: number
  /** Looks and joins happen one after the other. */
  turn: Promise<unknown>
  /** What all readers have seen; absent until the first has joined. */
  seen: Seen | undefined
  /** What came lately: the store may name it again, for as long as some transaction stays open. */
  readonly recent: Set<bigint>
  pullAuthors: readonly string[]
  /** As {@link TimelineStore.marks} told it last. */
  mark: string | undefined
  lookAt: number
  isAwaitingLook: boolean
}

const MARKS_AT_ONCE = 1_000
const RECENT_MAX = 1_000

/**
 * Streams of timelines. The timelines that anybody streams are compared with what they were a second ago, a thousand at
 * a time; only those that changed, or that may have got a pull post, are looked at. Every one is looked at now and then
 * even so, because posts that arrive late do not show in the comparison.
 */
export function createTimelineStreams(
  deps: SocialDeps,
  parts: NewsParts & { readonly users: Users },
  options: StreamOptions = {},
) {
  const { timelines, clock, logger, metrics } = deps
  const { users, outboxes } = parts
  const lookMs = options.lookMs ?? LIMITS.streamLookMs
  const fullLookMs = options.fullLookMs ?? LIMITS.streamFullLookMs
  const news = createNews(parts, options.batchPosts ?? LIMITS.streamBatchPosts)
  const perUserMax = options.perUserMax ?? LIMITS.streamsPerUserMax
  const max = options.max ?? LIMITS.streamsMax
  const watches = new Map<string, Watch>()
  let newestPulled: ReadonlyMap<string, bigint> = new Map()
  let open = 0
  let isClosed = false
  let loop: Loop | undefined
  let failed: { readonly looks: number; readonly error: unknown } | undefined

  function inTurn<Result>(watch: Watch, task: () => Promise<Result>): Promise<Result> {
    const result = watch.turn.then(task)
    watch.turn = result.catch(() => undefined)
    return result
  }

  // ---------------------------------------------------------------------------------------------------- looks

  function send(reader: Reader, events: readonly QueuedEvent<TimelineEvent>[]): void {
    const { skip } = reader
    const wanted =
      skip === undefined
        ? events
        : events.filter(({ event }) => event.type !== 'post' || !skip.has(BigInt(event.post.post_id)))
    metrics.streamedPosts.inc(wanted.reduce((posts, { event }) => posts + (event.type === 'post' ? 1 : 0), 0))
    if (!reader.queue.push(wanted)) metrics.streamsCut.inc()
  }

  function stand(watch: Watch, { seen, ids, pullAuthors }: News): void {
    watch.seen = seen
    watch.pullAuthors = pullAuthors
    for (const id of ids.toReversed()) watch.recent.add(id)
    for (const id of watch.recent) {
      if (watch.recent.size <= RECENT_MAX) break
      watch.recent.delete(id)
    }
  }

  async function look(watch: Watch): Promise<void> {
    watch.isAwaitingLook = false
    if (watch.readers.size === 0 || watch.seen === undefined) return
    watch.lookAt = clock.now() + fullLookMs * (0.5 + Math.random())
    try {
      const [found] = await Promise.all([
        news.since(watch.userId, watch.seen, watch.recent),
        users.require(watch.userId),
      ])
      stand(watch, found)
      for (const reader of watch.readers) {
        send(reader, found.events)
        reader.skip = undefined
      }
    } catch (error) {
      watch.lookAt = clock.now()
      if (!isAppError(error, 'user_not_found')) throw error
      for (const reader of watch.readers) reader.queue.end()
    }
  }

  const looking = createBatcher<Watch, undefined>({
    maxItems: 1,
    concurrency: LIMITS.streamLooksMax,
    maxWaiting: max,
    run: async (found) => {
      for (const watch of found) await inTurn(watch, () => look(watch))
      return found.map(() => ({ ok: true, value: undefined }))
    },
  })

  function requestLook(watch: Watch): void {
    if (watch.isAwaitingLook) return
    watch.isAwaitingLook = true
    looking.add(watch).catch((error: unknown) => {
      watch.isAwaitingLook = false
      watch.lookAt = clock.now()
      failed = { looks: (failed?.looks ?? 0) + 1, error }
    })
  }

  async function findChanged(): Promise<void> {
    const all = [...watches.values()]
    for (let from = 0; from < all.length; from += MARKS_AT_ONCE) {
      const some = all.slice(from, from + MARKS_AT_ONCE)
      const marks = await timelines.marks(some.map((watch) => watch.userId))
      for (const watch of some) {
        const mark = marks.get(watch.userId)
        if (mark === watch.mark) continue
        watch.mark = mark
        requestLook(watch)
      }
    }
  }

  async function findPulled(): Promise<void> {
    const authors = new Set<string>()
    for (const watch of watches.values()) for (const author of watch.pullAuthors) authors.add(author)
    const newest = await outboxes.newest([...authors])
    const hasPosted = (author: string) => newest.get(author) !== newestPulled.get(author)
    for (const watch of watches.values()) if (watch.pullAuthors.some(hasPosted)) requestLook(watch)
    newestPulled = newest
  }

  /** Once a round: a database that is away fails thousands of looks. */
  function tellFailed(): void {
    if (failed === undefined) return
    const { looks, error } = failed
    failed = undefined
    logger.warn({ err: error, timelines: looks }, `streamed timelines are looked at later: ${messageOf(error)}`)
  }

  async function findDue(): Promise<number> {
    tellFailed()
    if (watches.size > 0) {
      await Promise.all([findChanged(), findPulled()])
      const now = clock.now()
      for (const watch of watches.values()) if (watch.lookAt <= now) requestLook(watch)
    }
    return lookMs
  }

  // -------------------------------------------------------------------------------------------------- readers

  function watchOf(userId: string): Watch {
    const known = watches.get(userId)
    if (known !== undefined) return known
    const watch: Watch = {
      ...{ userId, readers: new Set<Reader>(), joining: 0, turn: Promise.resolve() },
      ...{ seen: undefined, recent: new Set<bigint>(), pullAuthors: [], mark: undefined },
      ...{ lookAt: clock.now() + fullLookMs * Math.random(), isAwaitingLook: false },
    }
    watches.set(userId, watch)
    return watch
  }

  function refuseTooMany(watch: Watch): void {
    if (isClosed) throw new AppError('shutting_down')
    if (open >= max) {
      throw new AppError('overloaded', `This server has ${max} open streams, and no more`, {
        retryAfterMs: LIMITS.streamRetryMs,
      })
    }
    if (watch.readers.size + watch.joining >= perUserMax) {
      throw new AppError('too_many_streams', `The user has ${perUserMax} open streams, and no more`, {
        data: { limit: perUserMax },
        retryAfterMs: LIMITS.streamRetryMs,
      })
    }
  }

  function forgetIfEmpty(watch: Watch): void {
    const isEmpty = watch.readers.size === 0 && watch.joining === 0
    if (isEmpty && watches.get(watch.userId) === watch) watches.delete(watch.userId)
  }

  /** Brings a reader to where the others are, or a little further. */
  async function join(watch: Watch, reader: Reader, from: Seen | undefined, token: string | undefined): Promise<void> {
    const { userId } = watch
    const position = (newer_token: string) => measured({ type: 'position', newer_token })
    if (from === undefined) {
      await look(watch)
      if (watch.seen === undefined || watch.readers.size === 0) stand(watch, await news.fromTop(userId))
      send(reader, [position(encodeSeen(userId, watch.seen!))])
    } else {
      const found = await news.since(userId, from)
      // Together, so that nobody is cut off before he was given anything.
      send(reader, [position(token!), ...found.events])
      if (watch.seen === undefined || watch.readers.size === 0) stand(watch, found)
      else reader.skip = new Set([...from.ids, ...from.pushed, ...found.ids])
    }
    watch.readers.add(reader)
  }

  async function* read(userId: string, request: StreamRequest, reader: Reader): AsyncGenerator<TimelineEvent, void> {
    const { newer, pointer, signal } = request
    userIdOf(userId)
    const from = newer === undefined ? undefined : decodeSeen(userId, newer, pointer)
    const watch = watchOf(userId)
    try {
      refuseTooMany(watch)
    } catch (error) {
      forgetIfEmpty(watch)
      throw error
    }
    const end = () => reader.queue.end()
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted) end()
    watch.joining += 1
    open += 1
    metrics.streams.set(open)
    loop ??= startLoop({ name: 'timeline streams', logger, step: findDue })
    try {
      try {
        await users.require(userId)
        await inTurn(watch, () => join(watch, reader, from, newer))
      } finally {
        watch.joining -= 1
      }
      if (isClosed) end()
      yield* reader.queue.read()
    } finally {
      signal?.removeEventListener('abort', end)
      watch.readers.delete(reader)
      forgetIfEmpty(watch)
      open -= 1
      metrics.streams.set(open)
    }
  }

  return {
    open(userId: string, request: StreamRequest = {}): TimelineStream {
      const reader: Reader = { queue: createEventQueue(options.bufferBytesMax), skip: undefined }
      const events = read(userId, request, reader)
      return { ended: reader.queue.ended, [Symbol.asyncIterator]: () => events }
    },
    /** Ends all streams. */
    async close(): Promise<void> {
      isClosed = true
      for (const watch of watches.values()) for (const reader of watch.readers) reader.queue.end()
      await loop?.close()
      await looking.drain()
    },
  }
}
