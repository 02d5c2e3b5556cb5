import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { key, openStripeBench, type StripeBench } from '../setup/stripe.ts'
import { CAPTURE_BEFORE_SECONDS } from '../setup/stripe-server.ts'

const HOUR_MS = 3_600_000

let bench: StripeBench
beforeAll(async () => {
  bench = await openStripeBench({ returnUrl: 'https://shop.example/paid' })
})
afterAll(async () => {
  await bench.check()
  await bench.close()
})

const last = () => bench.server.requests.at(-1)!
const posts = () => bench.server.requests.filter(({ method }) => method === 'POST')
const typesOf = async (id: string) => (await bench.payments.events(id)).items.map((event) => event.event_type)
const methodOf = (token: string) => ({ payment_method: { type: 'card', token } })

describe('requests to Stripe', () => {
  it('an authorization is a confirmed intent that is captured by hand, with the operation as its key', async () => {
    const input = { amount: 2_500, order_id: 'o-1', customer_id: 'c-1' }
    const { id, opId, payment } = await bench.pay(input)
    const { path, form, headers, key: sent } = last()
    expect(path).toBe('/v1/payment_intents')
    expect(form).toEqual({
      amount: '2500',
      currency: 'usd',
      capture_method: 'manual',
      confirm: 'true',
      payment_method: 'pm_card_visa',
      'allowed_payment_method_types[0]': 'card',
      return_url: 'https://shop.example/paid',
      'metadata[fanfold_op_id]': opId,
      'metadata[fanfold_payment_intent_id]': id,
      'metadata[fanfold_order_id]': 'o-1',
      'metadata[fanfold_customer_id]': 'c-1',
      'expand[0]': 'latest_charge',
    })
    expect(sent).toBe(opId)
    expect(headers).toMatchObject({
      authorization: 'Bearer sk_test_0123456789',
      'stripe-version': '2026-10-28.endive',
    })
    expect(headers).not.toHaveProperty('x-stripe-client-telemetry')
    expect(payment).toMatchObject({ status: 'authorized', authorized: 2_500, processor: 'stripe' })
    const [authorized] = (await bench.payments.events(id)).items.filter((event) => event.event_type === 'AUTHORIZED')
    const { id: reference } = bench.server.intentOf(opId)
    const until = new Date(CAPTURE_BEFORE_SECONDS * 1_000).toISOString()
    expect(authorized!.payload).toMatchObject({ amount: 2_500, reference, expires_at: until })
  })

  it('a part that is captured releases the rest, since Stripe does', async () => {
    const { id, opId } = await bench.pay()
    const { id: reference } = bench.server.intentOf(opId)
    const done = await bench.payments.capture(id, { amount: 400 }, key())
    const captureOp = (await bench.payments.events(id)).items.find((event) => event.event_type === 'CAPTURED')!.op_id!
    expect(last().path).toBe(`/v1/payment_intents/${reference}/capture`)
    expect(last().key).toBe(captureOp)
    expect(last().form).toEqual({ amount_to_capture: '400', [`metadata[${captureOp}]`]: 'capture 400' })
    expect(done).toMatchObject({ status: 'captured', captured: 400 })
    await expect(bench.payments.capture(id, { amount: 1 }, key())).rejects.toMatchObject({ status: 422 })
  })

  it('an automatic capture follows with a key of its own', async () => {
    const { opId, payment } = await bench.pay({ capture_method: 'automatic' })
    expect(payment).toMatchObject({ status: 'captured', captured: 1_000 })
    expect(
      posts()
        .slice(-2)
        .map((request) => request.key),
    ).toEqual([opId, `${opId}_capture`])
  })

  it('a void cancels the intent', async () => {
    const { id, opId } = await bench.pay()
    const done = await bench.payments.void(id, {}, key())
    expect(done).toMatchObject({ status: 'voided' })
    expect(last()).toMatchObject({ path: `/v1/payment_intents/${bench.server.intentOf(opId).id}/cancel`, form: {} })
  })

  it('refunds name the intent, their amount and their own operation', async () => {
    const { id, opId } = await bench.pay({ capture_method: 'automatic' })
    await bench.payments.refund(id, { amount: 300 }, key())
    const done = await bench.payments.refund(id, { amount: 200 }, key())
    expect(done).toMatchObject({ refunded: 500, status: 'partially_refunded' })
    const refundOp = last().key!
    expect(last().form).toEqual({
      payment_intent: bench.server.intentOf(opId).id,
      amount: '200',
      'metadata[fanfold_op_id]': refundOp,
      'metadata[fanfold_payment_intent_id]': id,
    })
  })

  it('a method that belongs to a customer of Stripe is sent with that customer', async () => {
    const { payment } = await bench.pay(methodOf('cus_123/pm_card_visa'))
    expect(payment.status).toBe('authorized')
    expect(last().form).toMatchObject({ customer: 'cus_123', payment_method: 'pm_card_visa' })
  })

  it.each([
    ['JPY', 500, 500],
    ['KWD', 5_120, 5_120],
    ['ISK', 5, 500],
  ])('%s: %i is sent and captured as %i', async (currency, amount, sent) => {
    const { payment } = await bench.pay({ amount, currency, capture_method: 'automatic' })
    expect(payment).toMatchObject({ status: 'captured', captured: amount, currency })
    const [created, captured] = posts().slice(-2)
    expect(created!.form).toMatchObject({ amount: `${sent}`, currency: currency.toLowerCase() })
    expect(captured!.form).toMatchObject({ amount_to_capture: `${sent}` })
  })

  it('an amount that Stripe has no number for is refused before anything is sent', async () => {
    const before = bench.server.requests.length
    const { payment } = await bench.pay({ amount: 5_124, currency: 'KWD' })
    expect(payment).toMatchObject({ status: 'declined', last_error: { code: 'amount_not_representable' } })
    expect(bench.server.requests.length).toBe(before)
  })
})

describe('declines by Stripe', () => {
  it.each([
    ['pm_card_chargeDeclined', 'generic_decline', 'other_method'],
    ['pm_card_chargeDeclinedInsufficientFunds', 'insufficient_funds', 'other_method'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'other_method'],
    ['pm_card_chargeDeclinedStolenCard', 'stolen_card', 'do_not_retry'],
    ['pm_card_tryAgain', 'do_not_honor', 'try_again'],
  ])('%s is %s: %s', async (token, code, advice) => {
    const { payment } = await bench.pay(methodOf(token))
    expect(payment).toMatchObject({ status: 'declined', last_error: { code, advice } })
  })

  it('another method after a decline is another intent under another key', async () => {
    const { id, opId } = await bench.pay(methodOf('pm_card_chargeDeclined'))
    const done = await bench.payments.authorize(id, methodOf('pm_card_visa'), key())
    expect(done.status).toBe('authorized')
    expect(last().key).not.toBe(opId)
    expect(last().form).toMatchObject({ payment_method: 'pm_card_visa' })
  })

  it('a refund of more than is left there is a failure, and nothing moves', async () => {
    const { id, opId } = await bench.pay({ capture_method: 'automatic' })
    bench.server.refundOutside(bench.server.intentOf(opId).id, 900)
    const done = await bench.payments.refund(id, { amount: 200 }, key())
    expect(done).toMatchObject({ refunded: 0, last_error: { code: 'charge_already_refunded' } })
  })
})

describe('answers of Stripe that never come', () => {
  /** Every kind of doubt about a request that was sent, by what the server had done when it arose. */
  const DOUBTS = ['lost_answer', 'lost_request', '500', '409', '429'] as const

  it.each(DOUBTS)('an authorization in doubt (%s) ends as one, by the same key', async (fault) => {
    bench.server.searchable = false
    bench.server.fail(fault)
    const { id, opId, payment, context } = await bench.pay()
    expect(payment).toMatchObject({ status: 'authorizing', pending_operation: { status: 'unknown' } })
    await bench.recover(2_000)
    bench.server.searchable = true
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorized', authorized: 1_000 })
    expect(await bench.payments.authorize(id, {}, context)).toMatchObject({ status: 'authorized' })
    const sent = posts().filter((request) => request.key === opId)
    expect(sent.map(({ form }) => form)).toEqual([sent[0]!.form, sent[0]!.form])
    expect(bench.server.effects.filter((effect) => effect.key === opId)).toHaveLength(1)
  })

  it.each(DOUBTS)('a capture in doubt (%s) takes the money once', async (fault) => {
    const { id } = await bench.pay()
    bench.server.fail(fault)
    expect(await bench.payments.capture(id, { amount: 700 }, key())).toMatchObject({
      captured: 0,
      pending_operation: { status: 'unknown' },
    })
    await bench.recover(2_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'captured', captured: 700 })
  })

  it.each(DOUBTS)('a refund in doubt (%s) gives the money back once', async (fault) => {
    const { id } = await bench.pay({ capture_method: 'automatic' })
    for (const amount of [10, 20, 30, 40]) await bench.payments.refund(id, { amount }, key())
    bench.server.fail(fault)
    await bench.payments.refund(id, { amount: 50 }, key())
    await bench.recover(2_000)
    expect(await bench.payments.get(id)).toMatchObject({ refunded: 150 })
  })

  it.each(DOUBTS)('a void in doubt (%s) releases once', async (fault) => {
    const { id } = await bench.pay()
    bench.server.fail(fault)
    await bench.payments.void(id, {}, key())
    await bench.recover(2_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'voided' })
  })

  it('a capture whose answer was lost is found by its mark, and not sent again', async () => {
    const { id } = await bench.pay()
    bench.server.fail('lost_answer')
    await bench.payments.capture(id, {}, key())
    const before = posts().length
    await bench.recover(2_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'captured' })
    expect(posts().length).toBe(before)
  })

  it('a failure that Stripe keeps under the key is not repeated for ever: the search finds the intent', async () => {
    bench.server.searchable = false
    bench.server.fail('500_after')
    const { id } = await bench.pay()
    await bench.recover(2_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorizing' })
    bench.server.searchable = true
    await bench.recover(10_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorized' })
  })

  it('after the lifetime of the key nothing is sent again: a person must look', async () => {
    bench.server.searchable = false
    bench.server.fail('lost_request')
    const { id, opId } = await bench.pay()
    await bench.clock.advance(24 * HOUR_MS)
    const before = posts().length
    await bench.recover(0)
    expect(await bench.payments.get(id)).toMatchObject({ pending_operation: { op_id: opId, status: 'review' } })
    expect(posts().length).toBe(before)
    const decided = await bench.payments.resolveOperation(opId, { decision: 'failed', note: 'Not in the Dashboard' })
    expect(decided.status).toBe('declined')
    bench.server.searchable = true
  })

  it('fifty captures at once take the money once', async () => {
    const { id } = await bench.pay()
    const tries = Array.from({ length: 50 }, () => bench.payments.capture(id, { amount: 300 }, key()))
    const results = await Promise.allSettled(tries)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ status: 422 })
  })
})

describe('payers who must act, and banks that take their time', () => {
  it('a 3-D Secure page is an action with its URL, and a look-up tells how it ended', async () => {
    const { id, opId, payment } = await bench.pay(methodOf('pm_card_threeDSecureRequired'))
    const { id: reference } = bench.server.intentOf(opId)
    const url = `https://hooks.stripe.com/3ds/${reference}`
    expect(payment).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url', url } })
    bench.server.decide(reference, 'succeeded')
    await bench.recover(60_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorized', authorized: 1_000 })
  })

  it('a payer who fails to authenticate is declined', async () => {
    const { id, opId } = await bench.pay(methodOf('pm_card_threeDSecureRequired'))
    bench.server.decide(bench.server.intentOf(opId).id, 'failed')
    await bench.recover(60_000)
    const last_error = { code: 'payment_intent_authentication_failure' }
    expect(await bench.payments.get(id)).toMatchObject({ status: 'declined', last_error })
  })

  it('a payment that waits for the payer can be voided', async () => {
    const { id, opId } = await bench.pay(methodOf('pm_card_threeDSecureRequired'))
    expect(await bench.payments.void(id, {}, key())).toMatchObject({ status: 'voided' })
    expect(bench.server.intentOf(opId)['status']).toBe('canceled')
  })

  it('without a place to return to, a payment that needs the payer is declined', async () => {
    const other = await openStripeBench()
    const { payment } = await other.pay(methodOf('pm_card_threeDSecureRequired'))
    expect(payment).toMatchObject({ status: 'declined', last_error: { code: 'authentication_required' } })
    expect(other.server.requests[0]!.form).toMatchObject({ error_on_requires_action: 'true' })
    await other.close()
  })

  it('a payment that is processed later ends by look-up', async () => {
    const { id, opId, payment } = await bench.pay(methodOf('pm_later'))
    expect(payment).toMatchObject({ status: 'authorizing' })
    bench.server.decide(bench.server.intentOf(opId).id, 'succeeded')
    await bench.recover(2_000)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorized' })
    expect(await typesOf(id)).toContain('OUTCOME_UNKNOWN')
  })
})

describe('accounts at Stripe with more features', () => {
  let rich: StripeBench
  beforeAll(async () => {
    rich = await openStripeBench({ multicapture: true, increments: true })
  })
  afterAll(async () => {
    await rich.check()
    await rich.close()
  })

  it('an increment sends the new total, and is told as what it adds', async () => {
    const { id, opId } = await rich.pay()
    const done = await rich.payments.incrementAuthorization(id, { amount: 500 }, key())
    expect(done).toMatchObject({ authorized: 1_500 })
    const { path, form, key: sent } = rich.server.requests.at(-1)!
    expect(path).toBe(`/v1/payment_intents/${rich.server.intentOf(opId).id}/increment_authorization`)
    expect(form).toEqual({ amount: '1500', [`metadata[${sent}]`]: 'increment 1500' })
  })

  it('an increment whose answer was lost adds once', async () => {
    const { id } = await rich.pay()
    rich.server.fail('lost_answer')
    await rich.payments.incrementAuthorization(id, { amount: 500 }, key())
    await rich.recover(2_000)
    expect(await rich.payments.get(id)).toMatchObject({ authorized: 1_500 })
  })

  it('an increment that the bank declines changes nothing', async () => {
    const { id } = await rich.pay()
    const done = await rich.payments.incrementAuthorization(id, { amount: 2_000_000 }, key())
    expect(done).toMatchObject({ authorized: 1_000, last_error: { code: 'insufficient_funds' } })
  })

  it('several captures are possible, each in doubt for itself, and the final one releases the rest', async () => {
    const { id } = await rich.pay()
    await rich.payments.capture(id, { amount: 300 }, key())
    expect(rich.server.requests.at(-1)!.form).toMatchObject({ final_capture: 'false' })
    rich.server.fail('lost_answer', 'lost_request')
    await Promise.all([200, 100].map((amount) => rich.payments.capture(id, { amount }, key())))
    await rich.recover(2_000)
    expect(await rich.payments.get(id)).toMatchObject({ captured: 600, authorized: 1_000 })
    const done = await rich.payments.capture(id, { amount: 150, final: true }, key())
    expect(rich.server.requests.at(-1)!.form).toMatchObject({ final_capture: 'true' })
    expect(done).toMatchObject({ status: 'captured', captured: 750, authorized: 750 })
  })
})
