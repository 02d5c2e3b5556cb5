import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entryMessage } from '../../src/processors/sandbox/messages.ts'
import { type SignedWebhook, signWebhook } from '../../src/processors/sandbox/webhook.ts'
import { createGate } from '../../src/testing/gate.ts'
import { card, openPaymentBench, type PaymentBench, WEBHOOK_SECRET } from '../setup/payments.ts'
import { seededRandom } from '../setup/random.ts'
import { letSandboxesTell, receive } from '../setup/sandboxes.ts'
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

    const deliver = (webhook: SignedWebhook) => receive(bench.payments, 'sandbox', webhook)
    const tell = (ms: number) => letSandboxesTell(bench, bench.payments, [bench.sandbox], ms)
    const eventTypes = async (id: string) =>
      (await bench.payments.events(id, { limit: 100 })).items.map((event) => event.event_type)
    async function captured(token: string): Promise<string> {
      const { payments } = bench
      const input = { amount: 5_000, currency: 'USD', payment_method: card(token) }
      const { payment_intent_id: id } = await payments.create(input, key())
      expect(await payments.authorize(id, {}, key())).toMatchObject({ status: 'captured' })
      return id
    }
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

    it('a message that contradicts what is settled is not believed; the processor is asked', async () => {
      const { id, opId } = await pendingPayment()
      await deliver((await bench.sandbox.settle(opId))!)
      await bench.payments.recovery.runDue()
      const entry = (await bench.ports.sandboxLedger.find(opId))!
      const stale = entryMessage({ ...entry, status: 'failed', amount: 0n })
      await deliver(signWebhook(stale, WEBHOOK_SECRET, bench.clock.now()))
      const before = await eventTypes(id)
      await bench.payments.recovery.runDue()
      expect(await eventTypes(id)).toEqual(before)
      expect((await bench.payments.inbox({ state: 'applied' }, { limit: 100 })).items).toContainEqual(
        expect.objectContaining({ event_id: `evt_${opId}_failed`, attempts: 0, last_error: null }),
      )
    })

    it('a message about an operation nobody knows waits, is tried again, stays to be seen, and is replayed', async () => {
      const entry = (await bench.ports.sandboxLedger.find((await pendingPayment()).opId))!
      const stray = { ...entry, key: 'op_00000000000000000000000000', status: 'succeeded' as const, amount: 5n }
      await deliver(signWebhook(entryMessage(stray), WEBHOOK_SECRET, bench.clock.now()))
      const listed = async (state: 'waiting' | 'failed') =>
        (await bench.payments.inbox({ processor: 'sandbox', state })).items.filter((item) =>
          item.event_id.includes(stray.key),
        )
      await bench.recover(0)
      expect(await listed('waiting')).toMatchObject([{ attempts: 1, last_error: expect.stringContaining('not known') }])
      for (let day = 0; day < 10; day++) await bench.recover(86_400_000)
      expect(await listed('failed')).toMatchObject([{ attempts: 8, applied_at: null }])
      const which = { processor: 'sandbox', event_ids: [`evt_${stray.key}_succeeded`] }
      expect(await bench.payments.replayInbox({ ...which, state: 'applied' })).toEqual({ replayed: 0 })
      expect(await bench.payments.replayInbox({ ...which, state: 'failed' })).toEqual({ replayed: 1 })
      expect(await listed('waiting')).toMatchObject([{ attempts: 0, last_error: null }])
      await expect(bench.payments.replayInbox({ processor: 'nobody' })).rejects.toMatchObject({
        code: 'processor_not_found',
      })
    })

    it('may be replayed from the beginning: nothing changes', async () => {
      const { id, opId } = await pendingPayment()
      await deliver((await bench.sandbox.settle(opId))!)
      await bench.recover(0)
      const before = await bench.payments.get(id)
      expect((await bench.payments.replayInbox({ processor: 'sandbox' })).replayed).toBe(await stored())
      await bench.recover(0)
      expect(await bench.payments.get(id)).toEqual(before)
    })

    it('lists messages page by page, each once', async () => {
      const ids: string[] = []
      let cursor: string | undefined
      do {
        const page = await bench.payments.inbox({}, { limit: 2, cursor })
        ids.push(...page.items.map((item) => `${item.received_at} ${item.event_id}`))
        cursor = page.next_cursor
      } while (cursor !== undefined)
      expect(ids).toHaveLength(await stored())
      expect(new Set(ids).size).toBe(ids.length)
      await expect(bench.payments.inbox({ state: 'lost' as 'failed' })).rejects.toMatchObject({ code: 'invalid_input' })
    })

    it.each(['tok_async', 'tok_action_succeeds'])('the sandbox tells by itself how %s was decided', async (token) => {
      const { id } = await pendingPayment(token)
      await tell(3_000)
      expect(await bench.payments.get(id)).toMatchObject({ status: 'captured', captured: 700 })
      const [, , decided] = (await bench.payments.events(id)).items.slice(1)
      expect(decided).toMatchObject({ event_type: 'AUTHORIZED', actor: 'webhook:sandbox' })
    })

    it.each([
      ['tok_async_declined', 'card_declined'],
      ['tok_action_fails', 'authentication_failed'],
    ])('and how %s was declined', async (token, code) => {
      const { id } = await pendingPayment(token)
      await tell(3_000)
      expect(await bench.payments.get(id)).toMatchObject({ status: 'declined', last_error: { code } })
    })

    it('a buyer who never acts lets the payment be declined after a day', async () => {
      const { id } = await pendingPayment('tok_requires_action')
      await tell(86_400_000)
      expect(await bench.payments.get(id)).toMatchObject({ status: 'declined', last_error: { code: 'action_expired' } })
    })

    it('a payment that waits for its buyer can be voided, at the processor too', async () => {
      const { id, opId } = await pendingPayment('tok_requires_action')
      expect(await bench.payments.void(id, {}, key())).toMatchObject({ status: 'voided' })
      expect(await bench.sandbox.settle(opId)).toBeUndefined()
      await tell(86_400_000)
      expect(await bench.payments.get(id)).toMatchObject({ status: 'voided', authorized: 0 })
    })

    it('a refund that comes back is taken back, and told in the wrong order it is not given twice', async () => {
      const id = await captured('tok_refund_fails_late')
      expect(await bench.payments.refund(id, { amount: 300 }, key())).toMatchObject({ refunded: 300 })
      await tell(3_000)
      expect(await bench.payments.get(id)).toMatchObject({ refunded: 0, last_error: { code: 'refund_returned' } })
      expect((await eventTypes(id)).at(-1)).toBe('REFUND_REVERSED')

      const other = await captured('tok_refund_fails_reordered')
      const refunding = await bench.payments.refund(other, { amount: 300 }, key())
      expect(refunding).toMatchObject({ pending_operation: { kind: 'refund', status: 'unknown' } })
      // The worker must not be faster than the webhook.
      await bench.ports.store.postpone(refunding.pending_operation!.op_id, 0, bench.clock.now() + 60_000)
      await tell(3_000)
      expect((await eventTypes(other)).at(-1)).toBe('REFUND_FAILED')
      await tell(3_000)
      expect((await eventTypes(other)).at(-1)).toBe('REFUND_FAILED')
      expect(await bench.payments.get(other)).toMatchObject({ refunded: 0, refund_pending: 0 })
      const { refunded } = (await bench.ports.sandboxLedger.charge(`ch_${await authorizeOp(other)}`))!
      expect(refunded).toBe(0n)
    })

    const authorizeOp = async (id: string) => (await bench.payments.events(id)).items[1]!.op_id!

    it.each([
      ['tok_dispute', 'won', 5_000],
      ['tok_dispute_lost', 'lost', 0],
    ])('%s: a dispute is opened, answered with evidence and %s', async (token, status, refundable) => {
      const id = await captured(token)
      await tell(3_000)
      const [dispute] = (await bench.payments.get(id)).disputes
      expect(dispute).toMatchObject({ amount: 5_000, status: 'needs_response', reason: 'fraudulent' })
      await expect(bench.payments.refund(id, { amount: 1 }, key())).rejects.toMatchObject({
        ...{ code: 'amount_exceeds_refundable', data: { refundable: 0 } },
      })
      const evidence = { evidence: { receipt: 'Delivered on Monday' } }
      const answered = await bench.payments.submitEvidence(id, dispute!.dispute_id, evidence, key())
      expect(answered.disputes).toMatchObject([{ status: 'under_review' }])
      await tell(3_000)
      expect((await bench.payments.get(id)).disputes).toMatchObject([{ status }])
      const refund = bench.payments.refund(id, {}, key())
      if (refundable > 0) expect(await refund).toMatchObject({ refunded: refundable })
      else await expect(refund).rejects.toMatchObject({ code: 'illegal_payment_state' })
    })

    it('a dispute that is told to be lost before it is told to be opened is lost', async () => {
      const id = await captured('tok_dispute_reordered')
      await tell(3_000)
      expect(await bench.payments.get(id)).toMatchObject({ disputed: 5_000, disputes: [{ status: 'lost' }] })
      expect((await eventTypes(id)).filter((type) => type.startsWith('DISPUTE'))).toEqual([
        'DISPUTE_OPENED',
        'DISPUTE_LOST',
      ])
    })

    it.each(['tok_webhook', 'tok_webhook_duplicate', 'tok_webhook_reordered', 'tok_webhook_delayed'])(
      '%s: what webhooks tell beside the answers changes nothing',
      async (token) => {
        const id = await captured(token)
        await bench.payments.refund(id, { amount: 300 }, key())
        const before = await bench.payments.get(id)
        const inbox = await stored()
        await tell(0)
        await tell(3_000)
        expect(await stored()).toBe(inbox + 3)
        expect(await bench.payments.get(id)).toEqual(before)
      },
    )

    it('messages of one processor say nothing about what another one did', async () => {
      const { id, opId } = await pendingPayment()
      const entry = (await bench.ports.sandboxLedger.find(opId))!
      const other = bench.process({ processors: new Map([['other', { ...bench.sandbox, name: 'other' }]]) })
      const forged = entryMessage({ ...entry, status: 'succeeded', amount: 700n })
      await receive(other, 'other', signWebhook(forged, WEBHOOK_SECRET, bench.clock.now()))
      await bench.payments.recovery.runDue()
      expect(await bench.payments.get(id)).toMatchObject({ status: 'authorizing' })
      expect((await bench.payments.inbox({ processor: 'other' })).items).toMatchObject([
        { state: 'waiting', last_error: expect.stringContaining('is one of sandbox') },
      ])
      await tell(3_000)
    })

    it('5,000 messages, shuffled and doubled, bring every payment to where the processor has it', async () => {
      const random = seededRandom(20_260_305)
      const tokens = ['tok_async', 'tok_async_declined', 'tok_action_succeeds'] as const
      const opened = await Promise.all(
        Array.from({ length: 500 }, async (_, n) => {
          const { id, opId } = await pendingPayment(tokens[n % 3], 'manual')
          return { id, opId, declined: n % 3 === 1 }
        }),
      )
      // The sandbox decides; its messages are kept back here.
      const kept: SignedWebhook[] = []
      await bench.clock.advance(3_000)
      while ((await bench.sandbox.deliverDue(async (webhook) => void kept.push(webhook))) > 0);
      const about = { amount: 100, currency: 'USD', reason: 'fraudulent', reference: 'ch' }
      for (const { id } of opened) {
        for (const [n, status] of ['open', 'won', 'open', 'lost'].entries()) {
          const dispute_id = `dp_${id}_${n < 2 ? 1 : 2}`
          const data = { ...about, payment_intent_id: id, dispute_id, status, evidence_due_ms: bench.clock.now() }
          const body = JSON.stringify({ id: `evt_${dispute_id}_${status}`, type: `dispute.${status}`, data })
          kept.push(signWebhook(body, WEBHOOK_SECRET, bench.clock.now()))
        }
      }
      const messages = [...kept, ...kept].map((webhook) => ({ webhook, at: random.int(1_000_000) }))
      messages.sort((a, b) => a.at - b.at)
      expect(messages.length).toBeGreaterThanOrEqual(5_000)
      const before = await stored()
      for (let i = 0; i < messages.length; i += 100)
        await Promise.all(messages.slice(i, i + 100).map(({ webhook }) => deliver(webhook)))
      expect(await stored()).toBe(before + kept.length)
      const workers = [bench.payments, bench.process()]
      // Whoever loses a race several times waits a moment, and this clock moves only when it is told to.
      const ticking = setInterval(() => void bench.clock.advance(1), 5)
      for (let done = 1; done > 0; )
        done = Math.max(...(await Promise.all(workers.map((worker) => worker.recovery.runDue()))))
      clearInterval(ticking)
      for (const { id, declined } of opened) {
        const payment = await bench.payments.get(id)
        const authorized = declined ? 0 : 700
        expect(payment).toMatchObject({ status: declined ? 'declined' : 'authorized', authorized, disputed: 100 })
        expect(payment.disputes.map(({ dispute_id, status }) => `${dispute_id.at(-1)} ${status}`).sort()).toEqual([
          '1 won',
          '2 lost',
        ])
      }
    }, 120_000)

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
      await deliver(signWebhook(entryMessage(entry), WEBHOOK_SECRET, bench.clock.now()))
      await bench.clock.advance(30_000)
      await Promise.all([bench.payments.recovery.runDue(), bench.process().recovery.runDue()])
      gate.open()
      expect(await request).toMatchObject({ status: 'captured', captured: 900, version: 5 })
      const types = (await bench.payments.events(id)).items.map((event) => event.event_type)
      expect(types.filter((type) => type === 'CAPTURED')).toHaveLength(1)
    })
  })
}
