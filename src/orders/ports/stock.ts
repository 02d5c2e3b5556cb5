import type { Once, Origin } from './catalogue.ts'
import type { OrderStore } from './orders.ts'

/** A place that goods are sent from. Orders are served from the first, by `priority`, that has enough. */
export interface Location {
  readonly locationId: string
  readonly name: string
  /** Smaller comes first. */
  readonly priority: number
  readonly active: boolean
  readonly createdAtMs: number
}

/** Where everything is, unless told otherwise; there from the beginning. */
export const MAIN_LOCATION = 'main'

/** Units at one location. Available is `onHand - reserved`. */
export interface StockLevel {
  readonly productId: string
  readonly locationId: string
  readonly onHand: number
  readonly reserved: number
}

export interface StockMoveEntry {
  readonly productId: string
  readonly locationId: string
  /** The order, the reservation or the adjustment that moved it, and which change of it. */
  readonly sourceId: bigint
  readonly version: number
  readonly kind: 'adjust' | 'hold' | 'unhold' | 'reserve' | 'release' | 'ship' | 'return'
  readonly onHandDelta: number
  readonly reservedDelta: number
  readonly actor: string
  readonly movedAtMs: number
}

export type StockPosition = Pick<StockMoveEntry, 'sourceId' | 'version' | 'locationId'>

export interface HeldItem {
  readonly productId: string
  readonly locationId: string
  readonly quantity: number
}

export const RESERVATION_STATUSES = ['held', 'ordered', 'released', 'expired'] as const
export type ReservationStatus = (typeof RESERVATION_STATUSES)[number]

/** Units kept for a cart until they are ordered, given back, or the time is over. */
export interface Reservation {
  readonly reservationId: bigint
  readonly status: ReservationStatus
  /** One per product and location, sorted by them. */
  readonly items: readonly HeldItem[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
  /** The order that took them. */
  readonly orderId: bigint | undefined
}

export type HoldOutcome<Body> =
  | ({ readonly kind: 'held' } & Once<Body>)
  /** This item asks for more than there is at its location. */
  | { readonly kind: 'short'; readonly item: HeldItem; readonly available: number }

export interface StockStore {
  /** Stores a new location or changes a known one. */
  putLocation(location: Location): Promise<Location>
  /** Ascending by priority, then id. */
  locations(): Promise<Location[]>
  /** Every location that has a level of these products, in no order; none for an unknown product. */
  levels(productIds: readonly string[]): Promise<StockLevel[]>
  /**
   * Sets the units on hand at one location and writes the difference to the ledger, atomically. Fewer than are
   * reserved: `kind: 'reserved'` and nothing changes. `undefined`: no such product. Throws `location_not_found`.
   */
  setOnHand(
    productId: string,
    locationId: string,
    onHand: number,
    origin: Origin,
  ): Promise<{ kind: 'set' | 'reserved'; level: StockLevel } | undefined>
  /** Newest source first, of one change the later location first, before `before`. */
  moves(productId: string, before: StockPosition | undefined, limit: number): Promise<StockMoveEntry[]>

  /**
   * Takes all items or none, with the moves, once per key; nothing is oversold however many come at once. The key is in
   * the shard that {@link OrderStore.shardFor} names. Throws `idempotency_key_reused`.
   */
  hold<Body>(
    reservation: Reservation,
    origin: Origin,
    present: (reservation: Reservation) => Body,
  ): Promise<HoldOutcome<Body>>
  reservation(reservationId: bigint): Promise<Reservation | undefined>
  /** Gives the units back if they are still held; answers the reservation as it is then. */
  release(reservationId: bigint, origin: Origin): Promise<Reservation | undefined>
  /** Gives back the units of up to `limit` reservations whose time is over; answers how many there were. */
  expire(nowMs: number, limit: number): Promise<number>
}
