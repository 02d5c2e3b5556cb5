import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'
import { copyTemplate } from '../setup/template.ts'

const key = () => ({ 'idempotency-key': randomUUID() })

interface Action {
  readonly action: string
  readonly allowed: boolean
  readonly code?: string
  readonly reason?: string
}

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function create(token: string, more: object = {}): Promise<string> {
  const input = { amount: 2_500, currency: 'USD', payment_method: { token }, ...more }
  const { status, body } = await server.call('POST', '/v1/payments', input, key())
  expect(status).toBe(201)
  return body.payment_intent_id
}
const post = (id: string, path: string, body: unknown = {}) =>
  server.call('POST', `/v1/payments/${id}/${path}`, body, key())
const get = (path: string, headers?: Record<string, string>) =>
  server.call('GET', `/v1/payments${path}`, undefined, headers)

describe('the list of payments over HTTP', () => {
  const idsOf = async (query: string): Promise<string[]> =>
    (await get(query)).body.items.map((item: { payment_intent_id: string }) => item.payment_intent_id)

  it('finds by status, customer, order and name, page by page, newest first', async () => {
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.unshift(await create('tok_ok', { customer_id: 'lister' }))
    await post(ids[2]!, 'authorize')
    await until('all are seen', async () => {
      const [captured, ...others] = await idsOf('?customer_id=lister&status=captured')
      return captured === ids[2] && others.length === 0 && (await idsOf('?customer_id=lister')).length === 5
    })
    const first = await get('?customer_id=lister&limit=3')
    expect(first.body.items.map((item: { payment_intent_id: string }) => item.payment_intent_id)).toEqual(
      ids.slice(0, 3),
    )
    expect(await idsOf(`?customer_id=lister&limit=3&cursor=${first.body.next_cursor}`)).toEqual(ids.slice(3))
    expect(await idsOf(`?q=${ids[1]}`)).toEqual([ids[1]])
    const { body: events } = await get(`/${ids[2]}/events`)
    const { reference } = events.items.find((item: { event_type: string }) => item.event_type === 'CAPTURED').payload
    expect(await idsOf(`?q=${reference}`)).toEqual([ids[2]])
    const { body: whole } = await get(`/${ids[2]}`)
    const { billing_details: _details, actions: _actions, ...summary } = whole
    expect((await get(`?q=${ids[2]}`)).body.items).toEqual([summary])
  })

  it('tells what waits for a person', async () => {
    const unclear = await create('tok_wrong_currency')
    await post(unclear, 'authorize')
    const disputed = await create('tok_dispute')
    await post(disputed, 'authorize')
    await until('both are seen', async () => {
      const [review, needed] = [await idsOf('?status=review'), await idsOf('?status=needs_response')]
      return review.includes(unclear) && needed.includes(disputed)
    })
    expect(await idsOf('?status=review')).toEqual([unclear])
    expect(await idsOf('?status=needs_response')).toEqual([disputed])
  })

  it('refuses wrong filters, cursors, and keys without the scope', async () => {
    const refused = [
      '?status=REVIEW',
      '?created_from=2026-02-30',
      '?created_to=5',
      '?limit=0',
      '?q=',
      '?amount=5',
      '?order_id=a%20b',
    ]
    for (const query of refused) {
      expect(await get(query), query).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    }
    expect(await get('?cursor=abc')).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } })
    const { body } = await server.call('POST', '/v1/keys', { name: 'orders', scopes: ['orders', 'reports:read'] })
    const stranger = { authorization: `Bearer ${body.secret}` }
    const id = await create('tok_ok')
    for (const path of ['', `/${id}`, `/${id}/proof`]) {
      expect(await get(path, stranger), path).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
  })
})

describe('a payment after each of its events', () => {
  it('is what the log says, version by version, and nothing beyond', async () => {
    const id = await create('tok_ok')
    const created = (await get(`/${id}?version=1`)).body
    expect(created).toMatchObject({ status: 'initiated', version: 1 })
    expect(created).not.toHaveProperty('actions')
    const { body: paid } = await post(id, 'authorize')
    await post(id, 'refund', { amount: 100 })
    expect((await get(`/${id}?version=5`)).body).toEqual(paid)
    const statuses = []
    for (let version = 1; version <= 7; version++) statuses.push((await get(`/${id}?version=${version}`)).body.status)
    expect(statuses).toEqual([
      ...['initiated', 'authorizing', 'authorized', 'authorized', 'captured', 'captured', 'partially_refunded'],
    ])
    const beyond = await get(`/${id}?version=8`)
    expect(beyond).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    expect(beyond.body.errors).toEqual([{ pointer: 'query/version', detail: 'must be 1 to 7' }])
    for (const query of ['?version=0', '?version=-1', '?version=x', '?version=2&as_of=2']) {
      expect(await get(`/${id}${query}`), query).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    }
    expect(await get('/pi_nothing?version=1')).toMatchObject({ status: 404, body: { code: 'payment_not_found' } })
  })
})

describe('the events of a payment', () => {
  it('are listed, and those of one operation alone', async () => {
    const id = await create('tok_ok')
    await post(id, 'authorize')
    await post(id, 'refund', { amount: 100 })
    const { body: all } = await get(`/${id}/events`)
    const asked = all.items.find(({ event_type }: { event_type: string }) => event_type === 'REFUND_REQUESTED')
    const { body: some } = await get(`/${id}/events?op_id=${asked.op_id}`)
    expect(some.items).toEqual(all.items.filter(({ op_id }: { op_id: string | null }) => op_id === asked.op_id))
    expect(some.items.map(({ event_type }: { event_type: string }) => event_type)).toEqual([
      'REFUND_REQUESTED',
      'REFUNDED',
    ])
    expect(await get(`/${id}/events?op_id=op_none`)).toMatchObject({ status: 200, body: { items: [] } })
    expect(await get(`/${id}/events?op_id=a%20b`)).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    const cursor = (await get(`/${id}/events?limit=1`)).body.next_cursor
    expect(await get(`/${id}/events?op_id=${asked.op_id}&cursor=${cursor}`)).toMatchObject({
      ...{ status: 400, body: { code: 'invalid_cursor' } },
    })
    for (const query of ['', '?op_id=op_none']) {
      expect(await get(`/pi_nothing/events${query}`)).toMatchObject({
        ...{ status: 404, body: { code: 'payment_not_found' } },
      })
    }
  })
})

describe('what may be done with a payment', () => {
  const COMMANDS: Record<string, object> = {
    ...{ authorize: {}, capture: {}, void: {}, refund: {}, increment: { amount: 1 } },
  }
  const actionsOf = async (id: string): Promise<Action[]> => (await get(`/${id}`)).body.actions
  const allowed = (actions: readonly Action[]) => actions.flatMap((one) => (one.allowed ? one.action : [])).sort()

  it('is what the commands themselves say, in every state', { timeout: 120_000 }, async () => {
    const manual = { capture_method: 'manual' }
    const lives: [string, string[], object][] = [
      ['tok_ok', [], manual],
      ['tok_declined', ['authorize'], manual],
      ['tok_requires_action', ['authorize'], manual],
      ['tok_ok', ['authorize'], manual],
      ['tok_ok', ['authorize', 'capture'], manual],
      ['tok_ok', ['authorize', 'void'], manual],
      ['tok_ok', ['authorize'], {}],
      ['tok_ok', ['authorize', 'refund'], {}],
    ]
    for (const [token, deeds, more] of lives) {
      const begin = async () => {
        const id = await create(token, more)
        for (const deed of deeds) await post(id, deed, deed === 'capture' || deed === 'refund' ? { amount: 1_000 } : {})
        return id
      }
      const actions = await actionsOf(await begin())
      expect(actions.map(({ action }) => action)).toEqual(Object.keys(COMMANDS))
      for (const { action, ...said } of actions) {
        // Each on a payment of its own, since it changes what may be done.
        const { status, body } = await post(await begin(), action, COMMANDS[action])
        const refusal = { allowed: false, code: body.code, reason: body.detail }
        expect(said, `${deeds.join()} ${action}`).toEqual(status < 300 ? { allowed: true } : refusal)
      }
    }
  })

  it('is told of a payment as it is only', async () => {
    const id = await create('tok_ok')
    expect(allowed(await actionsOf(id))).toEqual(['authorize', 'void'])
    const answer = await post(id, 'authorize')
    expect(answer.body).not.toHaveProperty('actions')
    expect(allowed(await actionsOf(id))).toEqual(['refund'])
    expect((await get(`/${id}?as_of=2`)).body).not.toHaveProperty('actions')
  })
})

describe('the proof of a payment', () => {
  it('finds nothing about one that is as it was written', async () => {
    const id = await create('tok_ok')
    await post(id, 'authorize')
    const { status, body } = await get(`/${id}/proof`)
    expect([status, body]).toEqual([
      200,
      { payment_intent_id: id, ok: true, events: 5, findings: [], checked_at: expect.stringMatching(/^20.*Z$/) },
    ])
    expect(await get('/pi_nothing/proof')).toMatchObject({ status: 404, body: { code: 'payment_not_found' } })
  })

  it('names the event, the head and the ledger that were changed behind its back', { timeout: 120_000 }, async () => {
    const { folder, remove } = await copyTemplate(inject('embeddedTemplate'))
    const ids: string[] = []
    const open = (workers: boolean) => startServer({ database: `pglite:${folder}`, workers })
    const before = await open(true)
    for (let n = 0; n < 4; n++) {
      const input = { amount: 2_500, currency: 'USD', payment_method: { token: 'tok_ok' } }
      const id = (await before.call('POST', '/v1/payments', input, key())).body.payment_intent_id
      await before.call('POST', `/v1/payments/${id}/authorize`, {}, key())
      ids.push(id)
    }
    await before.fanfold.caughtUp()
    await before.close()
    const [event, ledger, head, calm] = ids
    const sql = await openPglite(folder)
    await sql.query('alter table payment_events disable trigger payment_events_append_only')
    await sql.query(
      `update payment_events set payload = payload || '{"amount": 2400}' where payment_intent_id = $1 and version = 5`,
      [event],
    )
    await sql.query('alter table payment_events enable trigger payment_events_append_only')
    await sql.query(
      `update ledger_entries_gen set amount = amount + 1 where payment_intent_id = $1 and account = 'sales'`,
      [ledger],
    )
    await sql.query('delete from payment_intents where payment_intent_id = $1', [head])
    await sql.close()
    const after = await open(false)
    const proof = async (id: string | undefined) => (await after.call('GET', `/v1/payments/${id}/proof`)).body
    const kinds = ({ findings }: { findings: { kind: string }[] }) => new Set(findings.map(({ kind }) => kind))
    expect(await proof(calm)).toMatchObject({ ok: true, findings: [] })
    const changed = await proof(event)
    expect(changed).toMatchObject({ ok: false, events: 5 })
    expect(changed.findings).toContainEqual({
      kind: 'events',
      message: expect.stringMatching(/^version 5 \(CAPTURED, .*\) is not as it was written$/),
    })
    expect(kinds(changed)).toContain('head')
    expect(kinds(await proof(ledger))).toEqual(new Set(['ledger']))
    expect(await proof(head)).toMatchObject({
      ...{ ok: false, events: 5, findings: [{ kind: 'head', message: 'has events, but no head' }] },
    })
    // The same code stands behind `fanfold verify payments`.
    const { differences } = await after.fanfold.verifyPayments()
    for (const { message } of changed.findings) {
      expect(differences).toContainEqual(expect.objectContaining({ subject: event, problem: message }))
    }
    await after.close()
    await remove()
  })
})
