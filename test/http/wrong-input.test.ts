import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { startServer, type TestServer } from '../setup/http.ts'

/**
 * Goal: wrong input gets a precise problem and leaves nothing behind. Method: every write route is sent one thing that is
 * wrong at a time; the books are compared before and after.
 */
let server: TestServer
const CARD = '4000 0000 0000 0002'
const key = () => ({ 'idempotency-key': `k-${Math.random().toString(36).slice(2)}` })

const address = { line1: '1 Main St', city: 'Oslo', country: 'NO' }
const goodOrder = { customer_id: 'c1', shipping_address: address, items: [{ product_id: 'p1', quantity: 1 }] }
const goodPayment = { amount: 500, currency: 'USD', customer_id: 'c1', payment_method: { token: 'tok_ok' } }
const goodProduct = { product_id: 'p9', sku: 'S9', name: 'Nine', category: 'Toys', price: 100, currency: 'USD' }
let payment: string
let order: string

beforeAll(async () => {
  server = await startServer()
  const made = async (path: string, body: unknown) => {
    const answer = await server.call('POST', path, body, key())
    expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBe(201)
    return answer.body
  }
  await made('/v1/users', { user_id: 'ada', handle: 'ada', name: 'Ada' })
  await made('/v1/customers', { customer_id: 'c1', name: 'Carl' })
  await made('/v1/products', { ...goodProduct, product_id: 'p1', sku: 'S1', stock: 5 })
  order = (await made('/v1/orders', goodOrder)).order_id
  payment = (await made('/v1/payments', goodPayment)).payment_intent_id
})
afterAll(() => server.close())

/** Everything that a wrong request could have left. */
async function books(): Promise<unknown> {
  const of = async (path: string) => (await server.call('GET', path)).body
  return [
    await of('/v1/users/ada/posts'),
    await of('/v1/orders'),
    await of('/v1/products/p1/stock'),
    await of(`/v1/payments/${payment}`),
    await of(`/v1/payments/${payment}/events`),
    (await server.call('GET', '/v1/users/bob')).status,
    (await server.call('GET', '/v1/products/p9')).status,
  ]
}

type Case = [
  what: string,
  method: string,
  path: () => string,
  body: unknown,
  status: number,
  code: string,
  pointer?: string,
]

const post = { user_id: 'ada', content: { text: 'hi' } }
const CASES: Case[] = [
  ['malformed JSON for a post', 'POST', () => '/v1/posts', '{"user_id"', 400, 'malformed_json'],
  [
    'a post of a number',
    'POST',
    () => '/v1/posts',
    { user_id: 'ada', content: { text: 5 } },
    400,
    'invalid_input',
    '/content/text',
  ],
  ['a post without content', 'POST', () => '/v1/posts', { user_id: 'ada' }, 400, 'invalid_input', '/content'],
  [
    'a post with an unknown field',
    'POST',
    () => '/v1/posts',
    { ...post, pinned: true },
    400,
    'invalid_input',
    '/pinned',
  ],
  [
    'an over-long post',
    'POST',
    () => '/v1/posts',
    { user_id: 'ada', content: { text: 'x'.repeat(LIMITS.postTextCharsMax + 1) } },
    400,
    'invalid_input',
    '/content/text',
  ],
  ['a post of nobody', 'POST', () => '/v1/posts', { ...post, user_id: 'nobody' }, 404, 'user_not_found'],
  [
    'a card number in a post',
    'POST',
    () => '/v1/posts',
    { user_id: 'ada', content: { text: `mine is ${CARD}` } },
    422,
    'card_number_refused',
    '/content/text',
  ],
  [
    'media that is no URL',
    'POST',
    () => '/v1/posts',
    { user_id: 'ada', content: { media: [{ url: 'cat', type: 'image' }] } },
    400,
    'invalid_input',
    '/content/media/0/url',
  ],
  [
    'a handle with spaces',
    'POST',
    () => '/v1/users',
    { user_id: 'bob', handle: 'b o b', name: 'Bob' },
    400,
    'invalid_input',
    '/handle',
  ],
  ['a taken handle', 'POST', () => '/v1/users', { user_id: 'bob', handle: 'ada', name: 'Bob' }, 409, 'already_exists'],
  ['following oneself', 'PUT', () => '/v1/users/ada/follows/ada', undefined, 422, 'self_reference'],
  ['following nobody', 'PUT', () => '/v1/users/ada/follows/nobody', undefined, 404, 'user_not_found'],
  ['liking a post that is none', 'PUT', () => '/v1/posts/123/likes/ada', undefined, 404, 'post_not_found'],
  ['a post id that is none', 'GET', () => '/v1/posts/abc', undefined, 404, 'post_not_found'],
  ['a negative price', 'POST', () => '/v1/products', { ...goodProduct, price: -1 }, 400, 'invalid_input', '/price'],
  ['a fractional price', 'POST', () => '/v1/products', { ...goodProduct, price: 1.5 }, 400, 'invalid_input', '/price'],
  ['a huge price', 'POST', () => '/v1/products', { ...goodProduct, price: 1e300 }, 400, 'invalid_input', '/price'],
  ['a price as text', 'POST', () => '/v1/products', { ...goodProduct, price: '100' }, 400, 'invalid_input', '/price'],
  [
    'an unknown currency',
    'POST',
    () => '/v1/products',
    { ...goodProduct, currency: 'XXX' },
    400,
    'unknown_currency',
    '/currency',
  ],
  ['a product that exists', 'POST', () => '/v1/products', { ...goodProduct, product_id: 'p1' }, 409, 'already_exists'],
  ['negative stock', 'PUT', () => '/v1/products/p1/stock', { on_hand: -1 }, 400, 'invalid_input', '/on_hand'],
  ['an order of nothing', 'POST', () => '/v1/orders', { ...goodOrder, items: [] }, 400, 'invalid_input', '/items'],
  [
    'an order of zero pieces',
    'POST',
    () => '/v1/orders',
    { ...goodOrder, items: [{ product_id: 'p1', quantity: 0 }] },
    400,
    'invalid_input',
    '/items/0/quantity',
  ],
  [
    'an order of half a piece',
    'POST',
    () => '/v1/orders',
    { ...goodOrder, items: [{ product_id: 'p1', quantity: 0.5 }] },
    400,
    'invalid_input',
    '/items/0/quantity',
  ],
  [
    'an order of too many',
    'POST',
    () => '/v1/orders',
    { ...goodOrder, items: [{ product_id: 'p1', quantity: 6 }] },
    422,
    'insufficient_stock',
  ],
  [
    'an order of an unknown product',
    'POST',
    () => '/v1/orders',
    { ...goodOrder, items: [{ product_id: 'nope', quantity: 1 }] },
    404,
    'product_not_found',
  ],
  [
    'an order of nobody',
    'POST',
    () => '/v1/orders',
    { ...goodOrder, customer_id: 'nobody' },
    404,
    'customer_not_found',
  ],
  [
    'an order without an address',
    'POST',
    () => '/v1/orders',
    { customer_id: 'c1', items: goodOrder.items },
    400,
    'invalid_input',
  ],
  ['an order at another total', 'POST', () => '/v1/orders', { ...goodOrder, expected_total: 1 }, 409, 'price_changed'],
  [
    'a card number in an address',
    'POST',
    () => '/v1/orders',
    { ...goodOrder, shipping_address: { ...address, line2: CARD } },
    422,
    'card_number_refused',
    '/shipping_address/line2',
  ],
  ['shipping an unpaid order', 'POST', () => `/v1/orders/${order}/ship`, {}, 422, 'illegal_transition'],
  ['shipping an unknown order', 'POST', () => '/v1/orders/77/ship', {}, 404, 'order_not_found'],
  [
    'a negative payment',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, amount: -500 },
    400,
    'invalid_input',
    '/amount',
  ],
  [
    'a fractional payment',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, amount: 5.5 },
    400,
    'invalid_input',
    '/amount',
  ],
  [
    'a huge payment',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, amount: Number.MAX_SAFE_INTEGER },
    400,
    'invalid_input',
    '/amount',
  ],
  [
    'a payment in an unknown currency',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, currency: 'XTS' },
    400,
    'unknown_currency',
    '/currency',
  ],
  [
    'a card number as a token',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, payment_method: { token: '4242424242424242' } },
    422,
    'card_number_refused',
    '/payment_method/token',
  ],
  [
    'a card number as an amount',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, amount: 4_242_424_242_424_242 },
    422,
    'card_number_refused',
    '/amount',
  ],
  [
    'a payment for an unknown order',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, order_id: '12345' },
    404,
    'order_not_found',
  ],
  [
    'a payment that its order does not cost',
    'POST',
    () => '/v1/payments',
    () => ({ ...goodPayment, amount: 99, order_id: order }),
    422,
    'order_amount_mismatch',
  ],
  [
    'capturing what was not authorized',
    'POST',
    () => `/v1/payments/${payment}/capture`,
    { amount: 1 },
    422,
    'illegal_payment_state',
  ],
  ['refunding what was not captured', 'POST', () => `/v1/payments/${payment}/refund`, {}, 422, 'illegal_payment_state'],
  ['an unknown payment', 'POST', () => '/v1/payments/pi_nothing/capture', {}, 404, 'payment_not_found'],
  [
    'an unknown processor',
    'POST',
    () => '/v1/payments',
    { ...goodPayment, processor: 'nobody' },
    404,
    'processor_not_found',
  ],
]

describe('wrong input', () => {
  it.each(CASES)('%s', async (_what, method, path, body, status, code, pointer) => {
    const before = await books()
    const answer = await server.call(method, path(), typeof body === 'function' ? body() : body, key())
    expect([answer.status, answer.body.code], JSON.stringify(answer.body)).toEqual([status, code])
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body.detail.length).toBeGreaterThan(10)
    if (pointer !== undefined) expect(answer.body.errors.map((e: { pointer: string }) => e.pointer)).toContain(pointer)
    expect(JSON.stringify(answer.body)).not.toContain('0002')
    expect(await books()).toEqual(before)
  })

  it.each([
    ['POST', '/v1/orders', goodOrder],
    ['POST', '/v1/payments', goodPayment],
  ])('%s %s without an Idempotency-Key is refused', async (method, path, body) => {
    const answer = await server.call(method, path, body)
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_required'])
  })

  it('refuses a key that was used for something else, and answers the first again', async () => {
    const headers = key()
    const first = await server.call('POST', '/v1/payments', goodPayment, headers)
    const again = await server.call('POST', '/v1/payments', goodPayment, headers)
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(again.headers['idempotent-replayed']).toBe('true')
    const other = await server.call('POST', '/v1/payments', { ...goodPayment, amount: 501 }, headers)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
  })

  it('does not burn the key of a refused order', async () => {
    const headers = key()
    const tooMany = { ...goodOrder, items: [{ product_id: 'p1', quantity: 5 }] }
    expect((await server.call('POST', '/v1/orders', tooMany, headers)).body.code).toBe('insufficient_stock')
    await server.call('PUT', '/v1/products/p1/stock', { on_hand: 20 })
    expect((await server.call('POST', '/v1/orders', tooMany, headers)).status).toBe(201)
  })

  it.each([
    ['/v1/orders?limit=0', 'query/limit'],
    ['/v1/orders?limit=x', 'query/limit'],
    ['/v1/users/ada/timeline?cursor=rubbish', 'query/cursor'],
    ['/v1/reports/sales?from=2026-13-01', 'query/from'],
    ['/v1/reports/sales?group_by=colour', 'query/group_by'],
  ])('GET %s names the wrong parameter', async (url, pointer) => {
    const answer = await server.call('GET', url)
    expect(answer.status).toBe(400)
    expect(answer.body.errors.map((e: { pointer: string }) => e.pointer)).toContain(pointer)
  })

  it('refuses a cursor of another list', async () => {
    await server.call('POST', '/v1/users', { user_id: 'zoe', handle: 'zoe', name: 'Zoe' })
    for (let i = 0; i < 2; i++) await server.call('POST', '/v1/posts', { user_id: 'zoe', content: { text: `${i}` } })
    const page = await server.call('GET', '/v1/users/zoe/posts?limit=1')
    expect(page.body.next_cursor).toBeDefined()
    const answer = await server.call('GET', `/v1/users/ada/posts?cursor=${page.body.next_cursor}`)
    expect(answer.body.code).toBe('invalid_cursor')
  })
})
