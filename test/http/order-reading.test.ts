import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { startServer, type TestServer } from '../setup/http.ts'
import { copyTemplate } from '../setup/template.ts'

const key = () => ({ 'idempotency-key': randomUUID() })
const HOME = { line1: '1 Main St', city: 'Oslo', country: 'NO' }
const ELSEWHERE = { ...HOME, city: 'Bergen' }
const TEA = { product_id: 'tea', sku: 'tea', name: 'Tea', category: 'Food', price: 400, currency: 'EUR', stock: 1_000 }
const LIVES = { timeout: 120_000 }

interface Action {
  readonly action: string
  readonly allowed: boolean
  readonly code?: string
  readonly reason?: string
}

let server: TestServer
beforeAll(async () => {
  server = await startServer({ reportEvery: 3_600_000 })
  await server.fanfold.orders.createProduct(TEA)
})
afterAll(() => server.close())

const get = (path: string, headers?: Record<string, string>) => server.call('GET', path, undefined, headers)
const post = (id: string, path: string, body: unknown = {}) =>
  server.call('POST', `/v1/orders/${id}/${path}`, body, key())

/** An order of 3 units in two lines. */
async function place(at = server): Promise<string> {
  const { orders } = at.fanfold
  const order = await orders.place({
    ...{ guest: { name: 'Ada' }, shipping_address: HOME, shipping: [{ label: 'Post', amount: 50 }] },
    items: [
      { product_id: 'tea', quantity: 2 },
      { product_id: 'tea', quantity: 1, location_id: 'main' },
    ],
  })
  return order.order_id
}
async function pay(id: string, at = server): Promise<void> {
  const { total_price: captured } = await at.fanfold.orders.get(id)
  await at.fanfold.orders.recordPayment({ order_id: id, payment_intent_id: `pi_${id}`, captured, currency: 'EUR' })
}

describe('an order after each entry of its history', () => {
  it('is what the history says, version by version, and nothing beyond', async () => {
    const id = await place()
    const placed = await server.fanfold.orders.get(id)
    await pay(id)
    const { body: shipped } = await post(id, 'ship')
    const url = `/v1/orders/${id}`
    expect((await get(`${url}?version=1`)).body).toEqual(placed)
    expect((await get(`${url}?version=2`)).body).toMatchObject({ status: 'PAID', version: 2 })
    expect((await get(`${url}?version=3`)).body).toEqual(shipped)
    const beyond = await get(`${url}?version=4`)
    expect(beyond).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    expect(beyond.body.errors).toEqual([{ pointer: 'query/version', detail: 'must be 1 to 3' }])
    for (const query of ['?version=0', '?version=-1', '?version=x', '?version=2&as_of=2']) {
      expect(await get(url + query), query).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    }
    expect(await get('/v1/orders/1?version=1')).toMatchObject({ status: 404, body: { code: 'order_not_found' } })
  })
})

describe('what may be done with an order', () => {
  const actionsOf = async (id: string): Promise<Action[]> => (await get(`/v1/orders/${id}`)).body.actions
  const ask: Record<string, (id: string) => ReturnType<typeof post>> = {
    ship: (id) => post(id, 'ship'),
    deliver: (id) => post(id, 'deliver'),
    cancel: (id) => post(id, 'cancel'),
    return: (id) => post(id, 'returns', { items: [{ line_no: 1, quantity: 1 }] }),
    edit: (id) => post(id, 'edits', { add_items: [{ product_id: 'tea', quantity: 1 }] }),
    change_address: (id) =>
      server.call('PUT', `/v1/orders/${id}/shipping-address`, { shipping_address: ELSEWHERE }, key()),
  }
  const part = { items: [{ line_no: 1, quantity: 1 }] }
  const lives: [string, (id: string) => Promise<unknown>][] = [
    ['just placed', async () => undefined],
    ['paid', pay],
    ['cancelled', (id) => post(id, 'cancel')],
    ['shipped', async (id) => [await pay(id), await post(id, 'ship')]],
    ['delivered', async (id) => [await pay(id), await post(id, 'ship'), await post(id, 'deliver')]],
  ]

  it.each(lives)('is what the commands themselves say: %s', LIVES, async (_name, live) => {
    const begin = async () => {
      const id = await place()
      await live(id)
      return id
    }
    const actions = await actionsOf(await begin())
    expect(actions.map(({ action }) => action)).toEqual(Object.keys(ask))
    for (const { action, ...said } of actions) {
      // Each on an order of its own, since it changes what may be done.
      const { status, body } = await ask[action]!(await begin())
      const refusal = { allowed: false, code: body.code, reason: body.detail }
      expect(said, action).toEqual(status < 300 ? { allowed: true } : refusal)
    }
  })

  it('names what can be done in part only, and why not as a whole', async () => {
    const id = await place()
    await pay(id)
    await post(id, 'ship', part)
    const actions = new Map((await actionsOf(id)).map(({ action, ...said }) => [action, said]))
    const cancel = await ask['cancel']!(id)
    expect(cancel).toMatchObject({ status: 422, body: { code: 'order_partly_shipped' } })
    expect(actions.get('cancel')).toEqual({ allowed: true, code: cancel.body.code, reason: cancel.body.detail })
    expect(actions.get('deliver')).toMatchObject({ allowed: true, code: 'illegal_transition' })
    expect(actions.get('ship')).toEqual({ allowed: true })
    expect(actions.get('edit')).toMatchObject({ allowed: false, code: 'order_partly_shipped' })
    expect((await post(id, 'deliver', { shipment_no: 1 })).status).toBe(200)
    expect((await post(id, 'cancel', part)).status).toBe(200)
  })

  it('is told of an order as it is only, and not in lists', async () => {
    const id = await place()
    const { body } = await get('/v1/orders?limit=1')
    expect(body.items[0].order_id).toBe(id)
    for (const shown of [body.items[0], (await get(`/v1/orders/${id}?as_of=1`)).body, (await ask['edit']!(id)).body]) {
      expect(shown).not.toHaveProperty('actions')
    }
  })
})

describe('the proof of an order', () => {
  it('finds nothing about one that is as it was written', async () => {
    const id = await place()
    await pay(id)
    const { status, body } = await get(`/v1/orders/${id}/proof`)
    const checked_at = expect.stringMatching(/^20.*Z$/)
    expect([status, body]).toEqual([200, { order_id: id, ok: true, events: 2, findings: [], checked_at }])
    for (const wrong of ['1', 'x', '9223372036854775807', String(BigInt(id) - 1n)]) {
      expect(await get(`/v1/orders/${wrong}/proof`), wrong).toMatchObject({
        ...{ status: 404, body: { code: 'order_not_found' } },
      })
    }
  })

  it('names the entry and the order that were changed behind its back', LIVES, async () => {
    const { folder, remove } = await copyTemplate(inject('embeddedTemplate'))
    const open = () => startServer({ database: `pglite:${folder}`, workers: false })
    const before = await open()
    await before.fanfold.orders.createProduct(TEA)
    const [entry, order, calm] = [await place(before), await place(before), await place(before)]
    await pay(entry, before)
    await before.close()
    const sql = await openPglite(folder)
    await sql.transaction(async (tx) => {
      await tx.script(`set local session_replication_role = replica`)
      await tx.query(
        `update order_history set details = details || '{"captured": 1}' where order_id = $1 and version = 2`,
        [BigInt(entry)],
      )
      await tx.query(`update order_line_items set quantity_shipped = 1 where order_id = $1 and line_no = 1`, [
        BigInt(order),
      ])
    })
    await sql.close()
    const after = await open()
    const proof = async (id: string) => (await after.call('GET', `/v1/orders/${id}/proof`)).body
    expect(await proof(calm)).toMatchObject({ ok: true, findings: [] })
    const changed = await proof(entry)
    expect(changed).toMatchObject({ ok: false, events: 2 })
    expect(changed.findings).toContainEqual({
      kind: 'history_chain',
      message: expect.stringMatching(
        new RegExp(`^order ${entry}, version 2: expected [0-9a-f]{64}, found [0-9a-f]{64}$`),
      ),
    })
    // Only what differs is named.
    const message = expect.stringMatching(
      /^order \d+: expected lines \[.*"shipped":0.*\], found lines \[.*"shipped":1.*\]$/,
    )
    expect((await proof(order)).findings).toEqual([{ kind: 'history_replay', message }])
    await after.close()
    await remove()
  })
})

describe('the facts of the sales report over HTTP', () => {
  it('add up to the report, are paged, and refuse what is wrong', async () => {
    const id = await place()
    await pay(id)
    await post(id, 'cancel', { items: [{ line_no: 1, quantity: 1 }] })
    await server.fanfold.caughtUp()
    const cell = 'product_category=Food&shipping_city=Oslo'
    const { body: report } = await get(`/v1/reports/sales?${cell}`)
    const first = await get(`/v1/reports/sales/facts?${cell}&limit=2`)
    expect(first.status).toBe(200)
    const items = [...first.body.items]
    let { next_cursor: cursor } = first.body
    while (cursor !== undefined) {
      const { body } = await get(`/v1/reports/sales/facts?${cell}&limit=2&cursor=${cursor}`)
      items.push(...body.items)
      cursor = body.next_cursor
    }
    expect(items.reduce((sum, { amount }) => sum + amount, 0)).toBe(report.total.price)
    expect(items.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(report.total.quantity)
    expect(items.filter(({ order_id }) => order_id === id)).toContainEqual(
      expect.objectContaining({ kind: 'cancel', line_no: 1, quantity: -1, amount: -400, currency: 'EUR' }),
    )
    for (const query of ['?group_by=day', '?from=2026-02-30', '?kind=gift', '?limit=0', '?top=1']) {
      expect(await get(`/v1/reports/sales/facts${query}`), query).toMatchObject({
        ...{ status: 400, body: { code: 'invalid_input' } },
      })
    }
    expect(await get('/v1/reports/sales/facts?cursor=abc')).toMatchObject({ body: { code: 'invalid_cursor' } })
  })

  it('and proofs need the scopes of what they show', async () => {
    const { body } = await server.call('POST', '/v1/keys', { name: 'other', scopes: ['payments', 'social'] })
    const stranger = { authorization: `Bearer ${body.secret}` }
    for (const path of ['/v1/reports/sales/facts', '/v1/orders/1/proof', '/v1/orders/1?version=1']) {
      expect(await get(path, stranger), path).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
  })
})
