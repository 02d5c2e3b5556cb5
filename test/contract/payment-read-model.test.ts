import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { releaseQuarantine } from '../../src/log/fold.ts'
import { rebuild, startProjector } from '../../src/log/projector.ts'
import { createPaymentWriter } from '../../src/payments/commands/writer.ts'
import type { Operation } from '../../src/payments/model/state.ts'
import { verifyPayments } from '../../src/payments/verify/verify.ts'
import { commandOf, type Step, unlessRefused } from '../setup/payment-steps.ts'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { seededRandom } from '../setup/random.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })
const GOODS = { amount: 1_000, currency: 'USD', payment_method: card('tok_ok') } as const

/** All that the read models have, but for their generation. */
const TABLES = [
  'select shard, payment_intent_id, version, status, captured, refunded, disputed, processor, state::text from payment_view order by 2',
  'select * from customer_transactions order by payment_intent_id, version',
  'select * from payment_disputes order by payment_intent_id, dispute_id',
  'select * from ledger_entries order by payment_intent_id, event_id, line',
  'select * from ledger_balances order by shard, account, currency',
  'select * from payment_daily order by shard, day, currency, processor',
]

for (const engine of sqlEngines()) {
  describe(`the read models of payments on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(() => bench.close())

    const view = () => bench.ports.projections.find(({ name }) => name === 'payment_view')!
    const context = () => ({ store: bench.ports.log, logger: silentLogger })
    const verify = () => verifyPayments({ audit: bench.ports.audit, store: bench.ports.store })

    /** Lives through random steps without any processor; what processors would tell is among the steps. */
    async function live(steps: readonly Step[], input: object): Promise<string> {
      const writer = createPaymentWriter({ store: bench.ports.store, clock: bench.clock, metrics: createMetrics() })
      const { payment_intent_id: id } = await bench.payments.create({ ...GOODS, ...input }, key())
      const all = new Map<string, Operation>()
      for (const [n, step] of steps.entries()) {
        const { state } = await writer.load(id)
        for (const operation of state.operations.values()) all.set(operation.opId, operation)
        const opId = `op_${id.slice(3)}${n}`
        const command = commandOf(step, { paymentIntentId: id, state, opId }, [...all.values()])
        if (command === undefined) continue
        await unlessRefused(() => writer.change({ paymentIntentId: id, command, actor: 'test' }))
      }
      return id
    }

    it('hold what random lives of payments come to, folded in whatever pieces, and rebuilt the same', async () => {
      const random = seededRandom(7)
      for (let n = 0; n < 8; n++) {
        const steps = Array.from({ length: 25 }, () => ({ deed: random.int(16), pick: random.int(1_000) }))
        await live(steps, { currency: n % 2 === 0 ? 'USD' : 'JPY', ...(n % 3 === 0 ? {} : { customer_id: `c-${n}` }) })
        await bench.clock.advance(9 * 3_600_000)
        if (n % 4 === 3) await bench.project()
      }
      await bench.project()
      expect((await verify()).differences).toEqual([])
      const read = () => Promise.all(TABLES.map((text) => bench.sql.query(text)))
      const before = await read()
      for (const rows of before) expect(rows.length).toBeGreaterThan(0)
      await rebuild(context(), view())
      expect(await read()).toEqual(before)
      expect((await verify()).differences).toEqual([])
    })

    it('leave a payment that can not be folded out of all tables, and take it in when it can', async () => {
      const id = await live([], { customer_id: 'c-poison' })
      await bench.payments.authorize(id, {}, key())
      await bench.sql.query('alter table payment_events disable trigger payment_events_append_only')
      const setOperation = (of: string) =>
        bench.sql.query(
          `update payment_events set payload = payload || jsonb_build_object('op_id', ${of})
           where payment_intent_id = $1 and version = 5`,
          [id],
        )
      await setOperation(`'op_nobody'::text`)
      await bench.project()
      await setOperation('op_id')
      const count = async (table: string) =>
        (await bench.sql.query(`select 1 from ${table} where payment_intent_id = $1`, [id])).length
      expect(await count('payment_view')).toBe(1)
      expect(await count('customer_transactions')).toBe(1) // the authorization; the capture can't be folded
      expect(await count('ledger_entries')).toBe(0)
      const { differences } = await verify()
      expect(differences).toEqual([
        { subject: id, problem: expect.stringMatching(/^read models: set aside from event \d+: .*op_nobody/) },
      ])
      const [quarantine] = await bench.ports.log.quarantines('payment_view')
      expect(await releaseQuarantine(bench.ports.log, view(), quarantine!)).toBe(1)
      expect(await count('ledger_entries')).toBe(2)
      expect((await verify()).differences).toEqual([])
    })

    it('are rebuilt under load without a failed read, and never show less than before', async () => {
      const payments = bench.process()
      const projector = startProjector({
        ...{ store: bench.ports.log, projection: view(), logger: silentLogger, metrics: createMetrics(), pollMs: 5 },
      })
      let done = false
      const reads = { count: 0 }
      let newest = await payments.create({ ...GOODS, customer_id: 'c-load', order_id: 'o-load' }, key())
      async function write(): Promise<void> {
        while (!done) {
          const { payment_intent_id: id } = await payments.create({ ...GOODS, customer_id: 'c-load' }, key())
          newest = await payments.authorize(id, {}, key())
        }
      }
      async function read(): Promise<void> {
        let created = 0
        while (!done) {
          const { payment_intent_id: id, version } = newest
          expect((await payments.get(id)).version).toBeGreaterThanOrEqual(version)
          expect(await payments.listByOrder('o-load')).toHaveLength(1)
          await payments.transactions('c-load')
          await payments.disputes()
          await payments.ledger.entries({ account: 'sales' })
          const { items } = await payments.ledger.accounts({ currency: 'USD' })
          expect(items.reduce((sum, { balance }) => sum + balance, 0)).toBe(0)
          const { rows } = await payments.report({ currency: 'USD' })
          expect(rows[0]!.created).toBeGreaterThanOrEqual(created)
          created = rows[0]!.created
          reads.count += 1
        }
      }
      const others = Promise.all([write(), write(), write(), read(), read(), read()])
      try {
        const { generation } = await rebuild(context(), view())
        const again = await rebuild(context(), view())
        expect(again.generation).toBeGreaterThan(generation)
      } finally {
        done = true
        await others
        await projector.close()
      }
      expect(reads.count).toBeGreaterThan(0)
      await bench.project()
      expect((await verify()).differences).toEqual([])
    })
  })
}
