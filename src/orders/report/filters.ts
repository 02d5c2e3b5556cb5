import { invalidField } from '../../core/errors.ts'
import type { SalesFactQuery } from '../ports.ts'
import { isDay } from './calendar.ts'
import type { SalesFactsQuery } from './schemas.ts'

/** What reading the report and reading its facts are asked for alike. Throws `invalid_input`. */
export function checkDays({ from, to }: SalesFactsQuery): void {
  for (const [field, value] of Object.entries({ from, to })) {
    if (value !== undefined && !isDay(value)) {
      throw invalidField(`query/${field}`, 'must be a day of the calendar, of the years 1000 to 9998')
    }
  }
  if (from !== undefined && to !== undefined && from > to) throw invalidField('query/from', 'must not be after to')
}

/** The filters, as the store is asked. */
export function filtersOf(input: SalesFactsQuery): SalesFactQuery {
  return {
    productCategory: input.product_category,
    productId: input.product_id,
    shippingCity: input.shipping_city,
    shippingRegion: input.shipping_region,
    shippingCountry: input.shipping_country,
    kind: input.kind,
    currency: input.currency,
    from: input.from,
    to: input.to,
    dayOf: input.day_of ?? 'sale_day',
  }
}
