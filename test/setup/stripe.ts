import { randomUUID } from 'node:crypto'
import Stripe from 'stripe'
import { expect } from 'vitest'
import type { Payments } from '../../src/payments/payments.ts'
import type { Processor } from '../../src/payments/processing/processor.ts'
import type { Payment } from '../../src/payments/schemas.ts'
import { openStripe, type StripeOptions } from '../../src/processors/stripe/stripe.ts'
import { openPaymentBench, type PaymentBench } from './payments.ts'
import { sqlEngines } from './sql.ts'
import { type StripeEffect, type StripeServer, startStripeServer } from './stripe-server.ts'

export const SECRET = 'whsec_test_secret_of_the_endpoint'
export const OLD_SECRET = 'whsec_test_secret_before_that'

/** Events that tell what the server must have done. */
const KIND_OF: Readonly<Record<string, StripeEffect['kind']>> = {
  CAPTURED: 'capture',
  REFUNDED: 'refund',
  INCREMENTED: 'increment',
  VOIDED: 'cancel',
}

const signer = new Stripe('sk_test_nothing')

/** A message as Stripe would send it. */
export function signedEvent(type: string, object: object, options: { secret?: string; id?: string; atMs: number }) {
  const { secret = SECRET, id = `evt_${randomUUID()}`, atMs } = options
  const body = JSON.stringify({ id, object: 'event', type, data: { object } }, null, 2)
  const timestamp = Math.floor(atMs / 1_000)
  const signature = signer.webhooks.generateTestHeaderString({ payload: body, secret, timestamp })
  return { headers: { 'stripe-signature': signature } as Record<string, string>, body: Buffer.from(body) }
}

export interface StripeBench extends Pick<PaymentBench, 'clock' | 'ports' | 'process' | 'sandbox'> {
  readonly server: StripeServer
  readonly stripe: Processor
  readonly payments: Payments
  /** Takes a payment on to its authorization; `opId` is that of the authorization. */
  pay(input?: object): Promise<{ id: string; opId: string; payment: Payment; context: { idempotencyKey: string } }>
  /** Has {@link check} look at this payment too. */
  watch(id: string): void
  recover(ms: number): Promise<void>
  deliver(type: string, object: object): Promise<void>
  /**
   * Throws unless what the events tell is what the server has done, each thing once: captures, refunds, increments and
   * releases, with their operations and amounts.
   */
  check(): Promise<void>
  close(): Promise<void>
}

export const key = () => ({ idempotencyKey: randomUUID() })

/** Payments by the Stripe adapter, the local test server behind it, on PGlite. */
export async function openStripeBench(options: Partial<StripeOptions> = {}): Promise<StripeBench> {
  const engine = sqlEngines().find(({ name }) => name === 'pglite')!
  const bench = await openPaymentBench(engine)
  const server = await startStripeServer()
  const { clock } = bench
  const stripe = await openStripe({
    ...{ secretKey: 'sk_test_0123456789', webhookSecrets: [SECRET, OLD_SECRET], apiUrl: server.url, clock },
    ...options,
  })
  const processors = new Map([['stripe', stripe]])
  const process: PaymentBench['process'] = (more) => bench.process({ processors, defaultProcessor: 'stripe', ...more })
  const payments = process()
  const ids: string[] = []
  const told = async (id: string) =>
    (await payments.events(id)).items.flatMap(({ event_type: type, payload, op_id: opId }) => {
      const { amount } = payload as { amount?: number }
      const kind = KIND_OF[type]
      return kind === undefined || opId === null || amount === 0 ? [] : [`${kind} ${opId} ${amount}`]
    })
  return {
    ...{ clock, server, stripe, payments, process, ports: bench.ports, sandbox: bench.sandbox },
    async pay(input = {}) {
      const created = await payments.create(
        {
          ...{ amount: 1_000, currency: 'USD', capture_method: 'manual' },
          payment_method: { type: 'card', token: 'pm_card_visa' },
          ...input,
        },
        key(),
      )
      const id = created.payment_intent_id
      ids.push(id)
      const context = key()
      const payment = await payments.authorize(id, {}, context)
      const opId = (await payments.events(id)).items[1]!.op_id!
      return { id, opId, payment, context }
    },
    watch: (id) => void ids.push(id),
    async recover(ms) {
      await clock.advance(ms)
      while ((await payments.recovery.runDue()) > 0);
    },
    async deliver(type, object) {
      await payments.receiveWebhook('stripe', signedEvent(type, object, { atMs: clock.now() }))
      while ((await payments.recovery.runDue()) > 0);
    },
    async check() {
      await bench.project()
      const { differences } = await bench.verify()
      const done = server.effects.filter(({ kind }) => kind !== 'authorize')
      const minor = ({ currency, amount }: StripeEffect) => (currency === 'isk' ? amount / 100 : amount)
      const books = done.map((effect) => `${effect.kind} ${effect.key} ${minor(effect)}`)
      const events = (await Promise.all(ids.map(told))).flat()
      expect({ differences, events: events.sort() }).toEqual({ differences: [], events: books.sort() })
    },
    async close() {
      await server.close()
      await bench.close()
    },
  }
}
