import createOpenApiClient, { type Client as OpenApiClient } from 'openapi-fetch'
import { refusal, unexpectedAnswer } from './errors.ts'
import { TAKES_IF_MATCH, TAKES_KEY } from './facts.generated.ts'
import { newIdempotencyKey } from './idempotency.ts'
import { CLIENT_LIMITS } from './limits.ts'
import type { paths } from './openapi.generated.ts'
import { walk } from './pages.ts'
import { type ConnectionEvent, type StreamOptions, streamTimeline, type TimelineEvent } from './stream.ts'
import { askedOf, type Fetch, send } from './transport.ts'
import type { Answer, AnswerOf, AnyPage, Args, ItemOf, ListPath, Method, OptionsOf, PageOf, PathOf } from './types.ts'

export interface ClientOptions {
  /** Where the server is, such as `http://localhost:8080`; in a browser `location.origin` for its own. */
  readonly baseUrl: string
  /** An API key; without one only what is public answers. */
  readonly apiKey?: string | undefined
  /** Of each try, in milliseconds; 30 seconds unless given. */
  readonly timeoutMs?: number | undefined
  /** How often a request is sent again at most, where that is safe; 4 unless given. */
  readonly retries?: number | undefined
  /** In place of the global `fetch`. */
  readonly fetch?: Fetch | undefined
}

/** A method of the API: answers the body, throws `ProblemError` and `ConnectionError`. */
export type Call<M extends Method> = <Path extends PathOf<M>>(
  path: Path,
  ...args: Args<OptionsOf<Path, M>>
) => Promise<AnswerOf<Path, M>>

export type ListOptions<Path extends ListPath> = OptionsOf<Path, 'get'> & {
  /** Ends the walk after so many items; without end unless given. */
  readonly max?: number | undefined
}

export interface FanfoldClient {
  readonly get: Call<'get'>
  readonly post: Call<'post'>
  readonly put: Call<'put'>
  readonly patch: Call<'patch'>
  readonly delete: Call<'delete'>
  /** As the methods above, with the status, the headers and the ETag of the answer beside its body. */
  request<M extends Method, Path extends PathOf<M>>(
    method: M,
    path: Path,
    ...args: Args<OptionsOf<Path, M>>
  ): Promise<Answer<AnswerOf<Path, M>>>
  /** Every item of a list, page by page as they are taken. */
  list<Path extends ListPath>(
    path: Path,
    ...args: Args<ListOptions<Path>>
  ): AsyncGenerator<ItemOf<Path>, void, undefined>
  /** The pages of a list, for what stands beside their items. */
  pages<Path extends ListPath>(
    path: Path,
    ...args: Args<ListOptions<Path>>
  ): AsyncGenerator<PageOf<Path>, void, undefined>
  /**
   * What comes to a home timeline, as it comes; goes on after a cut. Each post comes at least once. Ends with the signal
   * or the loop; throws what trying again does not mend.
   */
  timelineStream(
    userId: string,
    options?: StreamOptions,
  ): AsyncGenerator<TimelineEvent | ConnectionEvent, void, undefined>
  /** The client of openapi-fetch underneath: answers `{data, error, response}`, with the same keys and retries. */
  readonly raw: OpenApiClient<paths>
}

/** Options of any operation, as they are at run time. */
interface AnyOptions {
  readonly params?: { readonly path?: Record<string, unknown>; readonly query?: Record<string, unknown> }
  readonly body?: unknown
  readonly idempotencyKey?: string
  readonly ifMatch?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  readonly retries?: number
  readonly max?: number
}

type AnyRequest = (
  method: Method,
  path: string,
  init: Record<string, unknown>,
) => Promise<{ data?: string; error?: unknown; response: Response }>

function checked({ baseUrl, apiKey, ...rest }: ClientOptions) {
  if (!/^https?:\/\//.test(baseUrl)) throw new TypeError(`baseUrl must be an http or https URL, not ${baseUrl}`)
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new TypeError('apiKey holds spaces, line breaks or other characters that no key has')
  return { timeoutMs: CLIENT_LIMITS.timeoutMs, retries: CLIENT_LIMITS.retries, ...given(rest), baseUrl, apiKey }
}

/** Without the members that are undefined, which must not hide a default. */
function given<Options extends object>(options: Options) {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof Options]: Exclude<Options[Name], undefined> }
}

/** Keys for what takes one; no header that the server would not heed, because then nothing would be safe. */
function prepare(request: Request, path: string): void {
  const operation = `${request.method} ${path}`
  const { headers } = request
  if (TAKES_KEY.has(operation)) {
    if (!headers.has('idempotency-key')) headers.set('idempotency-key', newIdempotencyKey())
  } else if (headers.has('idempotency-key')) throw new TypeError(`${operation} takes no idempotency key`)
  if (headers.has('if-match') && !TAKES_IF_MATCH.has(operation)) throw new TypeError(`${operation} takes no If-Match`)
}

/**
 * A client for the HTTP API of a Fanfold server, typed by its paths. Requests are tried again where that is safe, each
 * POST with one idempotency key in all its tries. Throws `ProblemError` (see `isProblem`) for what the server refuses,
 * `ConnectionError` when no answer tells what became of a request.
 */
export function createClient(options: ClientOptions): FanfoldClient {
  const { baseUrl, apiKey, fetch, ...settings } = checked(options)
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
  const raw = createOpenApiClient<paths>({
    baseUrl,
    headers,
    fetch: (request) => send(request, { fetch, ...settings }),
  })
  raw.use({ onRequest: ({ request, schemaPath }) => prepare(request, schemaPath) })
  const ask = raw.request as unknown as AnyRequest

  async function request(method: Method, path: string, options: AnyOptions = {}): Promise<Answer<unknown>> {
    const { params, body, idempotencyKey, ifMatch, signal, timeoutMs, retries } = options
    let sent: Request | undefined
    const { data, error, response } = await ask(method, path, {
      ...given({ params, body, signal }),
      headers: { ...options.headers, ...given({ 'idempotency-key': idempotencyKey, 'if-match': ifMatch }) },
      parseAs: 'text',
      fetch: (made: Request) => {
        sent = made
        return send(made, { fetch, ...settings, ...given({ timeoutMs, retries }) })
      },
    })
    const asked = askedOf(sent!)
    if (!response.ok) throw refusal(response, typeof error === 'string' ? error : JSON.stringify(error ?? ''), asked)
    const etag = response.headers.get('etag') ?? undefined
    const isReplay = response.headers.get('idempotent-replayed') === 'true'
    return {
      body: bodyOf(response, data ?? '', asked),
      status: response.status,
      headers: response.headers,
      etag,
      isReplay,
    }
  }

  async function* pages(path: string, { max, ...options }: AnyOptions = {}) {
    const query = options.params?.query ?? {}
    const fetchPage = async (part: object) => {
      const { body } = await request('get', path, {
        ...options,
        params: { ...options.params, query: { ...query, ...given(part) } },
      })
      return body as AnyPage
    }
    yield* walk(fetchPage, query, max)
  }

  async function* list(path: string, options: AnyOptions = {}) {
    let left = options.max ?? Number.POSITIVE_INFINITY
    for await (const { items } of pages(path, options)) {
      yield* items.slice(0, left)
      left -= items.length
    }
  }

  const call = (method: Method) => async (path: string, options?: AnyOptions) =>
    (await request(method, path, options)).body

  const streamRequest = (userId: string) => (lastEventId: string | undefined) =>
    new Request(`${baseUrl.replace(/\/$/, '')}/v1/users/${encodeURIComponent(userId)}/timeline/stream`, {
      headers: {
        ...headers,
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
    })

  // The types of each path are told by the interface; underneath, all operations are sent in one way.
  return {
    get: call('get'),
    post: call('post'),
    put: call('put'),
    patch: call('patch'),
    delete: call('delete'),
    request,
    list,
    pages,
    timelineStream: (userId: string, options: StreamOptions = {}) =>
      streamTimeline({ fetch, timeoutMs: settings.timeoutMs, request: streamRequest(userId) }, options),
    raw,
  } as unknown as FanfoldClient
}

function bodyOf(response: Response, text: string, asked: ReturnType<typeof askedOf>): unknown {
  if (response.status === 204) return undefined
  if (!/[/+]json/.test(response.headers.get('content-type') ?? '')) {
    if (response.headers.get('content-type')?.startsWith('text/html')) throw unexpectedAnswer(response, text, asked)
    return text
  }
  try {
    return JSON.parse(text)
  } catch {
    throw unexpectedAnswer(response, text, asked)
  }
}
