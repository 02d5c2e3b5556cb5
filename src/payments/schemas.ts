import Type, { type Static } from 'typebox'
import { LIMITS } from '../core/limits.ts'
import type { EventType } from './model/events.ts'
import { PAYMENT_STATUSES } from './model/state.ts'

/** The shapes of payments: one schema each for validation, serialisation, OpenAPI and types. */
const nullable = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })

const ExternalId = (description: string) =>
  Type.String({
    pattern: `^[A-Za-z0-9_.:-]{1,${LIMITS.externalIdCharsMax}}$`,
    errorMessage: `must be 1 to ${LIMITS.externalIdCharsMax} characters of A-Z a-z 0-9 _ . : -`,
    description,
  })

const Amount = (description: string) =>
  Type.Integer({
    minimum: 1,
    maximum: Number(LIMITS.amountMinorMax),
    description: `${description}, in minor units`,
    examples: [2500],
  })

const Sum = (description: string) => Type.Integer({ description: `${description}, in minor units`, examples: [2500] })
const Time = (description: string) => Type.String({ format: 'date-time', description })
const Currency = Type.String({
  pattern: '^[A-Z]{3}$',
  errorMessage: 'must be an ISO 4217 code in capitals',
  description: 'ISO 4217 code',
  examples: ['USD'],
})

export const PaymentMethodSchema = Type.Object(
  {
    type: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9_]{1,40}$',
        description: 'Kind of method; card unless given',
        examples: ['card'],
      }),
    ),
    token: Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'What the processor knows the card or account by; never a card number',
      examples: ['tok_ok'],
    }),
    brand: Type.Optional(
      Type.String({ minLength: 1, maxLength: 40, description: 'Card brand, to show', examples: ['visa'] }),
    ),
    last4: Type.Optional(
      Type.String({ pattern: '^[0-9]{4}$', description: 'Last four digits, to show', examples: ['4242'] }),
    ),
  },
  { additionalProperties: false, description: 'How the buyer pays' },
)

export const CreatePayment = Type.Object(
  {
    amount: Amount('What is to be paid'),
    currency: Currency,
    customer_id: Type.Optional(ExternalId('Who pays')),
    order_id: Type.Optional(ExternalId('The order that is paid; amount and currency must be those of the order')),
    payment_method: PaymentMethodSchema,
    capture_method: Type.Optional(
      Type.Enum(['automatic', 'manual'], {
        description:
          'automatic (unless given): captured as soon as it is authorized; manual: captured by a request of yours',
      }),
    ),
    processor: Type.Optional(
      Type.String({ maxLength: 40, description: 'Name of a payment processor; the configured one unless given' }),
    ),
  },
  { additionalProperties: false },
)
export type CreatePayment = Static<typeof CreatePayment>

export const AuthorizePayment = Type.Object(
  { payment_method: Type.Optional(PaymentMethodSchema) },
  { additionalProperties: false, description: 'Another payment method, after a decline' },
)
export type AuthorizePayment = Static<typeof AuthorizePayment>

export const CapturePayment = Type.Object(
  { amount: Type.Optional(Amount('How much; all that can still be captured unless given')) },
  { additionalProperties: false },
)
export type CapturePayment = Static<typeof CapturePayment>

export const VoidPayment = Type.Object({}, { additionalProperties: false })
export type VoidPayment = Static<typeof VoidPayment>

const Reason = Type.String({
  minLength: 1,
  maxLength: LIMITS.reasonCharsMax,
  description: 'Why, for people',
  examples: ['damaged in transit'],
})

export const RefundPayment = Type.Object(
  {
    amount: Type.Optional(Amount('How much; all that can still be refunded unless given')),
    reason: Type.Optional(Reason),
  },
  { additionalProperties: false },
)
export type RefundPayment = Static<typeof RefundPayment>

const PendingOperation = Type.Object(
  {
    op_id: Type.String({ description: 'Id of the operation; the processor knows it as the idempotency key' }),
    kind: Type.Enum(['authorize', 'capture', 'void', 'refund']),
    amount: Sum('What was asked for'),
    status: Type.Enum(['requested', 'unknown', 'review'], {
      description:
        'requested: under way; unknown: no clear answer yet, Fanfold keeps asking; review: only a person can find out',
    }),
    requested_at: Time('When it was asked for'),
  },
  { description: 'A call to the processor whose outcome is not known yet' },
)

const PaymentError = Type.Object({
  code: Type.String({ description: 'Code of the processor', examples: ['insufficient_funds'] }),
  message: Type.String(),
  op_id: Type.String(),
})

const RequiredAction = Type.Object(
  { type: Type.String({ examples: ['redirect'] }), url: Type.Optional(Type.String()) },
  { description: 'What the buyer must do now' },
)

export const Payment = Type.Object(
  {
    payment_intent_id: Type.String({ description: 'Id of the payment', examples: ['pi_0006f0q2rk5z8v1c3d7m9t4xw'] }),
    status: Type.Enum([...PAYMENT_STATUSES], {
      description: 'What is settled; an operation under way does not change it',
    }),
    version: Type.Integer({ description: 'Number of its events' }),
    amount: Sum('What is to be paid'),
    currency: Type.String({ description: 'ISO 4217 code' }),
    authorized: Sum('What the processor has set aside, less what was given back'),
    capture_pending: Sum('What captures under way have reserved'),
    captured: Sum('What was taken'),
    refund_pending: Sum('What refunds under way have reserved'),
    refunded: Sum('What was given back'),
    customer_id: nullable(Type.String(), 'Who pays'),
    order_id: nullable(Type.String(), 'The order that is paid'),
    payment_method: Type.Object({
      type: Type.String(),
      token: Type.String(),
      brand: Type.Optional(Type.String()),
      last4: Type.Optional(Type.String()),
    }),
    capture_method: Type.Enum(['automatic', 'manual']),
    processor: Type.String({ description: 'Name of the payment processor' }),
    created_at: Time('When it was created'),
    updated_at: Time('When its last event was recorded'),
    last_error: Type.Optional(PaymentError),
    next_action: Type.Optional(RequiredAction),
    pending_operation: Type.Optional(PendingOperation),
  },
  {
    description:
      'A payment. In the answer to a command, pending_operation is the one of that command; elsewhere the oldest',
  },
)
export type Payment = Static<typeof Payment>

export const PaymentEventDocument = Type.Object(
  {
    event_id: Type.String({ description: 'Number of the event in its shard of the log' }),
    payment_intent_id: Type.String(),
    version: Type.Integer({ description: 'Number of the event in the payment, from 1' }),
    event_type: Type.String({ examples: ['CAPTURED'] }),
    timestamp: Time('When it was recorded'),
    actor: Type.String({ description: 'Who caused it: an API key, webhook:name, recovery, flow:name' }),
    op_id: nullable(Type.String(), 'The call to the processor it is about'),
    payload: Type.Object({}, { additionalProperties: true, description: 'What happened; amounts in minor units' }),
    schema_version: Type.Integer(),
    hash: Type.String({ description: 'SHA-256 over this event and the hash before it, in hexadecimal' }),
  },
  { description: 'A fact of a payment' },
)
export type PaymentEventDocument = Static<typeof PaymentEventDocument>

export const TRANSACTION_TYPES = [
  'authorization',
  'decline',
  'charge',
  'void',
  'expiry',
  'refund',
  'refund_reversal',
  'correction',
] as const

/** Which facts are transactions in the eyes of a customer, and by what name. */
export const TRANSACTION_TYPE_OF: Partial<Record<EventType, (typeof TRANSACTION_TYPES)[number]>> = {
  AUTHORIZED: 'authorization',
  PARTIALLY_AUTHORIZED: 'authorization',
  DECLINED: 'decline',
  CAPTURED: 'charge',
  VOIDED: 'void',
  AUTHORIZATION_EXPIRED: 'expiry',
  REFUNDED: 'refund',
  REFUND_REVERSED: 'refund_reversal',
  OUTCOME_CORRECTED: 'correction',
}

export const Transaction = Type.Object(
  {
    payment_intent_id: Type.String(),
    version: Type.Integer({ description: 'The event of the payment that it is' }),
    type: Type.Enum([...TRANSACTION_TYPES]),
    amount: Sum('The amount, never negative; the type tells the direction'),
    currency: Type.String(),
    order_id: nullable(Type.String(), 'The order that was paid'),
    timestamp: Time('When it was recorded'),
  },
  { description: 'One entry of the transaction history of a customer' },
)
export type Transaction = Static<typeof Transaction>

export const pageOf = <Schema extends Type.TSchema>(item: Schema) =>
  Type.Object({
    items: Type.Array(item),
    next_cursor: Type.Optional(Type.String({ description: 'Cursor of the next page; absent at the end' })),
  })

export const WebhookReceipt = Type.Object(
  {
    received: Type.Literal(true),
    duplicate: Type.Boolean({ description: 'Whether this message had been received before' }),
  },
  { description: 'The message is stored' },
)
export type WebhookReceipt = Static<typeof WebhookReceipt>
