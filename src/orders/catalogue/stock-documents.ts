import type { Location, Reservation, StockLevel, StockMoveEntry } from '../ports.ts'
import type { LocationDocument, ReservationDocument, StockDocument, StockMoveDocument } from './stock-schemas.ts'

/** Locations, stock and cart holds as the documents of the API. */
const iso = (ms: number) => new Date(ms).toISOString()

export function locationDocument(location: Location): LocationDocument {
  return {
    location_id: location.locationId,
    name: location.name,
    priority: location.priority,
    active: location.active,
    created_at: iso(location.createdAtMs),
  }
}

const figuresOf = (onHand: number, reserved: number) => ({ on_hand: onHand, reserved, available: onHand - reserved })

export function stockDocument(productId: string, levels: readonly StockLevel[]): StockDocument {
  const sum = (pick: (level: StockLevel) => number) => levels.reduce((total, level) => total + pick(level), 0)
  const byId = levels.toSorted((a, b) => (a.locationId < b.locationId ? -1 : 1))
  return {
    product_id: productId,
    ...figuresOf(
      sum((level) => level.onHand),
      sum((level) => level.reserved),
    ),
    locations: byId.map((level) => ({ location_id: level.locationId, ...figuresOf(level.onHand, level.reserved) })),
  }
}

export function moveDocument(move: StockMoveEntry): StockMoveDocument {
  return {
    location_id: move.locationId,
    kind: move.kind,
    on_hand_delta: move.onHandDelta,
    reserved_delta: move.reservedDelta,
    source_id: String(move.sourceId),
    source_version: move.version,
    actor: move.actor,
    moved_at: iso(move.movedAtMs),
  }
}

/** A hold whose time is over counts as expired from that moment, also while its units are on their way back. */
export function reservationDocument(reservation: Reservation, nowMs: number): ReservationDocument {
  const { status, expiresAtMs, orderId } = reservation
  return {
    reservation_id: String(reservation.reservationId),
    status: status === 'held' && expiresAtMs <= nowMs ? 'expired' : status,
    items: reservation.items.map(({ productId, locationId, quantity }) => {
      return { product_id: productId, location_id: locationId, quantity }
    }),
    ...(orderId === undefined ? {} : { order_id: String(orderId) }),
    created_at: iso(reservation.createdAtMs),
    expires_at: iso(expiresAtMs),
  }
}
