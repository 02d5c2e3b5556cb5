import type Stripe from 'stripe'
import type { Clock } from '../../core/clock.ts'
import type {
  AuthorizeRequest,
  LookupRequest,
  Processor,
  ProcessorOutcome,
  ProcessorRequest,
} from '../../payments/processing/processor.ts'
import { toStripeAmount, whyRefused } from './amounts.ts'
import { openStripeClient } from './client.ts'
import { failureOf, intentBeside } from './failures.ts'
import {
  authorizationOutcome,
  captureOutcome,
  METADATA,
  markedOutcome,
  markOf,
  refundOutcome,
  voidOutcome,
} from './outcomes.ts'
import { readStripeWebhook } from './webhooks.ts'

export interface StripeOptions {
  /** `sk_...`, or a restricted key that may write payment intents, refunds and disputes. */
  readonly secretKey: string
  /** Secrets of the webhook endpoint, `whsec_...`: two while they are rotated. Without one no webhook is taken. */
  readonly webhookSecrets: readonly string[]
  /** Where payers return to after a 3-D Secure page. Without it, a payment that needs such a page is declined. */
  readonly returnUrl?: string | undefined
  /** Whether the account may capture several times; otherwise each capture releases the rest. */
  readonly multicapture?: boolean | undefined
  /** Whether the account may add to authorizations. */
  readonly increments?: boolean | undefined
  /** A server to ask instead of Stripe's own, for tests. */
  readonly apiUrl?: string | undefined
  readonly clock: Clock
}

/** Stripe forgets keys after 24 hours at the earliest. */
const KEY_LIFETIME_MS = 24 * 3_600_000

/** `cus_1/pm_1` for a method that belongs to a customer of Stripe, `pm_1` for one that belongs to nobody. */
function methodOf(token: string): { payment_method: string; customer?: string } {
  const [, customer, method] = /^(cus_[^/]+)\/(.+)$/.exec(token) ?? []
  return method === undefined ? { payment_method: token } : { payment_method: method, customer: customer! }
}

/** The request's amount as Stripe counts, or the refusal of one that Stripe has no number for. */
function amountOf(
  amount: bigint,
  currency: string,
): { readonly amount: number } | { readonly refusal: ProcessorOutcome } {
  const converted = toStripeAmount(amount, currency)
  if (converted !== undefined) return { amount: converted }
  const message = whyRefused(amount, currency)
  return { refusal: { kind: 'failed', code: 'amount_not_representable', message, failover: true } }
}

/**
 * Payments by Stripe, through its official client. Every request carries the operation's id as `Idempotency-Key` and in
 * `metadata`; money is always captured by a request of its own. Throws `driver_missing`.
 *
 * A look-up proves that something happened, but not that an authorization didn't: Stripe can't be asked by key. Within the
 * key's lifetime Fanfold then sends the same request again, and Stripe repeats its first answer.
 */
export async function openStripe(options: StripeOptions): Promise<Processor> {
  const { webhookSecrets, returnUrl, clock } = options
  const several = options.multicapture ?? false
  const increments = options.increments ?? false
  const client = await openStripeClient(options.secretKey, options.apiUrl)
  const { stripe } = client

  /** One call whose failure is an outcome where it proves that nothing was done. */
  async function ask(
    { signal }: Pick<ProcessorRequest, 'signal'>,
    call: () => Promise<ProcessorOutcome>,
  ): Promise<ProcessorOutcome> {
    try {
      return await client.within(signal, call)
    } catch (error) {
      return failureOf(error)
    }
  }

  async function withAmount(
    request: ProcessorRequest,
    amount: bigint,
    call: (amount: number) => Promise<ProcessorOutcome>,
  ): Promise<ProcessorOutcome> {
    const converted = amountOf(amount, request.currency)
    return 'refusal' in converted ? converted.refusal : ask(request, () => call(converted.amount))
  }

  const idempotent = ({ key }: ProcessorRequest): Stripe.RequestOptions => ({ idempotencyKey: key })

  function metadataOf({ key, paymentIntentId }: ProcessorRequest): Stripe.MetadataParam {
    return { [METADATA.operation]: key, [METADATA.payment]: paymentIntentId }
  }

  function intentOf(request: AuthorizeRequest, amount: number): Stripe.PaymentIntentCreateParams {
    const { currency, methodType, orderId, customerId } = request
    const card: Stripe.PaymentIntentCreateParams.PaymentMethodOptions.Card = {
      ...(several ? { request_multicapture: 'if_available' } : {}),
      ...(increments ? { request_incremental_authorization: 'if_available' } : {}),
    }
    return {
      ...{ amount, currency: currency.toLowerCase(), capture_method: 'manual', confirm: true },
      ...methodOf(request.token),
      allowed_payment_method_types: [methodType as Stripe.PaymentIntentCreateParams.AllowedPaymentMethodType],
      ...(returnUrl === undefined ? { error_on_requires_action: true } : { return_url: returnUrl }),
      ...(methodType === 'card' && (several || increments) ? { payment_method_options: { card } } : {}),
      metadata: {
        ...metadataOf(request),
        ...(orderId === undefined ? {} : { [METADATA.order]: orderId }),
        ...(customerId === undefined ? {} : { [METADATA.customer]: customerId }),
      },
      expand: ['latest_charge'],
    }
  }

  const retrieve = (reference: string) => stripe.paymentIntents.retrieve(reference, { expand: ['latest_charge'] })

  /** The intent of an authorization whose answer was lost. The search lags behind, and not every account has it. */
  async function searchIntent(key: string): Promise<Stripe.PaymentIntent | undefined> {
    try {
      const { data } = await stripe.paymentIntents.search({ query: `metadata["${METADATA.operation}"]:"${key}"` })
      const [found] = data
      return found === undefined ? undefined : await retrieve(found.id)
    } catch (error) {
      if ((error as Partial<Stripe.errors.StripeError>).type === 'StripeInvalidRequestError') return undefined
      throw error
    }
  }

  async function findRefund(key: string, intent: string): Promise<Stripe.Refund | undefined> {
    for await (const refund of stripe.refunds.list({ payment_intent: intent, limit: 100 })) {
      if (refund.metadata?.[METADATA.operation] === key) return refund
    }
    return undefined
  }

  async function find(request: LookupRequest): Promise<ProcessorOutcome | undefined> {
    const { key, kind, reference, authorization, amount } = request
    if (kind === 'authorize') {
      const intent = reference === undefined ? await searchIntent(key) : await retrieve(reference)
      return intent === undefined ? undefined : authorizationOutcome(intent)
    }
    // Evidence: Stripe doesn't say by whom; sent again under its key, it is taken once.
    if (kind === 'evidence' || authorization === undefined) return undefined
    if (kind === 'refund') {
      const refund =
        reference === undefined ? await findRefund(key, authorization) : await stripe.refunds.retrieve(reference)
      return refund === undefined ? undefined : refundOutcome(refund)
    }
    const intent = await retrieve(authorization)
    return kind === 'void' ? voidOutcome(intent, amount) : markedOutcome(intent, request, several)
  }

  return {
    name: 'stripe',
    capabilities: {
      ...{ keyLifetimeMs: KEY_LIFETIME_MS, multipleCaptures: several, increments },
      ...{ voidAfterCapture: false, lookupByKey: false, disputes: true },
    },
    authorize: (request) =>
      withAmount(request, request.amount, async (amount) =>
        authorizationOutcome(await stripe.paymentIntents.create(intentOf(request, amount), idempotent(request))),
      ),
    increment(request) {
      const { reference, authorized, key, amount: added, currency } = request
      return withAmount(request, authorized + added, async (amount) => {
        const metadata = markOf(key, { kind: 'increment', amount })
        const intent = await stripe.paymentIntents.incrementAuthorization(
          reference,
          { amount, metadata },
          idempotent(request),
        )
        if (intent.amount === amount) return { kind: 'succeeded', amount: added, currency, reference }
        throw new Error(`${reference} is authorized for ${intent.amount} instead of ${amount}`)
      })
    },
    capture(request) {
      const { reference, key, final } = request
      return withAmount(request, request.amount, async (amount) => {
        const intent = await stripe.paymentIntents.capture(
          reference,
          {
            amount_to_capture: amount,
            ...(several ? { final_capture: final } : {}),
            metadata: markOf(key, { kind: 'capture', amount }),
          },
          idempotent(request),
        )
        return captureOutcome(intent, amount, several)
      })
    },
    void: (request) =>
      ask(request, async () => {
        const { reference, amount } = request
        try {
          const intent = await stripe.paymentIntents.cancel(reference, {}, idempotent(request))
          return voidOutcome(intent, amount) ?? { kind: 'pending', reference }
        } catch (error) {
          // What is canceled already, by the payer's bank or by time, holds no money either.
          const intent = intentBeside(error)
          if (intent?.status !== 'canceled') throw error
          return voidOutcome(intent, amount)!
        }
      }),
    refund: (request) =>
      withAmount(request, request.amount, async (amount) =>
        refundOutcome(
          await stripe.refunds.create(
            { payment_intent: request.reference, amount, metadata: metadataOf(request) },
            idempotent(request),
          ),
        ),
      ),
    submitEvidence: (request) =>
      ask(request, async () => {
        const { disputeId, evidence, currency } = request
        const metadata = metadataOf(request)
        await stripe.disputes.update(disputeId, { evidence, submit: true, metadata }, idempotent(request))
        return { kind: 'succeeded', amount: 0n, currency, reference: disputeId }
      }),
    lookup: (request) => client.within(request.signal, () => find(request)),
    async paymentOf(authorization, signal) {
      const intent = await client.within(signal, () => stripe.paymentIntents.retrieve(authorization))
      return intent.metadata[METADATA.payment]
    },
    verifyWebhook: (request) => readStripeWebhook({ stripe, secrets: webhookSecrets, nowMs: clock.now() }, request),
  }
}
