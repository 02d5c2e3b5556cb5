import { randomUUID } from 'node:crypto'
import { createBatcher } from '../../core/batcher.ts'
import type { Order, OrderStore } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import { shardOfKey } from '../sql/idempotency.ts'
import {
  type FormerAddressRow,
  HISTORY_COLUMNS,
  type HistoryRow,
  shardOfOrder,
  toFormerAddress,
  toHistoryEntry,
} from '../sql/order-rows.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { readKey } from './idempotency.ts'
import { createChanger } from './order-change.ts'
import { listOrders } from './order-list.ts'
import { createPlacer } from './order-place.ts'
import { type MysqlOrderRow, ORDER_COLUMNS, toSortedOrder } from './order-rows.ts'

const FIND = `
select ${ORDER_COLUMNS} from orders o force index (primary) where (o.shard, o.order_id) in (?)`

const HISTORY = `
select ${HISTORY_COLUMNS} from order_history force index (order_history_version_key)
where shard = ? and order_id = ? and version > ? order by version limit ?`

const FORMER_ADDRESSES = `
select until_version, shipping_address_id, shipping_address from order_addresses force index (primary)
where shard = ? and order_id = ? order by until_version`

export function openOrderStore(sql: MysqlClient, shards: number, { clock }: PortContext): OrderStore {
  // Commands that arrive together read their orders together.
  const finder = createBatcher<bigint, Order | undefined>({
    concurrency: 4,
    async run(ids) {
      const rows = await sql.query<MysqlOrderRow>(FIND, [ids.map((id) => [shardOfOrder(id), id])])
      const found = new Map(rows.map((row) => [row.order_id, toSortedOrder(row)]))
      return ids.map((id) => ({ ok: true, value: found.get(id) }))
    },
  })

  return {
    shards,
    shardFor: (key) => shardOfKey(key ?? { scope: '', key: randomUUID() }, shards),
    readKey: (shard, key) => readKey(sql, shard, key),
    place: createPlacer(sql, clock),
    change: createChanger(sql, shards),
    find: (orderId) => finder.add(orderId),
    list: (filter, before, limit) => listOrders(sql, filter, before, limit),
    async history(orderId, after, limit) {
      const rows = await sql.query<HistoryRow>(HISTORY, [shardOfOrder(orderId), orderId, after, limit])
      return rows.map(toHistoryEntry)
    },
    async formerAddresses(orderId) {
      const rows = await sql.query<FormerAddressRow>(FORMER_ADDRESSES, [shardOfOrder(orderId), orderId])
      return rows.map(toFormerAddress)
    },
  }
}
