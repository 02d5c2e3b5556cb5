import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signWebhook } from '../../src/processors/sandbox/webhook.ts'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

describe('the webhook inbox over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.close())

  async function send(key: string): Promise<void> {
    const data = { key, reference: 'r', status: 'succeeded', amount: 5, currency: 'USD' }
    const message = JSON.stringify({ id: `evt_${key}`, type: 'operation.succeeded', data })
    const { headers, body } = signWebhook(message, server.fanfold.config.sandboxSecret, Date.now())
    const answer = await server.call('POST', '/v1/webhooks/sandbox', body, headers)
    expect(answer).toMatchObject({ status: 200, body: { received: true, duplicate: false } })
  }
  const list = async (query = '') => (await server.call('GET', `/v1/webhook-inbox${query}`)).body

  it('lists what came, with what is wrong with it, page by page', async () => {
    for (const n of [1, 2, 3]) await send(`op_0000000000000000000000000${n}`)
    await until('each was tried', async () =>
      (await list()).items.every((item: { attempts: number }) => item.attempts > 0),
    )
    expect((await list('?processor=sandbox&state=waiting')).items).toHaveLength(3)
    expect((await list('?state=applied')).items).toEqual([])
    expect((await list('?processor=stripe')).items).toEqual([])
    const first = await list('?limit=2')
    const [one] = first.items
    expect(one).toMatchObject({
      ...{ processor: 'sandbox', event_id: 'evt_op_00000000000000000000000001', event_type: 'operation.succeeded' },
      ...{ state: 'waiting', applied_at: null, last_error: expect.stringContaining('not known') },
    })
    expect((await list(`?limit=2&cursor=${first.next_cursor}`)).items).toHaveLength(1)
  })

  it('has webhooks applied again', async () => {
    const replay = (body: unknown) => server.call('POST', '/v1/webhook-inbox/replay', body)
    expect(await replay({ processor: 'sandbox', event_ids: ['evt_op_00000000000000000000000001'] })).toMatchObject({
      ...{ status: 200, body: { replayed: 1 } },
    })
    expect((await replay({ processor: 'sandbox', state: 'applied' })).body).toEqual({ replayed: 0 })
    expect(await replay({ processor: 'nobody' })).toMatchObject({ status: 404, body: { code: 'processor_not_found' } })
    for (const wrong of [{}, { processor: 'sandbox', event_ids: [] }, { processor: 'sandbox', state: 'lost' }])
      expect(await replay(wrong)).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
  })

  it('needs the scope "payments"', async () => {
    const { secret } = await server.fanfold.apiKeys.create('reader', ['payments:read'])
    const headers = { authorization: `Bearer ${secret}` }
    expect(await server.call('GET', '/v1/webhook-inbox', undefined, headers)).toMatchObject({ status: 403 })
  })

  it('gets what the sandbox tells of its own accord', async () => {
    const key = () => ({ 'idempotency-key': randomUUID() })
    const payment_method = { token: 'tok_webhook_duplicate' }
    const input = { amount: 900, currency: 'USD', payment_method, capture_method: 'manual' }
    const created = await server.call('POST', '/v1/payments', input, key())
    const url = `/v1/payments/${created.body.payment_intent_id}`
    expect(await server.call('POST', `${url}/authorize`, undefined, key())).toMatchObject({ status: 200 })
    await until('its webhook is applied', async () => (await list('?state=applied')).items.length === 1)
    expect((await server.call('GET', url)).body).toMatchObject({ status: 'authorized', version: 3 })
  })
})
