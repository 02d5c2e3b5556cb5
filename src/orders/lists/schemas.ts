import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { externalId, strict } from '../fields.ts'
import { FULFILLMENT_STATUSES, ORDER_STATUSES, PAYMENT_STATUSES } from '../model/statuses.ts'

const moment = (what: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d{2}-\\d{2}(T[\\d:.]{5,20}(Z|[+-]\\d{2}:\\d{2}))?$',
    errorMessage: 'must be a day such as 2026-03-01, or a time such as 2026-03-01T09:30:00Z',
    description: what,
    examples: ['2026-03-01'],
  })

/** What orders are listed by; all that is given must hold. */
export const ListOrders = Type.Object(
  {
    customer_id: Type.Optional(externalId('Only orders of this customer', 'ada')),
    status: Type.Optional(Type.Enum([...ORDER_STATUSES], { description: 'Only orders in this status' })),
    payment_status: Type.Optional(
      Type.Enum([...PAYMENT_STATUSES], { description: 'Only orders whose payments say this' }),
    ),
    fulfillment_status: Type.Optional(
      Type.Enum([...FULFILLMENT_STATUSES], { description: 'Only orders whose goods are here' }),
    ),
    number: Type.Optional(
      Type.String({ minLength: 1, maxLength: LIMITS.nameCharsMax, description: 'The order with this number' }),
    ),
    placed_from: Type.Optional(
      moment('Only orders placed on this day (of the store) or later, or at this time or later'),
    ),
    placed_to: Type.Optional(
      moment('Only orders placed up to the end of this day (of the store), or before this time'),
    ),
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LIMITS.nameCharsMax,
        description:
          'Only orders that have all these words in their number, customer name, e-mail address, city, skus or product ' +
          `names: whole words, at most ${LIMITS.searchWordsMax}, without regard to case and accents. A new order is found ` +
          'after a moment',
        examples: ['lovelace new york'],
      }),
    ),
  },
  strict,
)
export type ListOrders = Static<typeof ListOrders>
