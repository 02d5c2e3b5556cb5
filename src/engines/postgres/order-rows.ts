import { ORDER_OWN_COLUMNS } from '../sql/order-rows.ts'

/** Reading orders: each with its lines, shipments and payments by one statement, so that they belong together. */
const LINES = `
(select jsonb_agg(jsonb_build_array(l.line_no, l.product_id, l.location_id, l.sku, l.product_name, l.product_category,
    l.quantity, l.price_at_time_of_purchase, l.discount, l.tax_included, l.amount, l.tax, l.quantity_shipped,
    l.quantity_cancelled, l.quantity_returned) order by l.line_no)
 from order_line_items l where l.shard = o.shard and l.order_id = o.order_id) as lines`

const SHIPMENTS = `
(select jsonb_agg(jsonb_build_array(s.shipment_no, s.lines, s.carrier, s.tracking_number, s.tracking_url,
    (extract(epoch from s.shipped_at) * 1000)::bigint, (extract(epoch from s.delivered_at) * 1000)::bigint)
    order by s.shipment_no)
 from order_shipments s where s.shard = o.shard and s.order_id = o.order_id) as shipments`

const PAYMENTS = `
(select jsonb_agg(jsonb_build_array(p.payment_intent_id, p.captured, p.refunded)
    order by p.payment_intent_id collate "C")
 from order_payments p where p.shard = o.shard and p.order_id = o.order_id) as payments`

export const ORDER_COLUMNS = `
${ORDER_OWN_COLUMNS},${LINES},${SHIPMENTS},${PAYMENTS}`
