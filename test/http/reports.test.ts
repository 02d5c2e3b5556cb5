import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup/http.ts'

describe('GET /v1/reports/sales', () => {
  let server: TestServer
  beforeAll(async () => {
    // Folded when asked to, so that nothing has to be waited for.
    server = await startServer({ reportEvery: 3_600_000 })
    const { orders } = server.fanfold
    const product = {
      product_id: 'tea',
      sku: 'tea',
      name: 'Tea',
      category: 'Food, "fine"',
      price: 400,
      currency: 'EUR',
    }
    await orders.createProduct({ ...product, stock: 10 })
    const order = await orders.place({
      guest: { name: 'Ada' },
      shipping_address: { line1: '1 Main St', city: 'Oslo', country: 'NO' },
      items: [{ product_id: 'tea', quantity: 2 }],
    })
    await orders.recordPayment({
      ...{ order_id: order.order_id, payment_intent_id: 'pi_1', captured: 800, currency: 'EUR' },
    })
    await server.fanfold.caughtUp()
  })
  afterAll(() => server.close())
  const get = (query: string, headers = {}) => server.call('GET', `/v1/reports/sales${query}`, undefined, headers)

  it('catches up when it is asked to, although it does so at times only', async () => {
    expect((await get('')).body).toMatchObject({
      total: { price: 800, orders: 1 },
      lag_events: 0,
      definition_version: 2,
    })
  })

  it('answers CSV when asked for it by parameter or by Accept', async () => {
    const byParameter = await get('?group_by=category&format=csv')
    const byHeader = await get('?group_by=category', { accept: 'text/csv' })
    for (const answer of [byParameter, byHeader]) {
      expect(answer.status).toBe(200)
      expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8')
      expect(answer.body).toBe('category,price,tax,quantity,orders,currency\n"Food, ""fine""",800,0,2,1,EUR\n')
    }
    expect((await get('?format=json', { accept: 'text/csv' })).body.total.price).toBe(800)
  })

  it('takes numbers of the query, and names what is wrong', async () => {
    expect((await get('?top=1')).body.rows).toMatchObject([{ product: 'tea', product_name: 'Tea', quantity: 2 }])
    for (const query of ['?top=0', '?top=x', '?format=xml', '?compare=previous', '?from=2026-02-01&to=2026-01-01']) {
      expect(await get(query), query).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    }
  })
})
