import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'
import { type Receiver, signers, startReceiver } from '../setup/webhooks-out.ts'

let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  server = await startServer({ webhookAllowHttp: true, webhookAllowPrivate: true })
  receiver = await startReceiver()
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})
afterEach(async () => {
  for (const { endpoint_id } of (await server.call('GET', '/v1/webhook-endpoints')).body.items)
    await server.call('DELETE', `/v1/webhook-endpoints/${endpoint_id}`)
})

const ENDPOINTS = '/v1/webhook-endpoints'
const key = (text: string) => ({ 'idempotency-key': text })

async function registered(more: object = {}) {
  const answer = await server.call('POST', ENDPOINTS, { url: receiver.url, ...more })
  expect(answer.status).toBe(201)
  return answer.body as { endpoint_id: string; secret: string; version: number }
}

describe('webhooks over HTTP', () => {
  it('an order that is placed, paid and cancelled is told, each event once, in the order’s own words', async () => {
    const { endpoint_id: id, secret } = await registered({ event_types: ['order.*', 'payment.captured'] })
    const product = {
      product_id: 'lamp',
      sku: 'L1',
      name: 'Lamp',
      category: 'Home',
      price: 900,
      currency: 'USD',
      stock: 5,
    }
    const made = async (path: string, body: unknown, name: string) => {
      const answer = await server.call('POST', path, body, key(name))
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
      return answer.body
    }
    await made('/v1/products', product, 'product')
    await made('/v1/customers', { customer_id: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' }, 'customer')
    const shipping_address = { name: 'Ada L.', line1: '1 Secret Lane', city: 'Oslo', country: 'NO' }
    const items = [{ product_id: 'lamp', quantity: 1 }]
    const order = await made('/v1/orders', { customer_id: 'ada', shipping_address, items }, 'order')
    const { order_id, total_price: amount, currency } = order
    const payment_method = { token: 'tok_ok' }
    const payment = await made(
      '/v1/payments',
      { amount, currency, customer_id: 'ada', order_id, payment_method },
      'pay',
    )
    await made(`/v1/payments/${payment.payment_intent_id}/authorize`, {}, 'authorize')
    const history = async () =>
      (await server.call('GET', `/v1/orders/${order_id}/history`)).body.items as { version: number }[]
    await until(
      'the order is paid',
      async () => (await server.call('GET', `/v1/orders/${order_id}`)).body.status === 'PAID',
    )

    const events = await history()
    expect(events.length).toBeGreaterThan(1)
    await until('everything is told', () => receiver.received.length >= events.length + 1)
    const told = receiver.received.map(({ body }) => JSON.parse(body))
    for (const each of receiver.received) expect(signers(each, [secret])).toEqual([true])
    const versions = told.filter(({ data }) => data.order_id === order_id).map(({ data }) => data.version as number)
    expect(versions.sort()).toEqual(events.map(({ version }) => version))
    expect(told.map(({ type }) => type)).toEqual(expect.arrayContaining(['order.paid', 'payment.captured']))
    const text = JSON.stringify(told)
    for (const personal of ['Ada', 'Secret Lane', 'ada@example.com', 'tok_ok']) expect(text).not.toContain(personal)
    const deliveries = async () =>
      (await server.call('GET', `${ENDPOINTS}/${id}/deliveries?status=delivered`)).body.items
    await until('all are known to have arrived', async () => (await deliveries()).length === events.length + 1)
    const metrics = (await server.call('GET', '/metrics')).body as string
    expect(metrics).toMatch(/fanfold_webhook_tries_total\{result="delivered"\} [1-9]/)
    const system = (await server.call('GET', '/v1/system')).body
    expect(system.webhooks).toEqual({ waiting: 0, late_seconds: 0 })
    expect(system.projections).toEqual(
      expect.arrayContaining(
        ['orders', 'payments'].map((log) => expect.objectContaining({ name: `webhooks_${log}`, log, lag: 0 })),
      ),
    )
  })

  it('an endpoint is made, read, listed, changed, rotated, tried out and deleted', async () => {
    const first = await server.call('POST', ENDPOINTS, { url: receiver.url, description: 'audit' }, key('make'))
    const { secret, ...document } = first.body
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(document).toMatchObject({
      active: true,
      event_types: ['order.*', 'payment.*'],
      description: 'audit',
      version: 1,
    })
    const again = await server.call('POST', ENDPOINTS, { url: receiver.url, description: 'audit' }, key('make'))
    expect([again.status, again.body, again.headers['idempotent-replayed']]).toEqual([201, first.body, 'true'])
    const path = `${ENDPOINTS}/${document.endpoint_id}`
    expect((await server.call('GET', path)).body).toEqual(document)
    expect((await server.call('GET', ENDPOINTS)).body.items).toEqual([document])

    const changed = await server.call('PATCH', path, { event_types: ['order.paid'] }, { 'if-match': 'W/"1"' })
    expect([changed.status, changed.headers.etag]).toEqual([200, 'W/"2"'])
    expect((await server.call('PATCH', path, { active: false }, { 'if-match': 'W/"1"' })).status).toBe(412)
    const rotated = await server.call('POST', `${path}/rotate-secret`)
    expect(rotated.body.secret).not.toBe(secret)
    expect(rotated.body.old_secret_until).not.toBeNull()

    const trial = await server.call('POST', `${path}/test`, undefined, key('trial'))
    expect([trial.status, trial.body.event_type]).toEqual([202, 'webhook.test'])
    expect((await server.call('POST', `${path}/test`, undefined, key('trial'))).body.webhook_id).toBe(
      trial.body.webhook_id,
    )
    const delivered = async () => (await server.call('GET', `${path}/deliveries?status=delivered`)).body.items
    const [delivery] = await until('the trial arrived', async () => {
      const items = await delivered()
      return items.length === 1 ? items : undefined
    })
    expect(delivery).toMatchObject({ webhook_id: trial.body.webhook_id, attempts: [{ status_code: 204 }] })
    const replay = await server.call('POST', `/v1/webhook-deliveries/${delivery.delivery_id}/replay`)
    expect([replay.status, replay.body.webhook_id]).toEqual([202, trial.body.webhook_id])
    await until('it came again', () => receiver.received.filter(({ id }) => id === trial.body.webhook_id).length === 2)
    const since = document.created_at
    expect((await server.call('POST', `${path}/replay`, { since, status: 'failed' })).body).toEqual({ replayed: 0 })

    expect((await server.call('DELETE', path)).status).toBe(204)
    for (const [method, url, body] of [
      ['GET', path, undefined],
      ['PATCH', path, { active: true }],
      ['DELETE', path, undefined],
      ['GET', `${path}/deliveries`, undefined],
      ['POST', `${path}/test`, undefined],
      ['POST', `${path}/rotate-secret`, undefined],
      ['POST', `${path}/replay`, { since }],
    ] as const) {
      expect((await server.call(method, url, body)).body.code, `${method} ${url}`).toBe('webhook_endpoint_not_found')
    }
    const gone = await server.call('POST', `/v1/webhook-deliveries/${delivery.delivery_id}/replay`)
    expect([gone.status, gone.body.code]).toEqual([404, 'webhook_delivery_not_found'])
  })

  it.each([
    ['no URL', {}, 400, 'invalid_input', '/url'],
    ['no text', { url: 5 }, 400, 'invalid_input', '/url'],
    ['not a URL', { url: 'shop' }, 422, 'webhook_url_refused', '/url'],
    ['another scheme', { url: 'ftp://shop.example/' }, 422, 'webhook_url_refused', '/url'],
    ['a password', { url: 'https://a:b@shop.example/' }, 422, 'webhook_url_refused', '/url'],
    ['no events', { url: 'https://8.8.8.8/', event_types: [] }, 400, 'invalid_input', '/event_types'],
    [
      'a foreign event',
      { url: 'https://8.8.8.8/', event_types: ['user.born'] },
      400,
      'invalid_input',
      '/event_types/0',
    ],
    ['all of all', { url: 'https://8.8.8.8/', event_types: ['*'] }, 400, 'invalid_input', '/event_types/0'],
    ['a wrong name', { url: 'https://8.8.8.8/', event_types: ['order.Paid'] }, 400, 'invalid_input', '/event_types/0'],
    [
      'too long a text',
      { url: 'https://8.8.8.8/', description: 'x'.repeat(501) },
      400,
      'invalid_input',
      '/description',
    ],
    ['a secret of one’s own', { url: 'https://8.8.8.8/', secret: 'x' }, 400, 'invalid_input', '/secret'],
  ])('refuses an endpoint with %s, and keeps nothing', async (_what, body, status, code, pointer) => {
    const answer = await server.call('POST', ENDPOINTS, body)
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([status, code, pointer])
    expect((await server.call('GET', ENDPOINTS)).body.items).toEqual([])
  })

  it('refuses a wrong change, list or replay by its field', async () => {
    const path = `${ENDPOINTS}/${(await registered()).endpoint_id}`
    for (const [method, url, body, pointer] of [
      ['PATCH', path, {}, '/'],
      ['PATCH', path, { active: 'yes' }, '/active'],
      ['GET', `${path}/deliveries?status=lost`, undefined, 'query/status'],
      ['GET', `${path}/deliveries?cursor=abc`, undefined, 'query/cursor'],
      ['GET', `${ENDPOINTS}?cursor=abc`, undefined, 'query/cursor'],
      ['POST', `${path}/replay`, {}, '/since'],
      ['POST', `${path}/replay`, { since: 'yesterday' }, '/since'],
      ['POST', `${path}/replay`, { since: '2026-01-01T00:00:00Z', status: 'waiting' }, '/status'],
      ['POST', `${path}/replay`, { since: '2026-01-01T00:00:00Z', cursor: 'abc' }, 'query/cursor'],
    ] as const) {
      const answer = await server.call(method, url, body)
      expect([answer.status, answer.body.errors?.[0]?.pointer], `${method} ${url} ${JSON.stringify(body)}`).toEqual([
        400,
        pointer,
      ])
    }
    expect((await server.call('POST', '/v1/webhook-deliveries/abc/replay')).body.code).toBe(
      'webhook_delivery_not_found',
    )
  })

  it('is for administrators', async () => {
    const { secret } = (await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['admin:read', 'orders'] }))
      .body
    const as = { authorization: `Bearer ${secret}` }
    expect((await server.call('GET', ENDPOINTS, undefined, as)).status).toBe(200)
    expect((await server.call('POST', ENDPOINTS, { url: receiver.url }, as)).status).toBe(403)
  })

  it('takes https to public addresses only, unless a setting says otherwise', async () => {
    const strict = await startServer({ workers: false })
    try {
      for (const url of [
        receiver.url,
        'https://127.0.0.1/',
        'https://169.254.169.254/',
        'https://[::1]/',
        'https://localhost/',
      ]) {
        expect((await strict.call('POST', ENDPOINTS, { url })).body.code, url).toBe('webhook_url_refused')
      }
      expect((await strict.call('POST', ENDPOINTS, { url: 'https://8.8.8.8/' })).status).toBe(201)
    } finally {
      await strict.close()
    }
  })
})
