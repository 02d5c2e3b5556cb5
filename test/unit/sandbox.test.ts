import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import type { SandboxCharge, SandboxEntry, SandboxLedger } from '../../src/payments/ports/sandbox-ledger.ts'
import { createSandbox } from '../../src/processors/sandbox/sandbox.ts'
import { SANDBOX_TOKENS } from '../../src/processors/sandbox/tokens.ts'

/** The ledger's promises in memory; the real ones keep to its contract suite. */
function memoryLedger(): SandboxLedger {
  const alive = new Map<string, number>()
  const lost = new Set<string>()
  const entries: SandboxEntry[] = []
  const charges = new Map<string, SandboxCharge>()
  const last = (key: string) => entries.findLast((entry) => entry.key === key)
  return {
    async post({ key, reference }, { nowMs, expiresAtMs }, decide) {
      if ((alive.get(key) ?? 0) > nowMs) return last(key)!
      alive.set(key, expiresAtMs)
      const charge = reference === undefined ? undefined : charges.get(reference)
      const effect = decide(charge, entries.filter((entry) => entry.key === key).length)
      if (effect.charge !== undefined) charges.set(effect.charge.reference, effect.charge)
      entries.push(effect.entry)
      return effect.entry
    },
    async lose(key) {
      const first = !lost.has(key)
      lost.add(key)
      return first
    },
    charge: async (reference) => charges.get(reference),
    find: async (key) => last(key),
    async settle(key, decide) {
      const entry = last(key)
      if (entry === undefined || (entry.status !== 'pending' && entry.status !== 'requires_action')) return undefined
      const effect = decide(entry, charges.get(entry.reference)!)
      entries[entries.indexOf(entry)] = effect.entry
      charges.set(effect.charge!.reference, effect.charge!)
      return effect.entry
    },
    entriesOf: async (keys) => entries.filter((entry) => keys.includes(entry.key)),
    entries: async () => entries.map((entry, index) => ({ entryId: BigInt(index + 1), entry })),
  }
}

function open(options: { keyLifetimeMs?: number } = {}) {
  const clock = fakeClock()
  const ledger = memoryLedger()
  const sandbox = createSandbox({ ledger, clock, webhookSecret: 'sandbox-test-secret', ...options })
  const { signal } = new AbortController()
  const base = { paymentIntentId: 'pi_1', currency: 'USD', signal }
  const authorize = (token: string, key = 'op_1', amount = 1_001n) =>
    sandbox.authorize({ ...base, key, amount, paymentMethod: { type: 'card', token } })
  const followUp = (kind: 'capture' | 'void' | 'refund', key: string, amount: bigint, reference = 'ch_op_1') =>
    sandbox[kind]({ ...base, key, amount, reference })
  const lookup = (key: string) =>
    sandbox.lookup({ key, kind: 'authorize', paymentIntentId: 'pi_1', reference: undefined, signal })
  return { clock, ledger, sandbox, authorize, followUp, lookup }
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
    expect(outcomes).toEqual({
      tok_ok: 'succeeded',
      tok_declined: 'card_declined',
      tok_insufficient_funds: 'insufficient_funds',
      tok_expired_card: 'expired_card',
      tok_timeout_charged: 'throws',
      tok_timeout_not_charged: 'throws',
      tok_async: 'pending',
      tok_requires_action: 'action_required',
      tok_partial: 'succeeded',
      tok_capture_fails: 'succeeded',
      tok_refund_fails: 'succeeded',
      tok_dispute: 'succeeded',
      tok_nobody_knows: 'invalid_token',
    })
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
    expect(await followUp('capture', 'op_8', 1n, 'ch_nobody')).toMatchObject({
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

  it('decides later what it defers, once', async () => {
    const { authorize, lookup, sandbox, clock } = open()
    await authorize('tok_async')
    expect(await lookup('op_1')).toMatchObject({ kind: 'pending' })
    await clock.advance(3_000)
    expect(await lookup('op_1')).toMatchObject({ kind: 'succeeded', amount: 1_001n })
    expect(await sandbox.settle('op_1', 'failed')).toBeUndefined()
    await authorize('tok_requires_action', 'op_2')
    await clock.advance(86_400_000)
    expect(await lookup('op_2')).toMatchObject({ kind: 'action_required' })
    const webhook = (await sandbox.settle('op_2', 'failed'))!
    const event = sandbox.verifyWebhook({ headers: webhook.headers, body: Buffer.from(webhook.body) })
    expect(event).toMatchObject({
      eventId: 'evt_op_2_failed',
      about: { key: 'op_2', outcome: { kind: 'failed', code: 'card_declined' } },
    })
  })

  it('authorizes half, rounded down, of what is asked with tok_partial', async () => {
    expect(await open().authorize('tok_partial')).toMatchObject({ kind: 'succeeded', amount: 500n })
    expect(await open().authorize('tok_partial', 'op_1', 1n)).toMatchObject({
      kind: 'failed',
      code: 'amount_too_small',
    })
  })
})
