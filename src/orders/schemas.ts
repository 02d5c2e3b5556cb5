import Type, { type Static } from 'typebox'
import { LIMITS } from '../core/limits.ts'
import { AddressDocument, AddressInput, PriceDocument, ProductDocument } from './catalogue-schemas.ts'
import { amount, currency, day, externalId, name, orderId, strict, time, units, version } from './fields.ts'
import { FULFILLMENT_STATUSES, ORDER_STATUSES, PAYMENT_STATUSES } from './order.ts'
import { SALES_DIMENSIONS } from './ports.ts'

export * from './catalogue-schemas.ts'

/** The documents of the order model: one schema each for validation, serialisation, OpenAPI and the TypeScript type. */
// Orders.

export const PlaceOrder = Type.Object(
  {
    customer_id: externalId('Who orders', 'ada'),
    shipping_address_id: Type.Optional(
      Type.String({ maxLength: 64, description: 'One of the addresses of the customer' }),
    ),
    shipping_address: Type.Optional(AddressInput),
    items: Type.Array(
      Type.Object(
        { product_id: externalId('What is ordered', 'camera-7'), quantity: units('How many', LIMITS.quantityMax, 1) },
        strict,
      ),
      {
        minItems: 1,
        maxItems: LIMITS.orderLinesMax,
        description: 'What is ordered; items of one product are put together',
      },
    ),
    expected_total: Type.Optional(
      amount('The total that was shown to the customer; another one is refused with price_changed'),
    ),
    currency: Type.Optional(currency),
    metadata: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 500 }), {
        maxProperties: 20,
        description: 'Up to 20 texts of your own',
      }),
    ),
  },
  strict,
)
export type PlaceOrder = Static<typeof PlaceOrder>

export const OrderItem = Type.Object(
  {
    line_item_id: Type.String({ description: 'The id of the line' }),
    product_id: Type.String({ description: 'What was ordered' }),
    sku: Type.String({ description: 'As it was at the time of purchase' }),
    product_name: Type.String({ description: 'As it was at the time of purchase' }),
    product_category: Type.String({ description: 'As it was at the time of purchase' }),
    quantity: Type.Integer({ description: 'Units ordered' }),
    price_at_time_of_purchase: Type.Integer({ description: 'Price of one unit, in minor units' }),
    discount: Type.Integer({ description: 'Discount on the whole line, in minor units' }),
    amount: Type.Integer({
      description: 'What the line costs without tax: price * quantity - discount, in minor units',
    }),
    tax: Type.Integer({ description: 'Tax on the line, in minor units' }),
    quantity_shipped: Type.Integer({ description: 'Units shipped' }),
    quantity_cancelled: Type.Integer({ description: 'Units cancelled' }),
    quantity_returned: Type.Integer({ description: 'Units returned' }),
  },
  { description: 'A line of an order' },
)
export type OrderItem = Static<typeof OrderItem>

const OrderAddress = Type.Object(
  {
    name: Type.Optional(Type.String()),
    line1: Type.Optional(Type.String()),
    line2: Type.Optional(Type.String()),
    city: Type.String(),
    region: Type.Optional(Type.String()),
    postal_code: Type.Optional(Type.String()),
    country: Type.String(),
  },
  { description: 'The address as it was when the order was placed' },
)

export const OrderDocument = Type.Object(
  {
    order_id: orderId,
    order_number: Type.String({ description: 'The number people use; the id unless it was imported' }),
    customer_id: Type.String({ description: 'Who ordered' }),
    status: Type.Enum([...ORDER_STATUSES], { description: 'Where the order stands' }),
    payment_status: Type.Enum([...PAYMENT_STATUSES], {
      description: 'What the payments say; refund_due: money is held for a cancelled order, or too much of it',
    }),
    fulfillment_status: Type.Enum([...FULFILLMENT_STATUSES], { description: 'Where the goods are' }),
    currency,
    subtotal: Type.Integer({ description: 'Sum of the lines, in minor units' }),
    shipping_total: Type.Integer({ description: 'Cost of shipping, in minor units' }),
    tax_total: Type.Integer({ description: 'Taxes, in minor units' }),
    total_price: Type.Integer({ description: 'What is to be paid, in minor units' }),
    paid_total: Type.Integer({ description: 'Captured by payments so far, in minor units' }),
    refunded_total: Type.Integer({ description: 'Given back so far, in minor units' }),
    items: Type.Array(OrderItem, { description: 'The lines' }),
    shipping_address_id: Type.Optional(Type.String({ description: 'The address it was copied from' })),
    shipping_address: OrderAddress,
    metadata: Type.Record(Type.String(), Type.String(), { description: 'Texts of your own' }),
    origin: Type.Enum(['api', 'import'], { description: 'Whether it was placed here or imported' }),
    order_date: time('When it was placed'),
    business_day: day('The day of the store on which it was placed'),
    time_zone: Type.String({ description: 'Time zone of the store at that time', examples: ['America/New_York'] }),
    version,
    updated_at: time('When it was changed last'),
  },
  { description: 'An order' },
)
export type OrderDocument = Static<typeof OrderDocument>

export const ShipOrder = Type.Object({}, strict)
export type ShipOrder = Static<typeof ShipOrder>
export const DeliverOrder = Type.Object({}, strict)
export type DeliverOrder = Static<typeof DeliverOrder>
export const CancelOrder = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LIMITS.reasonCharsMax,
        description: 'Why; kept in the history',
        examples: ['changed my mind'],
      }),
    ),
  },
  strict,
)
export type CancelOrder = Static<typeof CancelOrder>

const payment = {
  order_id: orderId,
  payment_intent_id: externalId('The payment', 'pi_01'),
  currency,
  occurred_at: Type.Optional(
    Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}T[\\d:.]{5,20}Z$',
      errorMessage: 'must be a time such as 2026-03-01T09:30:00Z',
      description: 'When the payment model saw it (RFC 3339, UTC)',
    }),
  ),
}

export const RecordPayment = Type.Object(
  { ...payment, captured: amount('Captured by this payment so far, in all') },
  strict,
)
export type RecordPayment = Static<typeof RecordPayment>
export const RecordRefund = Type.Object(
  { ...payment, refunded: amount('Given back by this payment so far, in all') },
  strict,
)
export type RecordRefund = Static<typeof RecordRefund>

export const ListOrders = Type.Object(
  {
    customer_id: Type.Optional(externalId('Only orders of this customer', 'ada')),
    status: Type.Optional(Type.Enum([...ORDER_STATUSES], { description: 'Only orders in this status' })),
  },
  strict,
)
export type ListOrders = Static<typeof ListOrders>

export const HistoryDocument = Type.Object(
  {
    version: Type.Integer({ description: 'The version of the order after the event' }),
    event_id: Type.String({ description: 'Number of the event in its shard of the log' }),
    event_type: Type.String({ description: 'What happened', examples: ['ORDER_PAID'] }),
    timestamp: time('When it was written'),
    actor: Type.String({ description: 'Who did it: the id of an API key, or a part of Fanfold' }),
    request_id: Type.Optional(Type.String({ description: 'The request that did it' })),
    details: Type.Record(Type.String(), Type.Unknown(), { description: 'Figures of the event; money in minor units' }),
  },
  { description: 'An event of an order' },
)
export type HistoryDocument = Static<typeof HistoryDocument>

// The report.

const DIMENSIONS = SALES_DIMENSIONS.join('|')

export const SalesReportQuery = Type.Object(
  {
    product_category: Type.Optional(name('Only this category', 'Electronics')),
    shipping_city: Type.Optional(name('Only this city', 'New York')),
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
      Type.Enum(['sale_day', 'booked_day'], {
        description:
          'sale_day: every amount on the day of its order (the default); booked_day: each on the day it was booked',
      }),
    ),
  },
  strict,
)
export type SalesReportQuery = Static<typeof SalesReportQuery>

const figures = {
  price: Type.Integer({ description: 'Sum of the signed amounts without tax, in minor units' }),
  quantity: Type.Integer({ description: 'Units sold, less those taken back' }),
  orders: Type.Integer({ description: 'Orders with units left after cancellations' }),
}

export const SalesReport = Type.Object(
  {
    total: Type.Object(figures),
    rows: Type.Array(
      Type.Object({
        day: Type.Optional(Type.String({ description: 'YYYY-MM-DD' })),
        month: Type.Optional(Type.String({ description: 'YYYY-MM' })),
        category: Type.Optional(Type.String()),
        city: Type.Optional(Type.String()),
        ...figures,
      }),
      { description: 'One row per group, ascending; empty without group_by' },
    ),
    currency: Type.Union([Type.String(), Type.Null()], {
      description: 'Currency of every amount; null when nothing was sold',
    }),
    fresh_as_of: time('Everything written before this moment is in the figures'),
  },
  { description: 'The sales report' },
)
export type SalesReport = Static<typeof SalesReport>

// Pages.

const pageSchema = <Item extends Type.TSchema>(item: Item, what: string) =>
  Type.Object(
    {
      items: Type.Array(item),
      next_cursor: Type.Optional(Type.String({ description: 'Cursor of the next page; absent at the end' })),
    },
    { description: what },
  )

export const ProductPage = pageSchema(ProductDocument, 'Products, by id')
export const PricePage = pageSchema(PriceDocument, 'Prices, newest first')
export const AddressPage = pageSchema(AddressDocument, 'Addresses')
export const OrderPage = pageSchema(OrderDocument, 'Orders, newest first')
export const HistoryPage = pageSchema(HistoryDocument, 'Events, oldest first')
