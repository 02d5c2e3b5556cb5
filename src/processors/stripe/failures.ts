import type Stripe from 'stripe'
import type { DeclineAdvice } from '../../payments/model/events.ts'
import type { ProcessorOutcome } from '../../payments/processing/processor.ts'

type Failed = Extract<ProcessorOutcome, { kind: 'failed' }>

/** What the card's network advises; it wins over the table below. */
const ADVICE_OF_NETWORK: Readonly<Record<string, DeclineAdvice>> = {
  try_again_later: 'try_again',
  do_not_try_again: 'do_not_retry',
  confirm_card_data: 'other_method',
}

/** Declines after which the same card may do, and after which it must not be tried (docs.stripe.com/declines/codes). */
const TRY_AGAIN = 'approve_with_id issuer_not_available processing_error reenter_transaction try_again_later'
const DO_NOT_RETRY =
  'fraudulent lost_card merchant_blacklist pickup_card restricted_card revocation_of_all_authorizations ' +
  'revocation_of_authorization security_violation stolen_card stop_payment_order'
const ADVICE_OF_CODE: ReadonlyMap<string, DeclineAdvice> = new Map([
  ...TRY_AGAIN.split(' ').map((code) => [code, 'try_again'] as const),
  ...DO_NOT_RETRY.split(' ').map((code) => [code, 'do_not_retry'] as const),
])

/** What an error and an intent's last error have in common. */
type Refusal = Partial<Pick<Stripe.PaymentIntent.LastPaymentError, 'code' | 'decline_code' | 'advice_code' | 'message'>>

export function declined(refusal: Refusal): Failed {
  const code = refusal.decline_code || refusal.code || 'card_declined'
  const advice = ADVICE_OF_NETWORK[refusal.advice_code ?? ''] ?? ADVICE_OF_CODE.get(code) ?? 'other_method'
  return { kind: 'failed', code, message: refusal.message || 'The payment was declined', advice }
}

/** Refusals that prove nothing: a request with the same key is still at work. */
const STILL_AT_WORK = new Set(['idempotency_key_in_use', 'lock_timeout'])

/** Whether an error of the network shows that no connection came about, so that nothing was sent. */
function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected)
  const { syscall, code } = error as NodeJS.ErrnoException
  if (syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT') return true
  return neverConnected(error.cause)
}

/**
 * What an error of Stripe's client proves. A decline, a refused request and a connection that never came about prove that
 * nothing was done. All else proves nothing and is thrown again: no answer, a server's error, a conflict with a request
 * under the same key, and too many requests, which Stripe asks to send again.
 */
export function failureOf(thrown: unknown): Failed {
  const error = thrown as Partial<Stripe.errors.StripeError>
  const { type, code, message = 'Stripe gave no reason' } = error
  switch (type) {
    case 'StripeCardError':
      return declined(error as Refusal)
    case 'StripeInvalidRequestError':
      if (STILL_AT_WORK.has(code ?? '')) throw thrown
      return { kind: 'failed', code: code ?? 'invalid_request', message }
    case 'StripeAuthenticationError':
      return { kind: 'failed', code: 'processor_unauthenticated', message, failover: true }
    case 'StripePermissionError':
      return { kind: 'failed', code: 'processor_forbidden', message, failover: true }
    case 'StripeConnectionError':
      if (!neverConnected(error.detail)) throw thrown
      return { kind: 'failed', code: 'processor_unreachable', message, failover: true }
    default:
      throw thrown
  }
}

/** The intent as Stripe shows it beside a refusal. */
export function intentBeside(thrown: unknown): Stripe.PaymentIntent | undefined {
  return (thrown as Partial<Stripe.errors.StripeError>).payment_intent
}
