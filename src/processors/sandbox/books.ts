import type { OperationKind } from '../../payments/model/events.ts'
import type { SandboxCharge, SandboxEffect, SandboxEntry } from '../../payments/ports/sandbox-ledger.ts'
import type { AuthorizeRequest, Capabilities, ProcessorRequest } from '../../payments/processing/processor.ts'
import { duesOf, type SandboxTimes } from './deeds.ts'
import { behaviourOf, REFUSALS, type RefusalCode, SANDBOX_TOKENS } from './tokens.ts'

/** The rules of the sandbox's books: what each request does to a charge. Pure. */
export interface BookRules {
  readonly processor: string
  readonly capabilities: Capabilities
  readonly times: SandboxTimes
}

interface Verdict {
  readonly status: SandboxEntry['status']
  readonly code?: string
  readonly message?: string
}

const SUCCEEDED: Verdict = { status: 'succeeded' }
const refused = (code: string, message: string): Verdict => ({ status: 'failed', code, message })
const refusedBy = (code: RefusalCode): Verdict => refused(code, REFUSALS[code].message)

/** Prefixes of what the sandbox calls its objects. */
const PREFIX = {
  authorize: 'ch',
  increment: 'in',
  capture: 'cp',
  void: 'vd',
  refund: 'rf',
  evidence: 'ev',
} as const satisfies Record<OperationKind, string>

/** `earlier` is how often the key was carried out before: then it is another object. */
export interface Occasion {
  readonly earlier: number
  readonly nowMs: number
}

function entryOf(
  rules: BookRules,
  kind: OperationKind,
  request: ProcessorRequest,
  { earlier, nowMs }: Occasion,
  { status, code, message }: Verdict,
  moved: bigint,
): SandboxEntry {
  const { key, paymentIntentId, currency } = request
  const reference = `${PREFIX[kind]}_${key}${earlier === 0 ? '' : `_${earlier + 1}`}`
  const amount = status === 'succeeded' ? moved : 0n
  return {
    ...{ processor: rules.processor, key, kind, reference, charge: undefined, paymentIntentId, amount, currency },
    ...{ status, code, message, expiresAtMs: undefined, createdAtMs: nowMs },
  }
}

function authorizeVerdict(token: string, granted: bigint): Verdict {
  const behaviour = behaviourOf(token)
  if (behaviour === undefined)
    return refused('invalid_token', `The sandbox knows these tokens: ${SANDBOX_TOKENS.join(', ')}`)
  if (behaviour.refuses?.authorize !== undefined) return refusedBy(behaviour.refuses.authorize)
  if (granted === 0n) return refusedBy('amount_too_small')
  return behaviour.defers === undefined ? SUCCEEDED : { status: behaviour.defers }
}

export function authorizeEffect(rules: BookRules, request: AuthorizeRequest, occasion: Occasion): SandboxEffect {
  const { token, paymentIntentId, amount: requested, key } = request
  const behaviour = behaviourOf(token)
  const granted = behaviour?.authorizesHalf ? requested / 2n : requested
  const verdict = authorizeVerdict(token, granted)
  const made = entryOf(rules, 'authorize', request, occasion, verdict, granted)
  if (verdict.status === 'failed') return { entry: made, charge: undefined, dues: duesOf(made, undefined, rules.times) }
  const mistaken = request.currency === 'EUR' ? 'USD' : 'EUR'
  const currency = behaviour?.mistakesCurrency ? mistaken : request.currency
  const expiresAtMs = behaviour?.authorizedMs === undefined ? undefined : occasion.nowMs + behaviour.authorizedMs
  const entry: SandboxEntry = { ...made, charge: made.reference, currency, expiresAtMs }
  const charge: SandboxCharge = {
    ...{ processor: rules.processor, reference: entry.reference, key, paymentIntentId, token, currency, requested },
    ...{ captured: 0n, refunded: 0n, expiresAtMs, dispute: undefined },
    authorized: entry.amount,
    status: verdict.status === 'succeeded' ? 'authorized' : verdict.status,
  }
  return { entry, charge, dues: duesOf(entry, charge, rules.times) }
}

/** What of a charge a dispute holds back. */
const disputedOf = ({ dispute }: SandboxCharge): bigint =>
  dispute === undefined || dispute.status === 'won' ? 0n : dispute.amount

export interface FollowUp {
  readonly kind: Exclude<OperationKind, 'authorize' | 'evidence'>
  readonly request: ProcessorRequest
  /** Of a capture: what is not captured then is released. */
  readonly final: boolean
}

function refusalByToken(kind: OperationKind, charge: SandboxCharge): Verdict | undefined {
  const code = behaviourOf(charge.token)?.refuses?.[kind]
  return code === undefined ? undefined : refusedBy(code)
}

/** Whether a capture, void, increment or refund is possible, by the rules every processor has. */
function followUpVerdict(rules: BookRules, { kind, request }: FollowUp, charge: SandboxCharge, nowMs: number): Verdict {
  const waits = charge.status === 'requires_action' || charge.status === 'pending'
  if (kind === 'void' && waits) return refusalByToken(kind, charge) ?? SUCCEEDED
  if (charge.status !== 'authorized') return refused('charge_not_authorized', 'There is no such authorization')
  const { amount } = request
  const open = charge.authorized - charge.captured
  if (kind === 'increment' && !rules.capabilities.increments) return refused('not_supported', 'No increments')
  if (kind === 'void' && charge.captured > 0n && !rules.capabilities.voidAfterCapture)
    return refused('not_supported', 'No void after a capture')
  if (kind !== 'refund' && charge.expiresAtMs !== undefined && nowMs >= charge.expiresAtMs)
    return refused('authorization_expired', 'The authorization has expired')
  if (kind === 'capture' && amount > open) return refused('amount_too_large', `Only ${open} can be captured`)
  if ((kind === 'void' || kind === 'increment') && open === 0n)
    return refused('nothing_authorized', 'All of it is captured')
  const left = charge.captured - charge.refunded - disputedOf(charge)
  if (kind === 'refund' && amount > left) return refused('amount_too_large', `Only ${left} can be refunded`)
  return refusalByToken(kind, charge) ?? SUCCEEDED
}

function changed(
  { capabilities }: BookRules,
  { kind, request, final }: FollowUp,
  charge: SandboxCharge,
): SandboxCharge {
  const { amount } = request
  switch (kind) {
    case 'capture': {
      const captured = charge.captured + amount
      return { ...charge, captured, authorized: final || !capabilities.multipleCaptures ? captured : charge.authorized }
    }
    case 'increment':
      return { ...charge, requested: charge.requested + amount, authorized: charge.authorized + amount }
    case 'refund':
      return { ...charge, refunded: charge.refunded + amount }
    case 'void':
      return { ...charge, authorized: charge.captured, status: charge.captured === 0n ? 'voided' : 'authorized' }
    default:
      return kind satisfies never
  }
}

/** `waiting` is the entry of an authorization that is not decided: a void ends it. */
export function followUpEffect(
  rules: BookRules,
  followUp: FollowUp,
  charge: SandboxCharge | undefined,
  occasion: Occasion,
  waiting: SandboxEntry | undefined,
): SandboxEffect {
  const { kind, request } = followUp
  if (charge === undefined || charge.processor !== rules.processor) {
    const verdict = refused('charge_not_authorized', 'There is no such authorization')
    return { entry: entryOf(rules, kind, request, occasion, verdict, 0n), charge: undefined }
  }
  const verdict = followUpVerdict(rules, followUp, charge, occasion.nowMs)
  const moved = kind === 'void' ? charge.authorized - charge.captured : request.amount
  const entry = { ...entryOf(rules, kind, request, occasion, verdict, moved), charge: charge.reference }
  if (verdict.status !== 'succeeded') return { entry, charge: undefined, dues: duesOf(entry, charge, rules.times) }
  const after = changed(rules, followUp, charge)
  const cancelled = { status: 'failed', code: 'cancelled', message: 'It was cancelled' } as const
  const changes = kind === 'void' && waiting !== undefined ? [{ ...waiting, ...cancelled }] : []
  return { entry, charge: after, changes, dues: duesOf(entry, after, rules.times) }
}

export function evidenceEffect(
  rules: BookRules,
  request: ProcessorRequest & { readonly evidence: Readonly<Record<string, string>> },
  charge: SandboxCharge | undefined,
  occasion: Occasion,
): SandboxEffect {
  const dispute = charge?.dispute
  const isLate = dispute !== undefined && occasion.nowMs > dispute.evidenceDueMs
  const closed = refused('dispute_closed', 'There is no dispute that takes evidence')
  const verdict =
    charge === undefined || dispute?.status !== 'open' || isLate
      ? closed
      : (refusalByToken('evidence', charge) ?? SUCCEEDED)
  const entry = { ...entryOf(rules, 'evidence', request, occasion, verdict, 0n), charge: charge?.reference }
  if (verdict.status !== 'succeeded' || charge === undefined || dispute === undefined)
    return { entry, charge: undefined }
  const evidence = Object.keys(request.evidence).sort()
  const after: SandboxCharge = { ...charge, dispute: { ...dispute, status: 'under_review', evidence } }
  return { entry, charge: after, dues: duesOf(entry, after, rules.times) }
}

/** Decides an authorization that waits; `undefined` when it is decided. */
export function decideEffect(
  entry: SandboxEntry,
  charge: SandboxCharge,
  verdict: 'succeeded' | 'failed',
  code: RefusalCode,
): SandboxEffect | undefined {
  if (entry.status !== 'pending' && entry.status !== 'requires_action') return undefined
  if (verdict === 'succeeded') {
    const authorized = charge.requested
    return {
      entry: { ...entry, status: 'succeeded', amount: authorized },
      charge: { ...charge, status: 'authorized', authorized },
    }
  }
  const { message } = REFUSALS[code]
  return { entry: { ...entry, status: 'failed', code, message }, charge: { ...charge, status: 'declined' } }
}

/** The money of a refund comes back; `undefined` when it has. */
export function returnRefundEffect(entry: SandboxEntry, charge: SandboxCharge): SandboxEffect | undefined {
  if (entry.kind !== 'refund' || entry.status !== 'succeeded') return undefined
  const code = 'refund_returned'
  return {
    entry: { ...entry, status: 'failed', amount: 0n, code, message: REFUSALS[code].message },
    charge: { ...charge, refunded: charge.refunded - entry.amount },
  }
}

/** The bank of the buyer asks for a capture back; `undefined` when it has. */
export function disputeEffect(
  entry: SandboxEntry,
  charge: SandboxCharge,
  evidenceDueMs: number,
): SandboxEffect | undefined {
  const left = charge.captured - charge.refunded
  if (charge.dispute !== undefined || left === 0n) return undefined
  const amount = entry.amount < left ? entry.amount : left
  const isLost = behaviourOf(charge.token)?.closesFirst === true
  const dispute = { disputeId: `dp_${entry.key}`, amount, reason: 'fraudulent', evidenceDueMs, evidence: [] }
  return { entry, charge: { ...charge, dispute: { ...dispute, status: isLost ? 'lost' : 'open' } } }
}

/** `undefined` when the dispute is not in the status that it is to be closed from. */
export function closeDisputeEffect(
  entry: SandboxEntry,
  charge: SandboxCharge,
  from: 'open' | 'under_review',
  status: 'won' | 'lost',
): SandboxEffect | undefined {
  const { dispute } = charge
  if (dispute?.status !== from) return undefined
  return { entry, charge: { ...charge, dispute: { ...dispute, status } } }
}
