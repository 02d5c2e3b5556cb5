import { type IncomingMessage, Agent as PlainAgent, request as requestPlain } from 'node:http'
import { request as requestTls, Agent as TlsAgent } from 'node:https'
import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { VERSION } from '../core/version.ts'
import type { Guard } from './guard.ts'
import type { Attempt } from './ports.ts'
import { retryAfterMs } from './schedule.ts'

export interface PostRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Number of the try: each takes the next of several addresses. */
  readonly attempt: number
}

export interface PostResult {
  readonly attempt: Attempt
  readonly retryAfterMs: number
}

export interface Poster {
  /** One POST. Whatever goes wrong is in the result; it throws only when it was aborted. */
  post(request: PostRequest, signal: AbortSignal): Promise<PostResult>
  /** Ends the connections that are kept for the next request. */
  close(): void
}

/** The beginning of a body; what comes after it is not waited for. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    // Leaving the loop destroys the connection.
    if (bytes >= LIMITS.webhookResponseBytes) break
  }
  const kept = Buffer.concat(chunks).subarray(0, LIMITS.webhookResponseBytes)
  return kept.toString('utf8').replaceAll('\0', '')
}

/** Rejects when the signal aborts; a look-up of a name can't be stopped, only left alone. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** As it can be stored: cutting may leave half of a surrogate pair. */
function errorText(error: unknown): string {
  const text = messageOf(error).replaceAll('\0', '').slice(0, LIMITS.reasonCharsMax)
  return Buffer.from(text).toString('utf8')
}

/**
 * Sends webhooks. Redirects are not followed. A request goes to the very address that the guard has looked at: the
 * address is what is connected to, and what idle connections are kept under; the name serves TLS and the Host header.
 */
export function createPoster(deps: {
  readonly guard: Guard
  readonly clock: Clock
  readonly timeoutMs?: number
}): Poster {
  const { guard, clock, timeoutMs = LIMITS.webhookMsMax } = deps
  const agentOptions = { keepAlive: true, maxFreeSockets: LIMITS.webhookSendsPerEndpoint }
  const [plain, tls] = [new PlainAgent(agentOptions), new TlsAgent(agentOptions)]

  async function open(request: PostRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const url = guard.parse(request.url)
    const addresses = await guard.addressesOf(url)
    signal.throwIfAborted()
    const address = addresses[request.attempt % addresses.length]!
    return sendTo(address, url, request, signal)
  }

  function sendTo(
    address: string,
    url: URL,
    { headers, body }: Pick<PostRequest, 'headers' | 'body'>,
    signal: AbortSignal,
    mayBeIdle = true,
  ): Promise<IncomingMessage> {
    const isTls = url.protocol === 'https:'
    return new Promise((resolve, reject) => {
      const request = (isTls ? requestTls : requestPlain)({
        agent: mayBeIdle && (isTls ? tls : plain),
        host: address,
        port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        headers: {
          ...headers,
          host: url.host,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': `Fanfold/${VERSION}`,
        },
        signal,
      })
      let isAnswered = false
      request.on('response', (response) => {
        isAnswered = true
        resolve(response)
      })
      request.on('error', (error) => {
        // The receiver ended an idle connection in the moment in which it was taken for this: no fault of anybody's.
        const isStale = !isAnswered && request.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
        if (isStale && !signal.aborted) resolve(sendTo(address, url, { headers, body }, signal, false))
        else reject(error)
      })
      request.end(body)
    })
  }

  return {
    async post(request, signal) {
      const attemptedAtMs = clock.now()
      const startedMs = performance.now()
      const abort = new AbortController()
      const end = () => abort.abort()
      const timer = setTimeout(end, timeoutMs)
      signal.addEventListener('abort', end, { once: true })
      let statusCode: number | undefined
      let response: string | undefined
      let error: string | undefined
      let askedMs = 0
      try {
        signal.throwIfAborted()
        const answer = await Promise.race([open(request, abort.signal), aborted(abort.signal)])
        statusCode = answer.statusCode ?? 0
        askedMs = retryAfterMs(answer.headers['retry-after'], attemptedAtMs)
        response = await beginningOf(answer)
      } catch (caught) {
        if (signal.aborted) throw caught
        error = abort.signal.aborted ? `no answer within ${timeoutMs} ms` : errorText(caught)
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
      }
      const durationMs = Math.round(performance.now() - startedMs)
      return { attempt: { attemptedAtMs, durationMs, statusCode, error, response }, retryAfterMs: askedMs }
    },
    close() {
      plain.destroy()
      tls.destroy()
    },
  }
}
