import { createBatcher, type ItemResult } from '../../core/batcher.ts'
import type { LineState } from '../../orders/model/order.ts'
import type { ChangeOutcome, OrderChange } from '../../orders/ports.ts'
import type { ColumnList } from './column-list.ts'
import { sumOf } from './order-columns.ts'
import { shardOfOrder } from './order-rows.ts'
import { inBatches } from './run-batch.ts'

/** A part of a change: which change of the batch it belongs to, and which order. */
export interface Part {
  readonly item: number
  readonly orderId: bigint
}

/** The columns of `orders` that a change sets; what it leaves alone is written again. */
export const STATE_LIST: ColumnList<OrderChange> = [
  ['status', 'text', ({ after }) => after.status],
  ['payment_status', 'text', ({ after }) => after.paymentStatus],
  ['fulfillment_status', 'text', ({ after }) => after.fulfillmentStatus],
  ['subtotal', 'bigint', ({ after }) => sumOf({ state: after }, (line) => line.amount)],
  ['discount_total', 'bigint', ({ after }) => sumOf({ state: after }, (line) => line.discount)],
  ['tax_total', 'bigint', ({ after }) => sumOf({ state: after }, (line) => line.tax) + after.shipping.tax],
  ['total_price', 'bigint', ({ after }) => after.totalPrice],
  ['cancelled_total', 'bigint', ({ after }) => after.cancelledTotal],
  ['returned_total', 'bigint', ({ after }) => after.returnedTotal],
  ['shipping_taken_back', 'boolean', ({ after }) => after.shipping.takenBack],
  ['paid_total', 'bigint', ({ after }) => after.paidTotal],
  ['refunded_total', 'bigint', ({ after }) => after.refundedTotal],
  ['goodwill_total', 'bigint', ({ after }) => after.goodwillTotal],
  ['shipping_country', 'text', ({ after }) => after.place.country],
  ['shipping_region', 'text', ({ after }) => after.place.region],
  ['shipping_city', 'text', ({ after }) => after.place.city],
  ['version', 'int', ({ after }) => after.version],
  ['history_hash', 'bytea', ({ event }) => event.hash],
  ['updated_at', 'timestamptz', ({ event }) => new Date(event.atMs)],
]

export const QUANTITIES_LIST: ColumnList<LineState & Part> = [
  ['item', 'int', (line) => line.item],
  ['order_id', 'bigint', (line) => line.orderId],
  ['line_no', 'int', (line) => line.lineNo],
  ['shipped', 'int', (line) => line.shipped],
  ['cancelled', 'int', (line) => line.cancelled],
  ['returned', 'int', (line) => line.returned],
]

function changedLines({ before, after }: OrderChange): LineState[] {
  const old = new Map(before.lines.map((line) => [line.lineNo, line]))
  return after.lines.filter((line) => {
    const was = old.get(line.lineNo)
    if (was === undefined) return false
    return was.shipped !== line.shipped || was.cancelled !== line.cancelled || was.returned !== line.returned
  })
}

function changedShipments({ before, after }: OrderChange) {
  const old = new Map(before.shipments.map((shipment) => [shipment.shipmentNo, shipment]))
  return after.shipments
    .filter((shipment) => !before.shipments.includes(shipment))
    .map((shipment) => ({
      ...shipment,
      arrived: shipment.delivered && old.get(shipment.shipmentNo)?.delivered !== true,
    }))
}

/** What a batch of changes does to the parts of its orders, each with the number of its change. */
export function partsOf(changes: readonly OrderChange[]) {
  const flat = <T>(pick: (change: OrderChange) => readonly T[]) =>
    changes.flatMap((change, item) => pick(change).map((part) => ({ ...part, item, orderId: change.orderId })))
  return {
    stock: flat((change) => change.stock),
    quantities: flat(changedLines),
    added: flat((change) => change.addedLines),
    shipments: flat(changedShipments),
    payments: flat(({ before, after }) => after.payments.filter((paid) => !before.payments.includes(paid))),
  }
}

/** Stores one batch of changes of one shard, all or nothing; each is of another order and has another key. */
type StoreChanges = (shard: number, batch: readonly OrderChange[]) => Promise<readonly ChangeOutcome[]>

async function changeAll(
  store: StoreChanges,
  shard: number,
  changes: readonly OrderChange[],
): Promise<ItemResult<ChangeOutcome>[]> {
  // Of several changes to one order, or with one key, the first goes; the others decide again from what it made.
  const seen = new Set<string>()
  const distinct = changes.filter(({ orderId, answer }) => {
    const ids = [String(orderId), ...(answer === undefined ? [] : [`${answer.key.scope}\n${answer.key.key}`])]
    if (ids.some((id) => seen.has(id))) return false
    for (const id of ids) seen.add(id)
    return true
  })
  const results = await inBatches(
    distinct,
    (change) => 1 + change.after.lines.length,
    (batch) => store(shard, batch),
  )
  return changes.map((change) => results.get(change) ?? { ok: true, value: { kind: 'lost' } })
}

/** Group commit of changes: one batcher per shard, one batch under way in each. */
export function createChanges(shards: number, store: StoreChanges): (change: OrderChange) => Promise<ChangeOutcome> {
  const batchers = Array.from({ length: shards }, (_, shard) =>
    createBatcher<OrderChange, ChangeOutcome>({ run: (items) => changeAll(store, shard, items) }),
  )
  return async (change) => {
    const batcher = batchers[shardOfOrder(change.orderId)]
    return batcher === undefined ? { kind: 'lost' } : batcher.add(change)
  }
}
