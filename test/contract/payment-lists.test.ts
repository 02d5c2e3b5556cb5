import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { MIGRATIONS } from '../../src/engines/postgres/migrations.generated.ts'
import { listStatement } from '../../src/engines/postgres/payment-list.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { migrate } from '../../src/engines/sql/migrate.ts'
import type { PaymentFilter } from '../../src/payments/ports/views.ts'
import type { ListPayments, PaymentSummary } from '../../src/payments/reading/list-schemas.ts'
import { createSandbox } from '../../src/processors/sandbox/sandbox.ts'
import { card, openPaymentBench, type PaymentBench, WEBHOOK_SECRET } from '../setup/payments.ts'
import { createPostgresDatabase, postgresServer, sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })
const DAY_MS = 86_400_000

for (const engine of sqlEngines()) {
  describe(`lists of payments on ${engine.name}`, () => {
    let bench: PaymentBench
    /** All payments, newest first, each read by itself. */
    let all: PaymentSummary[]
    let reference: string

    async function walk(filter: ListPayments, limit = 7): Promise<PaymentSummary[]> {
      const found: PaymentSummary[] = []
      let cursor: string | undefined
      do {
        const page = await bench.payments.list(filter, { limit, cursor })
        expect(page.items.length).toBeLessThanOrEqual(limit)
        found.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== undefined)
      return found
    }

    beforeAll(async () => {
      bench = await openPaymentBench(engine)
      const { ports, clock } = bench
      const named = (name: string) =>
        createSandbox({ ledger: ports.sandboxLedger, clock, webhookSecret: WEBHOOK_SECRET, name })
      const payments = bench.process({
        processors: new Map([
          ['sandbox', bench.sandbox],
          ['other', named('other')],
        ]),
      })
      const ids: string[] = []
      for (let n = 0; n < 60; n++) {
        const { payment_intent_id: id } = await payments.create(
          {
            ...{ amount: 1_000 + n, currency: 'USD', customer_id: `c-${n % 7}` },
            ...(n % 3 === 0 ? { order_id: `order-${n % 9}` } : {}),
            ...(n % 5 === 0 ? { processor: 'other' } : {}),
            payment_method: card(n % 4 === 1 ? 'tok_declined' : n === 30 ? 'tok_wrong_currency' : 'tok_ok'),
            billing_details: { name: 'Ada' },
          },
          key(),
        )
        if (n % 4 !== 3) await payments.authorize(id, {}, key())
        ids.unshift(id)
        await clock.advance(DAY_MS / 4)
      }
      await bench.project()
      const shown = await Promise.all(ids.map((id) => bench.payments.get(id)))
      all = shown.map(({ billing_details: _details, ...summary }) => summary)
      const [row] = await bench.sql.query<{ reference: string }>(
        'select reference from payment_operations where payment_intent_id = $1 and reference is not null',
        [ids.at(-1)],
      )
      reference = row!.reference
      await bench.sql.query('analyze payment_view_gen')
      await bench.sql.query('analyze payment_operations')
    })
    afterAll(() => bench.close())

    it('show every payment once, newest first, without what is personal', async () => {
      expect(all.some((payment) => 'billing_details' in payment)).toBe(false)
      expect(await walk({})).toEqual(all)
      expect(await walk({}, 60)).toEqual(all)
    })

    it('have exactly the payments for which all filters hold', async () => {
      const day = (payment: PaymentSummary) => payment.created_at.slice(0, 10)
      const first = day(all.at(-1)!)
      const [from, to] = [day(all[40]!), day(all[20]!)]
      const cases: [ListPayments, (payment: PaymentSummary) => boolean][] = [
        [{ status: 'captured' }, ({ status }) => status === 'captured'],
        [{ status: 'declined' }, ({ status }) => status === 'declined'],
        [{ status: 'review' }, ({ pending_operation: open }) => open?.status === 'review'],
        [{ status: 'needs_response' }, () => false],
        [{ customer_id: 'c-3' }, ({ customer_id }) => customer_id === 'c-3'],
        [{ order_id: 'order-6' }, ({ order_id }) => order_id === 'order-6'],
        [{ q: 'order-6' }, ({ order_id }) => order_id === 'order-6'],
        [{ q: all[5]!.payment_intent_id }, ({ payment_intent_id: id }) => id === all[5]!.payment_intent_id],
        [{ q: reference }, ({ payment_intent_id: id }) => id === all.at(-1)!.payment_intent_id],
        [{ q: reference, status: 'declined' }, () => false],
        [{ q: 'order-6', customer_id: 'c-1' }, (one) => one.order_id === 'order-6' && one.customer_id === 'c-1'],
        [{ q: 'nothing-of-the-kind' }, () => false],
        [{ processor: 'other' }, ({ processor }) => processor === 'other'],
        [{ processor: 'other', status: 'captured' }, (one) => one.processor === 'other' && one.status === 'captured'],
        [{ created_from: from, created_to: to }, (one) => day(one) >= from && day(one) <= to],
        [{ created_from: all[10]!.created_at }, ({ created_at }) => created_at >= all[10]!.created_at],
        [{ created_to: all[10]!.created_at }, ({ created_at }) => created_at < all[10]!.created_at],
        [{ created_to: first, status: 'captured' }, (one) => day(one) === first && one.status === 'captured'],
        [{ customer_id: 'nobody' }, () => false],
      ]
      for (const [filter, holds] of cases) {
        expect(await walk(filter, 3), JSON.stringify(filter)).toEqual(all.filter(holds))
      }
      expect(await walk({ status: 'review' })).toHaveLength(1)
    })

    it('refuse what is no filter, and a cursor of another list', async () => {
      const { next_cursor: cursor } = await bench.payments.list({ status: 'captured' }, { limit: 1 })
      const refused = (filter: object, page = {}) => expect(bench.payments.list(filter, page)).rejects
      await refused({ status: 'declined' }, { cursor }).toMatchObject({ code: 'invalid_cursor' })
      const wrong = [
        { status: 'REVIEW' },
        { created_from: '2026-02-30' },
        { created_to: 'today' },
        { q: 'two words' },
        { q: '' },
        { amount: 5 },
      ]
      for (const filter of wrong) await refused(filter).toMatchObject({ code: 'invalid_input' })
    })

    it('walk an index, and never the whole table', async () => {
      const cases: [PaymentFilter, RegExp][] = [
        [{}, /payment_view_gen_pkey/],
        [{ fromMs: Date.UTC(2026, 0, 1) }, /payment_view_gen_pkey/],
        [{ status: 'captured' }, /payment_view_status/],
        [{ customerId: 'c-1' }, /payment_view_customer/],
        [{ orderId: 'order-3' }, /payment_view_order/],
        [{ processor: 'other' }, /payment_view_processor/],
        [{ waiting: 'review' }, /payment_view_in_review/],
        [{ waiting: 'needs_response' }, /payment_view_needs_response/],
        [{ named: 'order-3' }, /payment_view_order[\s\S]*payment_operations_reference/],
      ]
      for (const [filter, index] of cases) {
        const { text, params } = listStatement(bench.ports.store.shards, filter, undefined, 21)
        const plan = await bench.sql.transaction(async (tx) => {
          // With so few rows, reading the table would do as well.
          await tx.script(
            'set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off',
          )
          return tx.query<{ 'QUERY PLAN': string }>(`explain ${text}`, params)
        })
        const lines = plan.map((line) => line['QUERY PLAN']).join('\n')
        expect(lines, JSON.stringify(filter)).toMatch(index)
        expect(lines, JSON.stringify(filter)).not.toMatch(/Seq Scan on payment_/)
        // What is sorted is the page that comes of the shards, not what each has.
        const sorts = lines.split('\n').filter((line) => /\bSort\b/.test(line) && !line.includes('Key'))
        expect(sorts.length, lines).toBeLessThanOrEqual(1)
      }
    })

    it('forget what waited for a person when it is decided', async () => {
      const [waiting] = await walk({ status: 'review' })
      const opId = waiting!.pending_operation!.op_id
      await bench.payments.resolveOperation(opId, { decision: 'failed', note: 'the bank says so' })
      await bench.project()
      expect(await walk({ status: 'review' })).toEqual([])
    })
  })
}

const embedded = async () => {
  const sql = await openPglite(undefined)
  return { sql, drop: () => sql.close() }
}
const onServer = async () => {
  const { url, drop } = await createPostgresDatabase(postgresServer()!)
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 1, logger: silentLogger })
  return { sql, drop: () => sql.close().then(drop) }
}

const places = [
  { name: 'pglite', open: embedded },
  ...(postgresServer() === undefined ? [] : [{ name: 'postgres', open: onServer }]),
]

describe.each(places)('payments from before they could be listed, on $name', ({ open }) => {
  it('are found by what they wait for', async () => {
    const { sql, drop } = await open()
    try {
      await migrate(sql, MIGRATIONS.slice(0, 10))
      const states = {
        calm: { operations: [{ status: 'succeeded' }] },
        review: { operations: [{ status: 'succeeded' }, { status: 'review' }] },
        disputed: { operations: [{ status: 'succeeded' }], disputes: [{ status: 'needs_response' }] },
        words: { metadata: { note: '"status":"review"' } },
      }
      for (const [id, state] of Object.entries(states)) {
        await sql.query(
          `insert into payment_view_gen (generation, shard, payment_intent_id, version, status, currency, amount, authorized,
             captured, refunded, disputed, processor, state, created_at, updated_at)
           values (1, 0, $1, 1, 'authorizing', 'USD', 1, 0, 0, 0, 0, 'sandbox', $2::json, now(), now())`,
          [id, JSON.stringify(state)],
        )
      }
      await migrate(sql, MIGRATIONS)
      expect(
        await sql.query('select payment_intent_id, in_review, needs_response from payment_view_gen order by 1'),
      ).toEqual([
        { payment_intent_id: 'calm', in_review: false, needs_response: false },
        { payment_intent_id: 'disputed', in_review: false, needs_response: true },
        { payment_intent_id: 'review', in_review: true, needs_response: false },
        { payment_intent_id: 'words', in_review: false, needs_response: false },
      ])
    } finally {
      await drop()
    }
  })
})
