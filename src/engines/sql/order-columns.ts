import type { ImportedOrder, PricedLine } from '../../orders/ports.ts'
import type { ColumnList } from './column-list.ts'

/** What placements and imports have in common. */
export type NewOrder = Pick<ImportedOrder, 'header' | 'lines' | 'state' | 'event'>

/** What the lines of an order come to. */
export const sumOf = (
  { state }: Pick<NewOrder, 'state'>,
  pick: (line: NewOrder['state']['lines'][number]) => bigint,
): bigint => state.lines.reduce((sum, line) => sum + pick(line), 0n)

/** Of `orders`, but for the shard and {@link STATE_COLUMNS}. */
export const ORDER_LIST: ColumnList<NewOrder> = [
  ['order_id', 'bigint', ({ header }) => header.orderId],
  ['order_number', 'text', ({ header }) => header.orderNumber],
  ['customer_id', 'text', ({ header }) => header.customerId],
  ['customer_name', 'text', ({ header }) => header.customerName],
  ['order_date', 'timestamptz', ({ header }) => new Date(header.orderDateMs)],
  ['time_zone', 'text', ({ header }) => header.timeZone],
  ['business_day', 'date', ({ header }) => header.businessDay],
  ['currency', 'text', ({ state }) => state.currency],
  ['prices_include_tax', 'boolean', ({ header }) => header.pricesIncludeTax],
  ['subtotal', 'bigint', (order) => sumOf(order, (line) => line.amount)],
  ['discount_total', 'bigint', (order) => sumOf(order, (line) => line.discount)],
  ['shipping_total', 'bigint', ({ state }) => state.shipping.amount],
  ['shipping_tax', 'bigint', ({ state }) => state.shipping.tax],
  ['tax_total', 'bigint', (order) => sumOf(order, (line) => line.tax) + order.state.shipping.tax],
  ['total_price', 'bigint', ({ state }) => state.totalPrice],
  ['adjustments', 'jsonb', ({ header }) => header.adjustments],
  ['tax_rules', 'jsonb', ({ header }) => header.taxRules],
  ['shipping_address_id', 'text', ({ header }) => header.shippingAddressId],
  ['shipping_address', 'jsonb', ({ header }) => header.shippingAddress],
  ['shipping_country', 'text', ({ state }) => state.place.country],
  ['shipping_region', 'text', ({ state }) => state.place.region],
  ['shipping_city', 'text', ({ state }) => state.place.city],
  ['billing', 'jsonb', ({ header }) => header.billing],
  ['gift', 'jsonb', ({ header }) => header.gift],
  ['note', 'text', ({ header }) => header.note],
  ['metadata', 'jsonb', ({ header }) => header.metadata],
  ['history_hash', 'bytea', ({ event }) => event.hash],
  ['updated_at', 'timestamptz', ({ event }) => new Date(event.atMs)],
]

/** The columns in which new orders of one kind are all alike, and how each kind begins. */
export const STATE_COLUMNS = `status, payment_status, fulfillment_status, cancelled_total, returned_total,
  shipping_taken_back, paid_total, refunded_total, origin, version`
export const PLACED_STATE = `'PENDING', 'unpaid', 'unfulfilled', 0, 0, false, 0, 0, 'api', 1`
export const IMPORTED_STATE = `'DELIVERED', case when total_price > 0 then 'paid' else 'unpaid' end, 'delivered', 0, 0,
  false, total_price, 0, 'import', 1`

export interface NewLine extends PricedLine {
  readonly orderId: bigint
  /** Which order of the batch it belongs to. */
  readonly item: number
}

/** Of `order_line_items`, but for the shard and what becomes of a line later. */
export const LINE_LIST: ColumnList<NewLine> = [
  ['order_id', 'bigint', (line) => line.orderId],
  ['line_no', 'int', (line) => line.lineNo],
  ['product_id', 'text', (line) => line.productId],
  ['location_id', 'text', (line) => line.locationId],
  ['sku', 'text', (line) => line.sku],
  ['product_name', 'text', (line) => line.productName],
  ['product_category', 'text', (line) => line.productCategory],
  ['quantity', 'int', (line) => line.quantity],
  ['price_at_time_of_purchase', 'bigint', (line) => line.price],
  ['discount', 'bigint', (line) => line.discount],
  ['tax_included', 'bigint', (line) => line.taxIncluded],
  ['amount', 'bigint', (line) => line.amount],
  ['tax', 'bigint', (line) => line.tax],
]

/** The lines of a batch of orders, each with the number of its order. */
export function linesOf(orders: readonly NewOrder[]): NewLine[] {
  return orders.flatMap(({ header, lines }, item) => lines.map((line) => ({ ...line, item, orderId: header.orderId })))
}
