import { fromMinor } from '../../core/money.ts'
import type { SandboxCharge, SandboxEntry } from '../../payments/ports/sandbox-ledger.ts'
import type { ProcessorOutcome } from '../../payments/processing/processor.ts'
import { REFUSALS, type Refusal } from './tokens.ts'

/** An entry as an answer to whoever asks for it. */
export function outcomeOf(entry: SandboxEntry): ProcessorOutcome {
  const { status, amount, currency, reference, expiresAtMs, message = 'It failed', code = 'failed' } = entry
  if (status === 'succeeded')
    return { kind: 'succeeded', amount, currency, reference, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
  if (status === 'pending') return { kind: 'pending', reference }
  if (status === 'failed') return failureOf(code, message)
  const url = `https://sandbox.invalid/actions/${reference}`
  return { kind: 'action_required', reference, action: { type: 'redirect', url } }
}

export function failureOf(code: string, message: string): ProcessorOutcome {
  const refusal: Refusal | undefined = Object.hasOwn(REFUSALS, code)
    ? REFUSALS[code as keyof typeof REFUSALS]
    : undefined
  const { advice, failover } = refusal ?? {}
  return {
    ...{ kind: 'failed', code, message },
    ...(advice === undefined ? {} : { advice }),
    ...(failover === undefined ? {} : { failover }),
  }
}

/** The message about an entry that is decided, as a webhook carries it. */
export function entryMessage(entry: SandboxEntry): string {
  const { key, reference, status, amount, currency, code, message, expiresAtMs } = entry
  const data = {
    key,
    reference,
    status,
    amount: fromMinor(amount),
    currency,
    code,
    message,
    expires_at_ms: expiresAtMs,
  }
  return JSON.stringify({ id: `evt_${key}_${status}`, type: `operation.${status}`, data })
}

/** The message about a charge's dispute: that it was opened, or how it ended. */
export function disputeMessage(charge: SandboxCharge, status: 'open' | 'won' | 'lost'): string {
  const { dispute, paymentIntentId, currency, reference } = charge
  if (dispute === undefined) throw new Error(`the charge ${reference} has no dispute`)
  const { disputeId, amount, reason, evidenceDueMs } = dispute
  const data = {
    ...{ dispute_id: disputeId, payment_intent_id: paymentIntentId, amount: fromMinor(amount), currency },
    ...{ reason, reference, status, evidence_due_ms: evidenceDueMs },
  }
  return JSON.stringify({ id: `evt_${disputeId}_${status}`, type: `dispute.${status}`, data })
}
