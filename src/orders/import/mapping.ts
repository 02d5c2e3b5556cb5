import Type, { type Static } from 'typebox'
import { loadMapping } from '../../core/mapping.ts'
import { validator } from '../../core/schema.ts'

/**
 * How the columns of a CSV file become orders: one row is one line of an order, and rows with the same order number are
 * one order. Given as the name of a built-in mapping, or as a JSON file of this shape.
 */
const column = (what: string) => Type.String({ minLength: 1, description: `Column with ${what}` })

export const OrderMapping = Type.Object(
  {
    encoding: Type.Optional(Type.Enum(['utf-8', 'latin1'], { description: 'Encoding of the file; utf-8 if left out' })),
    delimiter: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1, description: 'Between columns; a comma if left out' }),
    ),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 code of every amount in the file' }),
    date_format: Type.Optional(
      Type.Enum(['YYYY-MM-DD', 'M/D/YYYY', 'D/M/YYYY', 'D.M.YYYY'], {
        description: 'Form of dates; YYYY-MM-DD if left out',
      }),
    ),
    columns: Type.Object(
      {
        order_number: column('the number of the order'),
        order_date: column('the day of the order'),
        customer_id: column('the id of the customer'),
        customer_name: column('the name of the customer'),
        product_id: column('the id of the product'),
        product_name: column('the name of the product'),
        product_category: column('the category of the product'),
        quantity: column('the number of units'),
        amount: column('what the line cost in all after its discount, a decimal in major units'),
        discount: Type.Optional(column('the discount as a fraction of the list price, e.g. 0.2')),
        sku: Type.Optional(column('the stock keeping unit; the id of the product if left out')),
        city: column('the city it was sent to'),
        region: Type.Optional(column('the region or state')),
        postal_code: Type.Optional(column('the postal code')),
        country: column('the country'),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false, description: 'Mapping of a CSV file to orders' },
)
export type OrderMapping = Static<typeof OrderMapping>

/** Mappings by name. `superstore`: the retail sample that many analysis tools come with. */
export const ORDER_MAPPINGS: Readonly<Record<string, OrderMapping>> = {
  superstore: {
    encoding: 'latin1',
    currency: 'USD',
    date_format: 'M/D/YYYY',
    columns: {
      order_number: 'Order ID',
      order_date: 'Order Date',
      customer_id: 'Customer ID',
      customer_name: 'Customer Name',
      product_id: 'Product ID',
      product_name: 'Product Name',
      product_category: 'Category',
      quantity: 'Quantity',
      amount: 'Sales',
      discount: 'Discount',
      city: 'City',
      region: 'State',
      postal_code: 'Postal Code',
      country: 'Country',
    },
  },
}

const checkMapping = validator(OrderMapping)

/** A built-in mapping by its name, or the one in a JSON file. Throws `invalid_input`. */
export function loadOrderMapping(nameOrFile: string): Promise<OrderMapping> {
  return loadMapping(nameOrFile, ORDER_MAPPINGS, checkMapping)
}
