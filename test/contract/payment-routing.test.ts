import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RoutingRule } from '../../src/core/routes.ts'
import type { Payments, PaymentsDeps } from '../../src/payments/payments.ts'
import { BASIC_CAPABILITIES, createSandbox, type Sandbox } from '../../src/processors/sandbox/sandbox.ts'
import { card, crashOnce, openPaymentBench, type PaymentBench, WEBHOOK_SECRET } from '../setup/payments.ts'
import { letSandboxesTell } from '../setup/sandboxes.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })

const ROUTES: readonly RoutingRule[] = [
  { currencies: ['EUR'], processors: ['sandbox_basic'] },
  { methods: ['wallet'], amount_min: 100, amount_max: 200, processors: ['second'] },
  { currencies: ['USD'], processors: ['sandbox', 'second', 'sandbox_basic'] },
  { currencies: ['JPY'], processors: ['euros_only'] },
  { currencies: ['GBP'], processors: ['euros_only', 'second'] },
]

for (const engine of sqlEngines()) {
  describe(`routing on ${engine.name}`, () => {
    let bench: PaymentBench
    let payments: Payments
    let sandboxes: Sandbox[]
    let open: (options?: Partial<PaymentsDeps>) => Payments
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
      const options = { ledger: bench.ports.sandboxLedger, clock: bench.clock, webhookSecret: WEBHOOK_SECRET }
      sandboxes = [
        bench.sandbox,
        createSandbox({ ...options, name: 'sandbox_basic', capabilities: BASIC_CAPABILITIES }),
        createSandbox({ ...options, name: 'second' }),
        createSandbox({ ...options, name: 'euros_only', capabilities: { currencies: ['EUR'] } }),
      ]
      const processors = new Map(sandboxes.map((sandbox) => [sandbox.name, sandbox]))
      open = (more = {}) => bench.process({ processors, routes: ROUTES, ...more })
      payments = open()
    })
    afterAll(async () => {
      await bench.project()
      const report = await bench.verify()
      await bench.close()
      expect(report.differences).toEqual([])
    })

    type Create = Parameters<Payments['create']>[0]
    async function create(more: Partial<Create> = {}) {
      const input = { amount: 1_000, currency: 'USD', payment_method: card('tok_ok'), ...more }
      return payments.create(input, key())
    }
    /** The same card as each processor knows it. */
    const cards = (token: string, tokens: Record<string, string>) => ({ type: 'card', token, tokens })
    async function recover(ms: number): Promise<void> {
      await bench.clock.advance(ms)
      while ((await payments.recovery.runDue()) > 0);
    }
    /** What all processors together did for a payment. */
    async function booksOf(id: string) {
      const { items } = await payments.events(id, { limit: 100 })
      const keys = [...new Set(items.flatMap((event) => event.op_id ?? []))]
      const entries = await bench.ports.sandboxLedger.entriesOf(keys)
      return entries
        .filter((entry) => entry.status === 'succeeded')
        .map((entry) => `${entry.processor} ${entry.kind} ${entry.amount}`)
        .sort()
    }
    const eventTypes = async (id: string) => (await payments.events(id)).items.map((event) => event.event_type)

    it('takes the first rule that fits, what the caller names before any rule, and the default after all', async () => {
      const routeOf = async (more: Partial<Create>) => (await create(more)).route
      expect(await routeOf({})).toEqual(['sandbox', 'second', 'sandbox_basic'])
      expect(await routeOf({ currency: 'EUR' })).toEqual(['sandbox_basic'])
      expect(await routeOf({ amount: 100, payment_method: { type: 'wallet', token: 'tok_ok' } })).toEqual(['second'])
      expect(await routeOf({ amount: 200, payment_method: { type: 'wallet', token: 'tok_ok' } })).toEqual(['second'])
      expect(await routeOf({ amount: 201, payment_method: { type: 'wallet', token: 'tok_ok' } })).toHaveLength(3)
      expect(await routeOf({ currency: 'CHF' })).toEqual(['sandbox'])
      expect(await routeOf({ currency: 'EUR', processor: 'second' })).toEqual(['second'])
    })

    it('leaves out processors that do not take the currency, and refuses when none is left', async () => {
      expect((await create({ currency: 'GBP' })).route).toEqual(['second'])
      await expect(create({ currency: 'JPY' })).rejects.toMatchObject({ code: 'processor_cannot' })
      await expect(create({ processor: 'nobody' })).rejects.toMatchObject({ code: 'processor_not_found' })
    })

    it.each(['tok_outage', 'tok_unreachable'])(
      '%s: asks the next processor, and charges once in all',
      async (token) => {
        const context = key()
        const { payment_intent_id: id } = await create({ payment_method: cards(token, { second: 'tok_ok' }) })
        const done = await payments.authorize(id, {}, context)
        expect(done).toMatchObject({ status: 'captured', captured: 1_000, processor: 'second' })
        expect(done).not.toHaveProperty('last_error')
        expect(await booksOf(id)).toEqual(['second authorize 1000', 'second capture 1000'])
        expect(await eventTypes(id)).toEqual([
          'INITIATED',
          'AUTHORIZATION_REQUESTED',
          'DECLINED',
          'AUTHORIZATION_REQUESTED',
          'AUTHORIZED',
          'CAPTURE_REQUESTED',
          'CAPTURED',
        ])
        expect(await payments.authorize(id, {}, context)).toEqual(done)
      },
    )

    it('goes along the whole route, past processors that do not know the card, and ends declined', async () => {
      const tokens = { sandbox_basic: 'tok_outage' }
      const { payment_intent_id: id } = await create({ payment_method: cards('tok_outage', tokens) })
      expect(await payments.authorize(id, {}, key())).toMatchObject({
        ...{
          status: 'declined',
          processor: 'sandbox_basic',
          last_error: { code: 'processor_down', advice: 'try_again' },
        },
      })
      expect(await booksOf(id)).toEqual([])
      // And may be tried again from the beginning of the route.
      const again = await payments.authorize(id, { payment_method: card('tok_ok') }, key())
      expect(again).toMatchObject({ status: 'captured', processor: 'sandbox' })
    })

    it('does not ask another processor after a decline of the payer', async () => {
      const { payment_intent_id: id } = await create({ payment_method: cards('tok_declined', { second: 'tok_ok' }) })
      expect(await payments.authorize(id, {}, key())).toMatchObject({ status: 'declined', processor: 'sandbox' })
      expect(await booksOf(id)).toEqual([])
    })

    it.each(['tok_timeout_charged', 'tok_timeout_not_charged', 'tok_async', 'tok_wrong_currency'])(
      '%s: never asks another processor while nobody knows',
      async (token) => {
        const { payment_intent_id: id } = await create({ payment_method: cards(token, { second: 'tok_ok' }) })
        expect(await payments.authorize(id, {}, key())).toMatchObject({ status: 'authorizing', processor: 'sandbox' })
        await recover(10_000)
        await recover(60_000)
        expect((await booksOf(id)).filter((entry) => !entry.startsWith('sandbox '))).toEqual([])
        const { status, processor } = await payments.get(id)
        expect([status, processor]).toEqual([token === 'tok_wrong_currency' ? 'authorizing' : 'captured', 'sandbox'])
      },
    )

    it('finds out what became of the second try when its answer is lost', async () => {
      const context = key()
      const tokens = { second: 'tok_timeout_charged' }
      const { payment_intent_id: id } = await create({ payment_method: cards('tok_outage', tokens) })
      expect(await payments.authorize(id, {}, context)).toMatchObject({
        ...{ status: 'authorizing', processor: 'second', pending_operation: { kind: 'authorize', status: 'unknown' } },
      })
      await recover(2_000)
      await recover(2_000)
      expect(await payments.authorize(id, {}, context)).toMatchObject({ status: 'captured', processor: 'second' })
      expect(await booksOf(id)).toEqual(['second authorize 1000', 'second capture 1000'])
    })

    it.each([
      ['answered', 1],
      ['recorded', 1],
      ['requested', 2],
      ['answered', 2],
      ['recorded', 2],
    ] as const)(
      'charges once when the process dies at "%s" of try %i, and a repeat gets the answer',
      async (point, n) => {
        const context = key()
        const tokens = { second: 'tok_ok' }
        const { payment_intent_id: id } = await create({ payment_method: cards('tok_outage', tokens) })
        let tries = 0
        const die = crashOnce(point, 'authorize')
        const faults: typeof die = (at, operation) => {
          if (at === 'requested' && operation.kind === 'authorize') tries += 1
          if (tries === n) return die(at, operation)
        }
        await expect(open({ faults }).authorize(id, {}, context)).rejects.toThrow('crash')
        await recover(30_000)
        await recover(30_000)
        expect(await payments.authorize(id, {}, context)).toMatchObject({
          ...{ status: 'captured', captured: 1_000, processor: 'second' },
        })
        expect(await booksOf(id)).toEqual(['second authorize 1000', 'second capture 1000'])
      },
    )

    it('keeps to what the processor can do: one capture releases the rest, no increments, no void after it', async () => {
      const more = { currency: 'EUR', capture_method: 'manual' } as const
      const { payment_intent_id: id } = await create(more)
      await payments.authorize(id, {}, key())
      await expect(payments.incrementAuthorization(id, { amount: 1 }, key())).rejects.toMatchObject({
        ...{ code: 'processor_cannot', data: { processor: 'sandbox_basic' } },
      })
      expect(await payments.capture(id, { amount: 600 }, key())).toMatchObject({
        ...{ status: 'captured', authorized: 600, captured: 600 },
      })
      await expect(payments.capture(id, { amount: 1 }, key())).rejects.toMatchObject({
        code: 'amount_exceeds_capturable',
      })
      await expect(payments.void(id, {}, key())).rejects.toMatchObject({ code: 'processor_cannot' })
      const reference = `ch_${(await payments.events(id)).items[1]!.op_id}`
      expect(await bench.ports.sandboxLedger.charge(reference)).toMatchObject({ authorized: 600n, captured: 600n })
    })

    it('sends the same key again to a processor that looks nothing up by key, and calls a person after its time', async () => {
      for (const token of ['tok_timeout_charged', 'tok_timeout_not_charged']) {
        const { payment_intent_id: id } = await create({ currency: 'EUR', payment_method: card(token) })
        await payments.authorize(id, {}, key())
        await recover(2_000)
        await recover(2_000)
        expect(await payments.get(id)).toMatchObject({ status: 'captured' })
        expect(await booksOf(id)).toEqual(['sandbox_basic authorize 1000', 'sandbox_basic capture 1000'])
      }
      const { payment_intent_id: id } = await create({
        ...{ currency: 'EUR', capture_method: 'manual', payment_method: card('tok_timeout_charged') },
      })
      await payments.authorize(id, {}, key())
      await bench.clock.advance(3_600_000)
      await recover(0)
      expect(await payments.get(id)).toMatchObject({ pending_operation: { status: 'review' } })
      expect(await booksOf(id)).toEqual(['sandbox_basic authorize 1000'])
    })

    it('adds to an authorization where the processor can, and lets what has run out expire', async () => {
      const method = { payment_method: card('tok_short_authorization'), capture_method: 'manual' } as const
      const { payment_intent_id: id } = await create(method)
      expect((await payments.authorize(id, {}, key())).authorized_until).not.toBeNull()
      expect(await payments.incrementAuthorization(id, { amount: 500 }, key())).toMatchObject({ authorized: 1_500 })
      expect(await payments.capture(id, { amount: 1_200 }, key())).toMatchObject({ captured: 1_200 })
      await recover(600_000)
      expect(await payments.get(id)).toMatchObject({ status: 'captured', authorized: 1_200 })
      expect((await eventTypes(id)).at(-1)).toBe('AUTHORIZATION_EXPIRED')
    })

    it('disputes at each processor reach their payments', async () => {
      const tokens = { second: 'tok_dispute' }
      const { payment_intent_id: id } = await create({ payment_method: cards('tok_unreachable', tokens) })
      await payments.authorize(id, {}, key())
      await letSandboxesTell(bench, payments, sandboxes, 3_000)
      expect(await payments.get(id)).toMatchObject({ disputed: 1_000, disputes: [{ status: 'needs_response' }] })
    })
  })
}
