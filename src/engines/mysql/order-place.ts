import type { Clock } from '../../core/clock.ts'
import type { HeldItem, Placement, PlaceOutcome, StockMoveEntry } from '../../orders/ports.ts'
import { linesOf } from '../sql/order-columns.ts'
import { createPlacements, type PlaceResult } from '../sql/order-placements.ts'
import type { MysqlClient, MysqlTx } from './client-mysql2.ts'
import type { Statement } from './literals.ts'
import { NEW_LINE_LIST, NEW_ORDER_LIST } from './order-columns.ts'
import { appendEvents } from './order-history.ts'
import { findKeys, type KeyRow, knownAmong, seeingNewKeys, storeAnswers } from './order-keys.ts'
import { lockLevels, moveStock } from './stock-moves.ts'
import { freeOf, type LockedLevel, placeOf, type Shared, shareStock } from './stock-queue.ts'
import { namesOf, valuesOf } from './values.ts'

// What a cart hold has taken never changes, so it is read before anything is locked.
const HELD_ITEMS = `
select reservation_id, product_id, location_id, quantity from stock_reservation_items where reservation_id in (?)`

const LOCK_RESERVATIONS = `
select reservation_id, status, expires_at from stock_reservations force index (primary)
where reservation_id in (?) order by reservation_id for update`

// Shared, so that whoever erases a customer waits for the orders that copy his name.
const HOLD_CUSTOMERS = `
select customer_id, version from customers force index (primary)
where customer_id in (?) order by customer_id lock in share mode`

const PRODUCTS = 'select product_id, version from products where product_id in (?) and active'

const TAKE_RESERVATION = `update stock_reservations set status = 'ordered', order_id = ? where reservation_id = ?`
const ADD_GUESTS = 'insert into customers (customer_id, name, email, guest, version, created_at) values ?'
const ADD_ORDERS = `insert into orders (${namesOf(NEW_ORDER_LIST)}) values ?`
const ADD_LINES = `insert into order_line_items (${namesOf(NEW_LINE_LIST)}) values ?`

interface HeldRow {
  reservation_id: bigint
  product_id: string
  location_id: string
  quantity: bigint
}

/** What the batch has locked and seen. */
interface Seen {
  /** Cart holds that are still held. */
  readonly held: ReadonlySet<bigint>
  readonly levels: readonly LockedLevel[]
  /** Versions of customers, and of products that are sold. */
  readonly customers: ReadonlyMap<string, number>
  readonly products: ReadonlyMap<string, number>
  readonly isKnown: ReturnType<typeof knownAmong>
}

type Held = ReadonlyMap<bigint, readonly HeldItem[]>

/** Placements with the cart holds that each may take from. */
interface Decision {
  readonly results: readonly PlaceResult[]
  /** Those that are placed, by the number of the placement; with the cart hold that goes into the order. */
  readonly placed: readonly {
    readonly item: number
    readonly placement: Placement
    readonly freed: readonly HeldItem[]
  }[]
}

async function heldItems(sql: MysqlClient, batch: readonly Placement[]): Promise<Held> {
  const ids = batch.flatMap(({ reservationId }) => (reservationId === undefined ? [] : [reservationId]))
  const held = new Map<bigint, HeldItem[]>(ids.map((id) => [id, []]))
  if (ids.length === 0) return held
  for (const row of await sql.query<HeldRow>(HELD_ITEMS, [ids])) {
    const item = { productId: row.product_id, locationId: row.location_id, quantity: Number(row.quantity) }
    held.get(row.reservation_id)?.push(item)
  }
  return held
}

/** Locks and reads, in one round trip, all that the batch is decided from. */
async function look(tx: MysqlTx, batch: readonly Placement[], held: Held, atMs: number): Promise<Seen> {
  const customers = batch.flatMap(({ buyer, header }) => ('guest' in buyer ? [] : [header.customerId]))
  const lines = batch.flatMap((placement) => placement.lines)
  const keys = batch.flatMap(({ shard, answer }) => (answer === undefined ? [] : [{ shard, key: answer.key }]))
  const [reservations, levels, versions, known, products] = await tx.batch([
    { text: LOCK_RESERVATIONS, params: [[...held.keys()]] },
    lockLevels([...lines, ...[...held.values()].flat()]),
    { text: HOLD_CUSTOMERS, params: [[...new Set(customers)]] },
    findKeys(keys),
    { text: PRODUCTS, params: [[...new Set(lines.map((line) => line.productId))]] },
  ])
  const locked = reservations!.rows as readonly { reservation_id: bigint; status: string; expires_at: Date }[]
  const named = versions!.rows as readonly { customer_id: string; version: number }[]
  const sold = products!.rows as readonly { product_id: string; version: number }[]
  return {
    held: new Set(
      locked
        .filter(({ status, expires_at }) => status === 'held' && expires_at.getTime() > atMs)
        .map((row) => row.reservation_id),
    ),
    levels: levels!.rows as readonly LockedLevel[],
    customers: new Map(named.map((row) => [row.customer_id, row.version])),
    products: new Map(sold.map((row) => [row.product_id, row.version])),
    isKnown: knownAmong(known!.rows as readonly KeyRow[]),
  }
}

function isStale({ buyer, header, lines }: Placement, { customers, products }: Seen): boolean {
  if (!('guest' in buyer) && customers.get(header.customerId) !== buyer.version) return true
  return lines.some((line) => products.get(line.productId) !== line.productVersion)
}

/** Why a placement can't be stored, whatever the stock; `undefined`: it can. */
function refusal(placement: Placement, seen: Seen): PlaceResult | undefined {
  const { shard, answer, reservationId } = placement
  if (seen.isKnown(shard, answer?.key)) return { kind: 'key_known' }
  if (reservationId !== undefined && !seen.held.has(reservationId)) return { kind: 'reservation_gone' }
  return isStale(placement, seen) ? { kind: 'stale' } : undefined
}

/**
 * An order whose key is known, whose hold is gone, or that was priced from something that has changed since, is out; so
 * is one that wants more than all there is. Who comes too late for the rest, or second with one hold, tries again in the
 * next batch.
 */
function decide(batch: readonly Placement[], seen: Seen, held: Held): Decision {
  const refused = batch.map((placement) => refusal(placement, seen))
  const claims = new Map<bigint, number>()
  const asking = batch.flatMap((placement, item) => {
    const { reservationId } = placement
    if (refused[item] !== undefined || (reservationId !== undefined && claims.has(reservationId))) return []
    if (reservationId !== undefined) claims.set(reservationId, item)
    return [{ item, placement, freed: reservationId === undefined ? [] : held.get(reservationId)! }]
  })
  const asked = asking.flatMap(({ item, placement, freed }) => {
    const has = new Map(freed.map((each) => [placeOf(each.productId, each.locationId), each.quantity]))
    return placement.lines.map(({ lineNo, productId, locationId, quantity }) => {
      return { item, lineNo, productId, locationId, quantity, held: has.get(placeOf(productId, locationId)) ?? 0 }
    })
  })
  const shared = shareStock(asked, freeOf(seen.levels))
  const placed = asking.filter(({ item }) => shared.fits.has(item))
  return { placed, results: batch.map((_, item) => refused[item] ?? resultOf(item, shared)) }
}

function resultOf(item: number, { short }: Shared): PlaceResult {
  const wanted = short.get(item)
  return wanted === undefined ? { kind: 'late' } : { kind: 'short', ...wanted }
}

function movesOf({ placed }: Decision, movedAtMs: number): StockMoveEntry[] {
  return placed.flatMap(({ placement, freed }) => {
    const { header, lines, reservationId, event } = placement
    const common = { onHandDelta: 0, actor: event.actor, movedAtMs }
    return [
      ...lines.map(({ productId, locationId, quantity }): StockMoveEntry => {
        const from = { productId, locationId, sourceId: header.orderId, version: 1 }
        return { ...common, ...from, kind: 'reserve', reservedDelta: quantity }
      }),
      ...freed.map(({ productId, locationId, quantity }): StockMoveEntry => {
        const from = { productId, locationId, sourceId: reservationId!, version: 2 }
        return { ...common, ...from, kind: 'unhold', reservedDelta: -quantity }
      }),
    ]
  })
}

/** What is written of the orders that are placed, but for stock and log. */
function ordersOf({ placed }: Decision): Statement[] {
  const placements = placed.map(({ placement }) => placement)
  const answers = placements.flatMap(({ shard, header, answer }) =>
    answer === undefined ? [] : [{ ...answer, shard, operationId: header.orderId, atMs: header.orderDateMs }],
  )
  const guests = placements.flatMap(({ buyer, header }) =>
    'guest' in buyer
      ? [[header.customerId, header.customerName, buyer.guest.email, true, 1, new Date(header.orderDateMs)]]
      : [],
  )
  return [
    ...storeAnswers(answers),
    ...(guests.length === 0 ? [] : [{ text: ADD_GUESTS, params: [guests] }]),
    ...placements
      .filter(({ reservationId }) => reservationId !== undefined)
      .map(({ header, reservationId }) => ({ text: TAKE_RESERVATION, params: [header.orderId, reservationId] })),
    { text: ADD_ORDERS, params: [valuesOf(NEW_ORDER_LIST, placements)] },
    { text: ADD_LINES, params: [valuesOf(NEW_LINE_LIST, linesOf(placements))] },
  ]
}

/**
 * One batch of new orders, of all shards together, in two round trips: what it is decided from, and what is written,
 * with the commit. Every transaction on orders takes its locks in one order, each kind by the order of its primary key:
 * reservations, orders, stock, customers (shared), keys, the heads of the log.
 */
async function placeBatch(sql: MysqlClient, batch: readonly Placement[]): Promise<PlaceResult[]> {
  const atMs = Math.max(...batch.map(({ event }) => event.atMs))
  const held = await heldItems(sql, batch)
  return sql.transaction(async (tx) => {
    const seen = await look(tx, batch, held, atMs)
    const decision = decide(batch, seen, held)
    const results = [...decision.results]
    if (decision.placed.length === 0) return results
    const appending = appendEvents(
      decision.placed.map(({ placement: { shard, header, event } }) => {
        return { ...event, shard, orderId: header.orderId, version: 1 }
      }),
    )
    const answers = await tx.last([
      ...ordersOf(decision),
      ...moveStock(movesOf(decision, atMs), seen.levels, new Date(atMs)),
      ...appending.statements,
    ])
    const eventIds = appending.eventIds(answers)
    for (const [index, { item }] of decision.placed.entries()) {
      results[item] = { kind: 'placed', eventId: eventIds[index]! }
    }
    return results
  })
}

/** See `createPlacements`. */
export function createPlacer(sql: MysqlClient, clock: Clock): (placement: Placement) => Promise<PlaceOutcome> {
  return createPlacements(clock, (batch) => seeingNewKeys(() => placeBatch(sql, batch)))
}
