import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, type FanfoldClient, isProblem, newIdempotencyKey } from '../../src/client/index.ts'
import { ADMIN_KEY, startServer, type TestServer } from '../setup/http.ts'
import { type MishapProxy, startProxy } from './proxy.ts'

let server: TestServer
let proxy: MishapProxy
let fanfold: FanfoldClient

beforeAll(async () => {
  server = await startServer()
  proxy = await startProxy(await server.http.listen({ host: '127.0.0.1', port: 0 }))
  fanfold = createClient({ baseUrl: `${proxy.address}/`, apiKey: ADMIN_KEY })
  for (const user_id of ['ada', 'bob'])
    await fanfold.post('/v1/users', { body: { user_id, handle: user_id, name: user_id } })
})
afterAll(async () => {
  await proxy.close()
  await server.close()
})

/** What a program in JavaScript may do. */
type Loose = (path: string, options: object) => Promise<unknown>

const publish = (text: string) => fanfold.post('/v1/posts', { body: { user_id: 'ada', content: { text } } })

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('a call', () => {
  it('answers the body, or with what stands beside it, and nothing for a 204', async () => {
    const post = await publish('hello')
    const params = { path: { post_id: post.post_id } }
    const read = await fanfold.request('get', '/v1/posts/{post_id}', { params })
    expect(read).toMatchObject({ status: 200, etag: 'W/"1"', isReplay: false, body: { content: { text: 'hello' } } })
    expect(read.headers.get('x-request-id')).toBeTruthy()
    const like = { path: { post_id: post.post_id, user_id: 'bob' } }
    expect(await fanfold.put('/v1/posts/{post_id}/likes/{user_id}', { params: like })).toBeUndefined()
    expect(await fanfold.get('/metrics')).toContain('# TYPE')
  })

  it('with If-Match does nothing when somebody else was faster', async () => {
    const { post_id } = await publish('first')
    const params = { path: { post_id } }
    const edit = (text: string) =>
      fanfold.patch('/v1/posts/{post_id}', { params, body: { content: { text } }, ifMatch: 'W/"1"' })
    expect(await edit('second')).toMatchObject({ version: 2 })
    await expect(edit('third')).rejects.toMatchObject({ status: 412, code: 'version_mismatch' })
    expect(await fanfold.get('/v1/posts/{post_id}', { params })).toMatchObject({ content: { text: 'second' } })
  })

  it('escapes what stands in a path', async () => {
    const error = await fanfold
      .get('/v1/users/{user_id}', { params: { path: { user_id: 'a/../b?c' } } })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_input', fields: [{ pointer: 'params/user_id' }] })
  })

  it('with a header that the server would not heed is refused before it is sent', async () => {
    const before = proxy.requests.length
    const loose = fanfold.put as unknown as Loose
    const params = { path: { user_id: 'ada', followee_id: 'bob' } }
    const path = '/v1/users/{user_id}/follows/{followee_id}'
    await expect(loose(path, { params, idempotencyKey: 'k' })).rejects.toThrow(`PUT ${path} takes no idempotency key`)
    await expect(loose(path, { params, ifMatch: 'W/"1"' })).rejects.toThrow(`PUT ${path} takes no If-Match`)
    expect(proxy.requests.length).toBe(before)
  })
})

describe('a refusal', () => {
  it('is a typed problem with all that the server said', async () => {
    const product = { sku: 'S', name: 'N', category: 'C', price: 1, currency: 'EUR', product_id: 'p', stock: 2 }
    await fanfold.post('/v1/products', { body: product })
    await fanfold.post('/v1/customers', { body: { customer_id: 'ada', name: 'Ada' } })
    const shipping_address = { line1: 'x', city: 'x', country: 'DE' }
    const body = { customer_id: 'ada', shipping_address, items: [{ product_id: 'p', quantity: 3 }] }
    const error = await fanfold.post('/v1/orders', { body, idempotencyKey: 'o' }).catch((thrown: unknown) => thrown)
    if (!isProblem(error, 'insufficient_stock')) throw error
    expect(error).toMatchObject({
      status: 422,
      code: 'insufficient_stock',
      title: 'A product has less stock than ordered',
      requestId: error.problem.instance,
      idempotencyKey: 'o',
      problem: { available: 2 },
    })
    expect(error.message).toContain(`POST ${proxy.address}/v1/orders: ${error.detail}`)
    expect(isProblem(error, 'order_not_found')).toBe(false)
    expect(isProblem(error)).toBe(true)
    expect(isProblem(Object.assign(new Error('x'), { code: 'insufficient_stock' }), 'insufficient_stock')).toBe(false)
  })

  it('names every wrong field', async () => {
    const loose = fanfold.post as unknown as Loose
    const error = await loose('/v1/users', { body: { handle: 'no spaces' } }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'invalid_input',
      fields: expect.arrayContaining([{ pointer: '/name', detail: 'is required' }]),
    })
  })

  it('of a wrong key is unauthenticated, and a key that can be none is refused here', async () => {
    const stranger = createClient({ baseUrl: proxy.address, apiKey: 'nobody' })
    await expect(stranger.get('/v1/orders')).rejects.toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(() => createClient({ baseUrl: proxy.address, apiKey: 'pasted\n' })).toThrow(TypeError)
    expect(() => createClient({ baseUrl: 'localhost:8080' })).toThrow(TypeError)
  })
})

describe('a list', () => {
  it('is walked to its end over its cursors, each item once', async () => {
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push((await publish(`post ${i}`)).post_id)
    const before = proxy.requests.length
    const params = { path: { user_id: 'ada' }, query: { limit: 2 } }
    const walked = await collect(fanfold.list('/v1/users/{user_id}/posts', { params }))
    expect(walked.slice(0, 5).map(({ post_id }) => post_id)).toEqual(ids.toReversed())
    expect(new Set(walked.map(({ post_id }) => post_id)).size).toBe(walked.length)
    expect(proxy.requests.length - before).toBe(Math.ceil(walked.length / 2))
    const pages = await collect(fanfold.pages('/v1/users/{user_id}/posts', { params }))
    expect(pages.flatMap(({ items }) => items)).toEqual(walked)
    expect(pages.map(({ next_cursor }) => next_cursor === undefined)).toEqual([
      ...pages.slice(1).map(() => false),
      true,
    ])
  })

  it('asks for no more than is wanted, and not before it is', async () => {
    const urls = (from: number) => proxy.requests.slice(from).map(({ url }) => new URL(url, 'http://x').searchParams)
    let before = proxy.requests.length
    const path = { user_id: 'ada' }
    const three = fanfold.list('/v1/users/{user_id}/posts', { params: { path, query: { limit: 2 } }, max: 3 })
    expect(await collect(three)).toHaveLength(3)
    expect(urls(before).map((query) => query.get('limit'))).toEqual(['2', '1'])
    before = proxy.requests.length
    expect(await collect(fanfold.list('/v1/users/{user_id}/posts', { params: { path }, max: 0 }))).toEqual([])
    for await (const post of fanfold.list('/v1/users/{user_id}/posts', { params: { path, query: { limit: 1 } } })) {
      expect(post.user_id).toBe('ada')
      break
    }
    expect(urls(before)).toHaveLength(1)
  })
})

describe('an idempotency key', () => {
  it('is made without randomUUID too, which pages that came over plain http do not have', () => {
    const { crypto } = globalThis
    const bare = { getRandomValues: crypto.getRandomValues.bind(crypto) }
    Object.defineProperty(globalThis, 'crypto', { value: bare, configurable: true })
    try {
      const keys = Array.from({ length: 100 }, newIdempotencyKey)
      expect(new Set(keys).size).toBe(100)
      for (const key of keys)
        expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true })
    }
  })
})
