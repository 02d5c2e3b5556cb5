import type { OrderExportStore } from '../../orders/ports.ts'
import { ADDRESS_COLUMNS, type AddressRow, toAddress } from '../sql/customer-rows.ts'
import { idRangeOf } from '../sql/order-filters.ts'
import { HISTORY_COLUMNS, type HistoryRow, shardOfOrder, toHistoryEntry } from '../sql/order-rows.ts'
import type { SqlParam } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { ordersOf, pageOf } from './order-list.ts'
import { type MysqlOrderRow, toSortedOrder } from './order-rows.ts'

const ORDERS = ordersOf(
  pageOf('o.order_id > ? and o.order_id < ? and o.order_date >= ? and o.order_date < ?', 'asc'),
  'asc',
)

const historyOf = (shards: number) => `
select order_id, ${HISTORY_COLUMNS} from order_history
where (${Array.from({ length: shards }, () => '(shard = ? and order_id in (?))').join(' or ')})
  and (order_id > ? or (order_id = ? and version > ?))
order by order_id, version limit ?`

const ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses where customer_id in (?) order by customer_id, address_id`

const FIRST_DATE = new Date(0)
const LAST_DATE = new Date(Date.UTC(3000, 0, 1))

export function openOrderExportStore(sql: MysqlClient): OrderExportStore {
  return {
    async orders(range, after, limit) {
      const { fromMs, beforeMs } = range
      const ids = idRangeOf(range)
      const dates = [
        fromMs === undefined ? FIRST_DATE : new Date(fromMs),
        beforeMs === undefined ? LAST_DATE : new Date(beforeMs),
      ]
      const params = [after < ids.from ? ids.from - 1n : after, ids.below, ...dates, limit]
      return (await sql.query<MysqlOrderRow>(ORDERS, params)).map(toSortedOrder)
    },
    async history(orderIds, after, limit) {
      if (orderIds.length === 0) return []
      const byShard = [...new Set(orderIds.map(shardOfOrder))].map((shard): SqlParam[] => [
        shard,
        orderIds.filter((orderId) => shardOfOrder(orderId) === shard),
      ])
      const params = [...byShard.flat(), after.orderId, after.orderId, after.version, limit]
      const rows = await sql.query<HistoryRow & { order_id: bigint }>(historyOf(byShard.length), params)
      return rows.map((row) => ({ ...toHistoryEntry(row), orderId: row.order_id }))
    },
    async addressesOf(customerIds) {
      if (customerIds.length === 0) return []
      return (await sql.query<AddressRow>(ADDRESSES, [customerIds])).map(toAddress)
    },
  }
}
