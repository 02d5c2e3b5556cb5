import { AppError } from '../../core/errors.ts'
import type { Reservation, ReservationStatus, StockLevel, StockMoveEntry, StockStore } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import {
  type LevelRow,
  type LocationRow,
  type MoveRow,
  type ReservationRow,
  toLevel,
  toLocation,
  toMove,
  toReservation,
} from '../sql/stock-rows.ts'
import type { MysqlClient, MysqlTx } from './client-mysql2.ts'
import { createHolder } from './stock-hold.ts'
import { lockLevels, moveStock } from './stock-moves.ts'
import type { LockedLevel } from './stock-queue.ts'

const PUT_LOCATION = `
insert into locations (location_id, name, priority, active, created_at) values (?, ?, ?, ?, ?)
on duplicate key update name = values(name), priority = values(priority), active = values(active)`

const LOCATION = 'select location_id, name, priority, active, created_at from locations where location_id = ?'

const LOCATIONS = 'select location_id, name, priority, active, created_at from locations order by priority, location_id'

const LEVELS = 'select product_id, location_id, on_hand, reserved from stock_levels where product_id in (?)'

const KNOWN = `
select exists (select 1 from products where product_id = ?) as product,
  exists (select 1 from locations where location_id = ?) as location`

// Made only where it is not: a level that is there stays as it is, and locked.
const ADD_LEVEL = `
insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at) values (?, ?, 0, 0, ?)
on duplicate key update product_id = product_id`

const MOVES = `
select product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at
from stock_moves
where product_id = ? and source_id <= ?
  and (source_id < ? or version < ? or (version = ? and location_id < ?))
order by source_id desc, version desc, location_id desc limit ?`

const RESERVATION = `
select r.reservation_id, r.status, r.order_id, r.created_at, r.expires_at, i.product_id, i.location_id, i.quantity
from stock_reservations r left join stock_reservation_items i on i.reservation_id = r.reservation_id
where r.reservation_id = ? order by i.product_id, i.location_id`

// Chosen without a lock: what another process has given back meanwhile drops out under it.
const DUE = `
select reservation_id from stock_reservations where status = 'held' and expires_at <= ? order by expires_at limit ?`

// What a cart hold has taken never changes, so it is read before anything is locked.
const ITEMS = `
select reservation_id, product_id, location_id, quantity from stock_reservation_items where reservation_id in (?)`

const LOCK_HELD = `
select reservation_id from stock_reservations force index (primary)
where reservation_id in (?) and status = 'held' order by reservation_id for update`

const SET_STATUS = 'update stock_reservations force index (primary) set status = ? where reservation_id in (?)'

const SWEEPER = 'expiry'
const ID_MAX = 2n ** 63n - 1n
const INT_MAX = 2_147_483_647

type ReservationLine = Omit<ReservationRow, 'items'> & {
  product_id: string | null
  location_id: string
  quantity: bigint
}

interface ItemRow {
  reservation_id: bigint
  product_id: string
  location_id: string
  quantity: bigint
}

/** The level of a product at a location, locked; made where there was none. `undefined`: no such product. */
async function lockLevel(
  tx: MysqlTx,
  productId: string,
  locationId: string,
  at: Date,
): Promise<LockedLevel | undefined> {
  const lock = lockLevels([{ productId, locationId }])
  const [level] = await tx.query<LevelRow>(lock.text, lock.params)
  if (level !== undefined) return level
  const [known] = await tx.query<{ product: number; location: number }>(KNOWN, [productId, locationId])
  if (!known?.product) return undefined
  if (!known.location) throw new AppError('location_not_found', `No location ${locationId}`)
  const [, added] = await tx.batch([{ text: ADD_LEVEL, params: [productId, locationId, at] }, lock])
  return added!.rows[0] as LockedLevel
}

/** Gives back the units of those reservations that are still held; answers how many there were. */
async function giveBack(
  sql: MysqlClient,
  reservationIds: readonly bigint[],
  status: ReservationStatus,
  { actor, atMs }: { actor: string; atMs: number },
): Promise<number> {
  if (reservationIds.length === 0) return 0
  const rows = await sql.query<ItemRow>(ITEMS, [reservationIds])
  const items = rows.map((row): StockMoveEntry => {
    return {
      productId: row.product_id,
      locationId: row.location_id,
      sourceId: row.reservation_id,
      version: 2,
      kind: 'unhold',
      onHandDelta: 0,
      reservedDelta: -Number(row.quantity),
      actor,
      movedAtMs: atMs,
    }
  })
  return sql.transaction(async (tx) => {
    const [locked, levels] = await tx.batch([{ text: LOCK_HELD, params: [reservationIds] }, lockLevels(items)])
    const held = (locked!.rows as readonly { reservation_id: bigint }[]).map((row) => row.reservation_id)
    if (held.length === 0) return 0
    const freed = items.filter(({ sourceId }) => held.includes(sourceId))
    await tx.last([
      ...moveStock(freed, levels!.rows as readonly LockedLevel[], new Date(atMs)),
      { text: SET_STATUS, params: [status, held] },
    ])
    return held.length
  })
}

export function openStockStore(sql: MysqlClient, shards: number, { ids, clock }: PortContext): StockStore {
  async function reservation(reservationId: bigint): Promise<Reservation | undefined> {
    const lines = await sql.query<ReservationLine>(RESERVATION, [reservationId])
    const [row] = lines
    if (row === undefined) return undefined
    const items = lines
      .filter(({ product_id }) => product_id !== null)
      .map((line): ReservationRow['items'][number] => [line.product_id!, line.location_id, Number(line.quantity)])
    return toReservation({ ...row, items })
  }

  return {
    async putLocation({ locationId, name, priority, active, createdAtMs }) {
      return sql.transaction(async (tx) => {
        const [, location] = await tx.batch([
          { text: PUT_LOCATION, params: [locationId, name, priority, active, new Date(createdAtMs)] },
          { text: LOCATION, params: [locationId] },
        ])
        return toLocation(location!.rows[0] as LocationRow)
      })
    },
    async locations() {
      return (await sql.query<LocationRow>(LOCATIONS)).map(toLocation)
    },
    async levels(productIds) {
      return (await sql.query<LevelRow>(LEVELS, [productIds])).map(toLevel)
    },
    setOnHand(productId, locationId, onHand, { actor, atMs }) {
      const at = new Date(atMs)
      return sql.transaction(async (tx): ReturnType<StockStore['setOnHand']> => {
        const locked = await lockLevel(tx, productId, locationId, at)
        if (locked === undefined) return undefined
        const level: StockLevel = toLevel({ ...locked })
        if (onHand < level.reserved) return { kind: 'reserved', level }
        if (onHand !== level.onHand) {
          const move: StockMoveEntry = {
            productId,
            locationId,
            sourceId: ids.next(0),
            version: 0,
            kind: 'adjust',
            onHandDelta: onHand - level.onHand,
            reservedDelta: 0,
            actor,
            movedAtMs: atMs,
          }
          await tx.last(moveStock([move], [locked], at))
        }
        return { kind: 'set', level: { ...level, onHand } }
      })
    },
    async moves(productId, before, limit) {
      const { sourceId, version, locationId } = before ?? { sourceId: ID_MAX, version: INT_MAX, locationId: '' }
      const params = [productId, sourceId, sourceId, version, version, locationId, limit]
      return (await sql.query<MoveRow>(MOVES, params)).map(toMove)
    },
    hold: createHolder(sql, shards, clock),
    reservation,
    async release(reservationId, origin) {
      await giveBack(sql, [reservationId], 'released', origin)
      return reservation(reservationId)
    },
    async expire(nowMs, limit) {
      const due = await sql.query<{ reservation_id: bigint }>(DUE, [new Date(nowMs), limit])
      const ids = due.map((row) => row.reservation_id)
      return giveBack(sql, ids, 'expired', { actor: SWEEPER, atMs: nowMs })
    },
  }
}
