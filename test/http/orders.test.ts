import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

const CAMERA = {
  product_id: 'camera',
  sku: 'CAM-1',
  name: 'Camera',
  category: 'Electronics',
  price: 1_000,
  currency: 'USD',
  stock: 20,
}
const HOME = { line1: '1 Main Street', city: 'New York', region: 'NY', country: 'US' }

describe('orders over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
    expect(await server.call('POST', '/v1/products', CAMERA)).toMatchObject({ status: 201, body: { version: 1 } })
    expect(await server.call('POST', '/v1/customers', { customer_id: 'ada', name: 'Ada' })).toMatchObject({
      status: 201,
    })
  })
  afterAll(() => server.close())

  let keys = 0
  const send = (method: string, url: string, body?: unknown, headers: Record<string, string> = {}) =>
    server.call(method, url, body, { 'idempotency-key': `orders-${keys++}`, ...headers })
  const order = (more = {}) => ({
    customer_id: 'ada',
    shipping_address: HOME,
    items: [{ product_id: 'camera', quantity: 2 }],
    ...more,
  })

  it('places, reads and lists an order', async () => {
    const placed = await send('POST', '/v1/orders', order(), { 'idempotency-key': '"first"' })
    expect(placed).toMatchObject({
      status: 201,
      headers: { etag: 'W/"1"' },
      body: { status: 'PENDING', total_price: 2_000 },
    })
    const again = await send('POST', '/v1/orders', order(), { 'idempotency-key': 'first' })
    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } })
    expect(again.body).toEqual(placed.body)
    const url = `/v1/orders/${placed.body.order_id}`
    const { actions: _actions, ...read } = (await server.call('GET', url)).body
    expect(read).toEqual(placed.body)
    expect((await server.call('GET', `${url}?as_of=1`)).body).toEqual(placed.body)
    expect((await server.call('GET', '/v1/orders?customer_id=ada&status=PENDING&limit=1')).body.items).toEqual([
      placed.body,
    ])
    const { body } = await server.call('GET', `${url}/history`)
    expect(body.items).toMatchObject([{ version: 1, event_type: 'ORDER_CREATED', details: { total_price: 2_000 } }])
  })

  it('takes an order through its life; the report follows', async () => {
    const placed = (await send('POST', '/v1/orders', order())).body
    const url = `/v1/orders/${placed.order_id}`
    const early = await send('POST', `${url}/ship`)
    expect(early).toMatchObject({ status: 422, body: { code: 'illegal_transition', status: 422 } })
    await server.fanfold.orders.recordPayment({
      order_id: placed.order_id,
      payment_intent_id: 'pi_1',
      captured: 2_000,
      currency: 'USD',
    })
    const stale = await send('POST', `${url}/ship`, {}, { 'if-match': 'W/"1"' })
    expect(stale).toMatchObject({ status: 412, body: { code: 'version_mismatch', version: 2 } })
    expect(await send('POST', `${url}/ship`, {}, { 'if-match': 'W/"2"' })).toMatchObject({
      status: 200,
      headers: { etag: 'W/"3"' },
    })
    expect(await send('POST', `${url}/deliver`)).toMatchObject({ status: 200, body: { status: 'DELIVERED' } })
    const report = await until('the sale is in the report', async () => {
      const answer = await server.call('GET', '/v1/reports/sales?product_category=Electronics&group_by=city,category')
      return answer.body.total.orders === 1 ? answer.body : undefined
    })
    expect(report).toMatchObject({
      currency: 'USD',
      total: { price: 2_000, quantity: 2, orders: 1 },
      rows: [{ city: 'New York', category: 'Electronics', price: 2_000 }],
    })
  })

  it('cancels, and the units can be ordered again', async () => {
    const before = (await server.call('GET', '/v1/products/camera/stock')).body
    const placed = (await send('POST', '/v1/orders', order())).body
    const cancelled = await send('POST', `/v1/orders/${placed.order_id}/cancel`, { reason: 'changed my mind' })
    expect(cancelled).toMatchObject({ status: 200, body: { status: 'CANCELLED', fulfillment_status: 'cancelled' } })
    expect((await server.call('GET', '/v1/products/camera/stock')).body).toEqual(before)
  })

  it('changes products and keeps the history of prices', async () => {
    await server.call('POST', '/v1/products', { ...CAMERA, product_id: 'lens', sku: 'LENS', category: 'Optics' })
    const changed = await server.call('PATCH', '/v1/products/lens', { price: 900 }, { 'if-match': '"1"' })
    expect(changed).toMatchObject({ status: 200, headers: { etag: 'W/"2"' }, body: { price: 900 } })
    const stale = await server.call('PATCH', '/v1/products/lens', { price: 800 }, { 'if-match': '"1"' })
    expect(stale).toMatchObject({ status: 412 })
    const prices = (await server.call('GET', '/v1/products/lens/prices')).body.items
    expect(prices.map((item: { price: number }) => item.price)).toEqual([900, 1_000])
    expect((await server.call('GET', '/v1/products?category=Optics')).body.items).toMatchObject([
      { product_id: 'lens' },
    ])
    expect((await server.call('PUT', '/v1/products/lens/stock', { on_hand: 3 })).body).toMatchObject({ available: 3 })
  })

  it('keeps customers and their addresses, and erases them', async () => {
    await server.call('POST', '/v1/customers', { customer_id: 'bob', name: 'Bob', email: 'bob@example.com' })
    const address = await server.call('POST', '/v1/customers/bob/addresses', HOME)
    expect(address).toMatchObject({ status: 201, body: { customer_id: 'bob', city: 'New York' } })
    expect((await server.call('GET', '/v1/customers/bob/addresses')).body.items).toEqual([address.body])
    expect(await server.call('DELETE', '/v1/customers/bob')).toMatchObject({ status: 204 })
    expect(await server.call('GET', '/v1/customers/bob')).toMatchObject({
      status: 404,
      body: { code: 'customer_not_found' },
    })
  })

  it('says exactly what is wrong, and stores nothing', async () => {
    const orders = async () => (await server.call('GET', '/v1/orders?limit=100')).body.items.length
    const before = await orders()
    const item = (quantity: unknown) => order({ items: [{ product_id: 'camera', quantity }] })
    const wrong: [body: unknown, status: number, code: string, pointer?: string][] = [
      ['{"customer_id": ', 400, 'malformed_json'],
      [{}, 400, 'invalid_input', '/items'],
      [item(0), 400, 'invalid_input', '/items/0/quantity'],
      [item(1.5), 400, 'invalid_input', '/items/0/quantity'],
      [item('2'), 400, 'invalid_input', '/items/0/quantity'],
      [item(1_000_001), 400, 'invalid_input', '/items/0/quantity'],
      [order({ items: [] }), 400, 'invalid_input', '/items'],
      [order({ colour: 'x' }), 400, 'invalid_input', '/colour'],
      [order({ currency: 'usd' }), 400, 'invalid_input', '/currency'],
      [order({ currency: 'XXX' }), 400, 'unknown_currency', '/currency'],
      [order({ expected_total: 1 }), 409, 'price_changed'],
      [order({ customer_id: 'nobody' }), 404, 'customer_not_found'],
      [order({ shipping_address: undefined }), 400, 'invalid_input', '/shipping_address'],
      [order({ shipping_address: { ...HOME, city: ' ' } }), 400, 'invalid_input', '/shipping_address/city'],
      [order({ shipping_address: { ...HOME, line2: 'a\u0000b' } }), 400, 'invalid_input', '/shipping_address/line2'],
      [order({ metadata: { note: 'half a \ud83d smile' } }), 400, 'invalid_input', '/metadata/note'],
      [order({ metadata: { card: '4111 1111 1111 1111' } }), 422, 'card_number_refused', '/metadata/card'],
      [order({ items: [{ product_id: 'none', quantity: 1 }] }), 404, 'product_not_found'],
      [item(1_000), 422, 'insufficient_stock'],
    ]
    for (const [body, status, code, pointer] of wrong) {
      const answer = await send('POST', '/v1/orders', body)
      expect([answer.status, answer.body.code], JSON.stringify(answer.body)).toEqual([status, code])
      if (pointer !== undefined) expect(answer.body.errors[0].pointer).toBe(pointer)
    }
    const keyless = await server.call('POST', '/v1/orders', order())
    expect(keyless).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } })
    expect(await orders()).toBe(before)
  })

  it('asks for the right scope', async () => {
    const { secret } = await server.fanfold.apiKeys.create('reader', ['orders:read'])
    const as = { authorization: `Bearer ${secret}` }
    expect(await server.call('GET', '/v1/orders', undefined, as)).toMatchObject({ status: 200 })
    expect(await send('POST', '/v1/orders', order(), as)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await server.call('GET', '/v1/reports/sales', undefined, as)).toMatchObject({ status: 403 })
  })
})
