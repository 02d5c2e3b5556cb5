import Type, { type Static } from 'typebox'
import { SETTLEMENT_RESULTS, SETTLEMENT_TYPES } from '../ports/settlements.ts'

const nullable = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })
const Text = Type.String()
const Whole = Type.Integer()

export const Settlement = Type.Object(
  {
    settlement_id: Type.String({ description: 'Id of the file, made of its processor and its content' }),
    processor: Type.String({ description: 'Name of the payment processor' }),
    file_name: Type.String({ description: 'As it was called when it was first imported' }),
    file_hash: Type.String({ description: 'SHA-256 of its bytes, in hexadecimal' }),
    status: Type.Enum(['importing', 'imported', 'reconciled'], {
      description: 'importing: not read to its end; import it again to go on',
    }),
    from: nullable(Text, 'First day that it is about, UTC; null while importing'),
    to: nullable(Text, 'Last day, included'),
    rows_read: Type.Integer({ description: 'Rows of the file' }),
    rows_bad: Type.Integer({ description: 'Those that were left out' }),
    created_at: Type.String({ format: 'date-time', description: 'When its import began' }),
    reconciled_at: nullable(Text, 'When it was last compared'),
    matched: Type.Integer({ description: 'Lines that are as we have it' }),
    differing: Type.Integer({
      description: 'Lines whose amount, currency or outcome we have otherwise, or that came before',
    }),
    missing: Type.Integer({ description: 'What we have in its days and no file has' }),
    unknown: Type.Integer({ description: 'Lines about what we do not have' }),
    not_compared: Type.Integer({ description: 'Fees, payouts and adjustments' }),
  },
  { title: 'Settlement', description: 'A settlement file of a payment processor, compared with what is recorded here' },
)
export type Settlement = Static<typeof Settlement>

export const SettlementWithTotals = Type.Object(
  {
    ...Settlement.properties,
    totals: Type.Array(
      Type.Object({
        currency: Text,
        type: Type.Enum([...SETTLEMENT_TYPES]),
        lines: Whole,
        amount: Type.Integer({ description: 'Sum of the amounts as the file has them, in minor units' }),
        fee: Type.Integer({ description: 'Sum of the fees, in minor units' }),
      }),
      { description: 'Sums of the lines of the file' },
    ),
  },
  { title: 'SettlementWithTotals', description: 'A settlement file with the sums of its lines' },
)
export type SettlementWithTotals = Static<typeof SettlementWithTotals>

export const SettlementItemDocument = Type.Object(
  {
    result: Type.Enum([...SETTLEMENT_RESULTS]),
    differences: Type.Array(Text, {
      description:
        'What differs: amount, currency, outcome (the file settles what we have as failed, unknown or not over), settled_before (another line, or an earlier file, has settled it)',
    }),
    type: Type.Enum([...SETTLEMENT_TYPES]),
    op_id: nullable(Text, 'The operation'),
    dispute_id: nullable(Text, 'The dispute, of lines about one'),
    payment_intent_id: nullable(Text, 'The payment'),
    expected_amount: nullable(Whole, 'What we have, in minor units'),
    expected_currency: nullable(Text, 'The currency of the payment'),
    line: nullable(Whole, 'Line of the file; null when it lacks the item'),
    reference: nullable(Text, 'What the processor calls it, as the file says'),
    amount: nullable(Whole, 'What the file has, in minor units'),
    currency: nullable(Text, 'The currency in the file'),
    fee: nullable(Whole, 'What the processor kept'),
    payout_id: nullable(Text, 'The payout that it is part of'),
    occurred_at: Type.String({
      format: 'date-time',
      description: 'By the file; of what it lacks, when we asked for it',
    }),
  },
  { title: 'SettlementItem', description: 'A line of a settlement file, or what it lacks, beside what we have' },
)
export type SettlementItemDocument = Static<typeof SettlementItemDocument>
