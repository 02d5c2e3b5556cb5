import { describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { LookupRequest } from '../../src/payments/processing/processor.ts'
import { openStripeClient } from '../../src/processors/stripe/client.ts'
import { openStripe } from '../../src/processors/stripe/stripe.ts'

/**
 * stripe-mock holds every request against the API that Stripe publishes and answers with examples. So these tests prove
 * the shape of the requests and nothing about what becomes of them; the rest is proven against the local test server.
 */
const url = inject('stripeMockUrl')

const signal = new AbortController().signal
const base = { key: 'op_1', paymentIntentId: 'pay_1', amount: 1_000n, currency: 'USD', signal }
const followUp = { ...base, reference: 'pi_1' }

describe.skipIf(url === undefined)('every request of the adapter is one of the published API', () => {
  const open = (rich: boolean) =>
    openStripe({
      ...{ secretKey: 'sk_test_0123456789', webhookSecrets: [], apiUrl: url, clock: systemClock },
      ...(rich ? { multicapture: true, increments: true, returnUrl: 'https://shop.example/paid' } : {}),
    })

  it('stripe-mock refuses what the API does not know, so these tests can fail', async () => {
    const { stripe, within } = await openStripeClient('sk_test_0123456789', url)
    const wrong = { amount: 100, currency: 'usd', capture_methods: 'manual' }
    await expect(within(signal, () => stripe.paymentIntents.create(wrong))).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
    })
  })

  /** The examples are of other states and amounts; a refused request would be a failure. */
  const accepted = expect.objectContaining({ kind: expect.not.stringMatching('^failed$') })

  it.each([false, true])('authorize, with all features: %s', async (rich) => {
    const stripe = await open(rich)
    const more = { token: 'cus_1/pm_card_visa', methodType: 'card', orderId: 'o-1', customerId: 'c-1' }
    const answer = await stripe.authorize({ ...base, ...more })
    // The example is an intent that waits for a payment method, as after a decline; a refused request has another code.
    expect(answer).toMatchObject({ kind: 'failed', code: 'card_declined' })
  })

  it.each([false, true])('capture, with all features: %s', async (rich) => {
    const stripe = await open(rich)
    expect(await stripe.capture({ ...followUp, final: false })).toEqual(accepted)
  })

  it('increment', async () => {
    const stripe = await open(true)
    expect(await stripe.increment({ ...followUp, authorized: 1_000n })).toEqual(accepted)
  })

  it('void, refund and evidence', async () => {
    const stripe = await open(false)
    expect(await stripe.void(followUp)).toEqual(accepted)
    expect(await stripe.refund(followUp)).toEqual(accepted)
    const evidence = { customer_name: 'Ada', uncategorized_text: 'She was there.', product_description: 'A hat' }
    expect(await stripe.submitEvidence({ ...base, disputeId: 'du_1', evidence })).toEqual(accepted)
  })

  // What is found are examples, in states that say: declined, no mark, not canceled, another refund.
  it.each([
    ['authorize', { reference: undefined, authorization: undefined }, 'failed'],
    ['authorize', { reference: 'pi_1', authorization: undefined }, 'failed'],
    ['capture', { reference: undefined, authorization: 'pi_1' }, undefined],
    ['increment', { reference: undefined, authorization: 'pi_1' }, undefined],
    ['void', { reference: undefined, authorization: 'pi_1' }, undefined],
    ['refund', { reference: undefined, authorization: 'pi_1' }, undefined],
    ['refund', { reference: 're_1', authorization: 'pi_1' }, 'succeeded'],
  ] as const)('look-up of %s by %o', async (kind, known, expected) => {
    const stripe = await open(false)
    const request: LookupRequest = { ...base, kind, ...known }
    expect((await stripe.lookup(request))?.kind).toBe(expected)
  })

  it('the payment of an authorization', async () => {
    const stripe = await open(false)
    expect(await stripe.paymentOf!('pi_1', signal)).toBeUndefined()
  })
})
