import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { AddressInput, emailAddress } from '../catalogue/schemas.ts'
import { amount, currency, externalId, name, strict, units } from '../fields.ts'

const text = (what: string, maxLength: number, example: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '\\S', description: what, examples: [example] })

const locationId = Type.Optional(
  externalId('Where the units are taken from; the first location that has enough unless given', 'main'),
)
const productId = Type.Optional(externalId('Only lines of this product', 'camera-7'))

export const OrderedItem = Type.Object(
  {
    product_id: externalId('What is ordered', 'camera-7'),
    quantity: units('How many', LIMITS.quantityMax, 1),
    location_id: locationId,
  },
  { ...strict, title: 'OrderedItem' },
)
export type OrderedItem = Static<typeof OrderedItem>

const Discount = Type.Object(
  {
    code: Type.Optional(text('The code that brought it', LIMITS.nameCharsMax, 'SPRING')),
    label: Type.Optional(name('What it is called; the code unless given', 'Spring sale')),
    type: Type.Enum(['percentage', 'fixed'], { description: 'How value is meant' }),
    value: Type.Union([Type.Integer(), Type.String({ maxLength: 20 })], {
      description: 'Percent of what is left, as a decimal text (up to "100"), or minor units',
      examples: ['10', 500],
    }),
    target: Type.Optional(
      Type.Enum(['items', 'shipping'], { description: 'What it is taken off; items unless given' }),
    ),
    product_id: productId,
  },
  { title: 'Discount', ...strict, description: 'A discount; each is taken off what those before it have left' },
)
export type Discount = Static<typeof Discount>

const Shipping = Type.Object(
  { label: name('What it is called', 'Parcel'), amount: amount('What it costs') },
  { title: 'ShippingCost', ...strict, description: 'A cost of shipping' },
)

const Tax = Type.Object(
  {
    label: name('What it is called', 'NY sales tax'),
    rate: Type.String({
      pattern: '^\\d{1,3}(\\.\\d{1,6})?$',
      errorMessage: 'must be a percentage such as "8.875", with at most 6 digits behind the point',
      description: 'Percent, a decimal text',
      examples: ['8.875'],
    }),
    product_category: Type.Optional(name('Only lines of this category', 'Electronics')),
    product_id: productId,
    shipping: Type.Optional(Type.Boolean({ description: 'Whether shipping pays it too' })),
  },
  { title: 'Tax', ...strict, description: 'A tax; it is rounded line by line, halves up' },
)

const Billing = Type.Object(
  {
    ...Type.Partial(AddressInput).properties,
    company: Type.Optional(name('Company', 'Analytical Engines Ltd')),
    tax_id: Type.Optional(text('Tax number', LIMITS.nameCharsMax, 'GB123456789')),
    email: Type.Optional(emailAddress),
  },
  { title: 'Billing', ...strict, minProperties: 1, description: 'Whom to bill; kept as it is given' },
)

const Gift = Type.Object(
  {
    message: Type.Optional(text('What to write on the card', LIMITS.giftCharsMax, 'Happy birthday!')),
    from: Type.Optional(name('Who gives it', 'Charles')),
    to: Type.Optional(name('Who gets it', 'Ada')),
    wrap: Type.Optional(Type.Boolean({ description: 'Whether to wrap it' })),
  },
  { ...strict, minProperties: 1, description: 'What the giver wants' },
)

const several = <Item extends Type.TSchema>(item: Item, what: string) =>
  Type.Optional(Type.Array(item, { maxItems: LIMITS.orderAdjustmentsMax, description: what }))

export const PlaceOrder = Type.Object(
  {
    customer_id: Type.Optional(externalId('Who orders; or give guest', 'ada')),
    guest: Type.Optional(
      Type.Object(
        { name: name('Name', 'Ada Lovelace'), email: Type.Optional(emailAddress) },
        {
          ...strict,
          description: 'Somebody who orders without being a customer; becomes one whom only this order knows',
        },
      ),
    ),
    shipping_address_id: Type.Optional(
      Type.String({ maxLength: 64, description: 'One of the addresses of the customer' }),
    ),
    shipping_address: Type.Optional(AddressInput),
    items: Type.Array(OrderedItem, {
      minItems: 1,
      maxItems: LIMITS.orderLinesMax,
      description: 'What is ordered; items of one product at one location are put together',
    }),
    location_id: locationId,
    reservation_id: Type.Optional(
      Type.String({
        maxLength: 20,
        description: 'The cart hold whose units are ordered; what it has beyond is given back',
      }),
    ),
    discounts: several(Discount, 'Discounts, in the order in which they are taken off'),
    shipping: several(Shipping, 'Costs of shipping'),
    taxes: several(Tax, 'Taxes; lines that are added later pay them too'),
    prices_include_tax: Type.Optional(
      Type.Boolean({ description: 'Whether the taxes are inside prices and shipping already; else they come on top' }),
    ),
    expected_total: Type.Optional(
      amount('The total that was shown to the customer; another one is refused with price_changed'),
    ),
    currency: Type.Optional(currency),
    billing: Type.Optional(Billing),
    gift: Type.Optional(Gift),
    note: Type.Optional(text('A note of the buyer', LIMITS.giftCharsMax, 'Leave it with the neighbour')),
    metadata: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 500 }), {
        maxProperties: 20,
        description: 'Up to 20 texts of your own',
      }),
    ),
  },
  { ...strict, title: 'PlaceOrder' },
)
export type PlaceOrder = Static<typeof PlaceOrder>
