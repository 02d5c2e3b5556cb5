import Type from 'typebox'
import { LIMITS } from '../core/limits.ts'

/** Fields that the documents of the order model share. */
export const strict = { additionalProperties: false } as const

export const externalId = (what: string, example: string) =>
  Type.String({
    pattern: `^[A-Za-z0-9_.:-]{1,${LIMITS.externalIdCharsMax}}$`,
    errorMessage: `must be 1 to ${LIMITS.externalIdCharsMax} characters of A-Z a-z 0-9 _ . : -`,
    description: what,
    examples: [example],
  })

export const orderId = Type.String({
  description: 'The order, a decimal number of up to 19 digits',
  examples: ['2170815209472004096'],
})

export const amount = (what: string) =>
  Type.Integer({
    minimum: 0,
    maximum: Number(LIMITS.amountMinorMax),
    description: `${what}, in minor units`,
    examples: [1999],
  })

export const name = (what: string, example: string) =>
  Type.String({
    minLength: 1,
    maxLength: LIMITS.nameCharsMax,
    pattern: '\\S',
    description: what,
    examples: [example],
    errorMessage: `must have 1 to ${LIMITS.nameCharsMax} characters and not be blank`,
  })

export const currency = Type.String({
  pattern: '^[A-Z]{3}$',
  errorMessage: 'must be an ISO 4217 code in capitals, such as "USD"',
  description: 'ISO 4217 currency code',
  examples: ['USD'],
})

export const time = (what: string) =>
  Type.String({ description: `${what} (RFC 3339, UTC)`, examples: ['2026-03-01T09:30:00.000Z'] })

export const day = (what: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d{2}-\\d{2}$',
    errorMessage: 'must be a day such as 2026-03-01',
    description: `${what} (YYYY-MM-DD, in the time zone of the store)`,
    examples: ['2026-03-01'],
  })

export const version = Type.Integer({ description: 'Counts the changes; the ETag' })

export const units = (what: string, maximum: number, minimum = 0) =>
  Type.Integer({ minimum, maximum, description: what, examples: [2] })

/** A page of a list. */
export const page = <Item extends Type.TSchema>(item: Item, what: string) =>
  Type.Object(
    {
      items: Type.Array(item),
      next_cursor: Type.Optional(Type.String({ description: 'Cursor of the next page; absent at the end' })),
    },
    { description: what },
  )
