import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { currency, day, externalId, name, orderId, page, strict, time } from '../fields.ts'
import { SALES_DAYS, SALES_DIMENSIONS, SALES_KINDS, SALES_ORDERS } from '../ports/report.ts'

const DIMENSIONS = SALES_DIMENSIONS.join('|')

export const SalesReportQuery = Type.Object(
  {
    product_category: Type.Optional(
      name('Only this category; that of what is paid for shipping is Shipping', 'Electronics'),
    ),
    product_id: Type.Optional(externalId('Only this product; what is paid for shipping is `shipping`', 'camera-1')),
    shipping_city: Type.Optional(name('Only this city', 'New York')),
    shipping_region: Type.Optional(name('Only this region', 'NY')),
    shipping_country: Type.Optional(name('Only this country', 'US')),
    kind: Type.Optional(
      Type.Enum([...SALES_KINDS], { description: 'Only amounts of this kind; `orders` are then those that have such' }),
    ),
    from: Type.Optional(day('First day')),
    to: Type.Optional(day('Last day, included')),
    group_by: Type.Optional(
      Type.String({
        pattern: `^(${DIMENSIONS})(,(${DIMENSIONS}))*$`,
        errorMessage: `must be some of ${SALES_DIMENSIONS.join(', ')}, separated by commas`,
        description: `Rows by any of ${SALES_DIMENSIONS.join(', ')}, separated by commas`,
        examples: ['month,category'],
      }),
    ),
    currency: Type.Optional(currency),
    day_of: Type.Optional(
      Type.Enum([...SALES_DAYS], {
        description:
          'sale_day: every amount on the day of its order (the default); booked_day: each on the day it was booked',
      }),
    ),
    compare: Type.Optional(
      Type.Enum(['previous'], {
        description:
          'previous: beside each figure that of the period before, which needs `from` and `to`: as many whole months before whole months, else, and by day, as many days',
      }),
    ),
    top: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.reportTopMax,
        description: 'Only so many products, the best first, as if grouped by product',
      }),
    ),
    by: Type.Optional(
      Type.Enum([...SALES_ORDERS], { description: 'What makes a product one of the best; default price' }),
    ),
  },
  strict,
)
export type SalesReportQuery = Static<typeof SalesReportQuery>

const { group_by: _groups, compare: _period, top: _top, by: _by, ...filters } = SalesReportQuery.properties
/** The filters of the report; what is grouped by there is a filter here. */
export const SalesFactsQuery = Type.Object(filters, strict)
export type SalesFactsQuery = Static<typeof SalesFactsQuery>

const figures = {
  price: Type.Integer({ description: 'Sum of the signed amounts without tax, in minor units' }),
  tax: Type.Integer({ description: 'Sum of the signed taxes, in minor units' }),
  quantity: Type.Integer({ description: 'Units sold, less those taken back' }),
  orders: Type.Integer({
    description:
      'Orders that have units left there; by booked_day those that came to have some, less those that have none left',
  }),
}

const compared = {
  previous: Type.Optional(Type.Object(figures, { description: 'The same of the period before' })),
  price_ratio: Type.Optional(
    Type.Union([Type.Number(), Type.Null()], {
      description: 'price / previous.price, to four digits; null where there was nothing before',
    }),
  ),
}

const SalesReportRow = Type.Object(
  {
    day: Type.Optional(Type.String({ description: 'YYYY-MM-DD' })),
    month: Type.Optional(Type.String({ description: 'YYYY-MM' })),
    category: Type.Optional(Type.String()),
    city: Type.Optional(Type.String()),
    product: Type.Optional(Type.String({ description: 'product_id' })),
    product_name: Type.Optional(Type.String({ description: 'What the product is called today' })),
    country: Type.Optional(Type.String()),
    region: Type.Optional(Type.String({ description: 'Empty where addresses have none' })),
    ...figures,
    ...compared,
  },
  { title: 'SalesReportRow' },
)
export type SalesReportRow = Static<typeof SalesReportRow>

export const SalesReport = Type.Object(
  {
    total: Type.Object({ ...figures, ...compared }),
    rows: Type.Array(SalesReportRow, {
      description: 'One row per group, ascending, or the best products; empty without group_by and top',
    }),
    currency: Type.Union([Type.String(), Type.Null()], {
      description: 'Currency of every amount; null when nothing was sold',
    }),
    previous_period: Type.Optional(
      Type.Object({ from: Type.String(), to: Type.String() }, { description: 'Days that were compared with' }),
    ),
    definition_version: Type.Integer({ description: 'Version of what the figures mean; see the documentation' }),
    fresh_as_of: time('Everything written before this moment is in the figures'),
    lag_events: Type.Integer({ description: 'Events of orders that are not in the figures yet' }),
  },
  { title: 'SalesReport', description: 'The sales report' },
)
export type SalesReport = Static<typeof SalesReport>

export const SalesFactDocument = Type.Object(
  {
    day: day('The day that it was asked for by: sale_day or booked_day'),
    sale_day: day('The day of its order'),
    booked_day: day('The day on which it was booked'),
    order_id: orderId,
    event_no: Type.Integer({ description: 'Which entry of the history of its order booked it: its version' }),
    line_no: Type.Integer({ description: 'The line of the order; 0 is shipping' }),
    leg: Type.Integer({ description: 'Counts the amounts of the event' }),
    kind: Type.Enum([...SALES_KINDS], { description: 'What it is; all but sales take back, or move' }),
    product_id: Type.String({ description: 'What was sold; what is paid for shipping is `shipping`' }),
    product_name: Type.String({ description: 'As it was at the time of purchase' }),
    product_category: Type.String({ description: 'As it was at the time of purchase' }),
    quantity: Type.Integer({ description: 'Units, signed' }),
    amount: Type.Integer({ description: 'What it adds to `price` of the report: signed, without tax, in minor units' }),
    tax: Type.Integer({ description: 'Its tax, signed, in minor units' }),
    currency,
    shipping_country: Type.String({ description: 'Where it went' }),
    shipping_region: Type.Optional(Type.String({ description: 'Where it went; absent where the address has none' })),
    shipping_city: Type.String({ description: 'Where it went' }),
    order_date: time('When the order was placed'),
    recorded_at: Type.Optional(time('When its event was recorded; absent when the history lacks it')),
  },
  { title: 'SalesFact', description: 'One signed amount of an event: a row of daily_sales_report' },
)
export type SalesFactDocument = Static<typeof SalesFactDocument>
export const SalesFactPage = page(SalesFactDocument, 'Facts, the last day first')
