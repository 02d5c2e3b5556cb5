import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signWebhook } from '../../src/processors/sandbox/webhook.ts'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

const key = () => ({ 'idempotency-key': randomUUID() })

describe('the books of payments over HTTP', () => {
  let server: TestServer
  const ids: string[] = []
  beforeAll(async () => {
    server = await startServer()
    for (const [token, currency] of [
      ['tok_ok', 'USD'],
      ['tok_ok', 'USD'],
      ['tok_declined', 'USD'],
      ['tok_ok', 'EUR'],
    ] as const) {
      const payment = { amount: 1_000, currency, customer_id: 'c-1', payment_method: { token } }
      const { body } = await server.call('POST', '/v1/payments', payment, key())
      ids.push(body.payment_intent_id)
      await server.call('POST', `/v1/payments/${body.payment_intent_id}/authorize`, {}, key())
    }
    await server.call('POST', `/v1/payments/${ids[0]}/refund`, { amount: 300 }, key())
    await server.fanfold.caughtUp()
  })
  afterAll(() => server.close())
  const get = (path: string, headers = {}) => server.call('GET', path, undefined, headers)

  it('give balances by account and currency, which add up to nothing', async () => {
    const { status, body } = await get('/v1/ledger/accounts?currency=USD')
    expect(status).toBe(200)
    expect(body.items).toMatchObject([
      { account: 'processor:sandbox', kind: 'asset', currency: 'USD', debit: 2_000, credit: 300, balance: 1_700 },
      { account: 'refunds', kind: 'expense', debit: 300, credit: 0, balance: 300 },
      { account: 'sales', kind: 'income', debit: 0, credit: 2_000, balance: -2_000 },
    ])
    expect((await get('/v1/ledger/accounts')).body.items).toHaveLength(5)
    expect((await get('/v1/ledger/accounts?currency=GBP')).body.items).toEqual([])
  })

  it('page through the entries of an account, newest first, and name those of a payment', async () => {
    const first = (await get('/v1/ledger/entries?account=processor:sandbox&limit=2')).body
    expect(first.items.map((entry: { amount: number }) => entry.amount)).toEqual([-300, 1_000])
    const rest = (await get(`/v1/ledger/entries?account=processor:sandbox&limit=2&cursor=${first.next_cursor}`)).body
    expect(rest.items).toHaveLength(2)
    expect(rest).not.toHaveProperty('next_cursor')
    const posting = (await get(`/v1/ledger/entries?payment_intent_id=${ids[3]}`)).body
    expect(posting.items).toMatchObject([
      { account: 'sales', amount: -1_000, currency: 'EUR', line: 1, payment_intent_id: ids[3] },
      { account: 'processor:sandbox', amount: 1_000, currency: 'EUR', line: 0 },
    ])
    const both = (await get(`/v1/ledger/entries?payment_intent_id=${ids[0]}&account=refunds`)).body
    expect(both.items).toMatchObject([{ account: 'refunds', amount: 300 }])
    expect(await get(`/v1/ledger/entries?account=sales&cursor=${first.next_cursor}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    })
  })

  it('report volume, success rate and refunds, and how fresh that is', async () => {
    const { body } = await get('/v1/reports/payments?group_by=currency,processor')
    expect(body).toMatchObject({ success_rate: 0.75, lag_events: 0 })
    expect(Date.parse(body.fresh_as_of)).not.toBeNaN()
    const nothing = { disputes: 0, disputed_amount: 0 }
    const dollars = {
      created: 3,
      authorized: 2,
      declined: 1,
      success_rate: 0.6667,
      captures: 2,
      captured_amount: 2_000,
    }
    expect(body.rows).toEqual([
      {
        ...{ currency: 'EUR', processor: 'sandbox', created: 1, authorized: 1, declined: 0, success_rate: 1 },
        ...{ captures: 1, captured_amount: 1_000, refunds: 0, refunded_amount: 0, ...nothing },
      },
      { currency: 'USD', processor: 'sandbox', ...dollars, refunds: 1, refunded_amount: 300, ...nothing },
    ])
    const today = new Date().toISOString().slice(0, 10)
    const days = (await get(`/v1/reports/payments?group_by=day&currency=USD&from=${today.slice(0, 8)}01`)).body
    expect(days.rows.every((row: { day: string }) => /^\d{4}-\d\d-\d\d$/.test(row.day))).toBe(true)
    expect((await get('/v1/reports/payments?to=2001-01-01')).body).toMatchObject({ rows: [], success_rate: null })
  })

  it('refuse to add up amounts of several currencies', async () => {
    expect(await get('/v1/reports/payments')).toMatchObject({
      status: 422,
      body: { code: 'currency_mismatch', currencies: ['EUR', 'USD'] },
    })
  })

  it('list disputes by deadline', async () => {
    for (const [disputeId, due] of [
      ['dp_c', '2030-03-01T00:00:00Z'],
      ['dp_a', '2030-02-01T00:00:00Z'],
      ['dp_b', '2030-01-01T00:00:00Z'],
    ] as const) {
      await disputed(disputeId, Date.parse(due))
    }
    await until('the disputes are there', async () => (await get('/v1/disputes')).body.items.length === 3)
    const idsOf = (items: { dispute_id: string }[]) => items.map((item) => item.dispute_id)
    const all = (await get('/v1/disputes')).body
    expect(idsOf(all.items)).toEqual(['dp_b', 'dp_a', 'dp_c'])
    expect(all.items[0]).toMatchObject({
      ...{ payment_intent_id: ids[1], amount: 100, currency: 'USD', processor: 'sandbox', customer_id: 'c-1' },
      ...{ status: 'needs_response', evidence_due_by: '2030-01-01T00:00:00.000Z', order_id: null },
    })
    const first = (await get('/v1/disputes?limit=2')).body
    expect(idsOf((await get(`/v1/disputes?limit=2&cursor=${first.next_cursor}`)).body.items)).toEqual(['dp_c'])
    expect(idsOf((await get('/v1/disputes?due_before=2030-01-15T00:00:00Z')).body.items)).toEqual(['dp_b'])
    expect((await get('/v1/disputes?status=won,lost')).body.items).toEqual([])
    expect((await get('/v1/disputes?processor=stripe')).body.items).toEqual([])
  })

  /** As the sandbox tells of a dispute. */
  async function disputed(disputeId: string, evidenceDueMs: number): Promise<void> {
    const about = { dispute_id: disputeId, payment_intent_id: ids[1], amount: 100, currency: 'USD' }
    const data = { ...about, reason: 'fraudulent', reference: 'ch', status: 'open', evidence_due_ms: evidenceDueMs }
    const message = JSON.stringify({ id: `evt_${disputeId}`, type: 'dispute.open', data })
    const { headers, body } = signWebhook(message, server.fanfold.config.sandboxSecret, Date.now())
    expect(await server.call('POST', '/v1/webhooks/sandbox', body, headers)).toMatchObject({ status: 200 })
  }

  it('name what is wrong with a query', async () => {
    for (const [path, pointer] of [
      ['/v1/disputes?status=open', 'query/status'],
      ['/v1/disputes?due_before=tomorrow', 'query/due_before'],
      ['/v1/disputes?due_before=2026-13-01T00:00:00Z', 'query/due_before'],
      ['/v1/disputes?limit=0', 'query/limit'],
      ['/v1/disputes?state=open', 'query/state'],
      ['/v1/ledger/accounts?currency=usd', 'query/currency'],
      ['/v1/ledger/entries', 'query/account'],
      ['/v1/ledger/entries?account=cash', 'query/account'],
      ['/v1/reports/payments?from=2026-02-30', 'query/from'],
      ['/v1/reports/payments?from=2026-02-02&to=2026-01-01', 'query/from'],
      ['/v1/reports/payments?group_by=week', 'query/group_by'],
    ] as const) {
      const { status, body } = await get(path)
      expect({ path, status, code: body.code }).toEqual({ path, status: 400, code: 'invalid_input' })
      expect(body.errors?.[0]?.pointer, path).toBe(pointer)
    }
  })

  it('are read with the scope of payments, the report with that of reports', async () => {
    const { body } = await server.call('POST', '/v1/keys', { name: 'books', scopes: ['reports:read'] })
    const headers = { authorization: `Bearer ${body.secret}` }
    expect((await get('/v1/reports/payments?currency=USD', headers)).status).toBe(200)
    expect((await get('/v1/ledger/accounts', headers)).status).toBe(403)
  })
})
