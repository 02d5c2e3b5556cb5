import Type, { type Static } from 'typebox'
import { actionsSchema } from '../core/actions.ts'
import { LIMITS } from '../core/limits.ts'
import { PAYMENT_ACTIONS } from './model/commands.ts'
import { DECLINE_ADVICE, type EventType, REVIEW_DECISIONS } from './model/events.ts'
import { DISPUTE_STATUSES, OPERATION_STATUSES, PAYMENT_STATUSES } from './model/state.ts'

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

const Token = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[\\x21-\\x7e]+$',
  description: 'What the processor knows the card or account by; never a card number',
  examples: ['tok_ok'],
})

const Metadata = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_.-]{1,40}$' }),
  Type.String({ maxLength: LIMITS.metadataValueCharsMax }),
  {
    additionalProperties: false,
    maxProperties: LIMITS.paymentMetadataMax,
    description: 'Notes for programs, kept with the payment for good: nothing personal, since it can never be erased',
    examples: [{ basket: 'b-1' }],
  },
)

const PersonalText = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: LIMITS.nameCharsMax, description }))

export const BillingDetails = Type.Object(
  {
    name: PersonalText('Name of who pays'),
    email: PersonalText('His address for mail'),
    phone: PersonalText('His telephone number'),
    line1: PersonalText('Street and number'),
    line2: PersonalText('More of the address'),
    city: PersonalText('City'),
    region: PersonalText('State or region'),
    postal_code: PersonalText('Postal code'),
    country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 code', examples: ['DE'] })),
  },
  {
    title: 'BillingDetails',
    additionalProperties: false,
    description: 'Who pays; stored encrypted under a key of that person',
  },
)
export type BillingDetails = Static<typeof BillingDetails>

export const PaymentMethodSchema = Type.Object(
  {
    type: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9_]{1,40}$',
        description: 'Kind of method; card unless given',
        examples: ['card'],
      }),
    ),
    token: Token,
    tokens: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9_]{1,40}$' }), Token, {
        additionalProperties: false,
        maxProperties: LIMITS.paymentRouteMax,
        description:
          'The same card or account as other processors know it, by name of the processor; an authorization can fail over to these',
        examples: [{ stripe: 'pm_card_visa' }],
      }),
    ),
    brand: Type.Optional(
      Type.String({ minLength: 1, maxLength: 40, description: 'Card brand, to show', examples: ['visa'] }),
    ),
    last4: Type.Optional(
      Type.String({ pattern: '^[0-9]{4}$', description: 'Last four digits, to show', examples: ['4242'] }),
    ),
  },
  { title: 'PaymentMethod', additionalProperties: false, description: 'How the buyer pays' },
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
      Type.String({ maxLength: 40, description: 'Name of a payment processor; the one the routes name unless given' }),
    ),
    billing_details: Type.Optional(BillingDetails),
    metadata: Type.Optional(Metadata),
  },
  { title: 'CreatePayment', additionalProperties: false },
)
export type CreatePayment = Static<typeof CreatePayment>

export const AuthorizePayment = Type.Object(
  { payment_method: Type.Optional(PaymentMethodSchema) },
  { title: 'AuthorizePayment', additionalProperties: false, description: 'Another payment method, after a decline' },
)
export type AuthorizePayment = Static<typeof AuthorizePayment>

export const IncrementAuthorization = Type.Object(
  { amount: Amount('How much is added to what is authorized') },
  { title: 'IncrementAuthorization', additionalProperties: false },
)
export type IncrementAuthorization = Static<typeof IncrementAuthorization>

export const CapturePayment = Type.Object(
  {
    amount: Type.Optional(Amount('How much; all that can still be captured unless given')),
    final: Type.Optional(
      Type.Boolean({ description: 'Whether this is the last capture: what is not captured then is released' }),
    ),
  },
  { title: 'CapturePayment', additionalProperties: false },
)
export type CapturePayment = Static<typeof CapturePayment>

export const VoidPayment = Type.Object({}, { additionalProperties: false })
export type VoidPayment = Static<typeof VoidPayment>

const Reason = Type.String({
  minLength: 1,
  maxLength: LIMITS.reasonCharsMax,
  description: 'Why, for people; nothing personal, since it can never be erased',
  examples: ['damaged in transit'],
})

export const RefundPayment = Type.Object(
  {
    amount: Type.Optional(Amount('How much; all that can still be refunded unless given')),
    reason: Type.Optional(Reason),
  },
  { title: 'RefundPayment', additionalProperties: false },
)
export type RefundPayment = Static<typeof RefundPayment>

export const SubmitEvidence = Type.Object(
  {
    evidence: Type.Record(
      Type.String({ pattern: '^[a-z][a-z0-9_]{0,59}$' }),
      Type.String({ minLength: 1, maxLength: LIMITS.evidenceCharsMax }),
      {
        additionalProperties: false,
        minProperties: 1,
        maxProperties: LIMITS.evidenceTextsMax,
        description: 'Texts by name, as the processor knows the names; stored encrypted',
        examples: [{ product_description: 'A chair', shipping_tracking_number: '1Z999' }],
      },
    ),
  },
  { title: 'SubmitEvidence', additionalProperties: false },
)
export type SubmitEvidence = Static<typeof SubmitEvidence>

export const ResolveOperation = Type.Object(
  {
    decision: Type.Enum([...REVIEW_DECISIONS], {
      description:
        'succeeded or failed: what became of it, as the processor shows or says; ask_again: Fanfold asks the processor once more',
    }),
    amount: Type.Optional(Amount('Of an authorization that succeeded in part: how much')),
    reference: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'What the processor calls what was done' }),
    ),
    note: Type.String({
      minLength: 1,
      maxLength: LIMITS.reasonCharsMax,
      description: 'How you know, for those who read the history; nothing personal, since it can never be erased',
    }),
  },
  { title: 'ResolveOperation', additionalProperties: false },
)
export type ResolveOperation = Static<typeof ResolveOperation>

const OperationKindSchema = Type.Enum(['authorize', 'increment', 'capture', 'void', 'refund', 'evidence'])

const PendingOperation = Type.Object(
  {
    op_id: Type.String({ description: 'Id of the operation; the processor knows it as the idempotency key' }),
    kind: OperationKindSchema,
    amount: Sum('What was asked for'),
    status: Type.Enum(['requested', 'unknown', 'review'], {
      description:
        'requested: under way; unknown: no clear answer yet, Fanfold keeps asking; review: only a person can find out',
    }),
    requested_at: Time('When it was asked for'),
  },
  { title: 'PendingOperation', description: 'A call to the processor whose outcome is not known yet' },
)

const PaymentError = Type.Object(
  {
    code: Type.String({ description: 'Code of the processor', examples: ['insufficient_funds'] }),
    message: Type.String(),
    op_id: Type.String(),
    advice: Type.Optional(
      Type.Enum([...DECLINE_ADVICE], {
        description: 'Of a decline: try the same again later, use another method, or do not try again',
      }),
    ),
  },
  { title: 'PaymentError' },
)

export const PaymentDispute = Type.Object(
  {
    dispute_id: Type.String({ description: 'Id of the dispute at the processor' }),
    amount: Sum('What the bank asks back'),
    reason: Type.String({ examples: ['fraudulent'] }),
    status: Type.Enum([...DISPUTE_STATUSES]),
    evidence_due_by: nullable(Type.String(), 'Until when evidence is looked at'),
    opened_at: Time('When it was recorded'),
    updated_at: Time('When it last changed'),
  },
  { title: 'PaymentDispute', description: 'Money that the bank of the payer asks back' },
)

export const OperationDocument = Type.Object(
  {
    op_id: Type.String({ description: 'Id of the operation; the processor knows it as the idempotency key' }),
    payment_intent_id: Type.String(),
    kind: OperationKindSchema,
    amount: Sum('What was asked for'),
    processor: Type.String(),
    status: Type.Enum([...OPERATION_STATUSES]),
    reference: nullable(Type.String(), 'What the processor calls it, as far as it said so'),
    attempts: Type.Integer({ description: 'How often the processor was asked what became of it' }),
    requested_at: Time('When it was asked for'),
    next_check_at: nullable(Type.String(), 'When the worker asks next; null when it is finished'),
  },
  { title: 'PaymentOperation', description: 'One call to a processor' },
)
export type OperationDocument = Static<typeof OperationDocument>

const RequiredAction = Type.Object(
  { type: Type.String({ examples: ['redirect'] }), url: Type.Optional(Type.String()) },
  { title: 'RequiredAction', description: 'What the buyer must do now' },
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
    disputed: Sum('What disputes that are open or lost hold back'),
    customer_id: nullable(Type.String(), 'Who pays'),
    order_id: nullable(Type.String(), 'The order that is paid'),
    payment_method: Type.Object({
      type: Type.String(),
      token: Type.String(),
      tokens: Type.Optional(Type.Record(Type.String(), Type.String())),
      brand: Type.Optional(Type.String()),
      last4: Type.Optional(Type.String()),
    }),
    capture_method: Type.Enum(['automatic', 'manual']),
    processor: Type.String({ description: 'Name of the payment processor that was asked last, or will be first' }),
    route: Type.Array(Type.String(), { description: 'Processors in the order in which they are tried' }),
    authorized_until: nullable(Type.String(), 'Until when it can be captured, where the processor says so'),
    billing_details: nullable(BillingDetails, 'Who pays; null when nothing was given, or it can not be shown'),
    personal_data: Type.Optional(
      Type.Enum(['erased', 'locked', 'damaged'], {
        description:
          'Why billing details that were given are not shown: erased for good, under a key that is not here, or changed in the database',
      }),
    ),
    metadata: Type.Record(Type.String(), Type.String()),
    disputes: Type.Array(PaymentDispute, { description: 'In the order in which they were opened' }),
    created_at: Time('When it was created'),
    updated_at: Time('When its last event was recorded'),
    last_error: Type.Optional(PaymentError),
    next_action: Type.Optional(RequiredAction),
    pending_operation: Type.Optional(PendingOperation),
    actions: Type.Optional(actionsSchema('PaymentAction', PAYMENT_ACTIONS)),
  },
  {
    title: 'Payment',
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
  { title: 'PaymentEvent', description: 'A fact of a payment' },
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
  'dispute',
  'dispute_won',
  'dispute_lost',
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
  DISPUTE_OPENED: 'dispute',
  DISPUTE_WON: 'dispute_won',
  DISPUTE_LOST: 'dispute_lost',
  INCREMENTED: 'authorization',
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
  { title: 'Transaction', description: 'One entry of the transaction history of a customer' },
)
export type Transaction = Static<typeof Transaction>

export const pageOf = <Schema extends Type.TSchema>(item: Schema) =>
  Type.Object({
    items: Type.Array(item),
    next_cursor: Type.Optional(Type.String({ description: 'Cursor of the next page; absent at the end' })),
  })
