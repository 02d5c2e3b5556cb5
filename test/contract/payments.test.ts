import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  describe(`payments on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(() => bench.close())

    it('creates, authorizes and captures', async () => {
      const { payments } = bench
      const created = await payments.create({ amount: 2500, currency: 'USD', payment_method: card('tok_ok') }, { idempotencyKey: 'a' })
      expect(created).toMatchObject({ status: 'initiated', version: 1, amount: 2500 })
      const done = await payments.authorize(created.payment_intent_id, {}, { idempotencyKey: 'b' })
      expect(done).toMatchObject({ status: 'captured', captured: 2500, version: 5 })
      expect(done.pending_operation).toBeUndefined()
      expect(await payments.get(done.payment_intent_id)).toEqual(done)
      await bench.project()
      expect(await payments.get(done.payment_intent_id)).toEqual(done)
      expect(await bench.verify()).toMatchObject({ ok: true, differences: [] })
    })
  })
}
