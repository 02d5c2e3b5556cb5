import type Stripe from 'stripe'
import type { ProcessorOutcome } from '../../payments/processing/processor.ts'
import { fromStripeAmount } from './amounts.ts'
import { declined } from './failures.ts'

/** What Stripe's objects say of our operations. */

/** Names of what Fanfold writes into `metadata`. The intent's operation is its authorization. */
export const METADATA = {
  operation: 'fanfold_op_id',
  payment: 'fanfold_payment_intent_id',
  order: 'fanfold_order_id',
  customer: 'fanfold_customer_id',
} as const

/**
 * An intent has one `metadata`, and several operations change it. So each capture and increment leaves an entry of its
 * own, named after its operation: what it took, or what is authorized after it, as Stripe counts it.
 */
export type Mark = { readonly kind: 'capture' | 'increment'; readonly amount: number }

export const markOf = (key: string, { kind, amount }: Mark): Stripe.MetadataParam => ({ [key]: `${kind} ${amount}` })

function readMark(text: string | undefined): Mark | undefined {
  const [, kind, amount] = /^(capture|increment) (\d+)$/.exec(text ?? '') ?? []
  return kind === undefined ? undefined : { kind: kind as Mark['kind'], amount: Number(amount) }
}

const currencyOf = ({ currency }: { currency: string }): string => currency.toUpperCase()

/** An object that Stripe sends whole only when asked to. */
export const idOf = (object: string | { id: string } | null | undefined): string | undefined =>
  typeof object === 'string' ? object : object?.id

function succeeded(object: { currency: string }, amount: number, reference: string): ProcessorOutcome {
  const currency = currencyOf(object)
  return { kind: 'succeeded', amount: fromStripeAmount(amount, currency), currency, reference }
}

/** Until when a card's authorization can be captured, if the charge was sent along. */
function captureBefore({ latest_charge: charge }: Stripe.PaymentIntent): number | undefined {
  const seconds = typeof charge === 'object' ? charge?.payment_method_details?.card?.capture_before : undefined
  return seconds === undefined ? undefined : seconds * 1_000
}

export function authorizationOutcome(intent: Stripe.PaymentIntent): ProcessorOutcome {
  const { id: reference, status } = intent
  switch (status) {
    case 'requires_capture': {
      const expiresAtMs = captureBefore(intent)
      const outcome = succeeded(intent, intent.amount_capturable, reference)
      return expiresAtMs === undefined ? outcome : { ...outcome, ...{ expiresAtMs } }
    }
    case 'succeeded':
      return succeeded(intent, intent.amount, reference)
    case 'requires_action': {
      const { type = 'unknown', redirect_to_url: redirect } = intent.next_action ?? {}
      const url = redirect?.url
      return { kind: 'action_required', reference, action: { type, ...(url ? { url } : {}) } }
    }
    case 'requires_payment_method':
      return declined(intent.last_payment_error ?? {})
    case 'canceled':
      return {
        kind: 'failed',
        code: 'payment_intent_canceled',
        message: `The payment was canceled (${intent.cancellation_reason ?? 'no reason given'})`,
      }
    default:
      return { kind: 'pending', reference }
  }
}

/** What the answer to a capture says; with several captures, Stripe tells only what all took together. */
export function captureOutcome(intent: Stripe.PaymentIntent, asked: number, several: boolean): ProcessorOutcome {
  const reference = idOf(intent.latest_charge) ?? intent.id
  const isTaken = intent.status === 'succeeded' || (several && intent.status === 'requires_capture')
  if (!isTaken) return { kind: 'pending', reference }
  const isAmongOthers = several && intent.amount_received > asked
  return succeeded(intent, isAmongOthers ? asked : intent.amount_received, reference)
}

/** What became of a capture or increment; `undefined` when it left no mark, or one that the amounts belie. */
export function markedOutcome(
  intent: Stripe.PaymentIntent,
  operation: { readonly key: string; readonly amount: bigint },
  several: boolean,
): ProcessorOutcome | undefined {
  const mark = readMark(intent.metadata[operation.key])
  if (mark === undefined) return undefined
  if (mark.kind === 'increment') {
    const { amount } = operation
    const isRaised = intent.amount >= mark.amount
    return isRaised ? { kind: 'succeeded', amount, currency: currencyOf(intent), reference: intent.id } : undefined
  }
  const isTaken = several ? intent.amount_received >= mark.amount : intent.amount_received === mark.amount
  return isTaken ? captureOutcome(intent, mark.amount, several) : undefined
}

/** The capture that took all that was taken, by its mark: its operation and what it took. */
export function soleCapture(intent: Stripe.PaymentIntent): { key: string; outcome: ProcessorOutcome } | undefined {
  const captures = Object.entries(intent.metadata).filter(([, text]) => readMark(text)?.kind === 'capture')
  const [only] = captures.filter(([, text]) => readMark(text)?.amount === intent.amount_received)
  if (only === undefined || captures.length > 1) return undefined
  return { key: only[0], outcome: captureOutcome(intent, intent.amount_received, false) }
}

/** What became of a void: canceled, or proven impossible; `undefined` while it could still be canceled. */
export function voidOutcome(intent: Stripe.PaymentIntent, asked: bigint): ProcessorOutcome | undefined {
  const { id: reference, status } = intent
  const currency = currencyOf(intent)
  if (status === 'canceled') {
    // Of what waited for the payer nothing was held, so nothing is given back.
    const held = intent.amount - intent.amount_received
    return { kind: 'succeeded', amount: asked === 0n ? 0n : fromStripeAmount(held, currency), currency, reference }
  }
  if (status !== 'succeeded') return undefined
  return { kind: 'failed', code: 'payment_intent_unexpected_state', message: 'The payment is captured already' }
}

export function refundOutcome(refund: Stripe.Refund): ProcessorOutcome {
  const { id: reference, status } = refund
  if (status === 'succeeded') return succeeded(refund, refund.amount, reference)
  if (status !== 'failed' && status !== 'canceled') return { kind: 'pending', reference }
  const code = refund.failure_reason ?? `refund_${status}`
  return { kind: 'failed', code, message: `Stripe could not give the money back (${code})` }
}
