import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { AuthorizeRequest, Processor } from '../../src/payments/processing/processor.ts'
import { openStripe } from '../../src/processors/stripe/stripe.ts'
import { until } from '../../src/testing/until.ts'
import { type StripeServer, startStripeServer } from '../setup/stripe-server.ts'

let server: StripeServer
let stripe: Processor
beforeAll(async () => {
  server = await startStripeServer()
  const options = { secretKey: 'sk_test_0123456789', webhookSecrets: [], clock: systemClock }
  stripe = await openStripe({ ...options, apiUrl: server.url })
})
afterAll(() => server.close())

let made = 0
const request = (signal: AbortSignal = new AbortController().signal): AuthorizeRequest => ({
  ...{ key: `op_${++made}`, paymentIntentId: 'pay_1', amount: 1_000n, currency: 'USD', signal },
  ...{ token: 'pm_card_visa', methodType: 'card', orderId: undefined, customerId: undefined },
})
const sent = (key: string) => server.requests.filter((each) => each.key === key).length

describe('calls of Stripe', () => {
  it('end when Fanfold stops waiting, and not before', async () => {
    const abort = new AbortController()
    server.fail('silence')
    const asked = request(abort.signal)
    const ended = expect(stripe.authorize(asked)).rejects.toThrow('connection')
    await until('the request has come', () => sent(asked.key) === 1)
    abort.abort(new Error('waited long enough'))
    await ended
  })

  it('of others go on when one is stopped', async () => {
    const abort = new AbortController()
    server.fail('silence')
    const [stopped, other] = [request(abort.signal), request()]
    const ended = expect(stripe.authorize(stopped)).rejects.toThrow()
    await until('the request has come', () => sent(stopped.key) === 1)
    const going = stripe.authorize(other)
    abort.abort()
    expect(await going).toMatchObject({ kind: 'succeeded', amount: 1_000n, currency: 'USD' })
    await ended
  })

  it.each(['lost_request', 'lost_answer', '500', '409', '429'] as const)(
    'are sent once and prove nothing after %s',
    async (fault) => {
      server.fail(fault)
      const asked = request()
      await expect(stripe.authorize(asked)).rejects.toThrow()
      expect(sent(asked.key)).toBe(1)
    },
  )

  it('under a key that was used for another request prove nothing', async () => {
    const asked = request()
    await stripe.authorize(asked)
    await expect(stripe.authorize({ ...asked, amount: 2_000n })).rejects.toMatchObject({
      type: 'StripeIdempotencyError',
    })
  })

  it('under a key that was used for the same request repeat the first answer', async () => {
    const asked = request()
    const first = await stripe.authorize(asked)
    expect(await stripe.authorize(asked)).toEqual(first)
    expect(server.effects.filter((effect) => effect.key === asked.key)).toHaveLength(1)
  })

  it('that Stripe refuses as wrong are failures, without another processor being tried', async () => {
    const refused = await stripe.capture({ ...request(), reference: 'pi_none', final: true })
    expect(refused).toMatchObject({ kind: 'failed', code: 'resource_missing' })
    expect(refused).not.toHaveProperty('failover')
  })

  it('about a void of what is canceled already succeed: it holds no money', async () => {
    const made = await stripe.authorize(request())
    const reference = 'reference' in made ? made.reference : ''
    await stripe.void({ ...request(), reference })
    expect(await stripe.void({ ...request(), reference })).toMatchObject({ kind: 'succeeded', amount: 1_000n })
  })

  it('about a void of what is captured fail', async () => {
    const made = await stripe.authorize(request())
    const reference = 'reference' in made ? made.reference : ''
    await stripe.capture({ ...request(), reference, final: true })
    const refused = await stripe.void({ ...request(), reference })
    expect(refused).toMatchObject({ kind: 'failed', code: 'payment_intent_unexpected_state' })
  })
})
