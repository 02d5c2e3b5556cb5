import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { startServer, type TestServer } from '../setup/http.ts'
import { copyTemplate } from '../setup/template.ts'

const key = () => ({ 'idempotency-key': randomUUID() })
const BILLING = { name: 'Wilhelmina Erasmus', city: 'Oslo' }
const paymentOf = (customerId: string) => ({
  ...{ amount: 2_500, currency: 'USD', customer_id: customerId, payment_method: { token: 'tok_ok' } },
  billing_details: BILLING,
})

async function pay(server: TestServer, customerId: string): Promise<string> {
  const { status, body } = await server.call('POST', '/v1/payments', paymentOf(customerId), key())
  expect([status, body.billing_details]).toEqual([201, BILLING])
  return `/v1/payments/${body.payment_intent_id}`
}

describe('erasing a person over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ workers: false })
  })
  afterAll(() => server.close())

  it('takes what is personal out of his payments, and may be repeated', async () => {
    const url = await pay(server, 'wil')
    const other = await pay(server, 'someone-else')
    for (let times = 0; times < 2; times++) {
      expect((await server.call('DELETE', '/v1/customers/wil/payment-data')).status).toBe(204)
    }
    expect((await server.call('GET', url)).body).toMatchObject({
      ...{ billing_details: null, personal_data: 'erased', customer_id: 'wil', amount: 2_500 },
    })
    expect((await server.call('GET', other)).body.billing_details).toEqual(BILLING)
    expect((await server.call('DELETE', '/v1/customers/nobody/payment-data')).status).toBe(204)
  })

  it('of a customer erases his payments with his orders, also where the orders do not know him', async () => {
    expect((await server.call('POST', '/v1/customers', { customer_id: 'ann', name: 'Ann' }, key())).status).toBe(201)
    const [known, unknown] = [await pay(server, 'ann'), await pay(server, 'only-paid')]
    expect((await server.call('DELETE', '/v1/customers/ann')).status).toBe(204)
    expect((await server.call('DELETE', '/v1/customers/only-paid')).status).toBe(404)
    for (const url of [known, unknown]) expect((await server.call('GET', url)).body.personal_data).toBe('erased')
  })

  it('needs the scope payments', async () => {
    const made = await server.call('POST', '/v1/keys', { name: 'reader', scopes: ['payments:read', 'orders'] })
    const headers = { authorization: `Bearer ${made.body.secret}` }
    const answer = await server.call('DELETE', '/v1/customers/wil/payment-data', undefined, headers)
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
  })
})

describe('fanfold master-key', () => {
  const cli = async (...args: string[]) => {
    const said: string[] = []
    const add = (text: string) => void said.push(text)
    const code = await runCli(args, {}, { out: add, say: add, progress: () => ({ update: () => {}, end: () => {} }) })
    return { code, said: said.join('\n') }
  }
  let template: Awaited<ReturnType<typeof copyTemplate>>
  let keysDir: string
  let database: string
  beforeAll(async () => {
    template = await copyTemplate(inject('embeddedTemplate'))
    keysDir = join(template.folder, '..', 'keys')
    database = `pglite:${template.folder}`
  })
  afterAll(() => template.remove())
  const onDatabase = (...args: string[]) => cli(...args, '--database-url', database, '--keys-dir', keysDir)
  const ids = async () =>
    (await readFile(join(keysDir, 'master.keys'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0])
  async function withServer<T>(work: (server: TestServer) => Promise<T>, more: object = {}): Promise<T> {
    const server = await startServer({ database, keysDir, workers: false, ...more })
    try {
      return await work(server)
    } finally {
      await server.close()
    }
  }

  it('exchanges the key: what was stored before is read with the new one alone', async () => {
    const url = await withServer((server) => pay(server, 'wil'))
    const [first] = await ids()
    expect(await onDatabase('master-key', 'rotate')).toEqual({ code: 0, said: expect.stringContaining('1 key(s)') })
    const [second, ...older] = await ids()
    expect(older).toEqual([first])
    expect(second).not.toBe(first)
    expect(await onDatabase('master-key', 'prune')).toEqual({ code: 0, said: expect.stringContaining('0 key(s)') })
    expect(await ids()).toEqual([second])
    expect((await stat(join(keysDir, 'master.keys'))).mode & 0o777).toBe(0o600)
    const billing = await withServer(async (server) => (await server.call('GET', url)).body.billing_details)
    expect(billing).toEqual(BILLING)
  })

  it('takes the keys from the setting where there is one, and then changes none', async () => {
    const masterKeys = `${randomBytes(32).toString('base64')},${randomBytes(32).toString('base64')}`
    const url = await withServer((server) => pay(server, 'set'), { masterKeys })
    const read = (more: object) => withServer(async (server) => (await server.call('GET', url)).body, more)
    expect(await read({})).toMatchObject({ billing_details: null, personal_data: 'locked' })
    expect(await read({ masterKeys: masterKeys.split(',').reverse().join(',') })).toMatchObject({
      billing_details: BILLING,
    })
    const rotated = await onDatabase('master-key', 'rotate', '--master-keys', masterKeys)
    expect(rotated).toEqual({ code: 2, said: expect.stringContaining('FANFOLD_MASTER_KEYS') })
    // The key of the folder is under none of the setting, and nothing is thrown away.
    const rewrapped = await onDatabase('master-key', 'rewrap', '--master-keys', masterKeys)
    expect(rewrapped).toEqual({ code: 1, said: expect.stringContaining('master key') })
    expect((await onDatabase('master-key', 'prune')).code).toBe(1)
    expect(await ids()).toHaveLength(1)
  })

  it.each(['short', `${randomBytes(31).toString('base64')}`])('refuses the setting %s', async (text) => {
    const { code, said } = await onDatabase('master-key', 'rewrap', '--master-keys', text)
    expect([code, said]).toEqual([2, expect.stringContaining('openssl rand -base64 32')])
    expect(said).not.toContain(`"${text}"`)
  })
})
