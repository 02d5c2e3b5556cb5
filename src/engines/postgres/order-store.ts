import { randomUUID } from 'node:crypto'
import { createBatcher } from '../../core/batcher.ts'
import type { Order, OrderStore } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import { readKey, shardOfKey } from '../sql/idempotency.ts'
import {
  type FormerAddressRow,
  HISTORY_COLUMNS,
  type HistoryRow,
  type OrderRow,
  shardOfOrder,
  toFormerAddress,
  toHistoryEntry,
  toOrder,
} from '../sql/order-rows.ts'
import type { SqlClient } from '../sql/sql.ts'
import { createChanger } from './order-change.ts'
import { listOrders } from './order-list.ts'
import { createPlacer } from './order-place.ts'
import { ORDER_COLUMNS } from './order-rows.ts'

const FIND = `
select ${ORDER_COLUMNS} from orders o
where (o.shard, o.order_id) in (select * from unnest($1::smallint[], $2::bigint[]))`

const HISTORY = `
select ${HISTORY_COLUMNS} from order_history
where shard = $1 and order_id = $2 and version > $3 order by version limit $4`

const FORMER_ADDRESSES = `
select until_version, shipping_address_id, shipping_address from order_addresses
where shard = $1 and order_id = $2 order by until_version`

export function openOrderStore(sql: SqlClient, shards: number, { clock }: PortContext): OrderStore {
  // Commands that arrive together read their orders together.
  const finder = createBatcher<bigint, Order | undefined>({
    concurrency: 4,
    async run(ids) {
      const rows = await sql.query<OrderRow>(FIND, [ids.map(shardOfOrder), ids])
      const found = new Map(rows.map((row) => [row.order_id, toOrder(row)]))
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
