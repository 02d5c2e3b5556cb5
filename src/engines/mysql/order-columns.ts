import type { ColumnList } from '../sql/column-list.ts'
import { LINE_LIST, type NewLine, type NewOrder, ORDER_LIST } from '../sql/order-columns.ts'
import { shardOfOrder } from '../sql/order-rows.ts'

/** All of `orders` that a new order has, placed or imported. */
export const NEW_ORDER_LIST: ColumnList<NewOrder> = [
  ['shard', 'smallint', ({ header }) => shardOfOrder(header.orderId)],
  ...ORDER_LIST,
  ['status', 'text', ({ state }) => state.status],
  ['payment_status', 'text', ({ state }) => state.paymentStatus],
  ['fulfillment_status', 'text', ({ state }) => state.fulfillmentStatus],
  ['cancelled_total', 'bigint', ({ state }) => state.cancelledTotal],
  ['returned_total', 'bigint', ({ state }) => state.returnedTotal],
  ['shipping_taken_back', 'boolean', ({ state }) => state.shipping.takenBack],
  ['paid_total', 'bigint', ({ state }) => state.paidTotal],
  ['refunded_total', 'bigint', ({ state }) => state.refundedTotal],
  ['origin', 'text', ({ state }) => state.origin],
  ['version', 'int', ({ state }) => state.version],
]

/** Of `order_line_items`, but for what becomes of a line later. */
export const NEW_LINE_LIST: ColumnList<NewLine> = [
  ['shard', 'smallint', (line) => shardOfOrder(line.orderId)],
  ...LINE_LIST,
]
