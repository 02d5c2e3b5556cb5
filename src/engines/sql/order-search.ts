import type { LogEvent } from '../../log/port.ts'
import { wordsOfOrder } from '../../orders/lists/search.ts'

/** The projection of the log of orders into the words under which they are found. */
export const ORDER_SEARCH = 'order_search'

/** Events after which an order is found by other words. */
const TELLING = new Set(['ORDER_CREATED', 'ORDER_IMPORTED', 'ORDER_EDITED', 'SHIPPING_ADDRESS_CHANGED'])

/** The orders whose words these events may change, each once. */
export function retoldOrders(events: readonly LogEvent[]): bigint[] {
  return [...new Set(events.filter((event) => TELLING.has(event.type)).map((event) => BigInt(event.streamId)))]
}

/** What an order is found by, as it is read; its lines as arrays. */
export interface SearchedRow {
  shard: number
  order_id: bigint
  order_number: string
  customer_name: string | null
  email: string | null
  shipping_city: string
  lines: [sku: string, productName: string][] | null
}

export interface OrderWord {
  readonly shard: number
  readonly orderId: bigint
  readonly token: string
}

export function wordsOfRows(rows: readonly SearchedRow[]): OrderWord[] {
  return rows.flatMap((row) =>
    wordsOfOrder({
      orderNumber: row.order_number,
      customerName: row.customer_name,
      email: row.email,
      city: row.shipping_city,
      lines: (row.lines ?? []).map(([sku, productName]) => ({ sku, productName })),
    }).map((token) => ({ shard: row.shard, orderId: row.order_id, token })),
  )
}
