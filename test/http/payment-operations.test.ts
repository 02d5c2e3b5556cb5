import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

const key = () => ({ 'idempotency-key': randomUUID() })
const CARD = '4000 0000 0000 0002'

describe('payment operations over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.close())

  async function made(token: string, capture_method: 'automatic' | 'manual' = 'manual'): Promise<string> {
    const input = { amount: 2_500, currency: 'USD', payment_method: { token }, capture_method }
    const { status, body } = await server.call('POST', '/v1/payments', input, key())
    expect(status).toBe(201)
    return body.payment_intent_id
  }
  const post = (id: string, path: string, body: unknown = {}, headers = key()) =>
    server.call('POST', `/v1/payments/${id}/${path}`, body, headers)
  async function authorized(token = 'tok_ok'): Promise<string> {
    const id = await made(token)
    expect(await post(id, 'authorize')).toMatchObject({ status: 200, body: { status: 'authorized' } })
    return id
  }
  /** A payment whose authorization waits for a person. */
  async function inReview(capture?: 'automatic'): Promise<{ id: string; opId: string; once: ReturnType<typeof key> }> {
    const id = await made('tok_wrong_currency', capture)
    const once = key()
    const { status, body } = await post(id, 'authorize', {}, once)
    expect([status, body.pending_operation.status]).toEqual([202, 'review'])
    return { id, opId: body.pending_operation.op_id, once }
  }
  async function reviewed(query = ''): Promise<string[]> {
    const ids: string[] = []
    let cursor = ''
    do {
      const { status, body } = await server.call('GET', `/v1/operations?limit=1${query}${cursor}`)
      expect(status).toBe(200)
      ids.push(...body.items.map((item: { op_id: string }) => item.op_id))
      cursor = body.next_cursor === undefined ? '' : `&cursor=${body.next_cursor}`
    } while (cursor !== '')
    return ids
  }

  it('sets more aside, and a final capture releases what it leaves', async () => {
    const id = await authorized()
    const once = key()
    const more = await post(id, 'increment', { amount: 500 }, once)
    expect(more).toMatchObject({ status: 200, headers: { etag: 'W/"5"' }, body: { authorized: 3_000 } })
    expect(await post(id, 'increment', { amount: 500 }, once)).toMatchObject({
      status: 200,
      headers: { 'idempotent-replayed': 'true' },
      body: more.body,
    })
    expect(await post(id, 'capture', { amount: 2_000, final: true })).toMatchObject({
      status: 200,
      body: { status: 'captured', captured: 2_000, authorized: 2_000 },
    })
    expect(await post(id, 'capture', { amount: 1 })).toMatchObject({
      status: 422,
      body: { code: 'amount_exceeds_capturable', capturable: 0 },
    })
  })

  it('voids a payment that waits for its buyer', async () => {
    const id = await made('tok_requires_action')
    expect(await post(id, 'authorize')).toMatchObject({ body: { status: 'requires_action' } })
    expect(await post(id, 'void')).toMatchObject({ status: 200, body: { status: 'voided' } })
  })

  it('sends evidence against a dispute, once', async () => {
    const id = await authorized('tok_dispute')
    expect(await post(id, 'capture')).toMatchObject({ status: 200 })
    let dispute: { dispute_id: string; status: string } | undefined
    await until('the dispute is open', async () => {
      dispute = (await server.call('GET', `/v1/payments/${id}`)).body.disputes[0]
      return dispute?.status === 'needs_response'
    })
    const path = `disputes/${dispute!.dispute_id}/evidence`
    const evidence = { evidence: { product_description: 'A chair' } }
    expect(await post(id, path, {})).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    expect(await post(id, path, { evidence: { 'Not a name': 'x' } })).toMatchObject({ status: 400 })
    expect(await post(id, path, { evidence: { note: CARD } })).toMatchObject({
      status: 422,
      body: { code: 'card_number_refused' },
    })
    expect(await post(id, 'disputes/dp_none/evidence', evidence)).toMatchObject({
      status: 404,
      body: { code: 'dispute_not_found' },
    })
    const sent = await post(id, path, evidence)
    expect(sent).toMatchObject({ status: 200, body: { disputes: [{ status: 'under_review' }] } })
    expect(await post(id, path, evidence)).toMatchObject({ status: 422, body: { code: 'illegal_payment_state' } })
    const { body } = await server.call('GET', `/v1/payments/${id}/events?limit=100`)
    expect(JSON.stringify(body)).not.toContain('A chair')
  })

  it('shows a payment as of a version, a position of the log and a time', async () => {
    const id = await authorized()
    await post(id, 'capture', { amount: 1_000 })
    const { body } = await server.call('GET', `/v1/payments/${id}/events`)
    const asOf = async (moment: string) =>
      (await server.call('GET', `/v1/payments/${id}?as_of=${encodeURIComponent(moment)}`)).body
    for (const event of body.items) {
      const then = await asOf(String(event.version))
      expect(then.version).toBe(event.version)
      expect(await asOf(`@${event.event_id}`)).toEqual(then)
    }
    expect(await asOf(new Date().toISOString())).toMatchObject({ version: 5, captured: 1_000 })
    expect(await asOf('2001-01-01T00:00:00Z')).toMatchObject({ status: 404, code: 'payment_not_found' })
    for (const wrong of ['@', '-1', 'now', '2026-13-01T00:00:00Z'])
      expect(await asOf(wrong)).toMatchObject({ status: 400, errors: [{ pointer: 'query/as_of' }] })
  })

  it('lists what waits for a person, and takes the decision once', async () => {
    const { id, opId, once } = await inReview('automatic')
    expect(await reviewed()).toContain(opId)
    expect(await reviewed('&status=succeeded')).not.toContain(opId)
    const url = `/v1/operations/${opId}/resolve`
    const decision = { decision: 'succeeded', reference: 'ch_seen', note: 'seen in the dashboard' }
    const [first, second] = await Promise.all([
      server.call('POST', url, decision),
      server.call('POST', url, { decision: 'failed', note: 'somebody else, at the same time' }),
    ])
    const refused = first!.status < 300 ? second! : first!
    expect([first!.status, second!.status].sort()).toEqual([expect.any(Number), 422])
    expect(refused.body.code).toBe('operation_not_in_review')
    expect(await reviewed()).not.toContain(opId)
    const { body } = await server.call('GET', `/v1/payments/${id}/events?limit=100`)
    const types = body.items.map((event: { event_type: string }) => event.event_type)
    expect(types.filter((type: string) => type === 'REVIEW_RESOLVED')).toHaveLength(1)
    expect((await post(id, 'authorize', {}, once)).body).not.toMatchObject({ pending_operation: { op_id: opId } })
  })

  it('tells whoever repeats the command what was decided', async () => {
    const { id, opId, once } = await inReview()
    const decision = { decision: 'failed', note: 'support says: never received' }
    expect(await server.call('POST', `/v1/operations/${opId}/resolve`, decision)).toMatchObject({
      status: 200,
      body: { status: 'declined', last_error: { code: 'resolved_by_operator' } },
    })
    expect(await post(id, 'authorize', {}, once)).toMatchObject({
      status: 200,
      headers: { 'idempotent-replayed': 'true' },
      body: { status: 'declined' },
    })
  })

  it('refuses names of metadata and tokens that are none, rather than take them in silently', async () => {
    const good = { amount: 5, currency: 'USD', payment_method: { token: 'tok_ok' } }
    for (const [wrong, pointer] of [
      [{ ...good, metadata: { 'not a name': 'x' } }, '/metadata/not a name'],
      [{ ...good, payment_method: { token: 'tok_ok', tokens: { 'Not One': 'x' } } }, '/payment_method/tokens/Not One'],
    ] as const) {
      const { status, body } = await server.call('POST', '/v1/payments', wrong, key())
      expect([status, body.code, body.errors.map((error: { pointer: string }) => error.pointer)]).toEqual([
        400,
        'invalid_input',
        [pointer],
      ])
    }
  })

  it('lists all operations of a payment, or those of one status', async () => {
    const id = await authorized()
    await post(id, 'capture', { amount: 1_000 })
    const { body } = await server.call('GET', `/v1/operations?payment_intent_id=${id}`)
    expect(body.items).toMatchObject([
      { payment_intent_id: id, kind: 'authorize', status: 'succeeded', next_check_at: null },
      { payment_intent_id: id, kind: 'capture', status: 'succeeded', amount: 1_000 },
    ])
    const all = body.items.map((item: { op_id: string }) => item.op_id)
    expect(await reviewed(`&payment_intent_id=${id}`)).toEqual(all)
    expect(await reviewed(`&payment_intent_id=${id}&status=succeeded`)).toEqual(all)
    expect(await reviewed(`&payment_intent_id=${id}&status=review`)).toEqual([])
    const other = await inReview()
    expect(await reviewed(`&payment_intent_id=${other.id}`)).toEqual([other.opId])
    expect(await reviewed('&payment_intent_id=pi_none')).toEqual([])
  })

  it('needs the right scope, and refuses wrong input with the field', async () => {
    const { opId } = await inReview()
    const url = `/v1/operations/${opId}/resolve`
    const cases: [string, string, unknown, number, string][] = [
      ['GET', '/v1/operations?status=lost', undefined, 400, 'invalid_input'],
      ['GET', '/v1/operations?cursor=rubbish', undefined, 400, 'invalid_cursor'],
      ['GET', '/v1/operations?limit=0', undefined, 400, 'invalid_input'],
      ['GET', '/v1/operations?payment_intent_id=a%20b', undefined, 400, 'invalid_input'],
      ['GET', '/v1/operations?payment=pi_none', undefined, 400, 'invalid_input'],
      ['POST', url, {}, 400, 'invalid_input'],
      ['POST', url, { decision: 'maybe', note: 'x' }, 400, 'invalid_input'],
      ['POST', url, { decision: 'failed' }, 400, 'invalid_input'],
      ['POST', url, { decision: 'succeeded', note: 'x', amount: 2_501 }, 422, 'illegal_payment_state'],
      ['POST', url, { decision: 'succeeded', note: 'x', amount: -1 }, 400, 'invalid_input'],
      ['POST', url, { decision: 'failed', note: `card ${CARD}` }, 422, 'card_number_refused'],
      ['POST', '/v1/operations/op_none/resolve', { decision: 'failed', note: 'x' }, 404, 'operation_not_found'],
      ['POST', '/v1/payments/pi_none/increment', { amount: 1 }, 404, 'payment_not_found'],
    ]
    for (const [method, path, body, status, code] of cases) {
      const answer = await server.call(method, path, body, key())
      expect([answer.status, answer.body.code], `${path} ${JSON.stringify(body)}`).toEqual([status, code])
    }
    const id = await authorized()
    for (const amount of [0, -1, 1.5, '5', 1e15, undefined])
      expect(await post(id, 'increment', { amount })).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    expect(await post(id, 'capture', { final: 'yes' })).toMatchObject({ status: 400 })
    expect(await server.call('POST', `/v1/payments/${id}/increment`, { amount: 1 })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_required' },
    })
    const made = await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['payments:read'] })
    const reader = { authorization: `Bearer ${made.body.secret}` }
    expect((await server.call('GET', '/v1/operations', undefined, reader)).status).toBe(200)
    expect((await server.call('POST', url, { decision: 'failed', note: 'x' }, reader)).status).toBe(403)
    expect(await reviewed()).toContain(opId)
  })
})
