import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { DISPUTE_STATUSES } from '../model/state.ts'
import { PAYMENT_DIMENSIONS } from '../ports/views.ts'
import { PaymentDispute } from '../schemas.ts'

/** The shapes of what is read of many payments: disputes, the ledger, and figures of days. */
const strict = { additionalProperties: false } as const
const listOf = (names: readonly string[], description: string, example: string) =>
  Type.String({
    pattern: `^(${names.join('|')})(,(${names.join('|')}))*$`,
    errorMessage: `must be some of ${names.join(', ')}, separated by commas`,
    description: `${description}: any of ${names.join(', ')}, separated by commas`,
    examples: [example],
  })
const Processor = Type.String({
  pattern: '^[a-z0-9_]{1,40}$',
  description: 'Name of a processor',
  examples: ['stripe'],
})
const Currency = Type.String({
  pattern: '^[A-Z]{3}$',
  errorMessage: 'must be an ISO 4217 code in capitals',
  description: 'ISO 4217 code',
  examples: ['USD'],
})
const Day = (description: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d{2}-\\d{2}$',
    errorMessage: 'must be a day such as 2026-03-01',
    description: `${description} (YYYY-MM-DD, UTC)`,
    examples: ['2026-03-01'],
  })
const Amount = (description: string) => Type.Integer({ description: `${description}, in minor units` })
const Count = (description: string) => Type.Integer({ description })
const Time = (description: string) => Type.String({ format: 'date-time', description })
const Id = (description: string) => Type.String({ minLength: 1, maxLength: 64, description })

export const DisputeQuery = Type.Object(
  {
    status: Type.Optional(listOf(DISPUTE_STATUSES, 'Those that are not closed unless given', 'needs_response')),
    processor: Type.Optional(Processor),
    due_before: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d\\d-\\d\\dT',
        errorMessage: 'must be an RFC 3339 time',
        maxLength: 40,
        description: 'Only those whose evidence is due before this time',
        examples: ['2026-03-01T00:00:00Z'],
      }),
    ),
  },
  strict,
)
export type DisputeQuery = Static<typeof DisputeQuery>

const nullableText = (description: string) => Type.Union([Type.String(), Type.Null()], { description })

export const DisputeDocument = Type.Object(
  {
    payment_intent_id: Type.String(),
    ...PaymentDispute.properties,
    currency: Type.String(),
    processor: Type.String({ description: 'The processor that told of it' }),
    customer_id: nullableText('Who paid'),
    order_id: nullableText('The order that was paid'),
  },
  { title: 'Dispute', description: 'A dispute, as the read model has it: a moment behind' },
)
export type DisputeDocument = Static<typeof DisputeDocument>

export const LedgerAccountsQuery = Type.Object({ currency: Type.Optional(Currency) }, strict)
export type LedgerAccountsQuery = Static<typeof LedgerAccountsQuery>

export const LedgerAccount = Type.Object(
  {
    account: Type.String({ examples: ['processor:stripe'] }),
    kind: Type.Enum(['asset', 'income', 'expense']),
    about: Type.String({ description: 'What the account holds' }),
    currency: Type.String(),
    debit: Amount('Sum of its debits'),
    credit: Amount('Sum of its credits'),
    balance: Amount('Debit less credit; of income it is negative'),
  },
  { title: 'LedgerAccount', description: 'An account in one currency' },
)
export type LedgerAccount = Static<typeof LedgerAccount>

export const LedgerAccounts = Type.Object({ items: Type.Array(LedgerAccount) }, { title: 'LedgerAccounts' })
export type LedgerAccounts = Static<typeof LedgerAccounts>

export const LedgerEntriesQuery = Type.Object(
  {
    account: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'Entries of this account',
        examples: ['processor:stripe'],
      }),
    ),
    payment_intent_id: Type.Optional(Id('Entries of this payment')),
  },
  strict,
)
export type LedgerEntriesQuery = Static<typeof LedgerEntriesQuery>

export const LedgerEntryDocument = Type.Object(
  {
    payment_intent_id: Type.String(),
    shard: Type.Integer({ description: 'Shard of the log of payments' }),
    event_id: Type.String({ description: 'The event that is posted, by its number in its shard' }),
    line: Type.Integer({ description: 'Number of the line in the posting, from 0' }),
    account: Type.String(),
    currency: Type.String(),
    amount: Amount('Debits are positive, credits negative'),
    timestamp: Time('When the event was recorded'),
  },
  { title: 'LedgerEntry', description: 'One line of a posting; the lines of an event add up to 0' },
)
export type LedgerEntryDocument = Static<typeof LedgerEntryDocument>

export const PaymentFiguresQuery = Type.Object(
  {
    from: Type.Optional(Day('First day')),
    to: Type.Optional(Day('Last day, included')),
    group_by: Type.Optional(listOf(PAYMENT_DIMENSIONS, 'Rows by these; one for all unless given', 'day,currency')),
    currency: Type.Optional(Currency),
    processor: Type.Optional(Processor),
  },
  strict,
)
export type PaymentFiguresQuery = Static<typeof PaymentFiguresQuery>

const SuccessRate = Type.Union([Type.Number(), Type.Null()], {
  description: 'authorized / (authorized + declined), to four digits; null when nothing was asked',
})

export const PaymentFiguresRow = Type.Object(
  {
    day: Type.Optional(Type.String({ description: 'YYYY-MM-DD, UTC' })),
    processor: Type.Optional(Type.String()),
    currency: Type.String(),
    created: Count('Payments created'),
    authorized: Count('Authorizations that succeeded, at least in part'),
    declined: Count('Authorizations that were declined, each try for itself'),
    success_rate: SuccessRate,
    captures: Count('Captures'),
    captured_amount: Amount('What was captured'),
    refunds: Count('Refunds, less those that came back'),
    refunded_amount: Amount('What was refunded, less what came back'),
    disputes: Count('Disputes opened'),
    disputed_amount: Amount('What was asked back by disputes that were opened'),
  },
  { title: 'PaymentFiguresRow', description: 'Each fact counts on the day on which it was recorded' },
)
export type PaymentFiguresRow = Static<typeof PaymentFiguresRow>

export const PaymentFigures = Type.Object(
  {
    rows: Type.Array(PaymentFiguresRow, {
      description: `In order of day, currency, processor; at most ${LIMITS.reportRowsMax}`,
    }),
    success_rate: SuccessRate,
    fresh_as_of: Time('Everything recorded before this moment is in the figures'),
    lag_events: Type.Integer({ description: 'Events that are not in the figures yet' }),
  },
  { title: 'PaymentFigures', description: 'Figures of payments by day, currency and processor' },
)
export type PaymentFigures = Static<typeof PaymentFigures>
