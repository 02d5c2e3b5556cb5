import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

const CAMERA = {
  ...{ product_id: 'camera', sku: 'CAM-1', name: 'Camera', category: 'Electronics' },
  ...{ price: 1_000, currency: 'USD', prices: { EUR: 900 }, stock: 20 },
}
const HOME = { line1: '1 Main Street', city: 'New York', region: 'NY', country: 'US' }

describe('locations, stock and cart holds over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
    expect(await server.call('POST', '/v1/products', CAMERA)).toMatchObject({ status: 201, body: CAMERA_BODY })
  })
  afterAll(() => server.close())

  const CAMERA_BODY = { product_id: 'camera', prices: { EUR: 900 }, version: 1 }
  const units = (quantity: number) => [{ product_id: 'camera', quantity }]
  let keys = 0
  const post = (url: string, body: object, key = `stock-${keys++}`) =>
    server.call('POST', url, body, { 'idempotency-key': key })
  const stock = async () => (await server.call('GET', '/v1/products/camera/stock')).body

  it('keeps locations and the stock at each', async () => {
    const west = { name: 'West', priority: 5, active: true }
    const put = await server.call('PUT', '/v1/locations/west', west)
    expect(put).toMatchObject({ status: 200, body: { location_id: 'west', ...west } })
    const { items } = (await server.call('GET', '/v1/locations')).body
    expect(items).toMatchObject([{ location_id: 'main' }, { location_id: 'west' }])
    const set = await server.call('PUT', '/v1/products/camera/stock', { on_hand: 7, location_id: 'west' })
    const both = [
      { location_id: 'main', on_hand: 20, reserved: 0, available: 20 },
      { location_id: 'west', on_hand: 7, reserved: 0, available: 7 },
    ]
    expect(set).toMatchObject({ status: 200, body: { on_hand: 27, available: 27, locations: both } })
    expect(await stock()).toEqual(set.body)
    await server.call('PUT', '/v1/products/camera/stock', { on_hand: 0, location_id: 'west' })
    await server.call('PUT', '/v1/locations/west', { ...west, active: false })
  })

  it('holds units for a cart, orders them, and gives others back', async () => {
    const held = await post('/v1/reservations', { items: units(5) }, 'cart')
    expect(held).toMatchObject({ status: 201, body: { status: 'held', items: [{ location_id: 'main', quantity: 5 }] } })
    const again = await post('/v1/reservations', { items: units(5) }, 'cart')
    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' }, body: held.body })
    const order = {
      ...{ guest: { name: 'Grace' }, shipping_address: HOME, items: units(3), currency: 'EUR' },
      reservation_id: held.body.reservation_id,
    }
    const placed = await post('/v1/orders', order)
    expect(placed).toMatchObject({ status: 201, body: { total_price: 2_700, currency: 'EUR' } })
    const url = `/v1/reservations/${held.body.reservation_id}`
    const ordered = { status: 'ordered', order_id: placed.body.order_id }
    expect((await server.call('GET', url)).body).toMatchObject(ordered)
    expect(await server.call('DELETE', url)).toMatchObject({ status: 200, body: ordered })
    expect(await post('/v1/orders', order)).toMatchObject({ status: 422, body: { code: 'reservation_gone' } })
    expect(await stock()).toMatchObject({ reserved: 3 })

    const other = (await post('/v1/reservations', { items: units(4) })).body
    const release = await server.call('DELETE', `/v1/reservations/${other.reservation_id}`)
    expect(release).toMatchObject({ status: 200, body: { status: 'released' } })
    expect(await stock()).toMatchObject({ reserved: 3 })
    const moves = (await server.call('GET', '/v1/products/camera/stock/moves?limit=1')).body
    expect(moves).toMatchObject({ items: [{ kind: 'unhold', source_id: other.reservation_id }] })
    expect(moves.next_cursor).toBeTypeOf('string')
  })

  it('gives units back by itself when the time of a hold is over', async () => {
    const before = await stock()
    const held = await post('/v1/reservations', { items: units(2), expires_in_seconds: 1 })
    expect(held.status).toBe(201)
    const after = await until('the hold is over', async () => {
      const now = await stock()
      return now.reserved === before.reserved ? now : undefined
    })
    expect(after).toEqual(before)
    const read = await server.call('GET', `/v1/reservations/${held.body.reservation_id}`)
    expect(read.body).toMatchObject({ status: 'expired' })
  })

  it('says exactly what is wrong', async () => {
    const wrong: [string, string, object | undefined, number, string, string?][] = [
      ['PUT', '/v1/locations/a b', { name: 'x', priority: 1, active: true }, 400, 'invalid_input', 'params'],
      ['PUT', '/v1/locations/x', { name: 'x', priority: -1, active: true }, 400, 'invalid_input', '/priority'],
      ['PUT', '/v1/products/camera/stock', { on_hand: 1, location_id: 'no' }, 404, 'location_not_found'],
      ['PUT', '/v1/products/camera/stock', { on_hand: 1 }, 422, 'insufficient_stock'],
      ['PUT', '/v1/products/none/stock', { on_hand: 1 }, 404, 'product_not_found'],
      ['GET', '/v1/products/none/stock', undefined, 404, 'product_not_found'],
      ['GET', '/v1/products/none/stock/moves', undefined, 404, 'product_not_found'],
      ['GET', '/v1/products/camera/stock/moves?cursor=x', undefined, 400, 'invalid_cursor', 'query/cursor'],
      ['POST', '/v1/reservations', { items: [] }, 400, 'invalid_input', '/items'],
      ['POST', '/v1/reservations', { items: units(0) }, 400, 'invalid_input', '/items/0/quantity'],
      ['POST', '/v1/reservations', { items: units(1_000) }, 422, 'insufficient_stock'],
      ['POST', '/v1/reservations', { items: units(1), expires_in_seconds: 90_000 }, 400, 'invalid_input'],
      ['GET', '/v1/reservations/1', undefined, 404, 'reservation_not_found'],
      ['DELETE', '/v1/reservations/x', undefined, 404, 'reservation_not_found'],
      ['PATCH', '/v1/products/camera', { prices: { eur: 1 } }, 400, 'invalid_input'],
      ['PATCH', '/v1/products/camera', { prices: { USD: 1 } }, 400, 'invalid_input', '/prices/USD'],
      ['PATCH', '/v1/products/camera', { prices: { EUR: -1 } }, 400, 'invalid_input'],
    ]
    for (const [method, url, body, status, code, pointer] of wrong) {
      const answer = await server.call(method, url, body, { 'idempotency-key': `wrong-${keys++}` })
      expect([method, url, answer.status, answer.body.code]).toEqual([method, url, status, code])
      if (pointer !== undefined) expect(answer.body.errors[0].pointer).toContain(pointer)
    }
    const noKey = await server.call('POST', '/v1/reservations', { items: units(1) })
    expect(noKey).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } })
    const order = { guest: { name: 'Grace' }, shipping_address: HOME, items: units(1) }
    const orders: [object, number, string, string?][] = [
      [{ guest: undefined }, 400, 'invalid_input', '/customer_id'],
      [{ customer_id: 'ada' }, 400, 'invalid_input', '/customer_id'],
      [{ guest: { name: 'Grace', email: 'nobody' } }, 400, 'invalid_input', '/guest/email'],
      [{ reservation_id: '1' }, 404, 'reservation_not_found'],
      [{ location_id: 'no' }, 404, 'location_not_found'],
      [{ currency: 'JPY' }, 422, 'currency_mismatch'],
      [{ discounts: [{ type: 'percentage', value: '101' }] }, 400, 'invalid_input', '/discounts/0/value'],
      [{ taxes: [{ label: 'Tax', rate: '-1' }] }, 400, 'invalid_input', '/taxes/0/rate'],
      [{ billing: {} }, 400, 'invalid_input', '/billing'],
      [{ note: 'x'.repeat(1_001) }, 400, 'invalid_input', '/note'],
      [{ expected_total: 999 }, 409, 'price_changed'],
    ]
    for (const [more, status, code, pointer] of orders) {
      const answer = await post('/v1/orders', { ...order, ...more })
      expect([JSON.stringify(more), answer.status, answer.body.code]).toEqual([JSON.stringify(more), status, code])
      if (pointer !== undefined) expect(answer.body.errors[0].pointer).toBe(pointer)
    }
  })
})
