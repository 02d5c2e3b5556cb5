import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })
const DISARM = 'alter table payment_events disable trigger payment_events_append_only'

for (const engine of sqlEngines()) {
  describe(`verifying payments on ${engine.name}`, () => {
    let bench: PaymentBench
    let id: string
    beforeEach(async () => {
      bench = await openPaymentBench(engine)
      for (let n = 0; n < 3; n++) {
        const payment = await bench.payments.create(
          { amount: 1_000, currency: 'USD', customer_id: 'c-1', payment_method: card('tok_ok') },
          key(),
        )
        id = payment.payment_intent_id
        await bench.payments.authorize(id, {}, key())
      }
      await bench.project()
      expect(await bench.verify()).toMatchObject({
        ok: true,
        payments: 3,
        events: 15,
        operations: 6,
        ledger_entries: 6,
        captured: { USD: '3000' },
      })
    })
    afterEach(() => bench.close())

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
      ['a head that was deleted', 'delete from payment_intents where payment_intent_id = $1', /has events but no head/],
      [
        'a view that shows something else',
        `update payment_view_gen set state = state || '{"captured": 1}' where payment_intent_id = $1`,
        /view: captured/,
      ],
      [
        'a transaction that is missing',
        `delete from customer_transactions_gen where payment_intent_id = $1 and event_type = 'CAPTURED'`,
        /customer transactions/,
      ],
      [
        'an operation that nobody will look at',
        `update payment_operations set status = 'unknown' where payment_intent_id = $1 and kind = 'capture'`,
        /status is unknown, its events say succeeded/,
      ],
      [
        'a charge the processor has done twice',
        `insert into sandbox_entries select entry_id + 1, key, kind, reference, payment_intent_id, amount, currency, status, code, message, created_at from sandbox_entries where payment_intent_id = $1 and kind = 'capture'`,
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
        await bench.sql.query(DISARM)
        await bench.sql.query(statement, [id])
        const report = await bench.verify()
        expect(report.ok).toBe(false)
        expect(report.differences.map((difference) => difference.problem).join('\n')).toMatch(named)
      })
    }

    it('refuses to go on from an event that a newer program has written', async () => {
      await bench.sql.query(DISARM)
      await bench.sql.query(
        'update payment_events set schema_version = 9 where payment_intent_id = $1 and version = 5',
        [id],
      )
      await expect(bench.payments.refund(id, {}, key())).rejects.toMatchObject({ code: 'unknown_event_version' })
      const { differences } = await bench.verify()
      expect(differences.map((difference) => difference.problem).join('\n')).toMatch(
        /can't be read: .*CAPTURED in version 9/,
      )
    })

    it('refuses to write on a head that its events do not bear out, and says so', async () => {
      await bench.sql.query('update payment_intents set refunded = 1 where payment_intent_id = $1', [id])
      const payments = bench.process({ clock: systemClock })
      await expect(payments.refund(id, {}, key())).rejects.toThrow(/differs from its events/)
      expect(await bench.payments.get(id)).toMatchObject({ refunded: 0 })
    })
  })
}
