import type { DeclineAdvice, OperationKind, RequiredAction } from '../model/events.ts'

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
  /** What this processor knows the card or account by. */
  readonly token: string
  /** Kind of method, e.g. `card`. */
  readonly methodType: string
  readonly orderId: string | undefined
  readonly customerId: string | undefined
}

/** `reference` is what the processor called the authorization. */
export interface FollowUpRequest extends ProcessorRequest {
  readonly reference: string
}

export interface CaptureRequest extends FollowUpRequest {
  /** What is not captured then is to be released. */
  readonly final: boolean
}

export interface IncrementRequest extends FollowUpRequest {
  /** What is authorized now; `amount` is added to it. */
  readonly authorized: bigint
}

/** Texts that a merchant sends to win a dispute, by name. */
export interface EvidenceRequest extends ProcessorRequest {
  readonly disputeId: string
  readonly evidence: Readonly<Record<string, string>>
}

export type ProcessorOutcome =
  /** Amount and currency as the processor says them; they are compared with what was asked for. */
  | {
      readonly kind: 'succeeded'
      readonly amount: bigint
      readonly currency: string
      readonly reference: string
      /** Of an authorization: until when it can be captured. */
      readonly expiresAtMs?: number | undefined
    }
  /**
   * Proven: nothing was charged, moved or given back. `failover`: the reason lies with the processor, not with the payer,
   * so that another processor may be asked (the request never left, or was refused before anything was done).
   */
  | {
      readonly kind: 'failed'
      readonly code: string
      readonly message: string
      readonly advice?: DeclineAdvice | undefined
      readonly failover?: true | undefined
    }
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
  /** What it called the authorization, if there is one. */
  readonly authorization: string | undefined
  /** What was asked for, in minor units. */
  readonly amount: bigint
  readonly currency: string
  readonly signal: AbortSignal
}

/** What a processor tells about a dispute. The same dispute may be told of often, and in any order. */
export interface DisputeFact {
  readonly disputeId: string
  readonly paymentIntentId: string
  /** Minor units. */
  readonly amount: bigint
  readonly currency: string
  /** The processor's word for why, e.g. `fraudulent`. */
  readonly reason: string
  /** What the processor calls the charge in dispute. */
  readonly reference: string
  readonly status: 'open' | 'won' | 'lost'
  readonly evidenceDueMs: number | undefined
}

export type WebhookSubject =
  /** `key` is the id of our operation. */
  | { readonly kind: 'operation'; readonly key: string; readonly outcome: ProcessorOutcome }
  | { readonly kind: 'dispute'; readonly fact: DisputeFact }
  /** A message that names the payment only as the processor does; {@link Processor.paymentOf} knows more. */
  | {
      readonly kind: 'dispute_of'
      /** What the processor calls the authorization. */
      readonly authorization: string
      readonly fact: Omit<DisputeFact, 'paymentIntentId'>
    }

/** A webhook after its signature was checked. */
export interface WebhookEvent {
  /** The processor's own id of the message; the same when it is delivered again. */
  readonly eventId: string
  readonly type: string
  /** What it tells, when it is about one of our payments. */
  readonly about: WebhookSubject | undefined
}

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Exactly the bytes that came in: the signature is over them. */
  readonly body: Uint8Array
}

export interface Capabilities {
  /** How long the processor knows a key, in milliseconds. After that, sending it again could charge twice. */
  readonly keyLifetimeMs: number
  /** Several captures of one authorization; otherwise each capture releases the rest. */
  readonly multipleCaptures: boolean
  /** Adding to an authorization. */
  readonly increments: boolean
  /** Giving back the rest of an authorization after a part was captured. */
  readonly voidAfterCapture: boolean
  /** Whether a look-up finds an operation by our key alone, without the processor's reference. */
  readonly lookupByKey: boolean
  readonly disputes: boolean
  /** Currencies that it takes; any unless given. */
  readonly currencies?: readonly string[] | undefined
}

export interface Processor {
  readonly name: string
  readonly capabilities: Capabilities
  authorize(request: AuthorizeRequest): Promise<ProcessorOutcome>
  /** Only where `capabilities.increments`. */
  increment(request: IncrementRequest): Promise<ProcessorOutcome>
  capture(request: CaptureRequest): Promise<ProcessorOutcome>
  /** Gives back what is authorized and not captured; of one that waits for the payer, `amount` is 0. */
  void(request: FollowUpRequest): Promise<ProcessorOutcome>
  refund(request: FollowUpRequest): Promise<ProcessorOutcome>
  /** Only where `capabilities.disputes`. It moves no money: `amount` is 0, and so is that of the outcome. */
  submitEvidence(request: EvidenceRequest): Promise<ProcessorOutcome>
  /**
   * What became of an operation; `undefined` when the processor has never seen its key, or can't look it up: then the
   * same key is sent again inside its lifetime, and after that a person is called.
   */
  lookup(request: LookupRequest): Promise<ProcessorOutcome | undefined>
  /**
   * Id of our payment that an authorization of the processor belongs to; `undefined` when it is somebody else's. Only of
   * processors whose messages about disputes name no more than the authorization.
   */
  paymentOf?(authorization: string, signal: AbortSignal): Promise<string | undefined>
  /** Throws `invalid_signature`. */
  verifyWebhook(request: WebhookRequest): WebhookEvent
}
