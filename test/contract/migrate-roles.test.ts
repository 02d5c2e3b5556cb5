import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FanfoldOptions } from '../../src/app/base.ts'
import { createFanfold, type Fanfold } from '../../src/app/fanfold.ts'
import { runCli } from '../../src/cli/run.ts'
import { TABLE_CLASSES } from '../../src/engines/postgres/roles.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'

const serverUrl = postgresServer()
const prefix = `ff${randomBytes(4).toString('hex')}`
/** Logins of the test: the owner, one for each way to run Fanfold, and one who owns nothing. */
const LOGINS = ['owner', 'server', 'worker', 'audit', 'stranger'] as const
const login = (name: (typeof LOGINS)[number]) => `${prefix}_login_${name}`

async function cli(...args: string[]): Promise<{ code: number; said: string }> {
  let said = ''
  const add = (text: string) => {
    said += `${text}\n`
  }
  const code = await runCli(args, {}, { out: add, say: add, progress: () => ({ update: () => {}, end: () => {} }) })
  return { code, said }
}

describe('migrate --roles on an embedded database', () => {
  it('is refused, for there are no roles', async () => {
    const { code, said } = await cli('migrate', '--roles', '--database-url', 'pglite:memory')
    expect([code, said]).toEqual([1, expect.stringContaining('--roles needs PostgreSQL')])
  })
})

describe.skipIf(serverUrl === undefined)('migrate --roles on PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>
  let folder: string
  const urlOf = (name: (typeof LOGINS)[number]) => {
    const url = new URL(database.url)
    url.username = login(name)
    return url.href
  }
  async function as<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
  const run = (url: string, statement: string) => as(url, (client) => client.query(statement))
  async function using<T>(options: FanfoldOptions, work: (fanfold: Fanfold) => Promise<T>): Promise<T> {
    const fanfold = await createFanfold({ keysDir: join(folder, 'keys'), workers: false, ...options })
    try {
      return await work(fanfold)
    } finally {
      await fanfold.close()
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanfold-roles-'))
    database = await createPostgresDatabase(serverUrl!)
    for (const name of LOGINS) {
      await run(serverUrl!, `create role ${login(name)} login ${name === 'owner' ? 'createrole' : ''}`)
    }
    await run(serverUrl!, `alter database ${new URL(database.url).pathname.slice(1)} owner to ${login('owner')}`)
  })
  afterAll(async () => {
    await database.drop()
    const groups = ['writer', 'projector', 'auditor'].map((role) => `${prefix}_${role}`)
    await run(serverUrl!, `drop role if exists ${[...groups, ...LOGINS.map(login)].join(', ')}`)
    await rm(folder, { recursive: true, force: true })
  })

  it('makes the three roles, which can not log in, and tells whom to grant them to; again it makes none', async () => {
    const args = ['migrate', '--roles', '--role-prefix', prefix, '--database-url', urlOf('owner')]
    const first = await cli(...args)
    expect(first).toEqual({ code: 0, said: expect.stringContaining(`grant ${prefix}_writer, ${prefix}_projector to`) })
    expect(await cli(...args)).toEqual({ code: 0, said: expect.stringContaining('(0 made now)') })
    const { rows } = await run(
      database.url,
      `select rolname, rolcanlogin from pg_roles where rolname like '${prefix}_%' and rolname not like '%_login_%' order by 1`,
    )
    expect(rows).toEqual(
      ['auditor', 'projector', 'writer'].map((role) => ({ rolname: `${prefix}_${role}`, rolcanlogin: false })),
    )
    await run(database.url, `grant ${prefix}_writer to ${login('server')}`)
    await run(database.url, `grant ${prefix}_writer, ${prefix}_projector to ${login('worker')}`)
    await run(database.url, `grant ${prefix}_auditor to ${login('audit')}`)
  })

  it('knows every table of the schema, each in one class', async () => {
    const { rows } = await run(
      database.url,
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'public' and c.relkind in ('r', 'p')
         and (not c.relispartition or c.relname like '%_default') order by 1`,
    )
    const listed = Object.values(TABLE_CLASSES).flatMap(({ tables }): readonly string[] => tables)
    expect([...listed].sort()).toEqual(rows.map((row: { name: string }) => row.name).sort())
  })

  it('lets the writer take requests, and erase a customer', async () => {
    await using({ database: urlOf('server') }, async ({ orders, payments }) => {
      await orders.createProduct({
        product_id: 'lamp',
        sku: 'L-1',
        name: 'Lamp',
        category: 'light',
        price: 1_000,
        currency: 'USD',
        stock: 9,
      })
      await orders.createCustomer({ customer_id: 'ada', name: 'Ada', email: 'ada@example.com' })
      const address = { name: 'Ada', line1: 'Street 1', city: 'Berlin', postal_code: '10115', country: 'DE' }
      const items = [{ product_id: 'lamp', quantity: 1 }]
      await orders.place({ customer_id: 'ada', items, shipping_address: address }, { idempotencyKey: 'o-1' })
      const created = await payments.create(
        {
          ...{ amount: 1_000, currency: 'USD', customer_id: 'ada', payment_method: { type: 'card', token: 'tok_ok' } },
          billing_details: { name: 'Ada Lovelace' },
        },
        { idempotencyKey: 'p-1' },
      )
      await payments.authorize(created.payment_intent_id, {}, { idempotencyKey: 'p-2' })
      const refunded = await payments.refund(created.payment_intent_id, { amount: 100 }, { idempotencyKey: 'p-3' })
      expect(refunded).toMatchObject({ status: 'partially_refunded', billing_details: { name: 'Ada Lovelace' } })
      await payments.eraseCustomer('ada')
      await orders.eraseCustomer('ada')
      expect(await payments.get(created.payment_intent_id)).toMatchObject({ personal_data: 'erased' })
    })
  })

  it('lets one who is writer and projector do the background work', async () => {
    await using({ database: urlOf('worker'), workers: true }, async (fanfold) => {
      await fanfold.caughtUp()
      expect((await fanfold.payments.transactions('ada')).items).not.toEqual([])
      expect(await fanfold.orders.extendReport()).toBe(0)
    })
    // Also after the read models were there before: the name goes from them too.
    await using({ database: urlOf('server') }, ({ orders }) => orders.eraseCustomer('ada'))
  })

  it('lets the auditor verify and export, and nothing else', async () => {
    await using({ database: urlOf('audit'), readOnly: true }, async (fanfold) => {
      expect(await fanfold.verifyPayments()).toMatchObject({ ok: true, payments: 1 })
      expect(await fanfold.orders.verifyOrders()).toMatchObject({ ok: true })
      const orders = []
      for await (const order of fanfold.orders.exportOrders()) orders.push(order)
      expect(orders).toHaveLength(1)
      await expect(
        fanfold.payments.create({ amount: 1, currency: 'USD', payment_method: { token: 'tok_ok' } }),
      ).rejects.toMatchObject({ code: '42501' })
    })
  })

  const EVENT = `insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp,
    payload, actor, prev_hash, hash) values (0, 999, 'pi_x', 1, 'INITIATED', 2, now(), '{}', 'x', '', '')`
  it.each([
    ['server', 'update payment_events set payload = payload'],
    ['server', 'delete from payment_events'],
    ['server', 'truncate payment_events'],
    ['server', 'update order_history set details = details'],
    ['server', 'delete from log_seals'],
    ['server', 'update payment_view_gen set status = status'],
    ['server', 'delete from ledger_entries_gen'],
    ['server', 'update daily_sales_report_gen set price = 0'],
    ['server', 'update projection_checkpoints set last_event_id = 0'],
    ['server', 'delete from log_head'],
    ['server', 'truncate payment_intents'],
    ['server', 'alter table payment_events disable trigger payment_events_append_only'],
    ['server', 'drop table payment_events'],
    ['server', 'create table mine (id int)'],
    ['worker', 'update payment_events set payload = payload'],
    ['worker', 'truncate ledger_entries_gen'],
    ['audit', EVENT],
    ['audit', 'update payment_view_gen set status = status'],
    ['audit', 'delete from webhook_inbox'],
    ['audit', "insert into id_nodes values (1, 'x', now())"],
    ['audit', 'select * from api_keys'],
    ['audit', 'select * from webhook_endpoints'],
    ['stranger', 'select * from payment_events'],
  ] as const)('refuses the %s: %s', async (who, statement) => {
    await expect(run(urlOf(who), statement)).rejects.toMatchObject({ code: '42501' })
  })

  it('refuses a projector who appends to a log or changes what writers keep', async () => {
    const asProjector = (statement: string) => run(database.url, `set role ${prefix}_projector; ${statement}`)
    for (const statement of [EVENT, 'update payment_intents set captured = 0', 'delete from idempotency_keys'])
      await expect(asProjector(statement)).rejects.toMatchObject({ code: '42501' })
    await asProjector('delete from payment_view_gen where false')
  })

  it('says what to do where the owner may not create roles', async () => {
    await run(serverUrl!, `alter role ${login('owner')} nocreaterole`)
    const args = ['migrate', '--roles', '--database-url', urlOf('owner')]
    const { code, said } = await cli(...args, '--role-prefix', `${prefix}_other`)
    expect([code, said]).toEqual([1, expect.stringMatching(/alter role OWNER createrole/)])
    // With the roles there, the owner needs no such right.
    expect((await cli(...args, '--role-prefix', prefix)).code).toBe(0)
  })

  it('says to migrate where the schema is not up to date and the login may not do it', async () => {
    const empty = await createPostgresDatabase(serverUrl!)
    try {
      const url = new URL(empty.url)
      url.username = login('audit')
      const opening = createFanfold({ database: url.href, readOnly: true })
      await expect(opening).rejects.toMatchObject({ code: 'schema_outdated' })
    } finally {
      await empty.drop()
    }
  })
})
