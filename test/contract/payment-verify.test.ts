import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })
const DISARM = 'alter table payment_events disable trigger payment_events_append_only'

for (const engine of sqlEngines()) {
  describe(`verifying payments on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
      await bench.sql.query(DISARM)
    })
    afterAll(() => bench.close())

    /** A payment of 1,000, captured and seen by the read models. */
    async function paid(): Promise<string> {
      const input = { amount: 1_000, currency: 'USD', customer_id: 'c-1', payment_method: card('tok_ok') }
      const { payment_intent_id: id } = await bench.payments.create(input, key())
      await bench.payments.authorize(id, {}, key())
      await bench.project()
      return id
    }

    /** What a verification names after `deed` that it did not name before. */
    async function namedAfter(deed: () => Promise<unknown>): Promise<string> {
      const before = new Set((await bench.verify()).differences.map((difference) => JSON.stringify(difference)))
      await deed()
      const { ok, differences } = await bench.verify()
      expect(ok).toBe(false)
      const named = differences.filter((difference) => !before.has(JSON.stringify(difference)))
      return named.map((difference) => difference.problem).join('\n')
    }

    it('finds nothing to name where all is as it was written', async () => {
      for (let n = 0; n < 3; n++) await paid()
      expect(await bench.verify()).toMatchObject({
        ...{ ok: true, payments: 3, events: 15, operations: 6, ledger_entries: 6, differences: [] },
        ...{ captured: { USD: '3000' }, refunded: { USD: '0' }, open_operations: {} },
      })
    })

    const tamperings: [what: string, statement: string, named: RegExp][] = [
      [
        'an event whose amount was edited',
        `update payment_events set payload = payload || '{"amount": 900}' where payment_intent_id = $1 and version = 5`,
        /not as it was written/,
      ],
      [
        'an event that was given another actor',
        `update payment_events set actor = 'me' where payment_intent_id = $1 and version = 1`,
        /not as it was written/,
      ],
      [
        'an event that was deleted',
        'delete from payment_events where payment_intent_id = $1 and version = 3',
        /version 3 is missing/,
      ],
      [
        'a tail that was cut off',
        'delete from payment_events where payment_intent_id = $1 and version = 5',
        /head: version is 5, its events say 4/,
      ],
      [
        'a head whose money was changed',
        'update payment_intents set captured = 999 where payment_intent_id = $1',
        /head: captured is 999, its events say 1000/,
      ],
      [
        'a head that was deleted',
        'delete from payment_intents where payment_intent_id = $1',
        /has events or rows in the read models, but no head/,
      ],
      [
        'a view that shows something else',
        `update payment_view_gen set state = (state::jsonb || '{"captured": 1}')::json where payment_intent_id = $1`,
        /view: captured is not what/,
      ],
      [
        'a view with another amount beside its state',
        'update payment_view_gen set captured = 1 where payment_intent_id = $1',
        /view: captured is 1, its events say 1000/,
      ],
      [
        'a view that is missing',
        'delete from payment_view_gen where payment_intent_id = $1',
        /view: the payment is missing/,
      ],
      [
        'a transaction that is missing',
        `delete from customer_transactions_gen where payment_intent_id = $1 and event_type = 'CAPTURED'`,
        /customer transactions: \(5 CAPTURED 1000 USD .*\) is missing/,
      ],
      [
        'a transaction that nobody made',
        `insert into customer_transactions_gen select generation, customer_id, timestamp, payment_intent_id, 9, event_type, 7, currency, order_id
         from customer_transactions_gen where payment_intent_id = $1 and event_type = 'CAPTURED'`,
        /customer transactions: \(9 CAPTURED 7 USD .*\) is there, and no event says so/,
      ],
      [
        'a line of the ledger that was changed, the event it unbalances, and the sums that it is part of',
        `update ledger_entries_gen set amount = amount - 1 where payment_intent_id = $1 and account = 'sales'`,
        /ledger: \(event .* to sales .*is missing[\s\S]*the lines of event \d+ in USD add up to -1[\s\S]*sums of entries: /,
      ],
      [
        'a posting that is missing',
        'delete from ledger_entries_gen where payment_intent_id = $1',
        /processors owe 0, the payment says 1000/,
      ],
      [
        'a dispute that nobody opened',
        `insert into payment_disputes_gen select generation, shard, payment_intent_id, 'dp_1', processor, customer_id, order_id, 5, currency,
         'fraudulent', 'lost', 'infinity', created_at, updated_at from payment_view_gen where payment_intent_id = $1`,
        /disputes: \(dp_1 lost 5 USD .*\) is there/,
      ],
      [
        'a snapshot that is not what the events say',
        `insert into payment_snapshots_gen select v.generation, v.shard, v.payment_intent_id, 4, 2, e.hash, v.state::jsonb
         from payment_view_gen v join payment_events e on e.payment_intent_id = v.payment_intent_id and e.version = 4
         where v.payment_intent_id = $1`,
        /snapshot 4 is not what the events say/,
      ],
      [
        'a snapshot of an event that is not there',
        `insert into payment_snapshots_gen select generation, shard, payment_intent_id, 50, 2, ''::bytea, state::jsonb
         from payment_view_gen where payment_intent_id = $1`,
        /snapshot 50 is of an event that is not there/,
      ],
      [
        'an operation that nobody will look at',
        `update payment_operations set status = 'unknown' where payment_intent_id = $1 and kind = 'capture'`,
        /status is unknown, its events say succeeded/,
      ],
      [
        'an operation that moved another amount',
        `update payment_operations set settled = 1 where payment_intent_id = $1 and kind = 'capture'`,
        /settled is 1, its events say 1000/,
      ],
      [
        'an operation that names another object of the processor',
        `update payment_operations set reference = 'x' where payment_intent_id = $1 and kind = 'capture'`,
        /reference is x, its events say /,
      ],
      [
        'a charge the processor has done twice',
        `insert into sandbox_entries select entry_id + 1, processor, key, kind, reference, charge, payment_intent_id, amount, currency,
         status, code, message, expires_at, created_at from sandbox_entries where payment_intent_id = $1 and kind = 'capture'`,
        /done 2 times/,
      ],
      [
        'a charge the processor has not done',
        `delete from sandbox_entries where payment_intent_id = $1 and kind = 'capture'`,
        /has not done it/,
      ],
      [
        'a charge of another amount',
        `update sandbox_entries set amount = 1001 where payment_intent_id = $1 and kind = 'capture'`,
        /the processor says 1001/,
      ],
      [
        'a charge nobody asked for',
        `update sandbox_entries set key = 'op_000000000000000000000000' where payment_intent_id = $1 and kind = 'capture'`,
        /nobody asked for/,
      ],
    ]
    for (const [what, statement, named] of tamperings) {
      it(`names ${what}`, async () => {
        const id = await paid()
        expect(await namedAfter(() => bench.sql.query(statement, [id]))).toMatch(named)
      })
    }

    const sums: [what: string, statement: string, named: RegExp][] = [
      [
        'a balance that is not the sum of its entries',
        `update ledger_balances_gen set debit = debit + 1 where account = 'processor:sandbox'`,
        /balances: shard \d, processor:sandbox USD: debit \d+1 credit 0, its events say debit \d+0 credit 0/,
      ],
      [
        'sums of a day that are not those of its events',
        'update payment_daily_gen set captures = captures + 1',
        /days: shard \d, 2026-01-01 USD sandbox: .*captures \d+/,
      ],
    ]
    for (const [what, statement, named] of sums) {
      it(`names ${what}`, async () => {
        await paid()
        expect(await namedAfter(() => bench.sql.query(statement))).toMatch(named)
      })
    }

    it('refuses to go on from an event that a newer program has written', async () => {
      const id = await paid()
      const statement = 'update payment_events set schema_version = 9 where payment_intent_id = $1 and version = 5'
      expect(await namedAfter(() => bench.sql.query(statement, [id]))).toMatch(/can't be read: .*CAPTURED in version 9/)
      await expect(bench.payments.refund(id, {}, key())).rejects.toMatchObject({ code: 'unknown_event_version' })
    })

    it('refuses to write on a head that its events do not bear out, and says so', async () => {
      const id = await paid()
      await bench.sql.query('update payment_intents set refunded = 1 where payment_intent_id = $1', [id])
      const payments = bench.process({ clock: systemClock })
      await expect(payments.refund(id, {}, key())).rejects.toThrow(/differs from its events/)
      expect(await bench.payments.get(id)).toMatchObject({ refunded: 0 })
    })
  })
}
