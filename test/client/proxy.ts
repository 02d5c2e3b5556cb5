import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of a request on its way. */
export type Mishap =
  /** It is carried out, and the connection breaks before the answer. */
  | 'answer-lost'
  /** It is carried out, and the connection breaks in the middle of the answer. */
  | 'answer-cut'
  /** Nobody ever answers. */
  | 'silence'
  /** Answered here; the server never sees it. */
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

export interface Passed {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

export interface MishapProxy {
  readonly address: string
  /** Every request that came, also those that had a mishap. */
  readonly requests: readonly Passed[]
  /** Mishaps of the next requests, one each; those after them pass. */
  plan(...mishaps: readonly Mishap[]): void
  /** Cuts every connection, streams too. */
  cut(): void
  /** The server that is asked from now on. */
  turnTo(address: string): void
  close(): Promise<void>
}

/** A proxy in front of a real server, to which accidents happen. */
export async function startProxy(target: string): Promise<MishapProxy> {
  const requests: Passed[] = []
  let planned: Mishap[] = []
  let current = target

  function forward(incoming: IncomingMessage, reply: ServerResponse, mishap: Mishap | undefined): void {
    const { method, headers } = incoming
    const upstream = request(new URL(incoming.url ?? '/', current), { method: method ?? 'GET', headers, agent: false })
    upstream.on('response', async (response) => {
      if (mishap === undefined) {
        reply.writeHead(response.statusCode ?? 500, response.headers)
        response.on('error', () => reply.destroy()).pipe(reply)
        return
      }
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      if (mishap === 'answer-cut') {
        reply.writeHead(response.statusCode ?? 500, response.headers)
        reply.write(Buffer.concat(chunks).subarray(0, 10))
        await new Promise((resolve) => setImmediate(resolve))
      }
      reply.destroy()
    })
    upstream.on('error', () => reply.destroy())
    reply.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  }

  const server = createServer((incoming, reply) => {
    requests.push({ method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers })
    const mishap = planned.shift()
    if (mishap === 'silence') incoming.resume()
    else if (typeof mishap === 'object') reply.writeHead(mishap.status, mishap.headers).end(mishap.body)
    else forward(incoming, reply, mishap)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    plan: (...mishaps) => {
      planned = [...mishaps]
    },
    cut: () => server.closeAllConnections(),
    turnTo: (address) => {
      current = address
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
