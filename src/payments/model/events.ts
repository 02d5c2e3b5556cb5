import { AppError } from '../../core/errors.ts'

/**
 * The facts of a payment, as they are stored: JSON, money in whole minor units of the payment's currency, `op_id` the
 * call to the processor that a fact is about. Facts are never edited. A change of a payload's meaning raises its version
 * in {@link EVENT_VERSIONS}.
 */
export type OperationKind = 'authorize' | 'capture' | 'void' | 'refund'
export type CaptureMethod = 'automatic' | 'manual'

export interface PaymentMethod {
  readonly type: string
  /** What the processor knows the card or account by; never a card number. */
  readonly token: string
  readonly brand?: string
  readonly last4?: string
}

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

interface Failed extends About {
  readonly code: string
  readonly message: string
}

export interface EventPayloads {
  INITIATED: {
    readonly amount: number
    readonly currency: string
    readonly customer_id?: string
    readonly order_id?: string
    readonly payment_method: PaymentMethod
    readonly capture_method: CaptureMethod
    readonly processor: string
  }
  /** `payment_method` when another one is tried after a decline. */
  AUTHORIZATION_REQUESTED: About & { readonly payment_method?: PaymentMethod }
  AUTHORIZED: Succeeded
  /** `amount` is what was authorized, less than was asked for. */
  PARTIALLY_AUTHORIZED: Succeeded
  ACTION_REQUIRED: Succeeded & { readonly action: RequiredAction }
  DECLINED: Failed
  CAPTURE_REQUESTED: About
  CAPTURED: Succeeded
  CAPTURE_FAILED: Failed
  VOID_REQUESTED: About
  /** Without `op_id` when nothing had been authorized, so that no processor was called. */
  VOIDED: { readonly op_id?: string; readonly amount: number; readonly reference?: string }
  VOID_FAILED: Failed
  REFUND_REQUESTED: About & { readonly reason?: string }
  REFUNDED: Succeeded
  REFUND_FAILED: Failed
  /** A refund that had succeeded came back. */
  REFUND_REVERSED: Failed
  /** `amount` is what can no longer be captured. */
  AUTHORIZATION_EXPIRED: { readonly amount: number }
  /** `review`: no machine can find it out, a person must. */
  OUTCOME_UNKNOWN: {
    readonly op_id: string
    readonly detail: string
    readonly reference?: string
    readonly review?: true
  }
  /** The processor shows that an operation recorded as failed has succeeded. */
  OUTCOME_CORRECTED: Succeeded
}

export type EventType = keyof EventPayloads
export type PaymentEvent = {
  [Type in EventType]: { readonly type: Type; readonly payload: EventPayloads[Type] }
}[EventType]

/** An event with the moment at which it was recorded, in milliseconds. */
export type RecordedEvent = PaymentEvent & { readonly timestampMs: number }

/** The version in which this program writes each event. */
export const EVENT_VERSIONS: Readonly<Record<EventType, number>> = {
  INITIATED: 1,
  AUTHORIZATION_REQUESTED: 1,
  AUTHORIZED: 1,
  PARTIALLY_AUTHORIZED: 1,
  ACTION_REQUIRED: 1,
  DECLINED: 1,
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
  OUTCOME_UNKNOWN: 1,
  OUTCOME_CORRECTED: 1,
}

export const EVENT_TYPES = Object.keys(EVENT_VERSIONS) as EventType[]

function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENT_VERSIONS, type)
}

/** A stored event as this program understands it. Throws `unknown_event_version` rather than guess. */
export function readEvent(stored: {
  readonly type: string
  readonly schemaVersion: number
  readonly payload: Readonly<Record<string, unknown>>
  readonly timestampMs: number
}): RecordedEvent {
  const { type, schemaVersion, payload, timestampMs } = stored
  if (!isEventType(type) || schemaVersion !== EVENT_VERSIONS[type]) {
    throw new AppError(
      'unknown_event_version',
      `This program can't read ${type} in version ${schemaVersion}; update it`,
    )
  }
  return { type, payload, timestampMs } as unknown as RecordedEvent
}

/** The operation an event is about, if it is about one. */
export function operationOf(event: PaymentEvent): string | undefined {
  return 'op_id' in event.payload ? event.payload.op_id : undefined
}
