import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { key, OLD_SECRET, openStripeBench, SECRET, type StripeBench, signedEvent } from '../setup/stripe.ts'

let bench: StripeBench
beforeAll(async () => {
  bench = await openStripeBench({ returnUrl: 'https://shop.example/paid' })
})
afterAll(async () => {
  await bench.check()
  await bench.close()
})

const inbox = async () => (await bench.ports.inbox.list({}, undefined, 1_000)).length
const threeD = { payment_method: { type: 'card', token: 'pm_card_threeDSecureRequired' } }

describe('the signature of a webhook of Stripe', () => {
  const receive = (signed: ReturnType<typeof signedEvent>) => bench.payments.receiveWebhook('stripe', signed)
  const event = (options: { secret?: string; atMs?: number } = {}) =>
    signedEvent('balance.available', { object: 'balance' }, { atMs: bench.clock.now(), ...options })

  it.each([SECRET, OLD_SECRET])('may be made with either secret while they are rotated: %s', async (secret) => {
    const before = await inbox()
    expect(await receive(event({ secret }))).toEqual({ received: true, duplicate: false })
    expect(await inbox()).toBe(before + 1)
  })

  it('of a message that comes again is stored once', async () => {
    const signed = event()
    await receive(signed)
    expect(await receive(signed)).toEqual({ received: true, duplicate: true })
  })

  it.each([
    ['another secret', () => event({ secret: 'whsec_of_somebody_else' })],
    ['a body that was changed', () => ({ ...event(), body: Buffer.from('{"id":"evt_1","type":"x"}') })],
    ['a body with one more space', () => ({ ...event(), body: Buffer.concat([event().body, Buffer.from(' ')]) })],
    ['no header', () => ({ ...event(), headers: {} })],
    ['a header without a signature', () => ({ ...event(), headers: { 'stripe-signature': 't=1' } })],
    ['a time long ago', () => event({ atMs: bench.clock.now() - 301_000 })],
  ])('is refused with %s, and nothing is stored', async (_what, make) => {
    const before = await inbox()
    await expect(receive(make())).rejects.toMatchObject({ code: 'invalid_signature', status: 400 })
    expect(await inbox()).toBe(before)
  })
})

describe('what webhooks of Stripe tell', () => {
  it('a payer who has authenticated is authorized', async () => {
    const { id, opId } = await bench.pay(threeD)
    const intent = bench.server.decide(bench.server.intentOf(opId).id, 'succeeded')
    await bench.deliver('payment_intent.amount_capturable_updated', intent)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'authorized', authorized: 1_000 })
  })

  it('a payer who has failed to authenticate is declined', async () => {
    const { id, opId } = await bench.pay(threeD)
    const intent = bench.server.decide(bench.server.intentOf(opId).id, 'failed')
    await bench.deliver('payment_intent.payment_failed', intent)
    expect(await bench.payments.get(id)).toMatchObject({ status: 'declined' })
  })

  it('an intent that was canceled while it waited for the payer is declined', async () => {
    const { id, opId } = await bench.pay(threeD)
    const canceled = { ...bench.server.intentOf(opId), status: 'canceled', cancellation_reason: 'abandoned' }
    await bench.deliver('payment_intent.canceled', canceled)
    const last_error = { code: 'payment_intent_canceled' }
    expect(await bench.payments.get(id)).toMatchObject({ status: 'declined', last_error })
  })

  it('a lost answer to an authorization is told, also with the page that the payer must see', async () => {
    bench.server.fail('lost_answer')
    const { id, opId } = await bench.pay(threeD)
    await bench.deliver('payment_intent.requires_action', bench.server.intentOf(opId))
    expect(await bench.payments.get(id)).toMatchObject({ status: 'requires_action' })
  })

  it('a capture whose answer was lost is told by its mark on the intent, however often it is told', async () => {
    const { id, opId } = await bench.pay()
    bench.server.fail('lost_answer')
    await bench.payments.capture(id, { amount: 600 }, key())
    const intent = bench.server.intentOf(opId)
    await bench.deliver('payment_intent.succeeded', intent)
    await bench.deliver('payment_intent.succeeded', intent)
    await bench.deliver('payment_intent.amount_capturable_updated', { ...intent, status: 'requires_capture' })
    expect(await bench.payments.get(id)).toMatchObject({ status: 'captured', captured: 600 })
  })

  it('a refund that Stripe carries out later succeeds then', async () => {
    const { id } = await bench.pay({ capture_method: 'automatic' })
    await bench.payments.refund(id, { amount: 199 }, key())
    const [made] = bench.server.refunds()
    expect(await bench.payments.get(id)).toMatchObject({ refunded: 0, refund_pending: 199 })
    await bench.deliver('refund.updated', bench.server.decideRefund(made!, 'succeeded'))
    expect(await bench.payments.get(id)).toMatchObject({ refunded: 199 })
  })

  it('a refund that fails late is taken back', async () => {
    const { id } = await bench.pay({ capture_method: 'automatic' })
    await bench.payments.refund(id, { amount: 100 }, key())
    const [made] = bench.server.refunds()
    await bench.deliver('refund.failed', bench.server.decideRefund(made!, 'failed'))
    expect(await bench.payments.get(id)).toMatchObject({ refunded: 0, captured: 1_000 })
    const types = (await bench.payments.events(id)).items.map((event) => event.event_type)
    expect(types).toContain('REFUND_REVERSED')
  })

  it('what is none of ours is stored and changes nothing', async () => {
    const { id, opId } = await bench.pay()
    const before = await bench.payments.get(id)
    const intent = bench.server.intentOf(opId)
    await bench.deliver('payment_intent.canceled', { ...intent, status: 'canceled', metadata: {} })
    await bench.deliver('refund.failed', { object: 'refund', id: 're_x', status: 'failed', metadata: {} })
    await bench.deliver('charge.refunded', { object: 'charge', id: 'ch_x', metadata: intent.metadata })
    await bench.deliver('customer.created', { object: 'customer', id: 'cus_x' })
    expect(await bench.payments.get(id)).toEqual(before)
    const open = await bench.ports.inbox.list({ state: 'waiting' }, undefined, 100)
    expect(open).toEqual([])
  })
})

describe('disputes at Stripe', () => {
  const dispute = (intent: string, id: string, status: string) => ({
    ...{ object: 'dispute', id, amount: 1_000, currency: 'usd', charge: 'ch_1', payment_intent: intent },
    ...{ reason: 'fraudulent', status, evidence_details: { due_by: 1_900_000_000 }, metadata: {} },
  })
  async function captured() {
    const { id, opId } = await bench.pay({ capture_method: 'automatic' })
    return { id, intent: bench.server.intentOf(opId).id }
  }

  it('name the intent only, and are found by it; they hold the money until they are won', async () => {
    const { id, intent } = await captured()
    await bench.deliver('charge.dispute.created', dispute(intent, 'du_1', 'needs_response'))
    await bench.deliver('charge.dispute.funds_withdrawn', dispute(intent, 'du_1', 'needs_response'))
    expect(await bench.payments.get(id)).toMatchObject({ disputed: 1_000 })
    await bench.deliver('charge.dispute.closed', dispute(intent, 'du_1', 'won'))
    await bench.deliver('charge.dispute.funds_reinstated', dispute(intent, 'du_1', 'won'))
    expect(await bench.payments.get(id)).toMatchObject({ disputed: 0, captured: 1_000 })
  })

  it('that are lost keep it', async () => {
    const { id, intent } = await captured()
    await bench.deliver('charge.dispute.closed', dispute(intent, 'du_2', 'lost'))
    expect(await bench.payments.get(id)).toMatchObject({ disputed: 1_000 })
  })

  it('that are only inquiries hold nothing', async () => {
    const { id, intent } = await captured()
    await bench.deliver('charge.dispute.created', dispute(intent, 'du_3', 'warning_needs_response'))
    expect(await bench.payments.get(id)).toMatchObject({ disputed: 0 })
  })

  it('take evidence once, under the key of the operation', async () => {
    const { id, intent } = await captured()
    await bench.deliver('charge.dispute.created', dispute(intent, 'du_4', 'needs_response'))
    bench.server.fail('lost_answer')
    const evidence = { customer_name: 'Ada', uncategorized_text: 'She was there.' }
    await bench.payments.submitEvidence(id, 'du_4', { evidence }, key())
    await bench.recover(2_000)
    const sent = bench.server.requests.filter(({ path }) => path === '/v1/disputes/du_4')
    expect(sent[0]!.form).toEqual({
      'evidence[customer_name]': 'Ada',
      'evidence[uncategorized_text]': 'She was there.',
      submit: 'true',
      'metadata[fanfold_op_id]': sent[0]!.key,
      'metadata[fanfold_payment_intent_id]': id,
    })
    expect(new Set(sent.map((request) => request.key)).size).toBe(1)
    const types = (await bench.payments.events(id)).items.map((event) => event.event_type)
    expect(types.filter((type) => type === 'EVIDENCE_SUBMITTED')).toHaveLength(1)
  })
})
