import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ConnectionError, ProblemError, refusal } from './errors.ts'
import { CLIENT_LIMITS } from './limits.ts'
import type { Post } from './schemas.generated.ts'
import { askedOf, backoffMs, type Fetch, fetchOf, openLine, sleep } from './transport.ts'

/** What a timeline has to tell. `newer_token` goes on behind the event, in another stream as `newer`. */
export type TimelineEvent =
  /** Where the stream begins, or goes on. */
  | { readonly type: 'position'; readonly newer_token: string }
  | { readonly type: 'post'; readonly newer_token: string; readonly post: Post }
  /** More came than the posts that follow; `next_cursor` leads to the page of what lies below them. */
  | { readonly type: 'gap'; readonly newer_token: string; readonly next_cursor: string }
  /** What was seen before says nothing any more: read the first page of the timeline anew. */
  | { readonly type: 'reset'; readonly newer_token: string }

/** How the connection is doing, for people to see. */
export type ConnectionEvent =
  | { readonly type: 'open' }
  /** The connection is gone; the next try is in `retryInMs`. `attempt` counts tries that failed one after the other. */
  | {
      readonly type: 'waiting'
      readonly retryInMs: number
      readonly attempt: number
      readonly error: ConnectionError | ProblemError
    }

export interface StreamOptions {
  /** `newer_token` of a page or an event, to go on from; from now on unless given. */
  readonly newer?: string | undefined
  /** Ends the stream, without an error. */
  readonly signal?: AbortSignal | undefined
  /** How many tries one after the other may fail; without end unless given. */
  readonly retries?: number | undefined
}

export interface StreamDeps {
  readonly fetch?: Fetch | undefined
  /** For the answer to begin, in milliseconds. */
  readonly timeoutMs: number
  /** The request for the stream behind an event. */
  readonly request: (lastEventId: string | undefined) => Request
}

const TRANSIENT = new Set([429, 502, 503, 504])

function toEvent({ id = '', event, data }: EventSourceMessage): TimelineEvent | undefined {
  const value = JSON.parse(data)
  if (event === 'post') return { type: 'post', newer_token: id, post: value }
  if (event === 'gap') return { type: 'gap', newer_token: id, next_cursor: value.next_cursor }
  // What a newer server may send beside these is not for us.
  return event === 'position' || event === 'reset' ? { type: event, newer_token: id } : undefined
}

/** One connection, until the server ends it. Throws {@link ConnectionError} or {@link ProblemError}. */
async function* connect(
  request: Request,
  { fetch, timeoutMs }: StreamDeps,
  signal: AbortSignal,
  onRetry: (ms: number) => void,
): AsyncGenerator<TimelineEvent | ConnectionEvent, void, undefined> {
  const asked = askedOf(request)
  const line = openLine(signal, asked)
  try {
    const response = await line.within(timeoutMs, fetchOf(fetch)(request, { signal: line.signal }))
    if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream'))
      throw refusal(response, await line.within(timeoutMs, response.text()), asked)
    if (response.body == null)
      throw new TypeError('This fetch can not stream: give createClient one that can, such as that of expo/fetch')
    yield { type: 'open' }
    const parsed: TimelineEvent[] = []
    const parser = createParser({
      maxBufferSize: CLIENT_LIMITS.streamEventCharsMax,
      onEvent: (message) => {
        const event = toEvent(message)
        if (event !== undefined) parsed.push(event)
      },
      onRetry,
    })
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await line.within(CLIENT_LIMITS.streamSilenceMs, reader.read())
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      yield* parsed.splice(0)
    }
  } finally {
    line.close()
  }
}

function isTransient(error: unknown): error is ConnectionError | ProblemError {
  if (error instanceof ProblemError) return TRANSIENT.has(error.status)
  if (!(error instanceof ConnectionError)) return false
  return error.status === undefined || TRANSIENT.has(error.status)
}

/**
 * A stream of server-sent events that goes on where it was when its connection broke, for as long as the reader likes:
 * each post comes at least once. Throws what trying again does not mend, such as `user_not_found` or `unauthenticated`.
 */
export async function* streamTimeline(
  deps: StreamDeps,
  { newer, signal = new AbortController().signal, retries = Number.POSITIVE_INFINITY }: StreamOptions,
): AsyncGenerator<TimelineEvent | ConnectionEvent, void, undefined> {
  let lastEventId = newer
  let failures = 0
  let retryMs: number = CLIENT_LIMITS.streamRetryMs
  while (!signal.aborted) {
    const request = deps.request(lastEventId)
    let error: ConnectionError | ProblemError = new ConnectionError(
      'unreachable',
      'the server ended the stream',
      askedOf(request),
    )
    try {
      const onRetry = (ms: number) => {
        retryMs = ms
      }
      for await (const event of connect(request, deps, signal, onRetry)) {
        if ('newer_token' in event) {
          lastEventId = event.newer_token
          failures = 0
        }
        yield event
        if (signal.aborted) return
      }
    } catch (thrown) {
      if (signal.aborted) return
      if (!isTransient(thrown)) throw thrown
      error = thrown
    }
    if (failures >= retries) throw error
    const retryInMs =
      backoffMs(failures, retryMs, CLIENT_LIMITS.streamRetryMaxMs) +
      (error instanceof ProblemError ? (error.retryAfterMs ?? 0) : 0)
    failures += 1
    yield { type: 'waiting', retryInMs, attempt: failures, error }
    await sleep(retryInMs, signal).catch(() => undefined)
  }
}
