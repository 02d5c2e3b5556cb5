import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { amount, currency, externalId, name, page, strict, time, units, version } from '../fields.ts'

/** The documents of products and customers. */
// Products.

const currencyCode = Type.String({ pattern: '^[A-Z]{3}$' })
const pricesOptions = {
  ...strict,
  maxProperties: LIMITS.pricesMax,
  description: 'Prices in other currencies by their codes, in minor units of each',
  examples: [{ EUR: 1800 }],
  errorMessage: 'must have ISO 4217 codes in capitals as names, such as "EUR"',
}

export const CreateProduct = Type.Object(
  {
    product_id: Type.Optional(externalId('The id; made if left out', 'camera-7')),
    sku: name('Stock keeping unit; unique', 'CAM-7-BLK'),
    name: name('What it is called on orders', 'Camera 7, black'),
    category: name('The category of the sales report', 'Electronics'),
    price: amount('Price of one unit'),
    currency,
    prices: Type.Optional(Type.Record(currencyCode, amount('Price of one unit'), pricesOptions)),
    stock: Type.Optional(units('Units on hand at the start; 0 if left out', LIMITS.stockMax)),
    location_id: Type.Optional(externalId('Where these units lie; main unless given', 'main')),
  },
  { ...strict, title: 'CreateProduct' },
)
export type CreateProduct = Static<typeof CreateProduct>

export const ChangeProduct = Type.Object(
  {
    sku: Type.Optional(name('Stock keeping unit; unique', 'CAM-7-BLK')),
    name: Type.Optional(name('What it is called on orders from now on', 'Camera 7')),
    category: Type.Optional(name('The category of sales from now on', 'Electronics')),
    price: Type.Optional(amount('Price of one unit from now on')),
    prices: Type.Optional(
      Type.Record(currencyCode, Type.Union([amount('Price of one unit'), Type.Null()]), {
        ...pricesOptions,
        description: 'Prices in other currencies from now on; null ends the sale in one, others stay as they are',
      }),
    ),
    active: Type.Optional(Type.Boolean({ description: 'Whether it can be ordered' })),
  },
  {
    title: 'ChangeProduct',
    ...strict,
    minProperties: 1,
    errorMessage: 'must change at least one of sku, name, category, price, prices, active',
  },
)
export type ChangeProduct = Static<typeof ChangeProduct>

export const ProductDocument = Type.Object(
  {
    product_id: Type.String({ description: 'The id' }),
    sku: Type.String({ description: 'Stock keeping unit' }),
    name: Type.String({ description: 'What it is called' }),
    category: Type.String({ description: 'The category of the sales report' }),
    price: Type.Integer({ description: 'Price of one unit, in minor units' }),
    currency,
    prices: Type.Record(Type.String(), Type.Integer(), { description: 'Prices in other currencies, in minor units' }),
    active: Type.Boolean({ description: 'Whether it can be ordered' }),
    version,
    created_at: time('When it was made'),
    updated_at: time('When it was changed last'),
  },
  { title: 'Product', description: 'A product' },
)
export type ProductDocument = Static<typeof ProductDocument>

export const PriceDocument = Type.Object(
  {
    price: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Price of one unit, in minor units; null: from then on it was not sold in this currency',
    }),
    currency,
    valid_from: time('From when it holds'),
    product_version: Type.Integer({ description: 'The version of the product that brought it' }),
    actor: Type.String({ description: 'Who set it' }),
  },
  { title: 'ProductPrice', description: 'A price that a product has or had' },
)
export type PriceDocument = Static<typeof PriceDocument>

// Customers.

export const emailAddress = Type.String({
  maxLength: 254,
  pattern: '^[^@\\s]+@[^@\\s]+$',
  errorMessage: 'must be an e-mail address',
  description: 'E-mail address',
  examples: ['ada@example.com'],
})

const addressFields = {
  name: Type.Optional(name('Who receives it', 'Ada Lovelace')),
  line2: Type.Optional(name('Second line', 'Apartment 4')),
  city: name('City; it counts in the sales report', 'New York'),
  region: Type.Optional(name('State or region', 'NY')),
  postal_code: Type.Optional(
    Type.String({ minLength: 1, maxLength: 20, description: 'Postal code', examples: ['10001'] }),
  ),
  country: Type.String({ minLength: 2, maxLength: 64, pattern: '\\S', description: 'Country', examples: ['US'] }),
}

export const AddressInput = Type.Object(
  { ...addressFields, line1: name('Street and number', '1 Main Street') },
  { title: 'AddressInput', ...strict, description: 'A postal address' },
)
export type AddressInput = Static<typeof AddressInput>

export const AddressDocument = Type.Object(
  {
    address_id: Type.String({ description: 'The id' }),
    customer_id: Type.String({ description: 'Whose address it is' }),
    ...addressFields,
    line1: Type.Optional(Type.String({ description: 'Street and number' })),
    created_at: time('When it was made'),
  },
  { title: 'Address', description: 'An address of a customer' },
)
export type AddressDocument = Static<typeof AddressDocument>

export const CreateCustomer = Type.Object(
  {
    customer_id: Type.Optional(externalId('The id; made if left out', 'ada')),
    name: name('Name', 'Ada Lovelace'),
    email: Type.Optional(emailAddress),
  },
  { ...strict, title: 'CreateCustomer' },
)
export type CreateCustomer = Static<typeof CreateCustomer>

export const CustomerDocument = Type.Object(
  {
    customer_id: Type.String({ description: 'The id' }),
    name: Type.String({ description: 'Name' }),
    email: Type.Optional(Type.String({ description: 'E-mail address' })),
    guest: Type.Boolean({ description: 'Known by one order only, which made him' }),
    version,
    created_at: time('When it was made'),
  },
  { title: 'Customer', description: 'A customer' },
)
export type CustomerDocument = Static<typeof CustomerDocument>

export const ProductPage = page(ProductDocument, 'Products, by id')
export const PricePage = page(PriceDocument, 'Prices, newest first')
export const CustomerPage = page(CustomerDocument, 'Customers, by id')
export const AddressPage = page(AddressDocument, 'Addresses')
