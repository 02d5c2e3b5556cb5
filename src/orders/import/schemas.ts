import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { amount, currency, day, externalId, name, units } from '../fields.ts'

/** Documents of a file of our own kind; members that are not named here are passed over. */
const orderNumber = Type.String({ minLength: 1, maxLength: LIMITS.nameCharsMax, pattern: '\\S' })
const time = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T[\\d:.]{5,20}(Z|[+-]\\d{2}:\\d{2})$',
  errorMessage: 'must be a time such as 2026-03-01T09:30:00Z',
})
const words = Type.String({ maxLength: LIMITS.nameCharsMax })

const ImportedAddress = Type.Object({
  name: Type.Optional(words),
  line1: Type.Optional(words),
  line2: Type.Optional(words),
  city: name('City', 'New York'),
  region: Type.Optional(words),
  postal_code: Type.Optional(words),
  country: name('Country', 'US'),
})

const ImportedItem = Type.Object({
  product_id: externalId('The product', 'camera-7'),
  location_id: Type.Optional(externalId('Where it was sent from', 'main')),
  sku: Type.Optional(name('Stock keeping unit', 'CAM-7')),
  product_name: name('What it was called', 'Camera 7'),
  product_category: name('Its category', 'Electronics'),
  quantity: units('Units', LIMITS.quantityMax, 1),
  price_at_time_of_purchase: amount('Price of one unit'),
  discount: Type.Optional(amount('Discount on the line')),
  tax_included: Type.Optional(amount('Tax inside the price')),
  tax: Type.Optional(amount('Tax on the line')),
  amount: Type.Optional(amount('What the line brought without tax')),
  quantity_cancelled: Type.Optional(Type.Integer()),
  quantity_returned: Type.Optional(Type.Integer()),
})

export const ImportedOrderDocument = Type.Object({
  order_number: orderNumber,
  order_date: time,
  business_day: Type.Optional(day('The day of the store')),
  time_zone: Type.Optional(words),
  customer_id: externalId('Who ordered', 'ada'),
  customer_name: Type.Optional(words),
  status: Type.Optional(Type.String()),
  payment_status: Type.Optional(Type.String()),
  currency,
  prices_include_tax: Type.Optional(Type.Boolean()),
  shipping_total: Type.Optional(amount('Cost of shipping, without tax')),
  shipping_tax: Type.Optional(amount('Tax on shipping')),
  total_price: Type.Optional(amount('What was paid')),
  cancelled_total: Type.Optional(Type.Integer()),
  returned_total: Type.Optional(Type.Integer()),
  refunded_total: Type.Optional(Type.Integer()),
  shipping_address_id: Type.Optional(words),
  shipping_address: ImportedAddress,
  adjustments: Type.Optional(
    Type.Array(
      Type.Object({
        kind: Type.Enum(['discount', 'shipping', 'tax']),
        label: Type.String(),
        code: Type.Optional(Type.String()),
        rate: Type.Optional(Type.String()),
        line_no: Type.Optional(Type.Integer()),
        amount: amount('How much'),
      }),
    ),
  ),
  tax_rules: Type.Optional(
    Type.Array(
      Type.Object({
        label: Type.String(),
        rate: Type.String(),
        product_category: Type.Optional(Type.String()),
        product_id: Type.Optional(Type.String()),
        shipping: Type.Optional(Type.Boolean()),
      }),
    ),
  ),
  billing: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  gift: Type.Optional(
    Type.Object({
      message: Type.Optional(Type.String({ maxLength: LIMITS.giftCharsMax })),
      from: Type.Optional(words),
      to: Type.Optional(words),
      wrap: Type.Optional(Type.Boolean()),
    }),
  ),
  note: Type.Optional(Type.String({ maxLength: LIMITS.giftCharsMax })),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  items: Type.Array(ImportedItem, { minItems: 1, maxItems: LIMITS.importedLinesMax }),
})
export type ImportedOrderDocument = Static<typeof ImportedOrderDocument>

export const ImportedProductDocument = Type.Object({
  product_id: externalId('The id', 'camera-7'),
  sku: Type.Optional(name('Stock keeping unit; the id if left out', 'CAM-7')),
  name: name('What it is called', 'Camera 7'),
  category: name('The category of the sales report', 'Electronics'),
  price: amount('Price of one unit'),
  currency,
  prices: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Z]{3}$' }), amount('Price of one unit'))),
  active: Type.Optional(Type.Boolean()),
  stock: Type.Optional(
    Type.Union([
      units('Units on hand at location_id', LIMITS.stockMax),
      Type.Record(Type.String(), units('Units on hand at a location', LIMITS.stockMax)),
    ]),
  ),
  location_id: Type.Optional(externalId('Where the units of `stock` are; main if left out', 'main')),
})
export type ImportedProductDocument = Static<typeof ImportedProductDocument>

export const ImportedCustomerDocument = Type.Object({
  customer_id: externalId('The id', 'ada'),
  name: name('Name', 'Ada Lovelace'),
  email: Type.Optional(
    Type.String({ maxLength: 254, pattern: '^[^@\\s]+@[^@\\s]+$', errorMessage: 'must be an e-mail address' }),
  ),
  guest: Type.Optional(Type.Boolean()),
  created_at: Type.Optional(time),
  addresses: Type.Optional(
    Type.Array(Type.Intersect([ImportedAddress, Type.Object({ address_id: externalId('The id', 'adr_1') })])),
  ),
})
export type ImportedCustomerDocument = Static<typeof ImportedCustomerDocument>
