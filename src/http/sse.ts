import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { LIMITS } from '../core/limits.ts'

/** An event of a stream, as `text/event-stream` has it. */
export interface ServerSentEvent {
  readonly id: string
  readonly event: string
  readonly data: unknown
}

export interface ServerSentStream<Event> extends AsyncIterable<Event> {
  /** Aborts when nothing comes any more. */
  readonly ended: AbortSignal
}

/** `no-transform` and the header of nginx: proxies must neither compress nor hold back what is sent. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
  connection: 'close',
} as const

// JSON has no line breaks, and neither has a token.
const textOf = ({ id, event, data }: ServerSentEvent) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Ends a response, also one whose client does not read. */
function endSoon(raw: ServerResponse): void {
  const timer = setTimeout(() => raw.destroy(), LIMITS.streamEndMs)
  raw.once('close', () => clearTimeout(timer))
  raw.end()
}

/**
 * Sends events (HTML Standard, 9.2) as fast as the client takes them, and comments when there are none. Resolves when
 * the stream has ended or the client is gone. What the stream throws before its first event is thrown here, so that it
 * is answered as any other problem.
 */
export async function sendEvents<Event>(
  reply: FastifyReply,
  stream: ServerSentStream<Event>,
  present: (event: Event) => ServerSentEvent,
  heartbeatMs: number,
): Promise<void> {
  const events = stream[Symbol.asyncIterator]()
  let next = await events.next()
  reply.hijack()
  const { raw } = reply
  const heartbeat = setInterval(() => {
    if (!raw.writableNeedDrain) raw.write(': nothing new\n\n')
  }, heartbeatMs)
  try {
    raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...HEADERS })
    raw.write(`retry: ${LIMITS.streamRetryMs}\n\n`)
    for (; next.done !== true; next = await events.next()) {
      heartbeat.refresh()
      const goesOn = raw.write(textOf(present(next.value)))
      // Nothing drains any more.
      if (raw.destroyed) return
      if (!goesOn) await once(raw, 'drain', { signal: stream.ended })
    }
    endSoon(raw)
  } catch {
    // The client is gone, or too slow, or the server closes while the client does not read: what is unsent is dropped.
    raw.destroy()
  } finally {
    clearInterval(heartbeat)
    await events.return?.()
  }
}
