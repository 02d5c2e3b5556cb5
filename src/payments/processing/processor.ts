import type { OperationKind, PaymentMethod, RequiredAction } from '../model/events.ts'

/**
 * What Fanfold needs of a payment processor. Every call carries a key, the id of our operation: inside the key's
 * lifetime the processor carries a key out once and repeats its answer. A call that throws has an unknown outcome,
 * whatever the reason; only an answer proves that money moved or did not.
 */
export interface ProcessorRequest {
  /** Id of our operation; the processor keeps it and finds it again by it. */
  readonly key: string
  readonly paymentIntentId: string
  /** Minor units. */
  readonly amount: bigint
  readonly currency: string
  /** Aborts when the processor has taken too long. */
  readonly signal: AbortSignal
}

export interface AuthorizeRequest extends ProcessorRequest {
  readonly paymentMethod: PaymentMethod
}

/** `reference` is what the processor called the authorization. */
export interface FollowUpRequest extends ProcessorRequest {
  readonly reference: string
}

export type ProcessorOutcome =
  /** Amount and currency as the processor says them; they are compared with what was asked for. */
  | { readonly kind: 'succeeded'; readonly amount: bigint; readonly currency: string; readonly reference: string }
  /** Proven: nothing was charged, moved or given back. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'action_required'; readonly reference: string; readonly action: RequiredAction }
  /** Accepted; the outcome comes later, by webhook or look-up. */
  | { readonly kind: 'pending'; readonly reference: string }
  /** No answer, or one that proves nothing. Made by Fanfold, never by a processor. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** No way is left to find out without a person. Made by Fanfold, never by a processor. */
  | { readonly kind: 'review'; readonly detail: string }

export interface LookupRequest {
  readonly key: string
  readonly kind: OperationKind
  readonly paymentIntentId: string
  /** What the processor called the operation, if it ever said so. */
  readonly reference: string | undefined
  readonly signal: AbortSignal
}

/** A webhook after its signature was checked. */
export interface WebhookEvent {
  /** The processor's own id of the message; the same when it is delivered again. */
  readonly eventId: string
  readonly type: string
  /** Operation and outcome, when the message is about one of ours. */
  readonly about: { readonly key: string; readonly outcome: ProcessorOutcome } | undefined
}

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Exactly the bytes that came in: the signature is over them. */
  readonly body: Uint8Array
}

export interface Processor {
  readonly name: string
  readonly capabilities: {
    /** How long the processor knows a key, in milliseconds. After that, sending it again could charge twice. */
    readonly keyLifetimeMs: number
    /** Several captures of one authorization. */
    readonly multipleCaptures: boolean
  }
  authorize(request: AuthorizeRequest): Promise<ProcessorOutcome>
  capture(request: FollowUpRequest): Promise<ProcessorOutcome>
  void(request: FollowUpRequest): Promise<ProcessorOutcome>
  refund(request: FollowUpRequest): Promise<ProcessorOutcome>
  /** What became of an operation; `undefined` when the processor has never seen its key. */
  lookup(request: LookupRequest): Promise<ProcessorOutcome | undefined>
  /** Throws `invalid_signature`. */
  verifyWebhook(request: WebhookRequest): WebhookEvent
}
