import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configFromOptions, loadConfig } from '../../src/core/config.ts'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'
import { OLD_SECRET, SECRET, signedEvent } from '../setup/stripe.ts'
import { type StripeServer, startStripeServer } from '../setup/stripe-server.ts'

const key = () => ({ 'idempotency-key': randomUUID() })

describe('Stripe in a whole Fanfold', () => {
  let stripe: StripeServer
  let server: TestServer
  beforeAll(async () => {
    stripe = await startStripeServer()
    server = await startServer({
      processor: 'stripe',
      stripeSecretKey: 'sk_test_0123456789',
      stripeWebhookSecret: `${SECRET}, ${OLD_SECRET}`,
      stripeReturn: 'https://shop.example/paid',
      stripeApi: stripe.url,
    })
  })
  afterAll(async () => {
    await server.close()
    await stripe.close()
  })

  async function pay(
    token: string,
    more = {},
  ): Promise<{ url: string; answer: Awaited<ReturnType<TestServer['call']>> }> {
    const payment = { amount: 2_500, currency: 'EUR', payment_method: { type: 'card', token }, ...more }
    const created = await server.call('POST', '/v1/payments', payment, key())
    const url = `/v1/payments/${created.body.payment_intent_id}`
    return { url, answer: await server.call('POST', `${url}/authorize`, undefined, key()) }
  }

  it('takes money and gives it back over HTTP', async () => {
    const { url, answer } = await pay('pm_card_visa')
    expect(answer).toMatchObject({ status: 200, body: { status: 'captured', processor: 'stripe' } })
    const refunded = await server.call('POST', `${url}/refund`, { amount: 500 }, key())
    expect(refunded).toMatchObject({ status: 200, body: { status: 'partially_refunded', refunded: 500 } })
  })

  it.each([SECRET, OLD_SECRET])('takes webhooks signed with %s, byte for byte as they come', async (secret) => {
    const { url, answer } = await pay('pm_card_threeDSecureRequired', { capture_method: 'manual' })
    expect(answer.body.status).toBe('requires_action')
    const opId = stripe.requests.at(-1)!.key!
    const intent = stripe.decide(stripe.intentOf(opId).id, 'succeeded')
    const event = signedEvent('payment_intent.amount_capturable_updated', intent, { secret, atMs: Date.now() })
    const taken = await server.call('POST', '/v1/webhooks/stripe', event.body.toString(), event.headers)
    expect(taken).toMatchObject({ status: 200, body: { received: true, duplicate: false } })
    await until('the payment is authorized', async () => (await server.call('GET', url)).body.status === 'authorized')
  })

  it('refuses webhooks with another signature', async () => {
    const event = signedEvent('balance.available', {}, { secret: 'whsec_of_somebody_else', atMs: Date.now() })
    const refused = await server.call('POST', '/v1/webhooks/stripe', event.body.toString(), event.headers)
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_signature' } })
  })
})

describe('without Stripe', () => {
  it('payments that name it are refused, since no key is configured', async () => {
    const server = await startServer()
    const payment = { amount: 1, currency: 'USD', payment_method: { token: 'pm_card_visa' }, processor: 'stripe' }
    const refused = await server.call('POST', '/v1/payments', payment, key())
    expect(refused).toMatchObject({ status: 404, body: { code: 'processor_not_found' } })
    await server.close()
  })
})

describe('settings of Stripe', () => {
  it.each([
    ['stripeSecretKey', 'sk_short'],
    ['stripeWebhookSecret', `${SECRET},short`],
    ['stripeWebhookSecret', `${SECRET},${SECRET},${SECRET}`],
    ['stripeReturn', 'shop.example/paid'],
    ['stripeApi', 'postgres://localhost'],
    ['stripeMulticapture', 'perhaps'],
  ])('%s is not %s', (name, value) => {
    expect(() => configFromOptions({ [name]: value })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })

  it('come from the variables that the documentation names', () => {
    const env = {
      FANFOLD_STRIPE_SECRET_KEY: 'sk_test_0123456789',
      FANFOLD_STRIPE_WEBHOOK_SECRET: `${SECRET},${OLD_SECRET}`,
      FANFOLD_STRIPE_RETURN_URL: 'https://shop.example/paid',
      FANFOLD_STRIPE_MULTICAPTURE: 'true',
      FANFOLD_STRIPE_INCREMENTS: 'true',
      FANFOLD_PROCESSOR: 'stripe',
    }
    expect(loadConfig(env)).toMatchObject({
      stripeSecretKey: 'sk_test_0123456789',
      stripeWebhookSecret: `${SECRET},${OLD_SECRET}`,
      stripeReturnUrl: 'https://shop.example/paid',
      stripeMulticapture: true,
      stripeIncrements: true,
      processor: 'stripe',
    })
  })

  it('that are secret are not shown when they are wrong', () => {
    expect(() => configFromOptions({ stripeSecretKey: 'sk_short' })).toThrow(/^(?!.*sk_short)/s)
  })
})
