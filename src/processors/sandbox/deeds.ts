import type { SandboxDue, SandboxEntry } from '../../payments/ports/sandbox-ledger.ts'
import { entryMessage } from './messages.ts'
import { behaviourOf, type TokenBehaviour } from './tokens.ts'

/** What a sandbox does of its own accord. `key` is that of the operation that it is about. */
export type Deed =
  /** Posts a webhook as it was when it was written. */
  | { readonly do: 'tell'; readonly body: string; readonly copies: number }
  /** Decides what it has deferred. */
  | { readonly do: 'decide'; readonly key: string; readonly verdict: 'succeeded' | 'failed'; readonly code?: string }
  | { readonly do: 'return_refund'; readonly key: string }
  | { readonly do: 'dispute'; readonly key: string }
  | { readonly do: 'close_dispute'; readonly key: string; readonly status: 'won' | 'lost' }
  /** No evidence has come in time. */
  | { readonly do: 'lapse_dispute'; readonly key: string }

/** Times of the sandbox, in milliseconds. */
export interface SandboxTimes {
  readonly settlesAfterMs: number
  readonly actionMs: number
  readonly evidenceMs: number
}

export function dueOf(processor: string, dueId: string, dueAtMs: number, deed: Deed): SandboxDue {
  return { processor, dueId, dueAtMs, deed }
}

/** The webhook about an entry as it is now. */
export function tell(entry: SandboxEntry, dueAtMs: number, copies = 1): SandboxDue {
  const body = entryMessage(entry)
  return dueOf(entry.processor, `tell ${entry.key} ${entry.status}`, dueAtMs, { do: 'tell', body, copies })
}

function tellings(entry: SandboxEntry, { tells }: TokenBehaviour, { settlesAfterMs }: SandboxTimes): SandboxDue[] {
  const nowMs = entry.createdAtMs
  if (tells === undefined || entry.status === 'pending' || entry.status === 'requires_action') return []
  if (tells === 'thrice') return [tell(entry, nowMs, 3)]
  const isLate = tells === 'late' || (tells === 'reordered' && entry.kind === 'authorize')
  return [tell(entry, isLate ? nowMs + settlesAfterMs : nowMs)]
}

/** What follows later from an entry that has just been made, by the token of its charge. */
export function duesOf(
  entry: SandboxEntry,
  charge: { readonly token: string; readonly captured: bigint } | undefined,
  times: SandboxTimes,
): SandboxDue[] {
  const behaviour = charge === undefined ? undefined : behaviourOf(charge.token)
  if (behaviour === undefined || charge === undefined) return []
  const { processor, key, kind, status, createdAtMs } = entry
  const dues = tellings(entry, behaviour, times)
  const later = createdAtMs + times.settlesAfterMs
  if (status === 'pending' || status === 'requires_action') {
    const { decides: verdict } = behaviour
    if (verdict !== undefined) {
      const code = status === 'pending' ? 'card_declined' : 'authentication_failed'
      dues.push(dueOf(processor, `decide ${key}`, later, { do: 'decide', key, verdict, code }))
    }
    if (status === 'requires_action') {
      const deed = { do: 'decide', key, verdict: 'failed', code: 'action_expired' } as const
      dues.push(dueOf(processor, `end ${key}`, createdAtMs + times.actionMs, deed))
    }
    return dues
  }
  if (status !== 'succeeded') return dues
  if (kind === 'refund' && behaviour.returnsRefunds !== undefined) {
    dues.push(dueOf(processor, `return ${key}`, later, { do: 'return_refund', key }))
    // Later than the news of the return, so that the older message comes last.
    if (behaviour.returnsRefunds === 'reordered') dues.push(tell(entry, later + times.settlesAfterMs))
  }
  const isFirstCapture = kind === 'capture' && charge.captured === entry.amount
  if (isFirstCapture && behaviour.disputes !== undefined)
    dues.push(dueOf(processor, `dispute ${key}`, later, { do: 'dispute', key }))
  return dues
}
