import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup/http.ts'

describe('settlements over HTTP', () => {
  let server: TestServer
  let folder: string
  let id: string
  beforeAll(async () => {
    server = await startServer()
    folder = await mkdtemp(join(tmpdir(), 'fanfold-settlement-'))
    for (const amount of [1_000, 2_000, 3_000]) {
      const input = { amount, currency: 'USD', payment_method: { token: 'tok_ok' } }
      const { body } = await server.call('POST', '/v1/payments', input, { 'idempotency-key': randomUUID() })
      const path = `/v1/payments/${body.payment_intent_id}/authorize`
      await server.call('POST', path, {}, { 'idempotency-key': randomUUID() })
    }
    let text = ''
    for await (const line of server.fanfold.sandboxSettlementCsv()) text += line.replace(',2000,', ',1999,')
    const file = join(folder, 'payout.csv')
    await writeFile(file, text)
    id = (await server.fanfold.settlements.importFile(file, { processor: 'sandbox' })).settlement.settlement_id
  })
  afterAll(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('are listed, read with their sums, and gone through a page at a time', async () => {
    const list = await server.call('GET', '/v1/settlements?processor=sandbox')
    expect(list).toMatchObject({ status: 200, body: { items: [{ settlement_id: id, matched: 2, differing: 1 }] } })
    expect((await server.call('GET', '/v1/settlements?processor=nobody')).body).toEqual({ items: [] })
    expect(await server.call('GET', `/v1/settlements/${id}`)).toMatchObject({
      status: 200,
      body: { file_name: 'payout.csv', totals: [{ currency: 'USD', type: 'charge', lines: 3, amount: 5_999 }] },
    })
    const amounts: number[] = []
    let cursor = ''
    do {
      const { body } = await server.call('GET', `/v1/settlements/${id}/items?limit=2${cursor}`)
      amounts.push(...body.items.map((item: { amount: number }) => item.amount))
      cursor = body.next_cursor === undefined ? '' : `&cursor=${body.next_cursor}`
    } while (cursor !== '')
    expect(amounts).toEqual([1_000, 1_999, 3_000])
    expect((await server.call('GET', `/v1/settlements/${id}/items?result=differing`)).body.items).toMatchObject([
      { differences: ['amount'], amount: 1_999, expected_amount: 2_000, line: 3 },
    ])
  })

  it('are compared again on request', async () => {
    const again = await server.call('POST', `/v1/settlements/${id}/reconcile`)
    expect(again).toMatchObject({ status: 200, body: { settlement_id: id, matched: 2, differing: 1, missing: 0 } })
  })

  it('refuse what is wrong', async () => {
    const cases: [string, string, number, string][] = [
      ['GET', '/v1/settlements/st_none', 404, 'settlement_not_found'],
      ['GET', '/v1/settlements/st_none/items', 404, 'settlement_not_found'],
      ['POST', '/v1/settlements/st_none/reconcile', 404, 'settlement_not_found'],
      ['GET', `/v1/settlements/${id}/items?result=odd`, 400, 'invalid_input'],
      ['GET', `/v1/settlements/${id}/items?cursor=rubbish`, 400, 'invalid_cursor'],
      ['GET', '/v1/settlements?limit=0', 400, 'invalid_input'],
    ]
    for (const [method, path, status, code] of cases) {
      const answer = await server.call(method, path)
      expect([answer.status, answer.body.code], path).toEqual([status, code])
    }
    const made = await server.call('POST', '/v1/keys', { name: 'shop', scopes: ['orders'] })
    const stranger = { authorization: `Bearer ${made.body.secret}` }
    expect((await server.call('GET', `/v1/settlements/${id}`, undefined, stranger)).status).toBe(403)
  })
})
