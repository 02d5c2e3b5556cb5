import { afterEach, describe, expect, inject, it } from 'vitest'
import {
  type ConnectionEvent,
  createClient,
  type FanfoldClient,
  isProblem,
  type StreamOptions,
  type TimelineEvent,
} from '../../src/client/index.ts'
import { until } from '../../src/testing/until.ts'
import { ADMIN_KEY, startServer, type TestServer } from '../setup/http.ts'
import { SERVER_KEY, startProcess } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'
import { type MishapProxy, startProxy } from './proxy.ts'

const QUICK = { lookMs: 5, fullLookMs: 50 }

let closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})

type StreamEvent = TimelineEvent | ConnectionEvent

interface Listener {
  readonly events: StreamEvent[]
  readonly texts: () => (string | undefined)[]
  readonly states: () => string[]
  /** What the stream threw; `undefined` when it ended by itself. */
  readonly ended: Promise<unknown>
  stop(): void
}

function listen(fanfold: FanfoldClient, userId: string, options: StreamOptions = {}): Listener {
  const leave = new AbortController()
  const events: StreamEvent[] = []
  async function read(): Promise<void> {
    const stream = fanfold.timelineStream(userId, { signal: leave.signal, ...options })
    for await (const event of stream) events.push(event)
  }
  const ended = read().catch((error: unknown) => error)
  closing.push(async () => {
    leave.abort()
    await ended
  })
  return {
    events,
    texts: () => events.flatMap((event) => (event.type === 'post' ? [event.post.content.text] : [])),
    states: () => events.map(({ type }) => type).filter((type) => type === 'open' || type === 'waiting'),
    ended,
    stop: () => leave.abort(),
  }
}

interface World {
  readonly server: TestServer
  readonly proxy: MishapProxy
  readonly fanfold: FanfoldClient
  say(text: string): Promise<string>
}

async function start(): Promise<World> {
  const server = await startServer({ streams: QUICK })
  closing.push(() => server.close())
  const proxy = await startProxy(await server.http.listen({ host: '127.0.0.1', port: 0 }))
  closing.push(() => proxy.close())
  const fanfold = createClient({ baseUrl: proxy.address, apiKey: ADMIN_KEY })
  for (const user_id of ['reader', 'ada']) {
    await fanfold.post('/v1/users', { body: { user_id, handle: user_id, name: user_id } })
    await server.fanfold.social.rebuildTimelines({ userId: user_id })
  }
  await fanfold.put('/v1/users/{user_id}/follows/{followee_id}', {
    params: { path: { user_id: 'reader', followee_id: 'ada' } },
  })
  const say = async (text: string) =>
    (await fanfold.post('/v1/posts', { body: { user_id: 'ada', content: { text } } })).post_id
  return { server, proxy, fanfold, say }
}

describe('the stream of a timeline', () => {
  it('says that it is open and where it begins, then what comes, and ends with its signal', async () => {
    const { fanfold, say } = await start()
    const listener = listen(fanfold, 'reader')
    await until('it is open', () => listener.events.length === 2)
    expect(listener.events).toEqual([{ type: 'open' }, { type: 'position', newer_token: expect.any(String) }])
    const post_id = await say('live')
    await until('the post', () => listener.texts().length > 0)
    expect(listener.events[2]).toMatchObject({
      type: 'post',
      newer_token: expect.stringMatching(/./),
      post: { post_id, user_id: 'ada', content: { text: 'live' } },
    })
    listener.stop()
    expect(await listener.ended).toBeUndefined()
  })

  it('goes on behind the last event after a cut, without loss or repeat, and says that it waits', async () => {
    const { server, proxy, fanfold, say } = await start()
    const listener = listen(fanfold, 'reader')
    await until('it is open', () => listener.events.length === 2)
    await say('one')
    await until('one', () => listener.texts().includes('one'))
    proxy.plan({ status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' })
    proxy.cut()
    await until('it waits', () => listener.states().includes('waiting'))
    // Past the proxy, so that nothing but the stream meets the planned mishap.
    await server.call('POST', '/v1/posts', { user_id: 'ada', content: { text: 'two' } })
    await server.fanfold.caughtUp()
    await until('two', () => listener.texts().includes('two'))
    expect(listener.texts()).toEqual(['one', 'two'])
    expect(listener.states()).toEqual(['open', 'waiting', 'waiting', 'open'])
    const waits = listener.events.filter((event) => event.type === 'waiting')
    expect(waits.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(waits.map(({ error }) => error.code)).toEqual(['unreachable', 'unexpected_answer'])
  })

  it('begins behind a token, tells of gaps and of tokens that say nothing any more', async () => {
    const { server, fanfold, say } = await start()
    const { newer_token } = await fanfold.get('/v1/users/{user_id}/timeline', {
      params: { path: { user_id: 'reader' } },
    })
    await say('missed')
    await server.fanfold.caughtUp()
    const behind = listen(fanfold, 'reader', { newer: newer_token })
    await until('missed', () => behind.texts().includes('missed'))
    await server.fanfold.social.rebuildTimelines({ userId: 'reader' })
    const stale = listen(fanfold, 'reader', { newer: newer_token })
    await until('a reset', () => stale.events.some(({ type }) => type === 'reset'))
    expect(stale.events).toContainEqual({ type: 'reset', newer_token: expect.any(String) })
  })

  it('throws what trying again does not mend, and what happens too often', async () => {
    const { proxy, fanfold } = await start()
    expect(isProblem(await listen(fanfold, 'nobody').ended, 'user_not_found')).toBe(true)
    const stranger = createClient({ baseUrl: proxy.address, apiKey: 'stranger' })
    expect(isProblem(await listen(stranger, 'reader').ended, 'unauthenticated')).toBe(true)
    const away = await startProxy(proxy.address)
    await away.close()
    const listener = listen(createClient({ baseUrl: away.address }), 'reader', { retries: 1 })
    expect(await listener.ended).toMatchObject({ name: 'ConnectionError', code: 'unreachable' })
    expect(listener.states()).toEqual(['waiting'])
  })

  it('is closed at the server when its reader leaves the loop', async () => {
    const { server, fanfold } = await start()
    const open = async () => (await server.fanfold.metrics.streams.get()).values[0]!.value
    for await (const event of fanfold.timelineStream('reader')) if (event.type === 'position') break
    await until('nobody listens', async () => (await open()) === 0)
  })

  it('goes on when the server was killed, with what was published meanwhile', { timeout: 180_000 }, async () => {
    const { folder, remove } = await copyTemplate(inject('embeddedTemplate'))
    closing.push(remove)
    const first = await startProcess(`pglite:${folder}`)
    closing.push(() => first.kill())
    const proxy = await startProxy(first.address)
    closing.push(() => proxy.close())
    const fanfold = createClient({ baseUrl: proxy.address, apiKey: SERVER_KEY })
    for (const user_id of ['reader', 'ada'])
      await fanfold.post('/v1/users', { body: { user_id, handle: user_id, name: user_id } })
    const params = { path: { user_id: 'reader', followee_id: 'ada' } }
    await fanfold.put('/v1/users/{user_id}/follows/{followee_id}', { params })
    const say = (text: string) => fanfold.post('/v1/posts', { body: { user_id: 'ada', content: { text } } })
    const listener = listen(fanfold, 'reader')
    await until('it is open', () => listener.events.length >= 2)
    await say('before')
    await until('before', () => listener.texts().includes('before'))
    await first.kill()
    await until('it waits', () => listener.states().includes('waiting'))
    const second = await startProcess(`pglite:${folder}`)
    closing.push(() => second.stop())
    const direct = createClient({ baseUrl: second.address, apiKey: SERVER_KEY })
    await direct.post('/v1/posts', { body: { user_id: 'ada', content: { text: 'meanwhile' } } })
    proxy.turnTo(second.address)
    // The longer the server was away, the longer the stream waits before it asks again.
    await until('meanwhile', () => listener.texts().includes('meanwhile'), 90_000)
    await say('after')
    await until('after', () => listener.texts().includes('after'))
    expect([...new Set(listener.texts())]).toEqual(['before', 'meanwhile', 'after'])
    expect(listener.states().at(-1)).toBe('open')
  })
})
