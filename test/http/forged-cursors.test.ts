import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256, sortedJson } from '../../src/core/canonical-json.ts'
import { encodeCursor } from '../../src/core/cursor.ts'
import { startServer, type TestServer } from '../setup/http.ts'

/**
 * Goal: a cursor is text from outside, whatever it looks like: what no list handed out is `invalid_cursor` and never a
 * failure of ours. Method: of each list a cursor that it takes, then the same with one part after the other forged.
 */
const FORGED = [
  ...['', ' ', 'x', '-', '0', '-1', '1.5', '0x10', 'NaN', '1e400', '-Infinity', '9'.repeat(30)],
  ...['32768', '2147483648', '9007199254740993', '9223372036854775807', '9223372036854775808', '8640000000000001'],
  ...['-62198755200001', '8640000000000000', '-8640000000000000'],
  ...['-271821-04-20T00:00:00.000Z', '+275760-09-13T00:00:00.000Z', '2026-02-30'],
  ...['\u0000', 'a\u0000b', '\ud800', "'", '%', '🙂', 'x'.repeat(500)],
]

const NOW = '1790000000000'
const DAY = '2026-01-01'
const TIME = '2026-01-01T00:00:00.000Z'
const ID = '1180591620717411303'
const digest = (filter: object) =>
  Buffer.from(sha256(sortedJson(filter)))
    .toString('base64url')
    .slice(0, 16)

describe('forged cursors', () => {
  let server: TestServer
  let folder: string
  const ids: Record<string, string> = { user_id: 'ada', tag: 'tag', product_id: 'p', customer_id: 'c' }
  beforeAll(async () => {
    server = await startServer({ webhookAllowHttp: true, webhookAllowPrivate: true })
    folder = await mkdtemp(join(tmpdir(), 'fanfold-cursors-'))
    const made = async (path: string, body: object) => {
      const answer = await server.call('POST', path, body, { 'idempotency-key': randomUUID() })
      expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300)
      for (const [name, id] of Object.entries(answer.body)) if (name.endsWith('_id')) ids[name] ??= String(id)
    }
    await made('/v1/users', { user_id: 'ada', handle: 'ada', name: 'Ada' })
    await made('/v1/posts', { user_id: 'ada', content: { text: '#tag' } })
    await made('/v1/customers', { customer_id: 'c', name: 'Cyd' })
    const product = { product_id: 'p', sku: 'P', name: 'P', category: 'c', price: 500, currency: 'USD', stock: 5 }
    await made('/v1/products', product)
    const shipping_address = { line1: '1 Main St', city: 'Oslo', country: 'NO' }
    await made('/v1/orders', { customer_id: 'c', shipping_address, items: [{ product_id: 'p', quantity: 1 }] })
    const payment = { amount: 500, currency: 'USD', customer_id: 'c', payment_method: { token: 'tok_ok' } }
    await made('/v1/payments', payment)
    await made(`/v1/payments/${ids['payment_intent_id']}/authorize`, {})
    await made('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/' })
    const file = join(folder, 'payout.csv')
    await writeFile(file, server.fanfold.sandboxSettlementCsv())
    const { settlement } = await server.fanfold.settlements.importFile(file, { processor: 'sandbox' })
    ids['settlement_id'] = settlement.settlement_id
    await server.fanfold.caughtUp()
  })
  afterAll(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Path and query of a list, and of a cursor that it takes its name, with ids in braces, and its parts. */
  const LISTS: [url: string, list: string, ...parts: string[]][] = [
    ['/v1/users?cursor', 'users:', 'ada'],
    ['/v1/users/{user_id}/posts?cursor', 'posts:ada', ID],
    ['/v1/users/{user_id}/follows?cursor', 'follows:ada', 'bob'],
    ['/v1/users/{user_id}/followers?cursor', 'followers:ada', 'bob'],
    ['/v1/hashtags/{tag}/posts?cursor', 'hashtag:tag', ID],
    ['/v1/posts/{post_id}/comments?cursor', 'comments:{post_id}', ID],
    ['/v1/users/{user_id}/timeline?cursor', 'timeline:ada', ID, ID],
    ['/v1/users/{user_id}/timeline?order=ranked&cursor', 'ranked:ada', ID, ID, ID],
    ['/v1/users/{user_id}/timeline?newer', 'newer:ada', '', ID, ID, ID, '', ID],
    ['/v1/products?cursor', 'products ', 'o'],
    ['/v1/customers?cursor', 'customers', 'b'],
    ['/v1/customers/{customer_id}/addresses?cursor', 'addresses c', 'adr_1'],
    ['/v1/orders?cursor', `orders ${digest({})}`, ID],
    ['/v1/reports/sales/facts?cursor', `facts ${digest({})}`, DAY, ID, '1', '1', '1'],
    ['/v1/payments?cursor', `payments ${digest({})}`, '{payment_intent_id}'],
    ['/v1/payments/{payment_intent_id}/events?cursor', 'payment-events:{payment_intent_id}:', '1'],
    ['/v1/customers/{customer_id}/transactions?cursor', 'transactions:c', NOW, 'pi_1', '1'],
    ['/v1/operations?cursor', 'operations:review:', 'op_1'],
    ['/v1/settlements?cursor', 'settlements:', NOW, 'st_1'],
    ['/v1/settlements/{settlement_id}/items?cursor', 'settlement-items:{settlement_id}:', '1'],
    ['/v1/disputes?cursor', 'disputes:needs_response,under_review::', NOW, 'pi_1', 'd_1'],
    ['/v1/ledger/entries?account=processor:sandbox&cursor', 'ledger:processor:sandbox:', NOW, '1', ID, '1'],
    ['/v1/webhook-inbox?cursor', 'webhook-inbox::', NOW, 'sandbox', 'evt_1'],
    ['/v1/webhook-endpoints?cursor', 'webhook_endpoints', 'we_1'],
    ['/v1/orders/{order_id}/history?cursor', 'history {order_id}', '1'],
    ['/v1/posts/{post_id}/likes?cursor', 'likes:{post_id}', TIME, 'ada'],
    ['/v1/posts/{post_id}/versions?cursor', 'versions:{post_id}', '1'],
    ['/v1/products/{product_id}/prices?cursor', 'prices p', '1', 'USD'],
    ['/v1/products/{product_id}/stock/moves?cursor', 'moves p', ID, '1', 'main'],
    ['/v1/users/{user_id}/notifications?cursor', 'notifications:ada', TIME, ID, 'like'],
    ['/v1/webhook-endpoints/{endpoint_id}/deliveries?cursor', 'webhook_deliveries {endpoint_id} ', NOW, ID],
  ]
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => ids[name]!)

  it.each(LISTS)('are refused by %s', async (url, list, ...parts) => {
    const [path, query] = url.split('?') as [string, string]
    const page = (key: readonly string[]) =>
      server.call('GET', filled(`${path}?${query}=${encodeCursor(filled(list), key)}`))
    const own = await page(parts.map(filled))
    expect([own.status, own.body.code]).toEqual([200, undefined])
    const failed: unknown[] = []
    for (const index of parts.keys()) {
      for (const text of FORGED) {
        const { status, body } = await page(parts.map(filled).with(index, text))
        if (status !== 200 && body.code !== 'invalid_cursor') failed.push([index, text, status, body.code])
      }
    }
    expect(failed).toEqual([])
  })

  it('are tried on every list of the API', async () => {
    const { paths } = JSON.parse(await readFile('openapi.json', 'utf8')) as {
      paths: Record<string, { get?: { parameters?: { name: string }[] } }>
    }
    const hasCursor = (path: string) => paths[path]!.get?.parameters?.some(({ name }) => name === 'cursor')
    const tried = new Set(LISTS.map(([url]) => url.split('?')[0]))
    expect(Object.keys(paths).filter((path) => hasCursor(path) && !tried.has(path))).toEqual([])
  })
})
