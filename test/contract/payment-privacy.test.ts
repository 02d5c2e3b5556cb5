import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { openPersonalKeys } from '../../src/engines/postgres/personal-keys.ts'
import { createPersonalData, randomMasterKey } from '../../src/payments/privacy/personal-data.ts'
import { signWebhook } from '../../src/processors/sandbox/webhook.ts'
import { card, openPaymentBench, type PaymentBench, WEBHOOK_SECRET } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

// Nothing else in a database reads like these.
const BILLING = {
  name: 'Wilhelmina Erasmus',
  email: 'wilhelmina.to.be.erased@example.com',
  line1: '77 Forgotten Lane',
  phone: '+49 30 5550199',
}
const EVIDENCE = 'The parcel was handed to Wilhelmina herself'
const WORDS = ['ilhelmina', 'rasmus', 'to.be.erased', 'Forgotten', '5550199', 'handed to']
const DAY_MS = 86_400_000

for (const engine of sqlEngines()) {
  describe(`personal data of payments on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(() => bench.close())

    let keys = 0
    const key = () => ({ idempotencyKey: `k-${++keys}` })
    const create = (customerId: string | undefined, billing: Record<string, string> = BILLING) =>
      bench.payments.create(
        {
          ...{ amount: 5_000, currency: 'USD', payment_method: card('tok_ok'), billing_details: billing },
          ...(customerId === undefined ? {} : { customer_id: customerId }),
        },
        key(),
      )

    /** The tables with a row that holds one of the words anywhere, also in bytes, whatever tables there are. */
    async function holding(words: readonly string[]): Promise<string[]> {
      const { sql } = bench
      const tables = await sql.query<{ name: string }>(
        `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
      )
      const found: string[] = []
      for (const { name } of tables) {
        const rows = await sql.query(
          `select 1 from "${name}" as t, unnest($1::text[]) as w (word) where position(w.word in t::text) > 0
             or position(encode(convert_to(w.word, 'UTF8'), 'hex') in t::text) > 0
             or position(rtrim(encode(convert_to(w.word, 'UTF8'), 'base64'), '=') in t::text) > 0 limit 1`,
          [words],
        )
        if (rows.length > 0) found.push(name)
      }
      return found
    }

    /** All of the database as text, where the server's own tool is here. */
    async function dump(): Promise<string> {
      if (engine.name === 'pglite') return ''
      const run = promisify(execFile)
      const { stdout } = await run('pg_dump', [bench.database.url], { maxBuffer: 64 * 1024 * 1024 }).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error
          return { stdout: '' }
        },
      )
      return stdout
    }

    it('is nowhere in clear, and nowhere at all once its key is destroyed, while the chains stay valid', async () => {
      const { payments, sql } = bench
      const { payment_intent_id: id } = await create('wil')
      await payments.authorize(id, {}, key())
      const dispute = {
        ...{ dispute_id: 'dp_1', payment_intent_id: id, amount: 5_000, currency: 'USD', reason: 'fraudulent' },
        ...{ reference: 'ch_1', status: 'open', evidence_due_ms: bench.clock.now() + 7 * DAY_MS, who: BILLING },
      }
      const message = JSON.stringify({ id: 'evt_wil', type: 'dispute.opened', data: dispute })
      const { headers, body } = signWebhook(message, WEBHOOK_SECRET, bench.clock.now())
      await payments.receiveWebhook('sandbox', { headers, body: Buffer.from(body) })
      await bench.recover(1_000)
      await payments.submitEvidence(id, 'dp_1', { evidence: { letter: EVIDENCE } }, key())
      await bench.project()
      expect(await payments.get(id)).toMatchObject({ billing_details: BILLING, disputes: [{ dispute_id: 'dp_1' }] })
      expect(await holding(WORDS)).toEqual([])
      const before = await sql.query<{ wrapped: Uint8Array }>(`select wrapped from personal_keys where subject = 'wil'`)
      const wrapped = Buffer.from(before[0]!.wrapped).toString('hex')
      expect(await holding(['"personal"'])).toContain('payment_events')

      const elsewhere = bench.process()
      expect((await elsewhere.get(id)).billing_details).toEqual(BILLING)
      await payments.eraseCustomer('wil')
      await payments.eraseCustomer('wil')
      // The other process keeps no copy of the key.
      expect(await elsewhere.get(id)).toMatchObject({ billing_details: null, personal_data: 'erased' })
      expect((await elsewhere.get(id, { as_of: '1' })).personal_data).toBe('erased')

      expect(await holding(WORDS)).toEqual([])
      const text = await dump()
      for (const word of [...WORDS, wrapped]) expect(text.includes(word)).toBe(false)
      expect(await bench.verify()).toMatchObject({ ok: true })
      expect(await sql.query(`select wrapped from personal_keys where subject = 'wil'`)).toEqual([{ wrapped: null }])
    })

    it('gets one key when several payments of a new customer come at once', async () => {
      const created = await Promise.all(Array.from({ length: 10 }, () => create('all-at-once')))
      const rows = await bench.sql.query(`select key_id from personal_keys where subject = 'all-at-once'`)
      expect(rows).toHaveLength(1)
      for (const { payment_intent_id: id } of created)
        expect((await bench.payments.get(id)).billing_details).toEqual(BILLING)
    })

    it('belongs to one payment: what is moved to another, or changed, does not open, and the payment is read', async () => {
      const personalData = createPersonalData({
        store: bench.ports.personalKeys,
        masterKeys: [randomMasterKey()],
        clock: bench.clock,
      })
      const sealed = await personalData.seal('mover', 'pi_1', { name: 'Ann' })
      expect(await personalData.open(sealed, 'pi_1')).toEqual({ kind: 'open', data: { name: 'Ann' } })
      expect(await personalData.open(sealed, 'pi_2')).toEqual({ kind: 'damaged' })
      const changed = { ...sealed, data: `${sealed.data.startsWith('A') ? 'B' : 'A'}${sealed.data.slice(1)}` }
      expect(await personalData.open(changed, 'pi_1')).toEqual({ kind: 'damaged' })
      const again = await personalData.seal('mover', 'pi_1', { name: 'Ann' })
      expect(again.data).not.toBe(sealed.data)
    })

    it('is erased too where there is no customer, by the id of the payment', async () => {
      const { payment_intent_id: id } = await create(undefined)
      expect((await bench.payments.get(id)).billing_details).toEqual(BILLING)
      await bench.payments.eraseCustomer(id)
      expect((await bench.payments.get(id)).personal_data).toBe('erased')
    })

    it('of a customer who comes again after his erasure is readable, and what was before stays erased', async () => {
      const before = await create('again')
      await bench.payments.eraseCustomer('again')
      const after = await create('again')
      expect((await bench.payments.get(before.payment_intent_id)).personal_data).toBe('erased')
      expect((await bench.payments.get(after.payment_intent_id)).billing_details).toEqual(BILLING)
    })

    it('under a master key that is lost is locked: reading goes on, sealing says what is missing, erasing works', async () => {
      const { payment_intent_id: id } = await create('locked')
      const { clock, ports } = bench
      const personalData = createPersonalData({ store: ports.personalKeys, masterKeys: [randomMasterKey()], clock })
      const without = bench.process({ personalData })
      expect(await without.get(id)).toMatchObject({ billing_details: null, personal_data: 'locked', amount: 5_000 })
      await expect(
        without.create(
          {
            ...{ amount: 1, currency: 'USD', customer_id: 'locked', payment_method: card('tok_ok') },
            billing_details: BILLING,
          },
          key(),
        ),
      ).rejects.toMatchObject({ code: 'master_key_missing', message: expect.stringContaining('FANFOLD_MASTER_KEYS') })
      await without.authorize(id, {}, key())
      await without.eraseCustomer('locked')
      expect((await bench.payments.get(id)).personal_data).toBe('erased')
    })

    it('moves under a new master key while keys are made and destroyed, and the old one can go', async () => {
      const { clock, sql } = bench
      const store = openPersonalKeys(sql)
      await sql.query('delete from personal_keys')
      const [old, fresh] = [randomMasterKey(), randomMasterKey()]
      let keysOfFile = [old] as [typeof old, ...(typeof old)[]]
      const running = createPersonalData({ store, masterKeys: async () => keysOfFile, clock })
      const sealed = await Promise.all(Array.from({ length: 30 }, (_, n) => running.seal(`person-${n}`, 'pi', { n })))
      keysOfFile = [fresh, old]
      const rotating = createPersonalData({ store, masterKeys: [fresh, old], clock })
      const [wrapped] = await Promise.all([
        rotating.rewrap(),
        running.erase('person-3'),
        running.seal('late', 'pi', {}),
      ])
      expect(wrapped).toBeGreaterThanOrEqual(29)
      await rotating.rewrap()
      expect(await rotating.rewrap()).toBe(0)
      keysOfFile = [fresh]
      await clock.advance(60_000)
      for (const [n, data] of sealed.entries()) {
        expect(await running.open(data, 'pi')).toEqual(n === 3 ? { kind: 'erased' } : { kind: 'open', data: { n } })
      }
      const lost = createPersonalData({ store, masterKeys: [randomMasterKey()], clock })
      await expect(lost.rewrap()).rejects.toMatchObject({ code: 'master_key_missing' })
    })

    it('learns of a new master key that another process has made, without a restart', async () => {
      const { clock, sql } = bench
      const store = openPersonalKeys(sql)
      const [old, fresh] = [randomMasterKey(), randomMasterKey()]
      let keysOfFile = [old] as [typeof old, ...(typeof old)[]]
      const running = createPersonalData({ store, masterKeys: async () => keysOfFile, clock })
      await running.seal('early', 'pi', {})
      keysOfFile = [fresh, old]
      const other = createPersonalData({ store, masterKeys: [fresh, old], clock })
      const sealed = await other.seal('new-under-fresh', 'pi', { a: 1 })
      await clock.advance(2_000)
      expect(await running.open(sealed, 'pi')).toEqual({ kind: 'open', data: { a: 1 } })
    })

    it('in the text of webhooks is forgotten after some days, but not while a message waits', async () => {
      const { payments, clock, sql } = bench
      const send = async (id: string, type: string, data: object) => {
        const { headers, body } = signWebhook(JSON.stringify({ id, type, data }), WEBHOOK_SECRET, clock.now())
        await payments.receiveWebhook('sandbox', { headers, body: Buffer.from(body) })
      }
      const bodies = () =>
        sql.query<{ event_id: string; kept: boolean }>(
          `select event_id, body is not null as kept from webhook_inbox where event_id like 'old-%' order by 1`,
        )
      await send('old-applied', 'note.told', { who: BILLING })
      await bench.recover(1_000)
      await send('old-waiting', 'note.told', { who: BILLING })
      expect(await payments.forgetBodies(100)).toBe(0)
      await clock.advance(LIMITS.webhookBodyDays * DAY_MS + 1)
      await payments.forgetBodies(100)
      expect(await bodies()).toEqual([
        { event_id: 'old-applied', kept: false },
        { event_id: 'old-waiting', kept: true },
      ])
    })
  })
}
