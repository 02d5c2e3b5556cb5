import { AppError } from '../../core/errors.ts'
import type { Reservation, ReservationStatus, StockLevel, StockStore } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'
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
import { createHolder } from './stock-hold.ts'

const PUT_LOCATION = `
insert into locations (location_id, name, priority, active, created_at) values ($1, $2, $3, $4, $5)
on conflict (location_id) do update set name = $2, priority = $3, active = $4
returning location_id, name, priority, active, created_at`

const LOCATIONS = `
select location_id, name, priority, active, created_at from locations order by priority, location_id collate "C"`

const LEVELS = `
select product_id, location_id, on_hand, reserved from stock_levels where product_id = any($1::text[])`

const KNOWN = `
select exists (select 1 from products where product_id = $1) as product,
  exists (select 1 from locations where location_id = $2) as location`

const ADD_LEVEL = `
insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at) values ($1, $2, 0, 0, $3)
on conflict do nothing`

const LOCK_LEVEL = `
select product_id, location_id, on_hand, reserved from stock_levels
where product_id = $1 and location_id = $2 for update`

const SET_ON_HAND = `
update stock_levels set on_hand = $3, updated_at = $4 where product_id = $1 and location_id = $2`

const ADD_MOVE = `
insert into stock_moves
  (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
values ($1, $2, $3, 0, 'adjust', $4, 0, $5, $6)`

const MOVES = `
select product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at
from stock_moves
where product_id = $1 and (source_id, version, location_id collate "C") < ($2, $3, $4 collate "C")
order by source_id desc, version desc, location_id collate "C" desc limit $5`

const RESERVATION = `
select r.reservation_id, r.status, r.order_id, r.created_at, r.expires_at,
  (select jsonb_agg(jsonb_build_array(i.product_id, i.location_id, i.quantity)
     order by i.product_id collate "C", i.location_id collate "C")
   from stock_reservation_items i where i.reservation_id = r.reservation_id) as items
from stock_reservations r where r.reservation_id = $1`

/** Gives back the units of those reservations that are still held, in the order of locks that all statements keep. */
const giveBack = (which: string, status: ReservationStatus) => `
with held as materialized (
  select reservation_id from stock_reservations
  where status = 'held' and ${which} order by reservation_id for update),
item as (
  select i.* from stock_reservation_items i where i.reservation_id in (select reservation_id from held)),
locked as materialized (
  select s.product_id, s.location_id, s.on_hand, s.reserved from stock_levels s
  where (s.product_id, s.location_id) in (select product_id, location_id from item)
  order by s.product_id, s.location_id for update),
freed as (
  update stock_levels s set on_hand = d.on_hand, reserved = d.reserved, updated_at = $2
  from (
    select product_id, location_id, max(on_hand) as on_hand, (max(reserved) - sum(units))::bigint as reserved from (
      select product_id, location_id, quantity as units, null::bigint as on_hand, null::bigint as reserved from item
      union all select product_id, location_id, 0, on_hand, reserved from locked) u
    group by product_id, location_id) d
  where s.product_id = d.product_id and s.location_id = d.location_id),
moved as (
  insert into stock_moves
    (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
  select product_id, location_id, reservation_id, 2, 'unhold', 0, -quantity, $3, $2 from item)
update stock_reservations set status = '${status}' where reservation_id in (select reservation_id from held)
returning reservation_id`

const RELEASE = giveBack('reservation_id = $1', 'released')

// Whose time is over is chosen without a lock: what another process has given back meanwhile drops out under it.
const EXPIRE = giveBack(
  `expires_at <= $2 and reservation_id in (
    select reservation_id from stock_reservations where status = 'held' and expires_at <= $2
    order by expires_at limit $1)`,
  'expired',
)

const SWEEPER = 'expiry'

/** The level of a product at a location, locked; made where there was none. `undefined`: no such product. */
async function lockLevel(tx: SqlTx, productId: string, locationId: string, at: Date): Promise<StockLevel | undefined> {
  const [level] = await tx.query<LevelRow>(LOCK_LEVEL, [productId, locationId])
  if (level !== undefined) return toLevel(level)
  const [known] = await tx.query<{ product: boolean; location: boolean }>(KNOWN, [productId, locationId])
  if (!known?.product) return undefined
  if (!known.location) throw new AppError('location_not_found', `No location ${locationId}`)
  await tx.query(ADD_LEVEL, [productId, locationId, at])
  const [added] = await tx.query<LevelRow>(LOCK_LEVEL, [productId, locationId])
  return toLevel(added!)
}

const ID_MAX = 2n ** 63n - 1n
const INT_MAX = 2_147_483_647

export function openStockStore(sql: SqlClient, shards: number, { ids, clock }: PortContext): StockStore {
  async function reservation(reservationId: bigint): Promise<Reservation | undefined> {
    const [row] = await sql.query<ReservationRow>(RESERVATION, [reservationId])
    return row === undefined ? undefined : toReservation(row)
  }

  return {
    async putLocation({ locationId, name, priority, active, createdAtMs }) {
      const values = [locationId, name, priority, active, new Date(createdAtMs)]
      const [row] = await sql.query<LocationRow>(PUT_LOCATION, values)
      return toLocation(row!)
    },
    async locations() {
      return (await sql.query<LocationRow>(LOCATIONS)).map(toLocation)
    },
    async levels(productIds) {
      return (await sql.query<LevelRow>(LEVELS, [productIds])).map(toLevel)
    },
    setOnHand(productId, locationId, onHand, { actor, atMs }) {
      const at = new Date(atMs)
      return sql.transaction(async (tx) => {
        const level = await lockLevel(tx, productId, locationId, at)
        if (level === undefined) return undefined
        if (onHand < level.reserved) return { kind: 'reserved', level }
        if (onHand !== level.onHand) {
          await tx.query(SET_ON_HAND, [productId, locationId, onHand, at])
          await tx.query(ADD_MOVE, [productId, locationId, ids.next(0), onHand - level.onHand, actor, at])
        }
        return { kind: 'set', level: { ...level, onHand } }
      })
    },
    async moves(productId, before, limit) {
      const { sourceId, version, locationId } = before ?? { sourceId: ID_MAX, version: INT_MAX, locationId: '' }
      return (await sql.query<MoveRow>(MOVES, [productId, sourceId, version, locationId, limit])).map(toMove)
    },
    hold: createHolder(sql, shards, clock),
    reservation,
    async release(reservationId, { actor, atMs }) {
      await sql.query(RELEASE, [reservationId, new Date(atMs), actor])
      return reservation(reservationId)
    },
    async expire(nowMs, limit) {
      return (await sql.query(EXPIRE, [limit, new Date(nowMs), SWEEPER])).length
    },
  }
}
