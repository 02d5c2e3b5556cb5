import type { LineQuantity } from '../../orders/model/events.ts'
import type { Order } from '../../orders/ports.ts'
import { ORDER_OWN_COLUMNS, type OrderRow, toOrder } from '../sql/order-rows.ts'

const msOf = (moment: string) => `timestampdiff(microsecond, '1970-01-01', ${moment}) div 1000`

/**
 * Reading orders: each with its lines, shipments and payments by one statement, so that they belong together. What JSON
 * columns hold stands by itself: MariaDB puts it into no array with texts of another collation. Indexes are named: while a
 * table is small the server would rather read it whole, for each order.
 */
export const ORDER_COLUMNS = `${ORDER_OWN_COLUMNS},
(select json_arrayagg(json_array(l.line_no, l.product_id, l.location_id, l.sku, l.product_name, l.product_category,
    l.quantity, l.price_at_time_of_purchase, l.discount, l.tax_included, l.amount, l.tax, l.quantity_shipped,
    l.quantity_cancelled, l.quantity_returned))
 from order_line_items l force index (primary) where l.shard = o.shard and l.order_id = o.order_id) as \`lines\`,
(select json_arrayagg(json_array(s.shipment_no, null, s.carrier, s.tracking_number, s.tracking_url,
    ${msOf('s.shipped_at')}, ${msOf('s.delivered_at')}))
 from order_shipments s force index (primary) where s.shard = o.shard and s.order_id = o.order_id) as shipments,
(select json_arrayagg(json_array(s.shipment_no, json_extract(s.\`lines\`, '$')))
 from order_shipments s force index (primary) where s.shard = o.shard and s.order_id = o.order_id) as shipment_lines,
(select json_arrayagg(json_array(p.payment_intent_id, p.captured, p.refunded))
 from order_payments p force index (primary) where p.shard = o.shard and p.order_id = o.order_id) as payments`

/** A row of {@link ORDER_COLUMNS}. */
export interface MysqlOrderRow extends OrderRow {
  shipment_lines: [shipmentNo: number, lines: LineQuantity[]][] | null
}

const byFirst = (a: readonly [number | string, ...unknown[]], b: readonly [number | string, ...unknown[]]) =>
  a[0] < b[0] ? -1 : 1

/** The order of a row; MySQL aggregates its parts in no order. */
export function toSortedOrder(row: MysqlOrderRow): Order {
  const linesOf = new Map(row.shipment_lines)
  for (const shipment of row.shipments ?? []) shipment[1] = linesOf.get(shipment[0]) ?? []
  row.lines?.sort(byFirst)
  row.shipments?.sort(byFirst)
  row.payments?.sort(byFirst)
  return toOrder(row)
}
