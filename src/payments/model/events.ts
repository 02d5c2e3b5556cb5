/**
 * The facts of a payment, as they are stored: JSON, money in whole minor units of the payment's currency, `op_id` the
 * call to the processor that a fact is about. Facts are never edited. A change of a payload's meaning raises its version
 * in {@link EVENT_VERSIONS}, and gives the older one an upcaster in `upcast.ts`.
 */
export type OperationKind = 'authorize' | 'increment' | 'capture' | 'void' | 'refund' | 'evidence'
export type CaptureMethod = 'automatic' | 'manual'

export interface PaymentMethod {
  readonly type: string
  /** What the processor knows the card or account by; never a card number. */
  readonly token: string
  /** The same method as other processors know it, by their names: only to those can an authorization fail over. */
  readonly tokens?: Readonly<Record<string, string>>
  readonly brand?: string
  readonly last4?: string
}

/** Personal data, encrypted under a key of one person: gone when the key is destroyed, while the hash stays right. */
export interface SealedData {
  readonly key_id: string
  /** Base64 of nonce, ciphertext and tag (AES-256-GCM). */
  readonly data: string
}

/** What a decline asks of the payer: try the same again later, use another method, or don't try again. */
export const DECLINE_ADVICE = ['try_again', 'other_method', 'do_not_retry'] as const
export type DeclineAdvice = (typeof DECLINE_ADVICE)[number]

/** What the customer must do before the processor goes on, e.g. a 3-D Secure page. */
export interface RequiredAction {
  readonly type: string
  readonly url?: string
}

interface About {
  readonly op_id: string
  readonly amount: number
}

interface Succeeded extends About {
  /** What the processor calls the object that the operation made or changed. */
  readonly reference: string
}

interface Authorized extends Succeeded {
  /** RFC 3339; until then it can be captured. */
  readonly expires_at?: string
}

interface Failed extends About {
  readonly code: string
  readonly message: string
}

interface AboutDispute {
  /** The processor's id of the dispute. */
  readonly dispute_id: string
}

export interface EventPayloads {
  INITIATED: {
    readonly amount: number
    readonly currency: string
    readonly customer_id?: string
    readonly order_id?: string
    readonly payment_method: PaymentMethod
    readonly capture_method: CaptureMethod
    /** Names of processors, in the order in which they are tried. */
    readonly route: readonly string[]
    readonly metadata?: Readonly<Record<string, string>>
    /** Billing details, as JSON. */
    readonly personal?: SealedData
  }
  /** `payment_method` when another one is tried after a decline. Without `processor`: the first of the route. */
  AUTHORIZATION_REQUESTED: About & { readonly payment_method?: PaymentMethod; readonly processor?: string }
  AUTHORIZED: Authorized
  /** `amount` is what was authorized, less than was asked for. */
  PARTIALLY_AUTHORIZED: Authorized
  ACTION_REQUIRED: Succeeded & { readonly action: RequiredAction }
  DECLINED: Failed & { readonly advice?: DeclineAdvice }
  INCREMENT_REQUESTED: About
  /** `amount` is what was added to the authorization. */
  INCREMENTED: Authorized
  INCREMENT_DECLINED: Failed
  /** `final`: what is not captured then is released. */
  CAPTURE_REQUESTED: About & { readonly final?: true }
  CAPTURED: Succeeded
  CAPTURE_FAILED: Failed
  VOID_REQUESTED: About
  /** Without `op_id` when no processor had to be called: nothing was authorized, or a final capture released the rest. */
  VOIDED: { readonly op_id?: string; readonly amount: number; readonly reference?: string }
  VOID_FAILED: Failed
  REFUND_REQUESTED: About & { readonly reason?: string }
  REFUNDED: Succeeded
  REFUND_FAILED: Failed
  /** A refund that had succeeded came back. */
  REFUND_REVERSED: Failed
  /** `amount` is what can no longer be captured. */
  AUTHORIZATION_EXPIRED: { readonly amount: number }
  /** The payer's bank asks for `amount` back; it is taken from us until the dispute is won. */
  DISPUTE_OPENED: AboutDispute & {
    readonly amount: number
    readonly reason: string
    readonly reference: string
    /** RFC 3339; evidence that comes later is not looked at. */
    readonly evidence_due_by?: string
  }
  /** `personal` is the evidence, as JSON. `amount` is 0: no money moves. */
  EVIDENCE_REQUESTED: About & AboutDispute & { readonly personal: SealedData }
  EVIDENCE_SUBMITTED: Succeeded & AboutDispute
  EVIDENCE_FAILED: Failed & AboutDispute
  DISPUTE_WON: AboutDispute & { readonly amount: number }
  DISPUTE_LOST: AboutDispute & { readonly amount: number }
  /** `review`: no machine can find it out, a person must. */
  OUTCOME_UNKNOWN: {
    readonly op_id: string
    readonly detail: string
    readonly reference?: string
    readonly review?: true
  }
  /** A person has decided what became of an operation; the event of that outcome follows, unless it is asked for again. */
  REVIEW_RESOLVED: {
    readonly op_id: string
    readonly decision: ReviewDecision
    readonly note: string
  }
  /** The processor shows that an operation recorded as failed has succeeded; `kind` is that of the operation. */
  OUTCOME_CORRECTED: Succeeded & { readonly kind?: OperationKind }
}

export const REVIEW_DECISIONS = ['succeeded', 'failed', 'ask_again'] as const
export type ReviewDecision = (typeof REVIEW_DECISIONS)[number]

export type EventType = keyof EventPayloads
export type PaymentEvent = {
  [Type in EventType]: { readonly type: Type; readonly payload: EventPayloads[Type] }
}[EventType]

/** An event with the moment at which it was recorded, in milliseconds. */
export type RecordedEvent = PaymentEvent & { readonly timestampMs: number }

/** The version in which this program writes each event. */
export const EVENT_VERSIONS: Readonly<Record<EventType, number>> = {
  INITIATED: 2,
  AUTHORIZATION_REQUESTED: 1,
  AUTHORIZED: 1,
  PARTIALLY_AUTHORIZED: 1,
  ACTION_REQUIRED: 1,
  DECLINED: 1,
  INCREMENT_REQUESTED: 1,
  INCREMENTED: 1,
  INCREMENT_DECLINED: 1,
  CAPTURE_REQUESTED: 1,
  CAPTURED: 1,
  CAPTURE_FAILED: 1,
  VOID_REQUESTED: 1,
  VOIDED: 1,
  VOID_FAILED: 1,
  REFUND_REQUESTED: 1,
  REFUNDED: 1,
  REFUND_FAILED: 1,
  REFUND_REVERSED: 1,
  AUTHORIZATION_EXPIRED: 1,
  DISPUTE_OPENED: 1,
  EVIDENCE_REQUESTED: 1,
  EVIDENCE_SUBMITTED: 1,
  EVIDENCE_FAILED: 1,
  DISPUTE_WON: 1,
  DISPUTE_LOST: 1,
  OUTCOME_UNKNOWN: 1,
  REVIEW_RESOLVED: 1,
  OUTCOME_CORRECTED: 1,
}

export const EVENT_TYPES = Object.keys(EVENT_VERSIONS) as EventType[]

/** The operation an event is about, if it is about one. */
export function operationOf(event: PaymentEvent): string | undefined {
  return 'op_id' in event.payload ? event.payload.op_id : undefined
}
