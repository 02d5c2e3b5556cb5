import type { OrderExportStore } from '../../orders/ports.ts'
import { ADDRESS_COLUMNS, type AddressRow, toAddress } from '../sql/customer-rows.ts'
import { idRangeOf } from '../sql/order-filters.ts'
import {
  HISTORY_COLUMNS,
  type HistoryRow,
  type OrderRow,
  shardOfOrder,
  toHistoryEntry,
  toOrder,
} from '../sql/order-rows.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { mergedPage } from './order-list.ts'
import { ORDER_COLUMNS } from './order-rows.ts'

const ORDERS = `
with page as materialized (${mergedPage(
  'o.order_id > $1 and o.order_id < $2 and o.order_date >= $4 and o.order_date < $5',
  'asc',
  '$3',
)})
select ${ORDER_COLUMNS} from page join orders o on o.shard = page.shard and o.order_id = page.order_id
order by page.order_id`

const HISTORY = `
select order_id, ${HISTORY_COLUMNS} from order_history
where (shard, order_id) in (select * from unnest($1::smallint[], $2::bigint[])) and (order_id, version) > ($3, $4)
order by order_id, version limit $5`

const ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses where customer_id = any($1::text[]) order by customer_id, address_id`

const FIRST_DATE = new Date(0)
const LAST_DATE = new Date(Date.UTC(3000, 0, 1))

export function openOrderExportStore(sql: SqlClient): OrderExportStore {
  return {
    async orders(range, after, limit) {
      const { fromMs, beforeMs } = range
      const ids = idRangeOf(range)
      const params: SqlParam[] = [after < ids.from ? ids.from - 1n : after, ids.below, limit]
      params.push(fromMs === undefined ? FIRST_DATE : new Date(fromMs))
      params.push(beforeMs === undefined ? LAST_DATE : new Date(beforeMs))
      return (await sql.query<OrderRow>(ORDERS, params)).map(toOrder)
    },
    async history(orderIds, after, limit) {
      const shards = orderIds.map(shardOfOrder)
      const params = [shards, orderIds, after.orderId, after.version, limit]
      const rows = await sql.query<HistoryRow & { order_id: bigint }>(HISTORY, params)
      return rows.map((row) => ({ ...toHistoryEntry(row), orderId: row.order_id }))
    },
    async addressesOf(customerIds) {
      return (await sql.query<AddressRow>(ADDRESSES, [customerIds])).map(toAddress)
    },
  }
}
