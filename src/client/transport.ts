import { type Asked, ConnectionError, problemIn, retryAfterOf } from './errors.ts'
import { CLIENT_LIMITS } from './limits.ts'

/** As `fetch`, of which it takes a request and a signal. */
export type Fetch = (request: Request, init: { readonly signal: AbortSignal }) => Promise<Response>

export interface TransportOptions {
  readonly fetch?: Fetch | undefined
  readonly timeoutMs: number
  readonly retries: number
}

const ALWAYS_REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
const TRANSIENT = new Set([502, 503, 504])

/** What errors tell of a request. */
export const askedOf = (request: Request) => ({
  method: request.method,
  url: request.url,
  idempotencyKey: request.headers.get('idempotency-key') ?? undefined,
})

/** Sends one request; the signal is handed over beside it. The global `fetch` is looked up late, so that it can be patched. */
export const fetchOf = (fetch: Fetch | undefined): Fetch =>
  fetch ?? ((request, init) => globalThis.fetch(request, init))

/** A wait that is drawn anew each time, so that clients do not come back together ("full jitter"). */
export function backoffMs(attempt: number, firstMs: number, maxMs: number): number {
  return Math.random() * Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30))
}

/** Resolves after a time; rejects with the reason of the signal when that aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** Why a connection failed, in the words of the runtime; Node has them one level down. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } }
  return (cause?.code ?? cause?.message ?? message) || String(error)
}

/** One use of the network, which ends with a signal, or by itself when something takes too long. */
export interface Line {
  readonly signal: AbortSignal
  /** Throws {@link ConnectionError} when the work fails or takes longer, and the reason of the signal when that aborts. */
  within<Result>(ms: number, work: Promise<Result>): Promise<Result>
  close(): void
}

export function openLine(signal: AbortSignal, asked: Asked): Line {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    async within(ms, work) {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        controller.abort()
      }, ms)
      try {
        return await work
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw isLate
          ? new ConnectionError('timeout', `nothing came within ${ms} ms`, asked, { cause: error })
          : new ConnectionError('unreachable', `no answer: ${reasonOf(error)}`, asked, { cause: error })
      } finally {
        clearTimeout(timer)
      }
    },
    close() {
      signal.removeEventListener('abort', abort)
      controller.abort()
    },
  }
}

/** Sends a request once, and reads the whole answer: a connection that breaks in its middle has failed too. */
async function attempt(request: Request, { fetch, timeoutMs }: TransportOptions): Promise<Response> {
  const line = openLine(request.signal, askedOf(request))
  async function exchange(): Promise<Response> {
    const response = await fetchOf(fetch)(request.clone() as Request, { signal: line.signal })
    const content = await response.arrayBuffer()
    const { status, statusText, headers } = response
    return new Response(content.byteLength === 0 ? null : content, { status, statusText, headers })
  }
  try {
    return await line.within(timeoutMs, exchange())
  } finally {
    line.close()
  }
}

/** How long to wait before a request is sent again; `undefined` when that does not help or is not safe. */
async function waitFor(outcome: Response | ConnectionError, request: Request, tries: number, isLast: boolean) {
  const { backoffFirstMs, backoffMaxMs, retryAfterMaxMs } = CLIENT_LIMITS
  const waitMs = backoffMs(tries, backoffFirstMs, backoffMaxMs)
  const { method, headers } = request
  const isRepeatable = ALWAYS_REPEATABLE.has(method) || headers.has('idempotency-key') || headers.has('if-match')
  if (outcome instanceof Error) return isRepeatable ? waitMs : undefined
  const afterMs = retryAfterOf(outcome.headers) ?? 0
  if (outcome.status === 409) {
    const problem = problemIn(await outcome.clone().text())
    if (problem?.code !== 'idempotency_key_in_use') return undefined
    // What runs under the key often ends soon; Retry-After is when another run may take its place.
    return isLast && afterMs <= retryAfterMaxMs ? afterMs + waitMs : waitMs
  }
  // A request that was refused with 429 was not carried out, whatever it is.
  if (outcome.status !== 429 && !(TRANSIENT.has(outcome.status) && isRepeatable)) return undefined
  return afterMs > retryAfterMaxMs ? undefined : afterMs + waitMs
}

/**
 * `fetch` with a time-out for each try, and retries where a repeat is safe: of GET, PUT, DELETE, and of requests with an
 * Idempotency-Key or If-Match, which are sent unchanged. Throws {@link ConnectionError}, and the reason of the signal of
 * the request when that aborts.
 */
export async function send(request: Request, options: TransportOptions): Promise<Response> {
  const { signal } = request
  for (let tries = 0; ; tries++) {
    const outcome = await attempt(request, options).catch((error: unknown) => {
      if (error instanceof ConnectionError) return error
      throw error
    })
    const isLast = tries + 1 === options.retries
    const waitMs = tries < options.retries ? await waitFor(outcome, request, tries, isLast) : undefined
    if (waitMs === undefined) {
      if (outcome instanceof Error) throw outcome
      return outcome
    }
    await sleep(waitMs, signal)
  }
}
