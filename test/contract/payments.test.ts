import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { isAppError } from '../../src/core/errors.ts'
import type { Payment } from '../../src/payments/schemas.ts'
import { card, crashOnce, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })
const codeOf = (error: unknown) => (isAppError(error) ? error.code : String(error))

for (const engine of sqlEngines()) {
  describe(`payments on ${engine.name}`, () => {
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

    async function create(
      token = 'tok_ok',
      more: Partial<Parameters<PaymentBench['payments']['create']>[0]> = {},
    ): Promise<string> {
      const input = {
        amount: 10_000,
        currency: 'USD',
        payment_method: card(token),
        capture_method: 'manual',
        ...more,
      } as const
      return (await bench.payments.create(input, key())).payment_intent_id
    }
    async function authorized(token = 'tok_ok', more = {}): Promise<string> {
      const id = await create(token, more)
      expect(await bench.payments.authorize(id, {}, key())).toMatchObject({ status: 'authorized' })
      return id
    }
    async function captured(token = 'tok_ok', more = {}): Promise<string> {
      const id = await authorized(token, more)
      expect(await bench.payments.capture(id, {}, key())).toMatchObject({ status: 'captured' })
      return id
    }
    const eventTypes = async (id: string) =>
      (await bench.payments.events(id, { limit: 100 })).items.map((event) => event.event_type)
    /** What the sandbox did for a payment: the sums it really moved. */
    async function ledgerOf(id: string) {
      const { items } = await bench.payments.events(id, { limit: 100 })
      const keys = [...new Set(items.flatMap((event) => event.op_id ?? []))]
      const entries = (await bench.ports.sandboxLedger.entriesOf(keys)).filter((entry) => entry.status === 'succeeded')
      return entries.map((entry) => `${entry.kind} ${entry.amount}`).sort()
    }

    it('records, authorizes and captures in one go when the capture is automatic', async () => {
      const { payments } = bench
      const id = await create('tok_ok', { capture_method: 'automatic', customer_id: 'c-1', order_id: '77' })
      const done = await payments.authorize(id, {}, key())
      expect(done).toMatchObject({
        status: 'captured',
        captured: 10_000,
        version: 5,
        customer_id: 'c-1',
        order_id: '77',
      })
      expect(done).not.toHaveProperty('pending_operation')
      expect(await eventTypes(id)).toEqual([
        'INITIATED',
        'AUTHORIZATION_REQUESTED',
        'AUTHORIZED',
        'CAPTURE_REQUESTED',
        'CAPTURED',
      ])
      expect(await ledgerOf(id)).toEqual(['authorize 10000', 'capture 10000'])
    })

    it('captures and refunds in parts, and releases the rest', async () => {
      const { payments } = bench
      const id = await authorized()
      expect(await payments.capture(id, { amount: 3_000 }, key())).toMatchObject({
        status: 'partially_captured',
        captured: 3_000,
      })
      expect(await payments.capture(id, { amount: 2_000 }, key())).toMatchObject({ captured: 5_000 })
      expect(await payments.void(id, {}, key())).toMatchObject({
        status: 'captured',
        authorized: 5_000,
        captured: 5_000,
      })
      expect(await payments.refund(id, { amount: 1_000, reason: 'late' }, key())).toMatchObject({
        status: 'partially_refunded',
        refunded: 1_000,
      })
      expect(await payments.refund(id, {}, key())).toMatchObject({ status: 'refunded', refunded: 5_000 })
      await expect(payments.refund(id, { amount: 1 }, key())).rejects.toMatchObject({
        code: 'amount_exceeds_refundable',
        data: { refundable: 0 },
      })
      expect(await ledgerOf(id)).toEqual(
        expect.arrayContaining(['capture 3000', 'capture 2000', 'void 5000', 'refund 1000', 'refund 4000']),
      )
    })

    it('tells a decline as a state, and takes another method after it', async () => {
      const id = await create('tok_insufficient_funds')
      expect(await bench.payments.authorize(id, {}, key())).toMatchObject({
        status: 'declined',
        last_error: { code: 'insufficient_funds' },
      })
      const again = await bench.payments.authorize(id, { payment_method: card('tok_ok') }, key())
      expect(again).toMatchObject({ status: 'authorized', payment_method: { token: 'tok_ok' } })
      expect(again).not.toHaveProperty('last_error')
    })

    it('lets exactly three of fifty simultaneous captures of 3,000 on 10,000 succeed, and refuses the others exactly', async () => {
      const id = await authorized()
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, () => bench.payments.capture(id, { amount: 3_000 }, key())),
      )
      const codes = results.filter((result) => result.status === 'rejected').map((result) => codeOf(result.reason))
      expect(codes).toEqual(Array(47).fill('amount_exceeds_capturable'))
      expect(await bench.payments.get(id)).toMatchObject({ captured: 9_000, capture_pending: 0 })
      expect((await ledgerOf(id)).filter((entry) => entry.startsWith('capture'))).toEqual(Array(3).fill('capture 3000'))
    })

    it('keeps that exact when the captures come through two processes', async () => {
      const id = await authorized()
      const processes = [bench.process({ clock: systemClock }), bench.process({ clock: systemClock })]
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => processes[n % 2]!.capture(id, { amount: 3_000 }, key())),
      )
      const codes = results.filter((result) => result.status === 'rejected').map((result) => codeOf(result.reason))
      expect(codes).toEqual(Array(17).fill('amount_exceeds_capturable'))
      expect(await bench.payments.get(id)).toMatchObject({ captured: 9_000 })
    })

    it('carries a key out once, however often and however simultaneously it comes', async () => {
      const context = key()
      const input = { amount: 500, currency: 'EUR', payment_method: card('tok_ok') }
      let replays = 0
      const counting = { ...context, onReplay: () => void replays++ }
      const answers = await Promise.all(Array.from({ length: 20 }, () => bench.payments.create(input, counting)))
      expect(new Set(answers.map((payment) => payment.payment_intent_id)).size).toBe(1)
      expect(replays).toBe(19)

      replays = 0
      const id = answers[0]!.payment_intent_id
      const again = { ...key(), onReplay: () => void replays++ }
      const first = await bench.payments.authorize(id, {}, again)
      expect(replays).toBe(0)
      expect(await bench.payments.authorize(id, {}, again)).toEqual(first)
      expect(replays).toBe(1)
      expect(await ledgerOf(id)).toHaveLength(2)
    })

    it('answers simultaneous repeats with the answer or with "in use", never by a second charge', async () => {
      const id = await authorized()
      const context = key()
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, () => bench.payments.capture(id, { amount: 4_000 }, context)),
      )
      for (const result of results)
        if (result.status === 'rejected') expect(codeOf(result.reason)).toBe('idempotency_key_in_use')
      expect(results.some((result) => result.status === 'fulfilled')).toBe(true)
      expect(await bench.payments.get(id)).toMatchObject({ captured: 4_000 })
    })

    it('refuses a key that was used for something else, and keeps one whose command was refused', async () => {
      const { payments } = bench
      const id = await authorized()
      const context = key()
      await expect(payments.capture(id, { amount: 99_999 }, context)).rejects.toMatchObject({
        code: 'amount_exceeds_capturable',
      })
      expect(await payments.capture(id, { amount: 1_000 }, context)).toMatchObject({ captured: 1_000 })
      await expect(payments.capture(id, { amount: 2_000 }, context)).rejects.toMatchObject({
        code: 'idempotency_key_reused',
      })
      await expect(payments.void(id, {}, context)).rejects.toMatchObject({ code: 'idempotency_key_reused' })
      await expect(
        payments.create({ amount: 1, currency: 'USD', payment_method: card('tok_ok') }, context),
      ).rejects.toMatchObject({ code: 'idempotency_key_reused' })
      expect(await payments.get(id)).toMatchObject({ captured: 1_000 })
    })

    it('refuses a version that is not the newest', async () => {
      const id = await authorized()
      await expect(bench.payments.capture(id, {}, { ...key(), expectedVersion: 2 })).rejects.toMatchObject({
        code: 'version_mismatch',
        data: { version: 3 },
      })
      expect(await bench.payments.capture(id, {}, { ...key(), expectedVersion: 3 })).toMatchObject({
        status: 'captured',
      })
    })

    it('refuses malformed input and stores nothing', async () => {
      const good = { amount: 1, currency: 'USD', payment_method: card('tok_ok') }
      const before = (await bench.verify()).payments
      const bad: [unknown, string][] = [
        [{ ...good, amount: 0 }, 'invalid_input'],
        [{ ...good, amount: -5 }, 'invalid_input'],
        [{ ...good, amount: 1.5 }, 'invalid_input'],
        [{ ...good, amount: 1e15 }, 'invalid_input'],
        [{ ...good, currency: 'usd' }, 'invalid_input'],
        [{ ...good, currency: 'QQQ' }, 'unknown_currency'],
        [{ ...good, payment_method: card('4242 4242 4242 4242') }, 'card_number_refused'],
        [{ ...good, customer_id: '4242424242424242' }, 'card_number_refused'],
        [{ ...good, more: 1 }, 'invalid_input'],
        [{ ...good, processor: 'nobody' }, 'processor_not_found'],
      ]
      for (const [input, code] of bad)
        await expect(bench.payments.create(input as never, key())).rejects.toMatchObject({ code })
      for (const id of ['pi_unknown', 'x', 'pi_000000000000000000000000']) {
        await expect(bench.payments.capture(id, {}, key())).rejects.toMatchObject({ code: 'payment_not_found' })
        await expect(bench.payments.get(id)).rejects.toMatchObject({ code: 'payment_not_found' })
        await expect(bench.payments.events(id)).rejects.toMatchObject({ code: 'payment_not_found' })
      }
      expect((await bench.verify()).payments).toBe(before)
    })

    it('never takes silence for a failure: a charge whose answer was lost is found', async () => {
      const { payments } = bench
      const context = key()
      const id = await create('tok_timeout_charged', { capture_method: 'automatic' })
      const first = await payments.authorize(id, {}, context)
      expect(first).toMatchObject({
        status: 'authorizing',
        pending_operation: { kind: 'authorize', status: 'unknown' },
      })
      expect(await payments.authorize(id, {}, context)).toMatchObject({
        status: 'authorizing',
        pending_operation: { status: 'unknown' },
      })
      await bench.recover(2_000)
      await bench.recover(2_000)
      const done = await payments.authorize(id, {}, context)
      expect(done).toMatchObject({ status: 'captured', captured: 10_000 })
      expect(done).not.toHaveProperty('pending_operation')
      expect(await ledgerOf(id)).toEqual(['authorize 10000', 'capture 10000'])
    })

    it('sends a request that was lost again, with the same key', async () => {
      const id = await create('tok_timeout_not_charged', { capture_method: 'automatic' })
      expect(await bench.payments.authorize(id, {}, key())).toMatchObject({ pending_operation: { status: 'unknown' } })
      expect(await ledgerOf(id)).toEqual([])
      await bench.recover(2_000)
      await bench.recover(2_000)
      expect(await bench.payments.get(id)).toMatchObject({ status: 'captured' })
      expect(await ledgerOf(id)).toEqual(['authorize 10000', 'capture 10000'])
    })

    it('calls a person rather than send a key that the processor may have forgotten', async () => {
      const id = await create('tok_timeout_not_charged')
      await bench.payments.authorize(id, {}, key())
      await bench.clock.advance(23 * 3_600_000)
      await bench.recover(0)
      const stuck = await bench.payments.get(id)
      expect(stuck).toMatchObject({ status: 'authorizing', pending_operation: { status: 'review' } })
      expect((await bench.ports.store.findOperations({ status: 'review' }, 10)).map((row) => row.opId)).toContain(
        stuck.pending_operation!.op_id,
      )
      expect(await ledgerOf(id)).toEqual([])
    })

    for (const [point, kind] of [
      ['requested', 'authorize'],
      ['answered', 'authorize'],
      ['recorded', 'authorize'],
      ['requested', 'capture'],
      ['answered', 'capture'],
      ['recorded', 'capture'],
    ] as const) {
      it(`charges once when the process dies at "${point}" of ${kind}, and a repeat gets the answer`, async () => {
        const id = await create('tok_ok', { capture_method: 'automatic' })
        const context = key()
        const dying = bench.process({ faults: crashOnce(point, kind) })
        await expect(dying.authorize(id, {}, context)).rejects.toThrow(`crash: ${point} ${kind}`)
        if (point === 'recorded' && kind === 'capture') {
          expect(await bench.payments.authorize(id, {}, context)).toMatchObject({ status: 'captured' })
        } else {
          // Its lease still runs: somebody may be at work on it.
          await expect(bench.payments.authorize(id, {}, context)).rejects.toMatchObject({
            code: 'idempotency_key_in_use',
          })
        }
        await bench.recover(30_000)
        const done = await bench.payments.authorize(id, {}, context)
        expect(done).toMatchObject({ status: 'captured', captured: 10_000 })
        expect(await ledgerOf(id)).toEqual(['authorize 10000', 'capture 10000'])
      })
    }

    it('lets the client who repeats bring an abandoned command to its end himself', async () => {
      const id = await authorized()
      const context = key()
      await expect(
        bench.process({ faults: crashOnce('answered', 'capture') }).capture(id, {}, context),
      ).rejects.toThrow('crash')
      await bench.clock.advance(61_000)
      expect(await bench.payments.capture(id, {}, context)).toMatchObject({ status: 'captured' })
      expect(await ledgerOf(id)).toEqual(['authorize 10000', 'capture 10000'])
    })

    it('keeps a capture and a refund that the processor refuses from moving money', async () => {
      const id = await authorized('tok_capture_fails')
      expect(await bench.payments.capture(id, {}, key())).toMatchObject({
        status: 'authorized',
        capture_pending: 0,
        last_error: { code: 'capture_refused' },
      })
      const other = await captured('tok_refund_fails')
      expect(await bench.payments.refund(other, {}, key())).toMatchObject({
        status: 'captured',
        refund_pending: 0,
        refunded: 0,
        last_error: { code: 'refund_refused' },
      })
    })

    it('shows a partial authorization, and leaves its capture to the seller', async () => {
      const id = await create('tok_partial', { capture_method: 'automatic', amount: 9_999 })
      expect(await bench.payments.authorize(id, {}, key())).toMatchObject({
        status: 'authorized',
        authorized: 4_999,
        captured: 0,
      })
      expect(await bench.payments.capture(id, {}, key())).toMatchObject({ status: 'captured', captured: 4_999 })
    })

    it('reads what was just written, with and without the read model, and as it was', async () => {
      const { payments } = bench
      const id = await create()
      const asCreated = await payments.get(id)
      await bench.project()
      expect(await payments.get(id)).toEqual(asCreated)
      const t0 = new Date(bench.clock.now()).toISOString()
      await bench.clock.advance(5_000)
      await payments.authorize(id, {}, key())
      const now: Payment = await payments.capture(id, {}, key())
      expect(await payments.get(id)).toEqual(now)
      await bench.project()
      expect(await payments.get(id)).toEqual(now)
      expect(await payments.get(id, { as_of: '1' })).toEqual(asCreated)
      expect(await payments.get(id, { as_of: t0 })).toEqual(asCreated)
      expect(await payments.get(id, { as_of: '3' })).toMatchObject({ status: 'authorized', version: 3 })
      await expect(payments.get(id, { as_of: '99' })).rejects.toMatchObject({ code: 'payment_not_found' })
      await expect(payments.get(id, { as_of: 'yesterday' })).rejects.toMatchObject({ code: 'invalid_input' })
    })

    it('lists the payments of an order, up to date', async () => {
      const order = `order-${randomUUID()}`
      const first = await create('tok_declined', { order_id: order })
      await bench.project()
      await bench.payments.authorize(first, {}, key())
      const second = await captured('tok_ok', { order_id: order })
      expect(
        (await bench.payments.listByOrder(order)).map((payment) => [payment.payment_intent_id, payment.status]),
      ).toEqual(
        expect.arrayContaining([
          [first, 'declined'],
          [second, 'captured'],
        ]),
      )
      expect(await bench.payments.listByOrder('nobody')).toEqual([])
    })

    it('asks the order before a payment for it is recorded, but not for a repeat', async () => {
      let paid = false
      const payments = bench.process({
        checkPayable: async () => {
          if (paid) throw new Error('paid already')
        },
      })
      const context = key()
      const input = { amount: 5, currency: 'USD', order_id: 'o-1', payment_method: card('tok_ok') }
      const payment = await payments.create(input, context)
      paid = true
      expect(await payments.create(input, context)).toEqual(payment)
      await expect(payments.create(input, key())).rejects.toThrow('paid already')
    })

    it('pages through the transactions of a customer, newest first, each once', async () => {
      const customer = `c-${randomUUID()}`
      for (let n = 0; n < 4; n++) {
        const id = await captured('tok_ok', { customer_id: customer })
        await bench.clock.advance(n % 2)
        await bench.payments.refund(id, { amount: 100 + n }, key())
      }
      await bench.project()
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await bench.payments.transactions(customer, { limit: 5, cursor })
        seen.push(
          ...page.items.map(
            (item) =>
              `${item.timestamp} ${item.payment_intent_id} ${String(item.version).padStart(3, '0')} ${item.type}`,
          ),
        )
        cursor = page.next_cursor
      } while (cursor !== undefined)
      expect(seen).toHaveLength(12)
      expect(seen).toEqual([...seen].sort().reverse())
      expect(new Set(seen).size).toBe(12)
      await expect(bench.payments.transactions('other', { cursor: 'nonsense' })).rejects.toMatchObject({
        code: 'invalid_cursor',
      })
    })

    it('refuses to change or delete what is written', async () => {
      const id = await create()
      for (const statement of [
        `update payment_events set actor = 'x' where payment_intent_id = $1`,
        'delete from payment_events where payment_intent_id = $1',
      ]) {
        await expect(bench.sql.query(statement, [id])).rejects.toThrow(/append-only/)
      }
      await expect(bench.sql.query('truncate payment_events')).rejects.toThrow(/append-only/)
    })

    it('keeps the limits in the database itself', async () => {
      const id = await authorized()
      await expect(
        bench.sql.query('update payment_intents set captured = authorized + 1 where payment_intent_id = $1', [id]),
      ).rejects.toThrow(/capture_limit/)
      await expect(
        bench.sql.query('update payment_intents set refunded = captured + 1 where payment_intent_id = $1', [id]),
      ).rejects.toThrow(/refund_limit/)
      await expect(
        bench.sql.query('update payment_intents set captured = -1 where payment_intent_id = $1', [id]),
      ).rejects.toThrow(/not_negative/)
    })
  })
}
