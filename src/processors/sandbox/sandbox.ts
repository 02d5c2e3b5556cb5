import type { Clock } from '../../core/clock.ts'
import { assert } from '../../core/errors.ts'
import type { OperationKind } from '../../payments/model/events.ts'
import type { SandboxCharge, SandboxEffect, SandboxEntry, SandboxLedger } from '../../payments/ports/sandbox-ledger.ts'
import type {
  FollowUpRequest,
  Processor,
  ProcessorOutcome,
  ProcessorRequest,
} from '../../payments/processing/processor.ts'
import { behaviourOf, type TokenBehaviour } from './tokens.ts'
import { readWebhook, type SignedWebhook, settledMessage, signWebhook } from './webhook.ts'

export interface SandboxOptions {
  readonly ledger: SandboxLedger
  readonly clock: Clock
  /** Signs and checks webhooks. */
  readonly webhookSecret: string
  /** How long a key is known, in milliseconds; a day unless given. */
  readonly keyLifetimeMs?: number
  /** How long `tok_async` takes to be decided, in milliseconds. */
  readonly settlesAfterMs?: number
}

export interface Sandbox extends Processor {
  /**
   * Decides an authorization that is pending or waits for the buyer, and answers the webhook that tells of it, ready to
   * be posted; `undefined` when it is decided already.
   */
  settle(key: string, verdict?: 'succeeded' | 'failed'): Promise<SignedWebhook | undefined>
}

const DAY_MS = 86_400_000

interface Verdict {
  readonly status: SandboxEntry['status']
  readonly code?: string
  readonly message?: string
}

const refused = (code: string, message: string): Verdict => ({ status: 'failed', code, message })

/** Prefixes of what the sandbox calls its objects. */
const PREFIX = {
  authorize: 'ch',
  increment: 'in',
  capture: 'cp',
  void: 'vd',
  refund: 'rf',
  evidence: 'ev',
} as const satisfies Record<OperationKind, string>

function entryOf(
  request: ProcessorRequest,
  kind: OperationKind,
  earlier: number,
  nowMs: number,
  verdict: Verdict,
  moved: bigint,
): SandboxEntry {
  const { key, paymentIntentId, currency } = request
  const reference = `${PREFIX[kind]}_${key}${earlier === 0 ? '' : `_${earlier + 1}`}`
  const { status, code, message } = verdict
  const amount = status === 'succeeded' ? moved : 0n
  return { key, kind, reference, paymentIntentId, amount, currency, status, code, message, createdAtMs: nowMs }
}

function authorizeEffect(
  request: ProcessorRequest & { token: string },
  behaviour: TokenBehaviour,
  earlier: number,
  nowMs: number,
): SandboxEffect {
  const refusal = behaviour.refuses?.authorize
  const verdict: Verdict = refusal === undefined ? { status: behaviour.defers ?? 'succeeded' } : refused(...refusal)
  const granted = behaviour.authorizesHalf ? request.amount / 2n : request.amount
  if (granted === 0n)
    return {
      entry: entryOf(
        request,
        'authorize',
        earlier,
        nowMs,
        refused('amount_too_small', 'Nothing is left of half of it'),
        0n,
      ),
      charge: undefined,
    }
  const entry = entryOf(request, 'authorize', earlier, nowMs, verdict, granted)
  if (verdict.status === 'failed') return { entry, charge: undefined }
  const { paymentIntentId, token, currency, amount } = request
  const charge: SandboxCharge = {
    ...{ reference: entry.reference, paymentIntentId, token, currency, requested: amount, captured: 0n, refunded: 0n },
    authorized: verdict.status === 'succeeded' ? granted : 0n,
    status: verdict.status === 'succeeded' ? 'authorized' : verdict.status,
  }
  return { entry, charge }
}

/** What a capture, void or refund does to a charge, by the rules every processor has. */
function followUpVerdict(kind: OperationKind, amount: bigint, charge: SandboxCharge | undefined): Verdict {
  if (charge === undefined || charge.status !== 'authorized')
    return refused('charge_not_authorized', 'There is no such authorization')
  const refusal = behaviourOf(charge.token).refuses?.[kind]
  if (refusal !== undefined) return refused(...refusal)
  const open = charge.authorized - charge.captured
  if (kind === 'capture' && amount > open) return refused('amount_too_large', `Only ${open} can be captured`)
  if (kind === 'void' && open === 0n) return refused('nothing_to_void', 'All of it is captured')
  const left = charge.captured - charge.refunded
  if (kind === 'refund' && amount > left) return refused('amount_too_large', `Only ${left} can be refunded`)
  return { status: 'succeeded' }
}

function changed(charge: SandboxCharge, kind: OperationKind, amount: bigint): SandboxCharge {
  if (kind === 'capture') return { ...charge, captured: charge.captured + amount }
  if (kind === 'refund') return { ...charge, refunded: charge.refunded + amount }
  return { ...charge, authorized: charge.captured, status: charge.captured === 0n ? 'voided' : 'authorized' }
}

function followUpEffect(
  kind: OperationKind,
  request: FollowUpRequest,
  charge: SandboxCharge | undefined,
  earlier: number,
  nowMs: number,
): SandboxEffect {
  const verdict = followUpVerdict(kind, request.amount, charge)
  const moved = kind === 'void' && charge !== undefined ? charge.authorized - charge.captured : request.amount
  const entry = entryOf(request, kind, earlier, nowMs, verdict, moved)
  return {
    entry,
    charge: charge === undefined || verdict.status !== 'succeeded' ? undefined : changed(charge, kind, moved),
  }
}

function toOutcome(entry: SandboxEntry): ProcessorOutcome {
  const { status, amount, currency, reference } = entry
  if (status === 'succeeded') return { kind: 'succeeded', amount, currency, reference }
  if (status === 'pending') return { kind: 'pending', reference }
  if (status === 'failed')
    return { kind: 'failed', code: entry.code ?? 'failed', message: entry.message ?? 'It failed' }
  return {
    kind: 'action_required',
    reference,
    action: { type: 'redirect', url: `https://sandbox.invalid/actions/${reference}` },
  }
}

/**
 * A payment processor for development and tests. It is deterministic: tokens say how it behaves (see `tokens.ts`). It
 * keeps books of its own, by which anybody can check that no money was doubled or lost.
 */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { ledger, clock, webhookSecret } = options
  const keyLifetimeMs = options.keyLifetimeMs ?? DAY_MS
  const settlesAfterMs = options.settlesAfterMs ?? 3_000
  const life = () => ({ nowMs: clock.now(), expiresAtMs: clock.now() + keyLifetimeMs })

  async function loseOn(what: 'request' | 'answer', behaviour: TokenBehaviour, key: string): Promise<void> {
    if (behaviour.loses === what && (await ledger.lose(key)))
      throw new Error(`the sandbox lost the ${what}: the connection timed out`)
  }

  async function followUp(kind: OperationKind, request: FollowUpRequest): Promise<ProcessorOutcome> {
    const behaviour = behaviourOf((await ledger.charge(request.reference))?.token ?? '')
    await loseOn('request', behaviour, request.key)
    const entry = await ledger.post({ key: request.key, reference: request.reference }, life(), (charge, earlier) =>
      followUpEffect(kind, request, charge, earlier, clock.now()),
    )
    await loseOn('answer', behaviour, request.key)
    return toOutcome(entry)
  }

  const settleEntry = (key: string, verdict: 'succeeded' | 'failed') =>
    ledger.settle(key, (entry, charge) => {
      const succeeded = verdict === 'succeeded'
      const amount = succeeded ? charge.requested : 0n
      const refusal = succeeded ? {} : { code: 'card_declined', message: 'The card was declined' }
      return {
        entry: { ...entry, status: verdict, amount, ...refusal },
        charge: { ...charge, status: succeeded ? 'authorized' : 'declined', authorized: amount },
      }
    })

  return {
    name: 'sandbox',
    capabilities: {
      ...{ keyLifetimeMs, multipleCaptures: true, increments: true, voidAfterCapture: true },
      ...{ lookupByKey: true, disputes: true },
    },
    async authorize(request) {
      const { token } = request
      const behaviour = behaviourOf(token)
      await loseOn('request', behaviour, request.key)
      const entry = await ledger.post({ key: request.key, reference: undefined }, life(), (_charge, earlier) =>
        authorizeEffect({ ...request, token }, behaviour, earlier, clock.now()),
      )
      await loseOn('answer', behaviour, request.key)
      return toOutcome(entry)
    },
    increment: (request) => followUp('increment', request),
    capture: (request) => followUp('capture', request),
    submitEvidence: ({ currency, key }) =>
      Promise.resolve({ kind: 'succeeded', amount: 0n, currency, reference: `ev_${key}` }),
    void: (request) => followUp('void', request),
    refund: (request) => followUp('refund', request),
    async lookup({ key }) {
      const entry = await ledger.find(key)
      if (entry?.status === 'pending' && clock.now() >= entry.createdAtMs + settlesAfterMs) {
        const settled = (await settleEntry(key, 'succeeded')) ?? (await ledger.find(key))
        assert(settled !== undefined, 'an entry of the sandbox is never deleted')
        return toOutcome(settled)
      }
      return entry === undefined ? undefined : toOutcome(entry)
    },
    verifyWebhook: (request) => readWebhook(request, webhookSecret, clock.now()),
    async settle(key, verdict = 'succeeded') {
      const entry = await settleEntry(key, verdict)
      return entry === undefined ? undefined : signWebhook(settledMessage(entry), webhookSecret, clock.now())
    },
  }
}
