import type Stripe from 'stripe'
import { AppError, messageOf } from '../../core/errors.ts'
import type { DisputeFact, WebhookEvent, WebhookRequest, WebhookSubject } from '../../payments/processing/processor.ts'
import { fromStripeAmount } from './amounts.ts'
import { authorizationOutcome, idOf, METADATA, refundOutcome, soleCapture } from './outcomes.ts'

export const SIGNATURE_HEADER = 'stripe-signature'

/**
 * Stripe's events that say something about our payments. The others are stored and left alone, such as
 * `charge.refunded`: which refund it was is told by `refund.*`.
 */
export const STRIPE_EVENTS = [
  'payment_intent.amount_capturable_updated',
  'payment_intent.canceled',
  'payment_intent.payment_failed',
  'payment_intent.processing',
  'payment_intent.requires_action',
  'payment_intent.succeeded',
  'refund.created',
  'refund.failed',
  'refund.updated',
  'charge.dispute.closed',
  'charge.dispute.created',
  'charge.dispute.funds_reinstated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.updated',
] as const

type Known = (typeof STRIPE_EVENTS)[number]

function verify(stripe: Stripe, secrets: readonly string[], { headers, body }: WebhookRequest, nowMs: number) {
  let problem: unknown = new Error('no webhook secret is configured')
  for (const secret of secrets) {
    try {
      const header = headers[SIGNATURE_HEADER] ?? ''
      return stripe.webhooks.constructEvent(Buffer.from(body), header, secret, undefined, undefined, nowMs)
    } catch (error) {
      problem = error
    }
  }
  const [why] = messageOf(problem).split('\n')
  throw new AppError('invalid_signature', `The webhook is refused: ${why}`, { cause: problem })
}

/** Statuses of a chargeback. Inquiries (`warning_*`) hold no money back, and `prevented` never became one. */
const DISPUTE_STATUS: Readonly<Record<string, DisputeFact['status']>> = {
  needs_response: 'open',
  under_review: 'open',
  appeal_needs_response: 'open',
  appeal_under_review: 'open',
  won: 'won',
  lost: 'lost',
}

function disputeSubject(dispute: Stripe.Dispute): WebhookSubject | undefined {
  const status = DISPUTE_STATUS[dispute.status]
  const authorization = idOf(dispute.payment_intent)
  if (status === undefined || authorization === undefined) return undefined
  const currency = dispute.currency.toUpperCase()
  const dueBy = dispute.evidence_details.due_by
  const fact = {
    disputeId: dispute.id,
    amount: fromStripeAmount(dispute.amount, currency),
    currency,
    reason: dispute.reason,
    reference: idOf(dispute.charge) ?? authorization,
    status,
    evidenceDueMs: dueBy ? dueBy * 1_000 : undefined,
  }
  return { kind: 'dispute_of', authorization, fact }
}

function refundSubject(refund: Stripe.Refund): WebhookSubject | undefined {
  const key = refund.metadata?.[METADATA.operation]
  return key === undefined ? undefined : { kind: 'operation', key, outcome: refundOutcome(refund) }
}

/** An intent that is paid in full tells of its capture; before that, of its authorization. */
function intentSubject(intent: Stripe.PaymentIntent): WebhookSubject | undefined {
  const key = intent.metadata[METADATA.operation]
  if (key === undefined) return undefined
  const capture = intent.status === 'succeeded' ? soleCapture(intent) : undefined
  return { kind: 'operation', ...(capture ?? { key, outcome: authorizationOutcome(intent) }) }
}

function subjectOf(event: Stripe.Event): WebhookSubject | undefined {
  const type = event.type as Known
  if (!STRIPE_EVENTS.includes(type)) return undefined
  const object: unknown = event.data.object
  if (type.startsWith('payment_intent.')) return intentSubject(object as Stripe.PaymentIntent)
  if (type.startsWith('refund.')) return refundSubject(object as Stripe.Refund)
  return disputeSubject(object as Stripe.Dispute)
}

/**
 * Checks the signature over the raw bytes by Stripe's own scheme, with each of the secrets, and its age of at most five
 * minutes. Throws `invalid_signature`.
 */
export function readStripeWebhook(
  deps: { readonly stripe: Stripe; readonly secrets: readonly string[]; readonly nowMs: number },
  request: WebhookRequest,
): WebhookEvent {
  const event = verify(deps.stripe, deps.secrets, request, deps.nowMs)
  if (typeof event?.id !== 'string' || typeof event.type !== 'string')
    throw new AppError('invalid_signature', 'The webhook is refused: it is no event of Stripe')
  return { eventId: event.id, type: event.type, about: subjectOf(event) }
}
