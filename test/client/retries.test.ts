import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ConnectionError,
  createClient,
  type FanfoldClient,
  isConnectionError,
  isProblem,
} from '../../src/client/index.ts'
import { ADMIN_KEY, startServer, type TestServer } from '../setup/http.ts'
import { type MishapProxy, startProxy } from './proxy.ts'

const HTML = { 'content-type': 'text/html' }
const PROBLEM = { 'content-type': 'application/problem+json' }

let server: TestServer
let proxy: MishapProxy
let fanfold: FanfoldClient
let customers = 0

beforeAll(async () => {
  server = await startServer()
  proxy = await startProxy(await server.http.listen({ host: '127.0.0.1', port: 0 }))
  const product = {
    product_id: 'camera',
    sku: 'CAM',
    name: 'Camera',
    category: 'Electronics',
    price: 100,
    currency: 'EUR',
  }
  await server.call('POST', '/v1/products', { ...product, stock: 1_000 }, { 'idempotency-key': 'camera' })
})
beforeEach(() => {
  fanfold = createClient({ baseUrl: proxy.address, apiKey: ADMIN_KEY, timeoutMs: 10_000 })
})
afterEach(() => proxy.plan())
afterAll(async () => {
  await proxy.close()
  await server.close()
})

/** A customer of a test's own, so that his orders can be counted. */
async function newCustomer(): Promise<string> {
  customers += 1
  await fanfold.post('/v1/customers', { body: { customer_id: `c${customers}`, name: 'Ada' } })
  return `c${customers}`
}
const orderOf = (customer_id: string) => ({
  customer_id,
  shipping_address: { line1: '1 Main Street', city: 'Berlin', country: 'DE' },
  items: [{ product_id: 'camera', quantity: 1 }],
})
const keysOf = (from: number) => proxy.requests.slice(from).map(({ headers }) => headers['idempotency-key'])
const ordersOf = async (customer_id: string) =>
  (await server.call('GET', `/v1/orders?customer_id=${customer_id}`)).body.items.length

/** What `work` throws. */
async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => error,
  )
}

describe('a request that is tried again', () => {
  it('bears one key in all its tries, and is carried out once though its answers were lost', async () => {
    const customer = await newCustomer()
    const before = proxy.requests.length
    proxy.plan('answer-lost', 'answer-cut', { status: 502, headers: HTML, body: '<h1>Bad gateway</h1>' })
    const answer = await fanfold.request('post', '/v1/orders', { body: orderOf(customer) })
    const keys = keysOf(before)
    expect(keys).toHaveLength(4)
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(keys).size).toBe(1)
    expect(answer).toMatchObject({ status: 201, isReplay: true, body: { status: 'PENDING', customer_id: customer } })
    expect(await ordersOf(customer)).toBe(1)
  })

  it('bears the key of the caller where there is one, also by the raw client, and another key is another order', async () => {
    const customer = await newCustomer()
    const before = proxy.requests.length
    proxy.plan('answer-lost')
    const first = await fanfold.post('/v1/orders', { body: orderOf(customer), idempotencyKey: 'basket-1' })
    expect(keysOf(before)).toEqual(['basket-1', 'basket-1'])
    expect(await fanfold.post('/v1/orders', { body: orderOf(customer), idempotencyKey: 'basket-1' })).toEqual(first)
    proxy.plan('answer-lost')
    const raw = await fanfold.raw.POST('/v1/orders', {
      body: orderOf(customer),
      params: { header: { 'idempotency-key': 'basket-1' } },
    })
    expect(raw.data).toEqual(first)
    const other = await fanfold.post('/v1/orders', { body: orderOf(customer) })
    expect(other.order_id).not.toBe(first.order_id)
    expect(await ordersOf(customer)).toBe(2)
  })

  it('is tried again while its key is in use, and as Retry-After says when there were too many', async () => {
    const before = proxy.requests.length
    const problem = { type: 'urn:x', title: 'x', detail: 'x', instance: 'x' }
    proxy.plan(
      {
        status: 409,
        headers: PROBLEM,
        body: JSON.stringify({ ...problem, status: 409, code: 'idempotency_key_in_use' }),
      },
      {
        status: 429,
        headers: { ...PROBLEM, 'retry-after': '0' },
        body: JSON.stringify({ ...problem, status: 429, code: 'rate_limited' }),
      },
    )
    await newCustomer()
    expect(new Set(keysOf(before)).size).toBe(1)
    expect(keysOf(before)).toHaveLength(3)
  })

  it('whose key is in use asks again soon, and the last time when another run may take its place', async () => {
    const inUse = (retryAfter: string) => ({
      status: 409,
      headers: { ...PROBLEM, 'retry-after': retryAfter },
      body: JSON.stringify({ status: 409, code: 'idempotency_key_in_use', detail: 'x' }),
    })
    async function secondsOf(retries: number): Promise<number> {
      const started = performance.now()
      await fanfold.post('/v1/customers', { body: { name: 'Ada' }, retries })
      return (performance.now() - started) / 1_000
    }
    proxy.plan(inUse('30'), inUse('1'))
    const took = await secondsOf(2)
    expect(took).toBeGreaterThanOrEqual(1)
    expect(took).toBeLessThan(20)
    // Longer than a client waits: it goes on as before, and the caller is told when to come back.
    proxy.plan(inUse('3600'), inUse('3600'))
    const body = { name: 'Ada' }
    expect(await thrownBy(fanfold.post('/v1/customers', { body, retries: 1 }))).toMatchObject({
      code: 'idempotency_key_in_use',
      retryAfterMs: 3_600_000,
    })
  })

  it('is not tried again where it was refused, or nothing makes that safe', async () => {
    const before = proxy.requests.length
    const refused = await thrownBy(fanfold.get('/v1/orders/{order_id}', { params: { path: { order_id: '1' } } }))
    expect(isProblem(refused, 'order_not_found')).toBe(true)
    expect(proxy.requests.length - before).toBe(1)
    proxy.plan('answer-lost')
    const lost = await thrownBy(fanfold.post('/v1/keys', { body: { name: 'till', scopes: ['orders'] } }))
    expect(lost).toMatchObject({ code: 'unreachable', idempotencyKey: undefined })
    expect(proxy.requests.length - before).toBe(2)
    // What was refused with 429 was not carried out, whatever it is.
    proxy.plan({ status: 429, headers: { 'retry-after': '0' } })
    await fanfold.post('/v1/keys', { body: { name: 'till 2', scopes: ['orders'] } })
    expect(proxy.requests.length - before).toBe(4)
  })

  it('that waits longer than a client will is told when to come back', async () => {
    const before = proxy.requests.length
    const body = JSON.stringify({
      status: 429,
      code: 'rate_limited',
      title: 'x',
      detail: 'x',
      type: 'x',
      instance: 'x',
    })
    proxy.plan({ status: 429, headers: { ...PROBLEM, 'retry-after': '3600' }, body })
    expect(await thrownBy(fanfold.get('/v1/orders'))).toMatchObject({ code: 'rate_limited', retryAfterMs: 3_600_000 })
    expect(proxy.requests.length - before).toBe(1)
  })
})

describe('a request without an answer', () => {
  it('is a time-out in the end, and names the key with which it can be repeated', async () => {
    const customer = await newCustomer()
    const before = proxy.requests.length
    proxy.plan('silence', 'silence')
    const error = await thrownBy(fanfold.post('/v1/orders', { body: orderOf(customer), timeoutMs: 100, retries: 1 }))
    expect(isConnectionError(error)).toBe(true)
    expect(keysOf(before)).toHaveLength(2)
    const { idempotencyKey } = error as ConnectionError
    expect(error).toMatchObject({ code: 'timeout', idempotencyKey: keysOf(before)[0] })
    await fanfold.post('/v1/orders', { body: orderOf(customer), idempotencyKey })
    expect(await ordersOf(customer)).toBe(1)
  })

  it('ends with the signal, whose reason is thrown, also while it waits for its next try', async () => {
    const reason = new Error('the page was left')
    const now = new AbortController()
    proxy.plan('silence')
    const waiting = thrownBy(fanfold.get('/v1/orders', { signal: now.signal }))
    now.abort(reason)
    expect(await waiting).toBe(reason)
    expect(await thrownBy(fanfold.get('/v1/orders', { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const later = new AbortController()
    const before = proxy.requests.length
    proxy.plan({ status: 503, headers: { 'retry-after': '50' } })
    const held = thrownBy(fanfold.get('/v1/orders', { signal: later.signal }))
    await expect.poll(() => proxy.requests.length).toBe(before + 1)
    later.abort(reason)
    expect(await held).toBe(reason)
  })

  it('is unreachable when nobody listens', async () => {
    const nobody = await startProxy(proxy.address)
    await nobody.close()
    const client = createClient({ baseUrl: nobody.address, apiKey: ADMIN_KEY, retries: 1 })
    const error = await thrownBy(client.get('/v1/orders'))
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') })
  })
})

describe('an answer that is none of Fanfold', () => {
  it('is told in clear words, with how it begins', async () => {
    proxy.plan({ status: 404, headers: HTML, body: '<h1>Nothing here</h1>' })
    expect(await thrownBy(fanfold.get('/v1/orders'))).toMatchObject({
      code: 'unexpected_answer',
      status: 404,
      body: '<h1>Nothing here</h1>',
      message: expect.stringMatching(/GET http.*\/v1\/orders: answered 404 .*base URL.*<h1>Nothing here/),
    })
    proxy.plan({ status: 200, headers: HTML, body: '<h1>Welcome</h1>' })
    expect(await thrownBy(fanfold.get('/v1/orders'))).toMatchObject({ code: 'unexpected_answer', status: 200 })
    proxy.plan({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"items":[' })
    expect(await thrownBy(fanfold.get('/v1/orders'))).toMatchObject({ code: 'unexpected_answer', status: 200 })
  })
})
