import { EventEmitter, once } from 'node:events'
import { get } from 'node:http'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import type { FanfoldOptions } from '../../src/app/base.ts'
import { createLogger } from '../../src/core/logger.ts'
import { createHttpApp } from '../../src/http/app.ts'
import type { ApiKeys } from '../../src/http/auth.ts'
import { timelineRoutes } from '../../src/http/routes/timelines.ts'
import { sendEvents } from '../../src/http/sse.ts'
import { until } from '../../src/testing/until.ts'
import { ADMIN_KEY, startServer, type TestServer } from '../setup/http.ts'
import { SERVER_KEY, send, startProcess } from '../setup/process.ts'
import { listen, type SseClient } from '../setup/sse.ts'
import { copyTemplate } from '../setup/template.ts'

const QUICK = { lookMs: 5, fullLookMs: 50 }

let closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})

interface Listening extends TestServer {
  readonly address: string
  stream(userId: string, options?: { lastEventId?: string; query?: string }): Promise<SseClient>
  say(userId: string, text: string): Promise<string>
  openStreams(): Promise<number>
}

async function start(options: FanfoldOptions = {}): Promise<Listening> {
  const server = await startServer({ streams: QUICK, ...options })
  closing.push(() => server.close())
  const address = await server.http.listen({ host: '127.0.0.1', port: 0 })
  for (const id of ['reader', 'ada']) {
    await server.call('POST', '/v1/users', { user_id: id, handle: id, name: id })
    await server.fanfold.social.rebuildTimelines({ userId: id })
  }
  await server.call('PUT', '/v1/users/reader/follows/ada')
  return {
    ...server,
    address,
    async stream(userId, { lastEventId, query = '' } = {}) {
      const client = await listen(`${address}/v1/users/${userId}/timeline/stream${query}`, {
        authorization: `Bearer ${ADMIN_KEY}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      })
      closing.push(async () => client.close())
      return client
    },
    async say(userId, text) {
      return (await server.call('POST', '/v1/posts', { user_id: userId, content: { text } })).body.post_id
    },
    async openStreams() {
      return (await server.fanfold.metrics.streams.get()).values[0]!.value
    },
  }
}

const textsOf = (client: SseClient) =>
  client.events.flatMap(({ event, data }) => (event === 'post' ? [data.content.text] : []))

describe('the live stream of a timeline', () => {
  it('tells what is published, as the timeline shows it, and where it began', async () => {
    const server = await start()
    await server.say('ada', 'before')
    await server.fanfold.caughtUp()
    const client = await server.stream('reader')
    expect(client.response.statusCode).toBe(200)
    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-request-id': expect.any(String),
    })
    const position = await client.next('the position', ({ event }) => event === 'position')
    expect(position.data).toEqual({ newer_token: position.id })
    expect(client.others[0]).toBe('retry: 2000')
    const id = await server.say('ada', 'live')
    const post = await client.next('the post', ({ event }) => event === 'post')
    const [first] = (await server.call('GET', '/v1/users/reader/timeline?limit=1')).body.items
    expect(post.data).toEqual(first)
    expect(post.data.post_id).toBe(id)
    expect(textsOf(client)).toEqual(['live'])
  })

  it('goes on behind the last event, by header or query, without loss or repeat', async () => {
    const server = await start()
    const first = await server.stream('reader')
    await first.next('the position', ({ event }) => event === 'position')
    await server.say('ada', 'one')
    const { id } = await first.next('one', ({ event }) => event === 'post')
    first.close()
    await server.say('ada', 'two')
    await server.fanfold.caughtUp()
    for (const from of [
      { lastEventId: id },
      { query: `?newer=${id}` },
      { lastEventId: id, query: '?newer=nonsense' },
    ]) {
      const client = await server.stream('reader', from)
      await until('two', () => textsOf(client).length > 0)
      expect(textsOf(client)).toEqual(['two'])
      client.close()
    }
    await until('all are gone', async () => (await server.openStreams()) === 0)
  })

  it('tells of gaps and of tokens that say nothing any more', async () => {
    const server = await start({ streams: { ...QUICK, batchPosts: 1 } })
    const { newer_token } = (await server.call('GET', '/v1/users/reader/timeline')).body
    for (const text of ['one', 'two', 'three']) await server.say('ada', text)
    await server.fanfold.caughtUp()
    const late = await server.stream('reader', { lastEventId: newer_token })
    const gap = await late.next('a gap', ({ event }) => event === 'gap')
    await until('three', () => textsOf(late).includes('three'))
    const page = await server.call('GET', `/v1/users/reader/timeline?cursor=${gap.data.next_cursor}`)
    expect(page.body.items.map((post: { content: { text: string } }) => post.content.text)).toEqual(['two', 'one'])
    late.close()
    await server.fanfold.social.rebuildTimelines({ userId: 'reader' })
    const stale = await server.stream('reader', { lastEventId: newer_token })
    const reset = await stale.next('a reset', ({ event }) => event === 'reset')
    expect(reset.data).toEqual({ newer_token: reset.id })
    await server.say('ada', 'four')
    await until('four', () => textsOf(stale).includes('four'))
  })

  it('sends comments while nothing happens', async () => {
    const server = await start({ streams: { ...QUICK, heartbeatMs: 20 } })
    const client = await server.stream('reader')
    await until('two comments', () => client.others.filter((line) => line.startsWith(':')).length >= 2)
    expect(client.events).toHaveLength(1)
  })

  it('refuses as any other request does, before it begins', async () => {
    const server = await start({ streams: { ...QUICK, perUserMax: 1, max: 2 } })
    const cases = [
      ['nobody', {}, 404, 'user_not_found'],
      ['reader', { lastEventId: 'nonsense' }, 400, 'invalid_cursor', 'header/last-event-id'],
      ['reader', { query: '?newer=nonsense' }, 400, 'invalid_cursor', 'query/newer'],
      ['reader', { query: '?nwer=x' }, 400, 'invalid_input', 'query/nwer'],
    ] as const
    for (const [userId, options, status, code, pointer] of cases) {
      const path = `/v1/users/${userId}/timeline/stream${'query' in options ? options.query : ''}`
      const headers = 'lastEventId' in options ? { 'last-event-id': options.lastEventId } : {}
      const answer = await server.call('GET', path, undefined, headers)
      expect([answer.status, answer.body.code, answer.body.errors?.[0].pointer]).toEqual([status, code, pointer])
    }
    const without = await server.call('GET', '/v1/users/reader/timeline/stream', undefined, { authorization: '' })
    expect(without.status).toBe(401)
    expect((await server.call('HEAD', '/v1/users/reader/timeline/stream')).status).toBe(404)

    const [open] = [await server.stream('reader'), await server.stream('ada')]
    const again = await server.call('GET', '/v1/users/reader/timeline/stream')
    expect([again.status, again.body.code, again.body.limit]).toEqual([503, 'overloaded', undefined])
    open!.close()
    await until('one place is free', async () => (await server.openStreams()) === 1)
    const second = await server.call('GET', '/v1/users/ada/timeline/stream')
    expect([second.status, second.body.code, second.body.limit]).toEqual([429, 'too_many_streams', 1])
    expect(second.headers['retry-after']).toBe('2')
  })

  it('ends when the user is erased', async () => {
    const server = await start()
    const client = await server.stream('reader')
    await client.next('the position', ({ event }) => event === 'position')
    await server.call('DELETE', '/v1/users/reader')
    await until('the end', client.isEnded)
    expect((await server.call('GET', '/v1/users/reader/timeline/stream')).status).toBe(404)
  })

  it('cuts a client off that does not read, holds little for it, and lets it go on', { timeout: 120_000 }, async () => {
    const server = await start({ streams: { ...QUICK, bufferBytesMax: 64 * 1024 } })
    const { newer_token } = (await server.call('GET', '/v1/users/reader/timeline')).body
    const socket = connect({ port: Number(new URL(server.address).port), host: '127.0.0.1' })
    closing.push(async () => void socket.destroy())
    socket.on('error', () => undefined)
    socket.write(
      `GET /v1/users/reader/timeline/stream?newer=${newer_token} HTTP/1.1\r\nHost: x\r\n` +
        `Authorization: Bearer ${ADMIN_KEY}\r\n\r\n`,
    )
    await until('it is open', async () => (await server.openStreams()) === 1)
    // From now on nobody takes anything out of the socket.
    socket.pause()
    const cuts = async () => (await server.fanfold.metrics.streamsCut.get()).values[0]?.value ?? 0
    const texts: string[] = []
    await until(
      'the cut',
      async () => {
        // Far more than the buffers of both kernels hold.
        for (let n = 0; n < 25; n++) {
          const text = `${texts.length} ${'x'.repeat(4_900)}`
          texts.push(text)
          await server.say('ada', text)
        }
        await server.fanfold.caughtUp()
        return (await cuts()) > 0
      },
      100_000,
    )
    await until('it is forgotten', async () => (await server.openStreams()) === 0)
    socket.destroy()

    // Whoever reads gets everything: what a stream leaves out, it says so.
    const received = new Set<string>()
    let from: string = newer_token
    const client = await server.stream('reader', { lastEventId: from })
    await until('the last', () => textsOf(client).includes(texts.at(-1)!))
    for (const text of textsOf(client)) received.add(text)
    const gap = client.events.find(({ event }) => event === 'gap')
    for (let cursor = gap?.data.next_cursor; cursor !== undefined; ) {
      const page = (await server.call('GET', `/v1/users/reader/timeline?limit=100&cursor=${cursor}`)).body
      for (const post of page.items) received.add(post.content.text)
      cursor = page.next_cursor
    }
    from = client.events.at(-1)!.id
    expect(texts.filter((text) => !received.has(text))).toEqual([])
    expect(from).not.toBe(newer_token)
  })

  it('keeps no place for a client that went away while its key was looked up', async () => {
    const server = await start()
    const { social, metrics } = server.fanfold
    const opened = vi.spyOn(social, 'timelineStream')
    const keys = new EventEmitter()
    const authenticate = async () => {
      keys.emit('asked')
      await once(keys, 'answered')
      return { key_id: 'k', name: 'k', scopes: ['admin'], created_at: '', revoked_at: null }
    }
    const http = await createHttpApp({
      ...{ apiKeys: { authenticate } as unknown as ApiKeys, logger: createLogger('error'), metrics, rateLimit: 10 },
      routes: [timelineRoutes(social)],
    })
    closing.push(async () => void (await http.close()))
    const address = await http.listen({ host: '127.0.0.1', port: 0 })
    const isAsked = once(keys, 'asked')
    const isGone = once(http.server, 'request').then(([, response]) => once(response, 'close'))
    const client = get(`${address}/v1/users/reader/timeline/stream`, { agent: false })
    client.on('error', () => undefined)
    await isAsked
    client.destroy()
    await isGone
    keys.emit('answered')
    await until('it was opened', () => opened.mock.calls.length === 1)
    await until('it is closed', async () => (await server.openStreams()) === 0)
  })

  it('is at its end when the client is gone, whatever there is to send', async () => {
    const sent: number[] = []
    let isOver = false
    async function* numbers() {
      for (let n = 0; ; n++) {
        sent.push(n)
        yield n
      }
    }
    const stream = { ended: new AbortController().signal, [Symbol.asyncIterator]: numbers }
    const http = Fastify()
    http.get('/', async ({ raw }, reply) => {
      raw.socket.destroy()
      await once(reply.raw, 'close')
      await sendEvents(reply, stream, (n) => ({ id: String(n), event: 'number', data: n }), 1_000)
      isOver = true
    })
    closing.push(async () => void (await http.close()))
    const address = await http.listen({ host: '127.0.0.1', port: 0 })
    await expect(fetch(address)).rejects.toThrow()
    await until('it is over', () => isOver)
    expect(sent).toEqual([0])
  })

  it('serves hundreds at once, and frees everything when they leave', { timeout: 120_000 }, async () => {
    const server = await start()
    const readers = Array.from({ length: 100 }, (_, n) => `r${n}`)
    for (const id of readers) {
      await server.call('POST', '/v1/users', { user_id: id, handle: id, name: id })
      await server.call('PUT', `/v1/users/${id}/follows/ada`)
      await server.fanfold.social.rebuildTimelines({ userId: id })
    }
    const clients = await Promise.all(Array.from({ length: 500 }, (_, n) => server.stream(readers[n % 100]!)))
    expect(new Set(clients.map((client) => client.response.statusCode))).toEqual(new Set([200]))
    await until('all are open', () => clients.every((client) => client.events.length === 1))
    expect(await server.openStreams()).toBe(500)
    await server.say('ada', 'to all')
    await until('all have it', () => clients.every((client) => textsOf(client).length === 1), 60_000)
    for (const client of clients) client.close()
    await until('all are gone', async () => (await server.openStreams()) === 0)
  })

  it('ends promptly when the server is shut down, also for a client that does not read', async () => {
    const template = await copyTemplate(inject('embeddedTemplate'))
    closing.push(() => template.remove())
    const server = await startProcess(`pglite:${template.folder}`)
    await send(server.address, 'POST', '/v1/users', { user_id: 'ada', handle: 'ada', name: 'Ada' })
    const url = `${server.address}/v1/users/ada/timeline/stream`
    const client = await listen(url, { authorization: `Bearer ${SERVER_KEY}` })
    await client.next('the position', ({ event }) => event === 'position')
    await send(server.address, 'POST', '/v1/posts', { user_id: 'ada', content: { text: 'through real workers' } })
    await until('the post', () => textsOf(client).length === 1)
    const deaf = connect({ port: Number(new URL(server.address).port), host: '127.0.0.1' })
    deaf.on('error', () => undefined)
    deaf.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SERVER_KEY}\r\n\r\n`)
    await new Promise((resolve) => deaf.once('readable', resolve))
    // The command line ends itself by force, with another code, when it takes longer than shutdownMsMax.
    expect(await server.stop()).toBe(0)
    await until('the end', client.isEnded)
    deaf.destroy()
  })
})
