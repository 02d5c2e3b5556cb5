import { get, type IncomingMessage } from 'node:http'
import { until } from '../../src/testing/until.ts'

export interface SseEvent {
  readonly id: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any document
  readonly data: any
}

export interface SseClient {
  readonly response: IncomingMessage
  readonly events: SseEvent[]
  /** Lines that are no event: comments and the hint when to connect again. */
  readonly others: string[]
  readonly isEnded: () => boolean
  /** Waits for the event that fits. */
  next(what: string, fits: (event: SseEvent) => boolean): Promise<SseEvent>
  close(): void
}

function parse(block: string): SseEvent | string {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  )
  const data = fields.get('data')
  if (data === undefined) return block
  return { id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) }
}

/** Listens to server-sent events over a socket of its own; a refusal has no events and another status. */
export async function listen(url: string, headers: Record<string, string>): Promise<SseClient> {
  const request = get(url, { headers, agent: false })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  request.on('error', () => undefined)
  const events: SseEvent[] = []
  const others: string[] = []
  let text = ''
  let isEnded = false
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const parsed = parse(block)
      if (typeof parsed === 'string') others.push(parsed)
      else events.push(parsed)
    }
  })
  response.on('error', () => undefined)
  response.on('close', () => {
    isEnded = true
  })
  return {
    response,
    events,
    others,
    isEnded: () => isEnded,
    next: (what, fits) => until(what, () => events.find(fits)),
    close: () => void request.destroy(),
  }
}
