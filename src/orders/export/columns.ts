/**
 * Our own files of orders, products and customers: what is exported can be imported. JSON Lines has one document a line,
 * with the names of the API; CSV has the columns below. Amounts are whole minor units, times RFC 3339, and what has parts
 * of its own (adjustments, metadata, ...) is JSON in its cell.
 */
export type ColumnKind = 'text' | 'integer' | 'boolean' | 'json'

/** One row per line of an order; the columns of the order are the same in each of its rows. */
export const ORDER_COLUMNS = {
  order_number: 'text',
  order_id: 'text',
  order_date: 'text',
  business_day: 'text',
  time_zone: 'text',
  customer_id: 'text',
  customer_name: 'text',
  status: 'text',
  payment_status: 'text',
  fulfillment_status: 'text',
  currency: 'text',
  prices_include_tax: 'boolean',
  shipping_total: 'integer',
  shipping_tax: 'integer',
  total_price: 'integer',
  cancelled_total: 'integer',
  returned_total: 'integer',
  paid_total: 'integer',
  refunded_total: 'integer',
  shipping_address_id: 'text',
  adjustments: 'json',
  tax_rules: 'json',
  billing: 'json',
  gift: 'json',
  note: 'text',
  metadata: 'json',
} as const satisfies Record<string, ColumnKind>

/** Column -> member of `shipping_address`. */
export const ADDRESS_COLUMNS = {
  shipping_name: 'name',
  shipping_line1: 'line1',
  shipping_line2: 'line2',
  shipping_city: 'city',
  shipping_region: 'region',
  shipping_postal_code: 'postal_code',
  shipping_country: 'country',
} as const

export const LINE_COLUMNS = {
  line_no: 'integer',
  product_id: 'text',
  location_id: 'text',
  sku: 'text',
  product_name: 'text',
  product_category: 'text',
  quantity: 'integer',
  price_at_time_of_purchase: 'integer',
  discount: 'integer',
  tax_included: 'integer',
  amount: 'integer',
  tax: 'integer',
  quantity_shipped: 'integer',
  quantity_cancelled: 'integer',
  quantity_returned: 'integer',
} as const satisfies Record<string, ColumnKind>

export const PRODUCT_COLUMNS = {
  product_id: 'text',
  sku: 'text',
  name: 'text',
  category: 'text',
  price: 'integer',
  currency: 'text',
  prices: 'json',
  active: 'boolean',
  stock: 'json',
} as const satisfies Record<string, ColumnKind>

export const CUSTOMER_COLUMNS = {
  customer_id: 'text',
  name: 'text',
  email: 'text',
  guest: 'boolean',
  created_at: 'text',
  addresses: 'json',
} as const satisfies Record<string, ColumnKind>

export const HISTORY_COLUMNS = {
  order_id: 'text',
  version: 'integer',
  shard: 'integer',
  event_id: 'text',
  timestamp: 'text',
  event_type: 'text',
  actor: 'text',
  request_id: 'text',
  details: 'json',
  hash: 'text',
} as const satisfies Record<string, ColumnKind>

/** The member that a cell stands for; a cell that is no such thing stays a text, for the schema to refuse. */
export function memberOf(text: string, kind: ColumnKind): unknown {
  if (text === '') return undefined
  if (kind === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (kind === 'text') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
