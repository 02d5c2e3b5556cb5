import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup/http.ts'

const CAMERA = { product_id: 'camera', sku: 'CAM', name: 'Camera', category: 'Electronics', price: 1_000 }
const HOME = { line1: '1 Main Street', city: 'New York', region: 'NY', country: 'US' }
const OSLO = { line1: '2 Side Street', city: 'Oslo', country: 'NO' }

describe('the life of an order over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
    await server.call('POST', '/v1/products', { ...CAMERA, currency: 'USD', stock: 1_000 })
    await server.call('POST', '/v1/customers', { customer_id: 'ada', name: 'Ada' })
  })
  afterAll(() => server.close())

  let keys = 0
  const send = (method: string, url: string, body?: unknown, headers: Record<string, string> = {}) =>
    server.call(method, url, body, { 'idempotency-key': `life-${keys++}`, ...headers })
  const item = (quantity: number) => ({ line_no: 1, quantity })

  async function paid(quantity = 3) {
    const body = { customer_id: 'ada', shipping_address: HOME, items: [{ product_id: 'camera', quantity }] }
    const order = (await send('POST', '/v1/orders', body)).body
    const { order_id } = order
    await server.fanfold.orders.recordPayment({
      ...{ order_id, payment_intent_id: `own_${order_id}`, captured: order.total_price, currency: 'USD' },
    })
    return `/v1/orders/${order_id}`
  }

  it('edits, ships in parts, tracks, delivers, takes back; each answer is the order with its ETag', async () => {
    const url = await paid()
    const steps: [method: string, path: string, body: object, expected: object][] = [
      ['PUT', 'shipping-address', { shipping_address: OSLO }, { shipping_address: OSLO, status: 'PAID' }],
      [
        ...(['POST', 'edits', { remove_items: [item(1)], expected_total: 2_000 }] as const),
        { owed_total: 2_000, refund_due: 1_000, payment_status: 'refund_due' },
      ],
      [
        ...(['POST', 'ship', { items: [item(1)], carrier: 'DHL' }] as const),
        { fulfillment_status: 'partially_shipped', shipments: [{ shipment_no: 1, carrier: 'DHL', items: [item(1)] }] },
      ],
      ['PATCH', 'shipments/1', { tracking_number: '17' }, { shipments: [{ carrier: 'DHL', tracking_number: '17' }] }],
      ['POST', 'ship', {}, { status: 'SHIPPED', shipments: [{}, { shipment_no: 2 }] }],
      ['POST', 'deliver', { shipment_no: 1 }, { status: 'SHIPPED', shipments: [{ status: 'delivered' }, {}] }],
      ['POST', 'deliver', {}, { status: 'DELIVERED' }],
      [
        ...(['POST', 'returns', { items: [item(1)], reason: 'too big' }] as const),
        { returned_total: 1_000, fulfillment_status: 'partially_returned', items: [{ quantity_returned: 1 }] },
      ],
    ]
    let version = 2
    for (const [method, path, body, expected] of steps) {
      const stale = await send(method, `${url}/${path}`, body, { 'if-match': 'W/"1"' })
      expect(stale).toMatchObject({ status: 412, body: { code: 'version_mismatch', version } })
      const answer = await send(method, `${url}/${path}`, body, { 'if-match': `W/"${version}"` })
      version += 1
      expect(answer).toMatchObject({ status: 200, headers: { etag: `W/"${version}"` }, body: { version, ...expected } })
      expect((await server.call('GET', `${url}?as_of=${version}`)).body).toEqual(answer.body)
    }
    const { items } = (await server.call('GET', `${url}/history?limit=100`)).body
    expect(items.at(-1)).toMatchObject({ event_type: 'ITEMS_RETURNED', details: { reason: 'too big' } })
    expect(new Set(items.map((entry: { hash: string }) => entry.hash)).size).toBe(items.length)
    for (const entry of items) expect(entry.hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('repeats the first answer for a key, also of the commands that need none', async () => {
    const url = await paid()
    const commands: [method: string, path: string, body: object][] = [
      ['PUT', 'shipping-address', { shipping_address: OSLO }],
      ['POST', 'cancel', { items: [item(1)] }],
      ['POST', 'ship', { items: [item(1)] }],
      ['PATCH', 'shipments/1', { carrier: 'DHL' }],
      ['POST', 'returns', { items: [item(1)] }],
    ]
    for (const [method, path, body] of commands) {
      const headers = { 'idempotency-key': `same-${path}` }
      const first = await send(method, `${url}/${path}`, body, headers)
      const again = await send(method, `${url}/${path}`, body, headers)
      expect(again).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' }, body: first.body })
      const other = await send(method, `${url}/${path}`, { ...body, reason: 'x', carrier: 'y' }, headers)
      expect([400, 422]).toContain(other.status)
    }
    expect((await server.call('GET', url)).body).toMatchObject({ version: 7, items: [{ quantity_returned: 1 }] })
  })

  it('says exactly what is wrong, and changes nothing', async () => {
    const url = await paid()
    const before = (await server.call('GET', url)).body
    const wrong: [method: string, path: string, body: unknown, status: number, code: string, pointer?: string][] = [
      ['POST', 'ship', { items: [] }, 400, 'invalid_input', '/items'],
      ['POST', 'ship', { items: [{ quantity: 1 }] }, 400, 'invalid_input', '/items/0'],
      ['POST', 'ship', { items: [{ ...item(1), line_item_id: 'x' }] }, 400, 'invalid_input', '/items/0'],
      ['POST', 'ship', { items: [item(0)] }, 400, 'invalid_input', '/items/0/quantity'],
      ['POST', 'ship', { items: [{ line_no: 1.5, quantity: 1 }] }, 400, 'invalid_input', '/items/0/line_no'],
      ['POST', 'ship', { tracking_url: 'javascript:alert(1)' }, 400, 'invalid_input', '/tracking_url'],
      ['POST', 'ship', { carrier: ' ' }, 400, 'invalid_input', '/carrier'],
      ['POST', 'ship', { speed: 'fast' }, 400, 'invalid_input', '/speed'],
      ['POST', 'ship', { items: [item(4)] }, 422, 'quantity_exceeds_line'],
      ['POST', 'ship', { items: [{ line_no: 2, quantity: 1 }] }, 422, 'unknown_order_line'],
      ['POST', 'ship', { items: [{ line_item_id: '1-1', quantity: 1 }] }, 422, 'unknown_order_line'],
      ['POST', 'deliver', {}, 422, 'illegal_transition'],
      ['POST', 'deliver', { shipment_no: 1 }, 404, 'shipment_not_found'],
      ['POST', 'deliver', { shipment_no: 0 }, 400, 'invalid_input', '/shipment_no'],
      ['PATCH', 'shipments/1', { carrier: 'DHL' }, 404, 'shipment_not_found'],
      ['PATCH', 'shipments/0', { carrier: 'DHL' }, 400, 'invalid_input'],
      ['PATCH', 'shipments/one', { carrier: 'DHL' }, 400, 'invalid_input'],
      ['PATCH', 'shipments/1', {}, 400, 'invalid_input'],
      ['POST', 'cancel', { items: [item(9)] }, 422, 'quantity_exceeds_line'],
      ['POST', 'cancel', { reason: '' }, 400, 'invalid_input', '/reason'],
      ['POST', 'cancel', { reason: 'my card is 4111 1111 1111 1111' }, 422, 'card_number_refused', '/reason'],
      ['POST', 'returns', {}, 400, 'invalid_input', '/items'],
      ['POST', 'returns', { items: [item(1)] }, 422, 'quantity_exceeds_line'],
      ['POST', 'returns', { items: [item(1)], restock: 'no' }, 400, 'invalid_input', '/restock'],
      ['POST', 'edits', {}, 400, 'invalid_input'],
      ['POST', 'edits', { add_items: [{ product_id: 'none', quantity: 1 }] }, 404, 'product_not_found'],
      ['POST', 'edits', { add_items: [{ product_id: 'camera', quantity: 5_000 }] }, 422, 'insufficient_stock'],
      ['POST', 'edits', { remove_items: [item(3)] }, 422, 'illegal_transition'],
      ['POST', 'edits', { remove_items: [item(1)], expected_total: 1 }, 409, 'price_changed'],
      ['PUT', 'shipping-address', {}, 400, 'invalid_input', '/shipping_address'],
      [
        'PUT',
        'shipping-address',
        { shipping_address: { ...OSLO, city: '' } },
        400,
        'invalid_input',
        '/shipping_address/city',
      ],
      ['PUT', 'shipping-address', { shipping_address_id: 'adr_none' }, 404, 'address_not_found'],
      ['POST', 'ship', '{', 400, 'malformed_json'],
    ]
    for (const [method, path, body, status, code, pointer] of wrong) {
      const answer = await send(method, `${url}/${path}`, body)
      expect([path, answer.status, answer.body.code], JSON.stringify(answer.body)).toEqual([path, status, code])
      if (pointer !== undefined) expect(answer.body.errors[0].pointer).toBe(pointer)
    }
    expect((await server.call('GET', url)).body).toEqual(before)
    for (const path of ['ship', 'deliver', 'cancel', 'returns', 'edits']) {
      const body = path === 'returns' ? { items: [item(1)] } : {}
      const keyless = await server.call('POST', `${url}/${path}`, body)
      expect(keyless, path).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } })
      const unknown = await send('POST', `/v1/orders/77/${path}`, body)
      expect([path, unknown.status]).toEqual([path, 404])
    }
  })

  it('asks for the right scope', async () => {
    const url = await paid()
    const { secret } = await server.fanfold.apiKeys.create('reader', ['orders:read'])
    const as = { authorization: `Bearer ${secret}` }
    const commands: [method: string, path: string, body: object][] = [
      ['POST', 'returns', { items: [item(1)] }],
      ['POST', 'edits', { remove_items: [item(1)] }],
      ['PUT', 'shipping-address', { shipping_address: OSLO }],
      ['PATCH', 'shipments/1', { carrier: 'DHL' }],
    ]
    for (const [method, path, body] of commands) {
      expect(await send(method, `${url}/${path}`, body, as)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
  })
})
