import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

const key = () => ({ 'idempotency-key': randomUUID() })
const payment = (token = 'tok_ok', more = {}) => ({
  amount: 2_500,
  currency: 'USD',
  payment_method: { type: 'card', token },
  ...more,
})

describe('payments over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.close())

  async function create(token?: string, more?: object): Promise<string> {
    const { status, body } = await server.call('POST', '/v1/payments', payment(token, more), key())
    expect(status).toBe(201)
    return body.payment_intent_id
  }

  it('takes a payment from its creation to its refund', async () => {
    const created = await server.call('POST', '/v1/payments', payment('tok_ok', { customer_id: 'c-http' }), key())
    expect(created).toMatchObject({
      status: 201,
      headers: { etag: 'W/"1"' },
      body: { status: 'initiated', amount: 2_500, authorized: 0, order_id: null },
    })
    const url = `/v1/payments/${created.body.payment_intent_id}`
    const paid = await server.call('POST', `${url}/authorize`, undefined, key())
    expect(paid).toMatchObject({
      status: 200,
      headers: { etag: 'W/"5"' },
      body: { status: 'captured', captured: 2_500 },
    })
    expect(await server.call('GET', url)).toMatchObject({ status: 200, body: paid.body })
    expect(await server.call('POST', `${url}/refund`, { amount: 500, reason: 'scratched' }, key())).toMatchObject({
      status: 200,
      body: { status: 'partially_refunded', refunded: 500 },
    })
    expect((await server.call('GET', `${url}?as_of=5`)).body).toEqual(paid.body)
    const events = await server.call('GET', `${url}/events?limit=2`)
    expect(events.body.items.map((event: { event_type: string }) => event.event_type)).toEqual([
      'INITIATED',
      'AUTHORIZATION_REQUESTED',
    ])
    const rest = await server.call('GET', `${url}/events?cursor=${events.body.next_cursor}`)
    expect(rest.body.items).toHaveLength(5)
    expect(rest.body).not.toHaveProperty('next_cursor')
    await until('the transactions are there', async () => {
      const { body } = await server.call('GET', '/v1/customers/c-http/transactions')
      return body.items.map((item: { type: string }) => item.type).join() === 'refund,charge,authorization'
    })
  })

  it('needs a key for whatever moves money, and answers a repeat from it', async () => {
    const id = await create('tok_ok', { capture_method: 'manual' })
    for (const path of [
      '/v1/payments',
      ...['authorize', 'capture', 'void', 'refund'].map((name) => `/v1/payments/${id}/${name}`),
    ]) {
      expect(await server.call('POST', path, path === '/v1/payments' ? payment() : {})).toMatchObject({
        status: 400,
        body: { code: 'idempotency_key_required' },
      })
    }
    const once = key()
    const first = await server.call('POST', `/v1/payments/${id}/authorize`, {}, once)
    const again = await server.call('POST', `/v1/payments/${id}/authorize`, {}, once)
    expect(first.headers).not.toHaveProperty('idempotent-replayed')
    expect(again).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' }, body: first.body })
    expect(await server.call('POST', `/v1/payments/${id}/void`, {}, once)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    })
  })

  it('answers 202 while nobody knows, and how it ended to whoever repeats', async () => {
    const id = await create('tok_timeout_charged')
    const once = key()
    const first = await server.call('POST', `/v1/payments/${id}/authorize`, {}, once)
    expect(first).toMatchObject({
      status: 202,
      body: { status: 'authorizing', pending_operation: { kind: 'authorize', status: 'unknown' } },
    })
    await until(
      'the payment is captured',
      async () => (await server.call('POST', `/v1/payments/${id}/authorize`, {}, once)).body.status === 'captured',
    )
    expect(await server.call('POST', `/v1/payments/${id}/authorize`, {}, once)).toMatchObject({
      status: 200,
      headers: { 'idempotent-replayed': 'true' },
    })
  })

  it('refuses what the rules refuse, with the figures', async () => {
    const id = await create('tok_ok', { capture_method: 'manual' })
    const url = `/v1/payments/${id}`
    expect(await server.call('POST', `${url}/capture`, {}, key())).toMatchObject({
      status: 422,
      body: { code: 'illegal_payment_state', status: 422 },
    })
    await server.call('POST', `${url}/authorize`, {}, key())
    expect(await server.call('POST', `${url}/capture`, { amount: 2_501 }, key())).toMatchObject({
      status: 422,
      body: { code: 'amount_exceeds_capturable', capturable: 2_500 },
    })
    expect(await server.call('POST', `${url}/capture`, {}, { ...key(), 'if-match': 'W/"1"' })).toMatchObject({
      status: 412,
      body: { code: 'version_mismatch', version: 3 },
    })
    expect(await server.call('POST', `${url}/refund`, { amount: 0 }, key())).toMatchObject({
      status: 400,
      body: { code: 'invalid_input' },
    })
    expect(await server.call('GET', '/v1/payments/pi_nothing')).toMatchObject({
      status: 404,
      body: { code: 'payment_not_found' },
    })
    expect(await server.call('POST', '/v1/payments', payment('4242424242424242'), key())).toMatchObject({
      status: 422,
      body: { code: 'card_number_refused' },
    })
    expect(await server.call('POST', '/v1/payments', { ...payment(), amount: '2500' }, key())).toMatchObject({
      status: 400,
    })
  })

  it('takes signed webhooks without a key, byte for byte, and refuses others', async () => {
    const id = await create('tok_async')
    await server.call('POST', `/v1/payments/${id}/authorize`, {}, key())
    const { body: events } = await server.call('GET', `/v1/payments/${id}/events`)
    const webhook = (await server.fanfold.sandbox.settle(events.items[1].op_id))!
    const send = (body: string, headers: object) =>
      server.http.inject({
        method: 'POST',
        url: '/v1/webhooks/sandbox',
        headers: { 'content-type': 'application/json', ...headers },
        payload: body,
      })
    const forged = await send(`${webhook.body} `, webhook.headers)
    expect([forged.statusCode, forged.json().code]).toEqual([400, 'invalid_signature'])
    const taken = await send(webhook.body, webhook.headers)
    expect([taken.statusCode, taken.json()]).toEqual([200, { received: true, duplicate: false }])
    expect((await send(webhook.body, webhook.headers)).json()).toEqual({ received: true, duplicate: true })
    await until(
      'the webhook is applied',
      async () => (await server.call('GET', `/v1/payments/${id}`)).body.status === 'captured',
    )
    expect((await server.http.inject({ method: 'POST', url: '/v1/webhooks/nobody', payload: '{}' })).statusCode).toBe(
      404,
    )
  })

  it('leaves nothing that a verification would name', async () => {
    await server.fanfold.caughtUp()
    expect(await server.fanfold.verifyPayments()).toMatchObject({ ok: true, differences: [] })
  })
})
