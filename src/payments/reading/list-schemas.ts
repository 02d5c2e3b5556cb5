import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { OPERATION_STATUSES, PAYMENT_STATUSES } from '../model/state.ts'
import { Payment, pageOf } from '../schemas.ts'
import { FINDING_KINDS } from '../verify/findings.ts'

/** Payments that wait for a person, whatever their status. */
const WAITING = ['review', 'needs_response'] as const

const Moment = (description: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d{2}-\\d{2}(T[\\d:.]{5,20}(Z|[+-]\\d{2}:\\d{2}))?$',
    errorMessage: 'must be a day such as 2026-03-01, or a time such as 2026-03-01T09:30:00Z',
    description,
    examples: ['2026-03-01'],
  })

const Id = (description: string) =>
  Type.String({
    pattern: `^[A-Za-z0-9_.:-]{1,${LIMITS.externalIdCharsMax}}$`,
    errorMessage: `must be 1 to ${LIMITS.externalIdCharsMax} characters of A-Z a-z 0-9 _ . : -`,
    description,
  })

/** What operations are listed by; without anything, those in review. */
export const ListOperations = Type.Object(
  {
    status: Type.Optional(
      Type.Enum([...OPERATION_STATUSES], {
        description: 'Only operations with this status; review unless a payment is given',
      }),
    ),
    payment_intent_id: Type.Optional(Id('Only operations of this payment, whatever their status unless one is given')),
  },
  { additionalProperties: false },
)
export type ListOperations = Static<typeof ListOperations>

/** What the facts of a payment are listed by. */
export const ListPaymentEvents = Type.Object(
  { op_id: Type.Optional(Id('Only facts about this call to the processor')) },
  { additionalProperties: false },
)
export type ListPaymentEvents = Static<typeof ListPaymentEvents>

/** What payments are listed by; all that is given must hold. */
export const ListPayments = Type.Object(
  {
    status: Type.Optional(
      Type.Enum([...PAYMENT_STATUSES, ...WAITING], {
        description:
          'Only payments with this status; review: those with an operation whose outcome only a person can find out; needs_response: those with a dispute that asks for evidence',
      }),
    ),
    customer_id: Type.Optional(Id('Only payments of this customer')),
    order_id: Type.Optional(Id('Only payments of this order')),
    processor: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9_]{1,40}$',
        errorMessage: 'must be the name of a processor',
        description: 'Only payments at this processor: that was asked last, or will be first',
        examples: ['stripe'],
      }),
    ),
    created_from: Type.Optional(Moment('Only payments created on this day (UTC) or later, or at this time or later')),
    created_to: Type.Optional(Moment('Only payments created up to the end of this day (UTC), or before this time')),
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        pattern: '^[\\x21-\\x7e]+$',
        errorMessage: 'must be an id of 1 to 255 characters without blanks',
        description: 'Only payments with exactly this payment_intent_id, order_id, or reference of the processor',
        examples: ['pi_0006f0q2rk5z8v1c3d7m9t4xw'],
      }),
    ),
  },
  { additionalProperties: false },
)
export type ListPayments = Static<typeof ListPayments>

const { billing_details: _details, personal_data: _data, actions: _actions, ...summary } = Payment.properties
export const PaymentSummary = Type.Object(summary, {
  title: 'PaymentSummary',
  description: 'A payment without what is personal, as the read model has it: a moment behind',
})
export type PaymentSummary = Static<typeof PaymentSummary>
export const PaymentPage = pageOf(PaymentSummary)

export const PaymentCheck = Type.Object(
  {
    payment_intent_id: Type.String(),
    ok: Type.Boolean({ description: 'Whether nothing was found' }),
    events: Type.Integer({ description: 'How many events were checked' }),
    findings: Type.Array(
      Type.Object({
        kind: Type.Enum([...FINDING_KINDS], {
          description:
            'Where: the events and the hashes that chain them, the head that they are added behind, or what is kept beside them',
        }),
        message: Type.String({ description: 'What is not as it must be' }),
      }),
    ),
    checked_at: Type.String({ format: 'date-time', description: 'When it was read, all at one moment' }),
  },
  { title: 'PaymentCheck', description: 'What was found about one payment' },
)
export type PaymentCheck = Static<typeof PaymentCheck>
