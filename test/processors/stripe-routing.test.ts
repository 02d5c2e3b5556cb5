import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStripe } from '../../src/processors/stripe/stripe.ts'
import { key, openStripeBench, type StripeBench } from '../setup/stripe.ts'
import { startStripeServer } from '../setup/stripe-server.ts'

let bench: StripeBench
beforeAll(async () => {
  bench = await openStripeBench()
})
afterAll(async () => {
  await bench.check()
  await bench.close()
})

/** Payments that try Stripe first and the sandbox then. */
async function routed(apiUrl: string) {
  const { clock, sandbox } = bench
  const stripe = await openStripe({ secretKey: 'sk_test_0123456789', webhookSecrets: [], apiUrl, clock })
  const processors = new Map([stripe, sandbox].map((each) => [each.name, each]))
  return bench.process({ processors, routes: [{ processors: ['stripe', 'sandbox'] }] })
}

async function authorized(payments: StripeBench['payments'], token = 'pm_card_visa') {
  const payment_method = { type: 'card', token, tokens: { sandbox: 'tok_ok' } }
  const created = await payments.create({ amount: 1_000, currency: 'USD', payment_method }, key())
  const payment = await payments.authorize(created.payment_intent_id, {}, key())
  if (payment.processor === 'stripe') bench.watch(payment.payment_intent_id)
  return payment
}

describe('Stripe in a route', () => {
  it('that cannot be reached is followed by the next processor', async () => {
    const gone = await startStripeServer()
    await gone.close()
    const payment = await authorized(await routed(gone.url))
    expect(payment).toMatchObject({ status: 'captured', processor: 'sandbox' })
  })

  it('that turns our key away is followed by the next processor', async () => {
    bench.server.fail('401')
    const payment = await authorized(await routed(bench.server.url))
    expect(payment).toMatchObject({ status: 'captured', processor: 'sandbox' })
  })

  it('that declines the card is not: the payer has no money elsewhere either', async () => {
    const payment = await authorized(await routed(bench.server.url), 'pm_card_chargeDeclinedInsufficientFunds')
    expect(payment).toMatchObject({ status: 'declined', processor: 'stripe' })
  })

  it('whose answer is lost is asked again, and no other processor: the card may be charged', async () => {
    bench.server.fail('lost_answer')
    const payment = await authorized(await routed(bench.server.url))
    expect(payment).toMatchObject({ processor: 'stripe', pending_operation: { status: 'unknown' } })
    await bench.recover(2_000)
    const done = await bench.payments.get(payment.payment_intent_id)
    expect(done).toMatchObject({ status: 'captured', processor: 'stripe' })
  })

  it('that turns a repeated request away has not thereby refused the first one', async () => {
    bench.server.searchable = false
    bench.server.fail('lost_answer', '401')
    const { id } = await bench.pay()
    await bench.recover(2_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorizing' })
    await bench.recover(10_000)
    bench.server.searchable = true
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorized' })
  })
})
