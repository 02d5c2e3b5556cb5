import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import type { WebhookSubject } from '../../src/payments/processing/processor.ts'
import { BASIC_CAPABILITIES, createSandbox, type SandboxOptions } from '../../src/processors/sandbox/sandbox.ts'
import { behaviourOf, SANDBOX_TOKENS } from '../../src/processors/sandbox/tokens.ts'
import type { SignedWebhook } from '../../src/processors/sandbox/webhook.ts'
import { memoryLedger } from '../setup/sandbox-ledger.ts'

function open(options: Partial<SandboxOptions> = {}) {
  const clock = fakeClock()
  const ledger = memoryLedger()
  const sandbox = createSandbox({ ledger, clock, webhookSecret: 'sandbox-test-secret', ...options })
  const { signal } = new AbortController()
  const base = { paymentIntentId: 'pi_1', currency: 'USD', signal }
  const authorize = (token: string, key = 'op_1', amount = 1_001n) => {
    const method = { token, methodType: 'card', orderId: undefined, customerId: undefined }
    return sandbox.authorize({ ...base, ...method, key, amount })
  }
  const more = { final: false, authorized: 0n }
  const followUp = (
    kind: 'capture' | 'void' | 'refund' | 'increment',
    key: string,
    amount: bigint,
    options: { reference?: string; final?: boolean } = {},
  ) => sandbox[kind]({ ...base, ...more, key, amount, reference: 'ch_op_1', ...options })
  const evidence = (key: string, disputeId: string) =>
    sandbox.submitEvidence({ ...base, key, amount: 0n, disputeId, evidence: { receipt: 'sent', letter: 'kind' } })
  const lookup = (key: string, reference?: string) =>
    sandbox.lookup({
      ...{ ...base, key, kind: 'authorize', reference, authorization: undefined, amount: 1_001n },
    })
  /** What it tells of its own accord after so long, in order. */
  async function told(ms = 0): Promise<(WebhookSubject | undefined)[]> {
    await clock.advance(ms)
    const subjects: (WebhookSubject | undefined)[] = []
    const read = async ({ headers, body }: SignedWebhook) => {
      subjects.push(sandbox.verifyWebhook({ headers, body: Buffer.from(body) }).about)
    }
    while ((await sandbox.deliverDue(read)) > 0);
    return subjects
  }
  return { clock, ledger, sandbox, authorize, followUp, evidence, lookup, told }
}

describe('the sandbox', () => {
  it('answers each token the same way every time', async () => {
    const outcomes: Record<string, string> = {}
    for (const token of [...SANDBOX_TOKENS, 'tok_nobody_knows']) {
      const answer = await open()
        .authorize(token)
        .catch(() => ({ kind: 'throws' as const }))
      outcomes[token] = answer.kind === 'failed' ? answer.code : answer.kind
    }
    const refusals = {
      tok_declined: 'card_declined',
      tok_insufficient_funds: 'insufficient_funds',
      tok_expired_card: 'expired_card',
      tok_stolen_card: 'stolen_card',
      tok_outage: 'processor_down',
      tok_unreachable: 'processor_unreachable',
      tok_timeout_charged: 'throws',
      tok_timeout_not_charged: 'throws',
      tok_async: 'pending',
      tok_async_declined: 'pending',
      tok_requires_action: 'action_required',
      tok_action_succeeds: 'action_required',
      tok_action_fails: 'action_required',
      tok_nobody_knows: 'invalid_token',
    }
    const others = SANDBOX_TOKENS.filter((token) => !(token in refusals))
    expect(outcomes).toEqual({ ...refusals, ...Object.fromEntries(others.map((token) => [token, 'succeeded'])) })
  })

  it('describes every token, in the documentation too', async () => {
    const page = await readFile(new URL('../../docs/payment-processors.md', import.meta.url), 'utf8')
    for (const token of SANDBOX_TOKENS) expect(page).toContain(`| \`${token}\` | ${behaviourOf(token)!.about} |`)
    for (const token of SANDBOX_TOKENS) expect(behaviourOf(token)?.about.length).toBeGreaterThan(5)
    expect(new Set(SANDBOX_TOKENS.map((token) => behaviourOf(token)?.about)).size).toBe(SANDBOX_TOKENS.length)
    expect(behaviourOf('toString')).toBeUndefined()
  })

  it('moves money once per key while the key lives, and again after it', async () => {
    const { authorize, followUp, ledger, clock } = open({ keyLifetimeMs: 1_000 })
    await authorize('tok_ok')
    await followUp('capture', 'op_2', 400n)
    await followUp('capture', 'op_2', 400n)
    expect(await ledger.charge('ch_op_1')).toMatchObject({ captured: 400n })
    await clock.advance(1_000)
    await followUp('capture', 'op_2', 400n)
    expect(await ledger.charge('ch_op_1')).toMatchObject({ captured: 800n })
  })

  it('never captures more than was authorized, nor refunds more than was captured', async () => {
    const { authorize, followUp } = open()
    await authorize('tok_ok')
    expect(await followUp('capture', 'op_2', 1_002n)).toMatchObject({ kind: 'failed', code: 'amount_too_large' })
    expect(await followUp('capture', 'op_3', 600n)).toMatchObject({ kind: 'succeeded', amount: 600n })
    expect(await followUp('refund', 'op_4', 601n)).toMatchObject({ kind: 'failed', code: 'amount_too_large' })
    expect(await followUp('refund', 'op_5', 600n)).toMatchObject({ kind: 'succeeded' })
    expect(await followUp('void', 'op_6', 401n)).toMatchObject({ kind: 'succeeded', amount: 401n })
    expect(await followUp('capture', 'op_7', 1n)).toMatchObject({ kind: 'failed' })
    expect(await followUp('capture', 'op_8', 1n, { reference: 'ch_nobody' })).toMatchObject({
      kind: 'failed',
      code: 'charge_not_authorized',
    })
  })

  it('loses an answer after the deed, or a request before it', async () => {
    const charged = open()
    await expect(charged.authorize('tok_timeout_charged')).rejects.toThrow('timed out')
    expect(await charged.lookup('op_1')).toMatchObject({ kind: 'succeeded', amount: 1_001n })
    const notCharged = open()
    await expect(notCharged.authorize('tok_timeout_not_charged')).rejects.toThrow('timed out')
    expect(await notCharged.lookup('op_1')).toBeUndefined()
    expect(await notCharged.authorize('tok_timeout_not_charged')).toMatchObject({ kind: 'succeeded' })
  })

  it('times out on the kind of operation that the token names, and on no other', async () => {
    for (const kind of ['capture', 'void', 'increment', 'refund'] as const) {
      for (const done of ['', 'not_'] as const) {
        const { authorize, followUp, lookup } = open()
        await authorize(`tok_${kind}_timeout_${done}done`)
        if (kind === 'refund') await followUp('capture', 'op_2', 1_001n)
        await expect(followUp(kind, 'op_3', 1_001n)).rejects.toThrow('timed out')
        expect(await lookup('op_3')).toEqual(done === '' ? expect.objectContaining({ kind: 'succeeded' }) : undefined)
        expect(await followUp(kind, 'op_3', 1_001n)).toMatchObject({ kind: 'succeeded', amount: 1_001n })
      }
    }
  })

  it('decides later what it defers, once', async () => {
    const { authorize, lookup, sandbox, clock } = open()
    await authorize('tok_async')
    expect(await lookup('op_1')).toMatchObject({ kind: 'pending' })
    await clock.advance(3_000)
    expect(await lookup('op_1')).toMatchObject({ kind: 'succeeded', amount: 1_001n })
    expect(await sandbox.settle('op_1', 'failed')).toBeUndefined()
    await authorize('tok_requires_action', 'op_2')
    await clock.advance(86_399_999)
    expect(await lookup('op_2')).toMatchObject({ kind: 'action_required' })
    const webhook = (await sandbox.settle('op_2', 'failed'))!
    const event = sandbox.verifyWebhook({ headers: webhook.headers, body: Buffer.from(webhook.body) })
    expect(event).toMatchObject({
      eventId: 'evt_op_2_failed',
      about: { key: 'op_2', outcome: { kind: 'failed', code: 'card_declined', advice: 'other_method' } },
    })
  })

  it.each([
    ['tok_async', { kind: 'succeeded', amount: 1_001n }],
    ['tok_async_declined', { kind: 'failed', code: 'card_declined' }],
    ['tok_action_succeeds', { kind: 'succeeded', amount: 1_001n }],
    ['tok_action_fails', { kind: 'failed', code: 'authentication_failed' }],
  ])('tells by webhook, unasked and once, how %s was decided', async (token, outcome) => {
    const { authorize, told, lookup } = open()
    await authorize(token)
    expect(await told(2_999)).toEqual([])
    expect(await told(1)).toEqual([{ kind: 'operation', key: 'op_1', outcome: expect.objectContaining(outcome) }])
    expect(await lookup('op_1')).toMatchObject(outcome)
    expect(await told(86_400_000)).toEqual([])
  })

  it('ends what waits for the buyer after a day, whether it is asked or not', async () => {
    const asked = open()
    await asked.authorize('tok_requires_action')
    await asked.clock.advance(86_400_000)
    expect(await asked.lookup('op_1')).toMatchObject({ kind: 'failed', code: 'action_expired' })
    const unasked = open()
    await unasked.authorize('tok_requires_action')
    expect(await unasked.told(86_400_000)).toMatchObject([{ outcome: { code: 'action_expired' } }])
  })

  it('gives up an authorization that waits when it is voided, and cannot settle it then', async () => {
    const { authorize, followUp, lookup, sandbox } = open()
    await authorize('tok_requires_action')
    expect(await followUp('void', 'op_2', 0n)).toMatchObject({ kind: 'succeeded', amount: 0n })
    expect(await sandbox.settle('op_1')).toBeUndefined()
    expect(await lookup('op_1')).toMatchObject({ kind: 'failed', code: 'cancelled' })
    expect(await followUp('capture', 'op_3', 1n)).toMatchObject({ kind: 'failed' })
  })

  it('adds to an authorization, and releases the rest with a final capture', async () => {
    const { authorize, followUp, ledger } = open()
    await authorize('tok_ok')
    expect(await followUp('increment', 'op_2', 499n)).toMatchObject({ kind: 'succeeded', amount: 499n })
    expect(await followUp('capture', 'op_3', 1_200n, { final: true })).toMatchObject({ amount: 1_200n })
    expect(await ledger.charge('ch_op_1')).toMatchObject({ requested: 1_500n, authorized: 1_200n, captured: 1_200n })
    expect(await followUp('capture', 'op_4', 1n)).toMatchObject({ kind: 'failed', code: 'amount_too_large' })
    expect(await followUp('increment', 'op_5', 1n)).toMatchObject({ kind: 'failed' })
  })

  it('refuses what it cannot do, and is not asked by key alone when it cannot look that up', async () => {
    const { authorize, followUp, lookup } = open({ capabilities: BASIC_CAPABILITIES })
    await authorize('tok_ok')
    expect(await lookup('op_1')).toBeUndefined()
    expect(await lookup('op_1', 'ch_op_1')).toMatchObject({ kind: 'succeeded' })
    expect(await followUp('increment', 'op_2', 1n)).toMatchObject({ kind: 'failed', code: 'not_supported' })
    expect(await followUp('capture', 'op_3', 600n)).toMatchObject({ kind: 'succeeded' })
    expect(await followUp('capture', 'op_4', 1n)).toMatchObject({ kind: 'failed', code: 'amount_too_large' })
    expect(await followUp('void', 'op_5', 401n)).toMatchObject({ kind: 'failed', code: 'not_supported' })
  })

  it('knows nothing of what another sandbox did on the same ledger', async () => {
    const { authorize, ledger, clock } = open()
    await authorize('tok_ok')
    const other = createSandbox({ ledger, clock, webhookSecret: 'sandbox-test-secret', name: 'other' })
    const { signal } = new AbortController()
    const base = { paymentIntentId: 'pi_1', currency: 'USD', signal, amount: 1n }
    const asked = { ...base, key: 'op_1', kind: 'authorize', reference: 'ch_op_1', authorization: undefined } as const
    expect(await other.lookup(asked)).toBeUndefined()
    expect(await other.capture({ ...base, key: 'op_2', reference: 'ch_op_1', final: false })).toMatchObject({
      code: 'charge_not_authorized',
    })
  })

  it('tells that it did nothing for reasons of its own, and keeps no books of what never came', async () => {
    const { authorize, ledger } = open()
    expect(await authorize('tok_outage')).toMatchObject({ kind: 'failed', failover: true })
    expect(await authorize('tok_unreachable', 'op_2')).toMatchObject({ kind: 'failed', failover: true })
    expect(await authorize('tok_declined', 'op_3')).not.toHaveProperty('failover')
    expect(await authorize('tok_stolen_card', 'op_4')).toMatchObject({ advice: 'do_not_retry' })
    expect((await ledger.entries(0n, 9)).map(({ entry }) => [entry.key, entry.status])).toEqual([
      ['op_1', 'failed'],
      ['op_3', 'failed'],
      ['op_4', 'failed'],
    ])
  })

  it('names another currency than asked with tok_wrong_currency', async () => {
    expect(await open().authorize('tok_wrong_currency')).toMatchObject({ kind: 'succeeded', currency: 'EUR' })
  })

  it('authorizes for a short time, and lets nothing be captured after it', async () => {
    const { authorize, followUp, clock, lookup } = open()
    const expiresAtMs = clock.now() + 600_000
    expect(await authorize('tok_short_authorization')).toMatchObject({ kind: 'succeeded', expiresAtMs })
    expect(await lookup('op_1')).toMatchObject({ expiresAtMs })
    await clock.advance(599_999)
    expect(await followUp('capture', 'op_2', 1n)).toMatchObject({ kind: 'succeeded' })
    await clock.advance(1)
    expect(await followUp('capture', 'op_3', 1n)).toMatchObject({ kind: 'failed', code: 'authorization_expired' })
    expect(await followUp('refund', 'op_4', 1n)).toMatchObject({ kind: 'succeeded' })
  })

  it('takes a refund back later, in its books and by webhook, and tells it in the wrong order if asked to', async () => {
    const { authorize, followUp, told, ledger, lookup } = open()
    await authorize('tok_refund_fails_late')
    await followUp('capture', 'op_2', 1_001n)
    expect(await followUp('refund', 'op_3', 300n)).toMatchObject({ kind: 'succeeded' })
    expect(await told()).toEqual([])
    expect(await told(3_000)).toMatchObject([{ key: 'op_3', outcome: { kind: 'failed', code: 'refund_returned' } }])
    expect(await ledger.charge('ch_op_1')).toMatchObject({ captured: 1_001n, refunded: 0n })
    expect(await lookup('op_3')).toMatchObject({ kind: 'failed' })

    const reordered = open()
    await reordered.authorize('tok_refund_fails_reordered')
    await reordered.followUp('capture', 'op_2', 1_001n)
    await expect(reordered.followUp('refund', 'op_3', 300n)).rejects.toThrow('timed out')
    const outcomes = [...(await reordered.told(3_000)), ...(await reordered.told(3_000))]
    expect(outcomes).toMatchObject([{ outcome: { kind: 'failed' } }, { outcome: { kind: 'succeeded' } }])
  })

  it.each([
    ['tok_dispute', 'won'],
    ['tok_dispute_lost', 'lost'],
  ])('%s: a capture is disputed, evidence is looked at, and it is %s', async (token, status) => {
    const { authorize, followUp, evidence, told, ledger, clock } = open()
    await authorize(token)
    await followUp('capture', 'op_2', 400n)
    const [opened] = await told(3_000)
    const evidenceDueMs = clock.now() + 7 * 86_400_000
    expect(opened).toMatchObject({
      kind: 'dispute',
      fact: { disputeId: 'dp_op_2', amount: 400n, status: 'open', paymentIntentId: 'pi_1', evidenceDueMs },
    })
    expect(await followUp('refund', 'op_3', 1n)).toMatchObject({ kind: 'failed', code: 'amount_too_large' })
    expect(await evidence('op_4', 'dp_op_2')).toMatchObject({ kind: 'succeeded', amount: 0n })
    expect((await ledger.charge('ch_op_1'))?.dispute).toMatchObject({
      ...{ status: 'under_review', evidence: ['letter', 'receipt'] },
    })
    expect(await evidence('op_5', 'dp_op_2')).toMatchObject({ kind: 'failed', code: 'dispute_closed' })
    expect(await told(3_000)).toMatchObject([{ fact: { disputeId: 'dp_op_2', status } }])
    expect(await followUp('refund', 'op_6', 1n)).toMatchObject({ kind: status === 'won' ? 'succeeded' : 'failed' })
    expect(await told(8 * 86_400_000)).toMatchObject([{ fact: { status } }])
  })

  it('loses a dispute to which nothing is said, once its time is over', async () => {
    const { authorize, followUp, evidence, told } = open()
    await authorize('tok_dispute')
    await followUp('capture', 'op_2', 400n)
    await told(3_000)
    expect(await told(7 * 86_400_000)).toMatchObject([{ fact: { status: 'lost' } }])
    expect(await evidence('op_3', 'dp_op_2')).toMatchObject({ kind: 'failed', code: 'dispute_closed' })
  })

  it('tells of the end of a dispute before its beginning with tok_dispute_reordered', async () => {
    const { authorize, followUp, told } = open()
    await authorize('tok_dispute_reordered')
    await followUp('capture', 'op_2', 400n)
    expect(await told(3_000)).toMatchObject([{ fact: { status: 'lost' } }, { fact: { status: 'open' } }])
  })

  it('refuses evidence, or loses the answer to it, when the token says so', async () => {
    for (const [token, answer] of [
      ['tok_evidence_fails', 'evidence_refused'],
      ['tok_evidence_timeout_done', 'throws'],
    ] as const) {
      const { authorize, followUp, evidence, told } = open()
      await authorize(token)
      await followUp('capture', 'op_2', 400n)
      await told(3_000)
      const said = await evidence('op_3', 'dp_op_2').catch(() => ({ kind: 'throws' as const }))
      expect(said.kind === 'failed' ? said.code : said.kind).toBe(answer)
    }
  })

  it.each([
    ['tok_webhook', [['op_1', 'op_2'], []]],
    ['tok_webhook_duplicate', [['op_1', 'op_1', 'op_1', 'op_2', 'op_2', 'op_2'], []]],
    ['tok_webhook_reordered', [['op_2'], ['op_1']]],
    ['tok_webhook_delayed', [[], ['op_1', 'op_2']]],
  ])('%s tells each outcome as often, and in the order, that it promises', async (token, expected) => {
    const { authorize, followUp, told } = open()
    await authorize(token)
    await followUp('capture', 'op_2', 400n)
    const keys = (subjects: Awaited<ReturnType<typeof told>>) =>
      subjects.map((subject) => (subject?.kind === 'operation' ? subject.key : undefined))
    expect([keys(await told()), keys(await told(3_000))]).toEqual(expected)
  })

  it('posts a webhook again when the receiver failed, and the others all the same', async () => {
    const { authorize, sandbox, told } = open()
    await authorize('tok_webhook')
    await authorize('tok_webhook', 'op_2')
    let calls = 0
    const failing = async () => {
      calls += 1
      if (calls === 1) throw new Error('down')
    }
    await expect(sandbox.deliverDue(failing)).rejects.toThrow('could not post 1')
    expect(calls).toBe(2)
    expect(await told()).toEqual([])
    expect(await told(30_000)).toMatchObject([{ key: 'op_1' }])
  })

  it('authorizes half, rounded down, of what is asked with tok_partial', async () => {
    expect(await open().authorize('tok_partial')).toMatchObject({ kind: 'succeeded', amount: 500n })
    expect(await open().authorize('tok_partial', 'op_1', 1n)).toMatchObject({
      kind: 'failed',
      code: 'amount_too_small',
    })
  })
})
