import type { ChangeOutcome, OrderChange, StockMoveEntry } from '../../orders/ports.ts'
import { createChanges, partsOf, QUANTITIES_LIST, STATE_LIST } from '../sql/order-changes.ts'
import type { MysqlClient, MysqlTx } from './client-mysql2.ts'
import type { Statement } from './literals.ts'
import { NEW_LINE_LIST } from './order-columns.ts'
import { appendEvents } from './order-history.ts'
import { findKeys, type KeyRow, knownAmong, seeingNewKeys, storeAnswers } from './order-keys.ts'
import { rowsTable } from './rows.ts'
import { lockLevels, moveStock } from './stock-moves.ts'
import { freeOf, type LockedLevel, shareStock } from './stock-queue.ts'
import { namesOf, valuesOf } from './values.ts'

const LOCK_ORDERS = `
select order_id, version, updated_at from orders force index (primary)
where shard = ? and order_id in (?) order by order_id for update`

const PRODUCTS = 'select product_id, version from products where product_id in (?) and active'

const CHANGED = rowsTable<OrderChange>([...STATE_LIST, ['order_id', 'bigint', (change) => change.orderId]])

const CHANGE = `
update ${CHANGED.table('g')} straight_join orders o on o.shard = ? and o.order_id = g.order_id
set ${STATE_LIST.map(([name]) => `o.${name} = g.${name}`).join(', ')}`

const READDRESS = 'update orders set shipping_address = ?, shipping_address_id = ? where shard = ? and order_id = ?'
const READJUST = 'update orders set adjustments = ? where shard = ? and order_id = ?'

const KEEP_ADDRESSES = `
insert into order_addresses (shard, order_id, until_version, shipping_address_id, shipping_address) values ?`

const QUANTITIES = rowsTable(QUANTITIES_LIST)

const CHANGE_LINES = `
update ${QUANTITIES.table('c')} straight_join order_line_items l
  on l.shard = ? and l.order_id = c.order_id and l.line_no = c.line_no
set l.quantity_shipped = c.shipped, l.quantity_cancelled = c.cancelled, l.quantity_returned = c.returned`

const ADD_LINES = `insert into order_line_items (${namesOf(NEW_LINE_LIST)}) values ?`

const PUT_SHIPMENTS = `
insert into order_shipments
  (shard, order_id, shipment_no, \`lines\`, carrier, tracking_number, tracking_url, shipped_at, delivered_at)
values ?
on duplicate key update carrier = values(carrier), tracking_number = values(tracking_number),
  tracking_url = values(tracking_url), delivered_at = coalesce(delivered_at, values(delivered_at))`

const PUT_PAYMENTS = `
insert into order_payments (shard, order_id, payment_intent_id, captured, refunded) values ?
on duplicate key update captured = values(captured), refunded = values(refunded)`

/** What the batch has locked and seen. */
interface Seen {
  /** Orders as they are now. */
  readonly orders: ReadonlyMap<bigint, { readonly version: number; readonly updated_at: Date }>
  readonly levels: readonly LockedLevel[]
  /** Versions of products that are sold. */
  readonly products: ReadonlyMap<string, number>
  readonly isKnown: ReturnType<typeof knownAmong>
}

/** Locks and reads, in one round trip, all that the batch is decided from. */
async function look(tx: MysqlTx, shard: number, batch: readonly OrderChange[]): Promise<Seen> {
  const keys = batch.flatMap(({ answer }) => (answer === undefined ? [] : [{ shard, key: answer.key }]))
  const added = batch.flatMap((change) => change.addedLines.map((line) => line.productId))
  const [orders, levels, known, products] = await tx.batch([
    { text: LOCK_ORDERS, params: [shard, batch.map((change) => change.orderId)] },
    lockLevels(batch.flatMap((change) => change.stock)),
    findKeys(keys),
    { text: PRODUCTS, params: [[...new Set(added)]] },
  ])
  const found = orders!.rows as readonly { order_id: bigint; version: number; updated_at: Date }[]
  const sold = products!.rows as readonly { product_id: string; version: number }[]
  return {
    orders: new Map(found.map((row) => [row.order_id, row])),
    levels: levels!.rows as readonly LockedLevel[],
    products: new Map(sold.map((row) => [row.product_id, row.version])),
    isKnown: knownAmong(known!.rows as readonly KeyRow[]),
  }
}

/** Why a change can't be stored, whatever the stock; `undefined`: it can. */
function refusal({ orderId, before, beforeAtMs, addedLines }: OrderChange, seen: Seen): ChangeOutcome | undefined {
  const order = seen.orders.get(orderId)
  if (order?.version !== before.version || order.updated_at.getTime() !== beforeAtMs) return { kind: 'lost' }
  const isStale = addedLines.some((line) => seen.products.get(line.productId) !== line.productVersion)
  return isStale ? { kind: 'stale' } : undefined
}

/**
 * A change counts only if the order is still what it was decided from. An edit may want units: who comes behind somebody
 * in the batch who takes them is `lost` and decides again. `undefined`: the change is stored.
 */
function decide(shard: number, batch: readonly OrderChange[], seen: Seen): (ChangeOutcome | undefined)[] {
  const refused = batch.map((change) => refusal(change, seen))
  const asked = batch.flatMap(({ stock }, item) =>
    stock
      .filter(({ reserved }) => reserved > 0 && refused[item] === undefined)
      .map(({ reserved, ...place }) => ({ ...place, item, lineNo: 0, quantity: reserved, held: 0 })),
  )
  const { short, fits } = shareStock(asked, freeOf(seen.levels))
  const wanting = new Set(asked.map(({ item }) => item))
  return batch.map(({ answer }, item) => {
    const shortage = short.get(item)
    if (refused[item] !== undefined) return refused[item]
    if (shortage !== undefined) return { kind: 'short', ...shortage }
    if (wanting.has(item) && !fits.has(item)) return { kind: 'lost' }
    return seen.isKnown(shard, answer?.key) ? { kind: 'key_known' } : undefined
  })
}

const rowsOrNone = (text: string, rows: readonly (readonly unknown[])[]): Statement[] =>
  rows.length === 0 ? [] : [{ text, params: [rows as readonly object[]] }]

/** What is written of the orders that change, but for stock and log. */
function ordersOf(shard: number, changes: readonly OrderChange[]): Statement[] {
  const { quantities, added, shipments, payments } = partsOf(changes)
  const answers = changes.flatMap(({ orderId, answer, event }) =>
    answer === undefined ? [] : [{ ...answer, shard, operationId: orderId, atMs: event.atMs }],
  )
  const former = changes.flatMap(({ orderId, after, address }) =>
    address === undefined
      ? []
      : [[shard, orderId, after.version, address.before.shippingAddressId, address.before.shippingAddress]],
  )
  const sent = shipments.map((shipment) => {
    const { item, orderId, shipmentNo, lines, carrier, tracking_number, tracking_url, arrived } = shipment
    const at = new Date(changes[item]!.event.atMs)
    const tracking = [carrier, tracking_number, tracking_url]
    return [shard, orderId, shipmentNo, JSON.stringify(lines), ...tracking, at, arrived ? at : null]
  })
  const paid = payments.map(({ orderId, paymentIntentId, captured, refunded }) => {
    return [shard, orderId, paymentIntentId, captured, refunded]
  })
  return [
    ...storeAnswers(answers),
    { text: CHANGE, params: [CHANGED.param(changes), shard] },
    ...changes.flatMap(({ orderId, address, adjustments }) => [
      ...(address === undefined
        ? []
        : [
            {
              text: READDRESS,
              params: [address.after.shippingAddress, address.after.shippingAddressId, shard, orderId],
            },
          ]),
      ...(adjustments === undefined ? [] : [{ text: READJUST, params: [JSON.stringify(adjustments), shard, orderId] }]),
    ]),
    ...rowsOrNone(KEEP_ADDRESSES, former),
    ...(quantities.length === 0 ? [] : [{ text: CHANGE_LINES, params: [QUANTITIES.param(quantities), shard] }]),
    ...(added.length === 0 ? [] : [{ text: ADD_LINES, params: [valuesOf(NEW_LINE_LIST, added)] }]),
    ...rowsOrNone(PUT_SHIPMENTS, sent),
    ...rowsOrNone(PUT_PAYMENTS, paid),
  ]
}

function movesOf(changes: readonly OrderChange[]): StockMoveEntry[] {
  return changes.flatMap(({ orderId, after, event, stock }) =>
    stock.map(({ onHand, reserved, ...move }) => ({
      ...move,
      sourceId: orderId,
      version: after.version,
      onHandDelta: onHand,
      reservedDelta: reserved,
      actor: event.actor,
      movedAtMs: event.atMs,
    })),
  )
}

/**
 * One batch of changes of one shard, each to another order, in two round trips: what it is decided from, and what is
 * written, with the commit. Locks, as in every transaction on orders: orders by id, stock by product and location, keys,
 * the head of the log.
 */
async function changeBatch(
  sql: MysqlClient,
  shard: number,
  batch: readonly OrderChange[],
): Promise<readonly ChangeOutcome[]> {
  const at = new Date(Math.max(...batch.map(({ event }) => event.atMs)))
  return sql.transaction(async (tx) => {
    const seen = await look(tx, shard, batch)
    const outcomes = decide(shard, batch, seen)
    const changes = batch.filter((_, item) => outcomes[item] === undefined)
    const appending = appendEvents(
      changes.map(({ orderId, after, event }) => ({ ...event, shard, orderId, version: after.version })),
    )
    const answers =
      changes.length === 0
        ? []
        : await tx.last([
            ...ordersOf(shard, changes),
            ...moveStock(movesOf(changes), seen.levels, at),
            ...appending.statements,
          ])
    const eventIds = appending.eventIds(answers)
    const numbers = new Map(changes.map((change, index) => [change, eventIds[index]!]))
    return batch.map((change, item) => outcomes[item] ?? { kind: 'changed', eventId: numbers.get(change)! })
  })
}

/** See `createChanges`. */
export function createChanger(sql: MysqlClient, shards: number): (change: OrderChange) => Promise<ChangeOutcome> {
  return createChanges(shards, (shard, batch) => seeingNewKeys(() => changeBatch(sql, shard, batch)))
}
