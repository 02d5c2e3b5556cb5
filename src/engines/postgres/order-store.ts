import { randomUUID } from 'node:crypto'
import { createBatcher } from '../../core/batcher.ts'
import type { Order, OrderStore } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import { readKey, shardOfKey } from '../sql/idempotency.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { createChanger } from './order-change.ts'
import { importCatalogue, importOrders } from './order-import.ts'
import { createPlacer } from './order-place.ts'
import {
  HISTORY_COLUMNS,
  type HistoryRow,
  ORDER_COLUMNS,
  type OrderRow,
  shardOfOrder,
  toHistoryEntry,
  toOrder,
} from './order-rows.ts'

const FIND = `
select ${ORDER_COLUMNS} from orders o
where (o.shard, o.order_id) in (select * from unnest($1::smallint[], $2::bigint[]))`

const HISTORY = `
select ${HISTORY_COLUMNS} from order_history
where shard = $1 and order_id = $2 and version > $3 order by version limit $4`

const ID_MAX = 2n ** 63n - 1n

/** One text per set of filters, so that each has its own plan: the page is read from the index of its filter. */
function listStatement(byCustomer: boolean, byStatus: boolean): string {
  const conditions = ['o.order_id < $1', ...(byCustomer ? ['o.customer_id = $3'] : [])]
  if (byStatus) conditions.push(`o.status = $${byCustomer ? 4 : 3}`)
  return `select ${ORDER_COLUMNS} from orders o where ${conditions.join(' and ')} order by o.order_id desc limit $2`
}

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
    place: createPlacer(sql, shards, clock),
    change: createChanger(sql, shards),
    find: (orderId) => finder.add(orderId),
    async list({ customerId, status }, before, limit) {
      const params: SqlParam[] = [before ?? ID_MAX, limit]
      if (customerId !== undefined) params.push(customerId)
      if (status !== undefined) params.push(status)
      const statement = listStatement(customerId !== undefined, status !== undefined)
      return (await sql.query<OrderRow>(statement, params)).map(toOrder)
    },
    async history(orderId, after, limit) {
      const rows = await sql.query<HistoryRow>(HISTORY, [shardOfOrder(orderId), orderId, after, limit])
      return rows.map(toHistoryEntry)
    },
    importCatalogue: (catalogue, origin) => importCatalogue(sql, catalogue, origin),
    importOrders: (orders) => importOrders(sql, orders),
  }
}
