import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedWebhook, settledMessage, signWebhook } from '../../src/processors/sandbox/webhook.ts'
import { createGate } from '../../src/testing/gate.ts'
import { card, openPaymentBench, type PaymentBench, WEBHOOK_SECRET } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })

for (const engine of sqlEngines()) {
  describe(`webhooks of the sandbox on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(async () => {
      await bench.project()
      const report = await bench.verify()
      await bench.close()
      expect(report.differences).toEqual([])
    })

    const deliver = ({ headers, body }: SignedWebhook) =>
      bench.payments.receiveWebhook('sandbox', { headers, body: Buffer.from(body) })
    const stored = async () =>
      Number((await bench.sql.query<{ count: bigint }>('select count(*) from webhook_inbox'))[0]!.count)

    async function pendingPayment(token = 'tok_async', capture_method: 'manual' | 'automatic' = 'automatic') {
      const { payments } = bench
      const created = await payments.create(
        { amount: 700, currency: 'USD', payment_method: card(token), capture_method },
        key(),
      )
      const id = created.payment_intent_id
      const context = key()
      const first = await payments.authorize(id, {}, context)
      const opId = (await payments.events(id)).items[1]!.op_id!
      return { id, context, first, opId }
    }

    it('an outcome told by webhook ends the payment, and the client who repeats gets it', async () => {
      const { id, context, first, opId } = await pendingPayment()
      expect(first).toMatchObject({ status: 'authorizing', pending_operation: { op_id: opId, status: 'unknown' } })
      expect(await deliver((await bench.sandbox.settle(opId))!)).toEqual({ received: true, duplicate: false })
      await bench.payments.recovery.runDue()
      expect(await bench.payments.get(id)).toMatchObject({ status: 'captured', captured: 700 })
      expect(await bench.payments.authorize(id, {}, context)).toMatchObject({ status: 'captured' })
      expect((await bench.payments.events(id)).items.map((event) => event.actor)).toContain('webhook:sandbox')
    })

    it('a decline told by webhook declines the payment', async () => {
      const { id, opId } = await pendingPayment()
      await deliver((await bench.sandbox.settle(opId, 'failed'))!)
      await bench.payments.recovery.runDue()
      expect(await bench.payments.get(id)).toMatchObject({ status: 'declined', last_error: { code: 'card_declined' } })
    })

    it('an action of the buyer is waited for, and ends with the webhook', async () => {
      const { id, first, opId } = await pendingPayment('tok_requires_action', 'manual')
      expect(first).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect' } })
      expect(first).not.toHaveProperty('pending_operation')
      await deliver((await bench.sandbox.settle(opId))!)
      await bench.payments.recovery.runDue()
      const done = await bench.payments.get(id)
      expect(done).toMatchObject({ status: 'authorized' })
      expect(done).not.toHaveProperty('next_action')
    })

    it('is found out by asking when no webhook comes', async () => {
      const { id } = await pendingPayment()
      await bench.recover(2_000)
      expect(await bench.payments.get(id)).toMatchObject({ status: 'authorizing' })
      await bench.recover(10_000)
      expect(await bench.payments.get(id)).toMatchObject({ status: 'captured' })
    })

    it('a message delivered ten times, at once, is stored and applied once', async () => {
      const { id, opId } = await pendingPayment()
      const webhook = (await bench.sandbox.settle(opId))!
      const receipts = await Promise.all(Array.from({ length: 10 }, () => deliver(webhook)))
      expect(receipts.filter((receipt) => !receipt.duplicate)).toHaveLength(1)
      await Promise.all([bench.payments.recovery.runDue(), bench.process().recovery.runDue()])
      await bench.payments.recovery.runDue()
      expect((await bench.payments.events(id)).items.map((event) => event.event_type)).toEqual([
        'INITIATED',
        'AUTHORIZATION_REQUESTED',
        'OUTCOME_UNKNOWN',
        'AUTHORIZED',
        'CAPTURE_REQUESTED',
        'CAPTURED',
      ])
    })

    it('a contradiction that comes late changes nothing that is settled', async () => {
      const { id, opId } = await pendingPayment()
      await deliver((await bench.sandbox.settle(opId))!)
      await bench.payments.recovery.runDue()
      const entry = (await bench.ports.sandboxLedger.find(opId))!
      await deliver(
        signWebhook(settledMessage({ ...entry, status: 'failed', amount: 0n }), WEBHOOK_SECRET, bench.clock.now()),
      )
      await bench.payments.recovery.runDue()
      expect(await bench.payments.get(id)).toMatchObject({ status: 'captured' })
    })

    it('a message about an operation nobody knows waits, is tried again, and stays to be seen', async () => {
      const entry = (await bench.ports.sandboxLedger.find((await pendingPayment()).opId))!
      const stray = { ...entry, key: 'op_00000000000000000000000000', status: 'succeeded' as const, amount: 5n }
      await deliver(signWebhook(settledMessage(stray), WEBHOOK_SECRET, bench.clock.now()))
      for (let day = 0; day < 10; day++) await bench.recover(86_400_000)
      const [row] = await bench.sql.query(
        `select attempts, applied_at, next_attempt_at, last_error from webhook_inbox where op_id = $1`,
        [stray.key],
      )
      expect(row).toMatchObject({ applied_at: null, next_attempt_at: null })
      expect(String(row!['last_error'])).toContain('not known')
    })

    it('refuses a wrong, missing, stale or foreign signature, and stores nothing', async () => {
      const { opId } = await pendingPayment()
      const good = (await bench.sandbox.settle(opId))!
      const before = await stored()
      const refusals: SignedWebhook[] = [
        { ...good, headers: {} },
        { ...good, body: `${good.body} ` },
        { ...good, headers: { 'sandbox-signature': 'nonsense' } },
        signWebhook(good.body, 'another-secret-1234', bench.clock.now()),
        signWebhook(good.body, WEBHOOK_SECRET, bench.clock.now() - 301_000),
        signWebhook('{"id":1}', WEBHOOK_SECRET, bench.clock.now()),
        signWebhook('not json', WEBHOOK_SECRET, bench.clock.now()),
      ]
      for (const webhook of refusals)
        await expect(deliver(webhook)).rejects.toMatchObject({ code: 'invalid_signature' })
      await expect(
        bench.payments.receiveWebhook('nobody', { headers: {}, body: new Uint8Array() }),
      ).rejects.toMatchObject({ code: 'processor_not_found' })
      const withCard = JSON.stringify({
        id: 'evt_x',
        type: 'note',
        data: { key: 'op_1', status: 'none', message: '4242 4242 4242 4242' },
      })
      await expect(deliver(signWebhook(withCard, WEBHOOK_SECRET, bench.clock.now()))).rejects.toMatchObject({
        code: 'card_number_refused',
      })
      expect(await stored()).toBe(before)
      expect(await deliver(good)).toEqual({ received: true, duplicate: false })
      await bench.recover(0)
    })

    it('keeps the first outcome when the request, the worker and the webhook all bring one', async () => {
      const gate = createGate()
      const answered = createGate()
      const slow = bench.process({
        faults: async (point, operation) => {
          if (point !== 'answered' || operation.kind !== 'capture') return
          answered.open()
          await gate.opened
        },
      })
      const input = {
        amount: 900,
        currency: 'USD',
        payment_method: card('tok_ok'),
        capture_method: 'automatic',
      } as const
      const { payment_intent_id: id } = await bench.payments.create(input, key())
      const request = slow.authorize(id, {}, key())
      await answered.opened
      const opId = (await bench.payments.events(id)).items.at(-1)!.op_id!
      const entry = (await bench.ports.sandboxLedger.find(opId))!
      await deliver(signWebhook(settledMessage(entry), WEBHOOK_SECRET, bench.clock.now()))
      await bench.clock.advance(30_000)
      await Promise.all([bench.payments.recovery.runDue(), bench.process().recovery.runDue()])
      gate.open()
      expect(await request).toMatchObject({ status: 'captured', captured: 900, version: 5 })
      const types = (await bench.payments.events(id)).items.map((event) => event.event_type)
      expect(types.filter((type) => type === 'CAPTURED')).toHaveLength(1)
    })
  })
}
