import Type, { type Static } from 'typebox'
import { loadMapping } from '../../core/mapping.ts'
import { validator } from '../../core/schema.ts'
import { SETTLEMENT_TYPES, type SettlementType } from '../ports/settlements.ts'

const column = (what: string) => Type.String({ minLength: 1, description: `Column with ${what}` })
const words = Type.Array(Type.String({ minLength: 1 }), { description: 'What the file calls it; small letters' })

/** How the columns of a settlement file are read. Given as the name of a built-in mapping, or as a JSON file of this shape. */
export const SettlementMapping = Type.Object(
  {
    encoding: Type.Optional(Type.Enum(['utf-8', 'latin1'], { description: 'Encoding of the file; utf-8 if left out' })),
    delimiter: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1, description: 'Between columns; a comma if left out' }),
    ),
    amounts: Type.Optional(
      Type.Enum(['minor', 'decimal'], { description: 'minor units (if left out), or decimals in major units' }),
    ),
    columns: Type.Object(
      {
        type: column('what the line tells of'),
        reference: Type.Optional(column('what the processor calls the capture, the refund or the dispute')),
        op_id: Type.Optional(column('the id of the operation, where the processor hands it back')),
        amount: column('the amount before fees'),
        currency: column('the ISO 4217 code, in any case'),
        fee: Type.Optional(column('what the processor kept of it')),
        occurred_at: column('when it happened: RFC 3339, or a date with or without a time, in UTC'),
        payout_id: Type.Optional(column('the payout that it is part of')),
      },
      { additionalProperties: false },
    ),
    types: Type.Optional(
      Type.Object(Object.fromEntries(SETTLEMENT_TYPES.map((type) => [type, Type.Optional(words)])), {
        additionalProperties: false,
        description: 'Other words than our own for the types; what is named by none is a bad row',
      }),
    ),
  },
  { additionalProperties: false, description: 'Mapping of a CSV file to settlement lines' },
)
export type SettlementMapping = Static<typeof SettlementMapping>

/** Mappings by name. `stripe`: its report `balance_change_from_activity.itemized`. */
export const SETTLEMENT_MAPPINGS: Readonly<Record<string, SettlementMapping>> = {
  fanfold: {
    columns: {
      type: 'type',
      reference: 'reference',
      op_id: 'op_id',
      amount: 'amount',
      currency: 'currency',
      fee: 'fee',
      occurred_at: 'occurred_at',
      payout_id: 'payout_id',
    },
  },
  stripe: {
    amounts: 'decimal',
    columns: {
      type: 'reporting_category',
      reference: 'source_id',
      amount: 'gross',
      currency: 'currency',
      fee: 'fee',
      occurred_at: 'created_utc',
      payout_id: 'automatic_payout_id',
    },
    types: { refund_reversal: ['refund_failure'], payout: ['payout_reversal'], adjustment: ['other_adjustment'] },
  },
}

const checkMapping = validator(SettlementMapping)

/** A built-in mapping by its name, or the one in a JSON file. Throws `invalid_input`. */
export function loadSettlementMapping(nameOrFile: string): Promise<SettlementMapping> {
  return loadMapping(nameOrFile, SETTLEMENT_MAPPINGS, checkMapping)
}

/** The type that each word of the file means. */
export function typesByWord({ types = {} }: SettlementMapping): ReadonlyMap<string, SettlementType> {
  const named = types as Readonly<Record<string, readonly string[] | undefined>>
  return new Map(
    SETTLEMENT_TYPES.flatMap((type) => [type, ...(named[type] ?? [])].map((word) => [word, type] as const)),
  )
}
