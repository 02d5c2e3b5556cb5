import type {
  HeldItem,
  Location,
  Reservation,
  ReservationStatus,
  StockLevel,
  StockMoveEntry,
} from '../../orders/ports.ts'

export interface LocationRow {
  location_id: string
  name: string
  priority: number
  active: boolean
  created_at: Date
}

export const toLocation = (row: LocationRow): Location => ({
  locationId: row.location_id,
  name: row.name,
  priority: row.priority,
  active: row.active,
  createdAtMs: row.created_at.getTime(),
})

export interface LevelRow {
  product_id: string
  location_id: string
  on_hand: bigint
  reserved: bigint
}

export const toLevel = (row: LevelRow): StockLevel => ({
  productId: row.product_id,
  locationId: row.location_id,
  onHand: Number(row.on_hand),
  reserved: Number(row.reserved),
})

export interface MoveRow {
  product_id: string
  location_id: string
  source_id: bigint
  version: number
  kind: StockMoveEntry['kind']
  on_hand_delta: bigint
  reserved_delta: bigint
  actor: string
  moved_at: Date
}

export const toMove = (row: MoveRow): StockMoveEntry => ({
  productId: row.product_id,
  locationId: row.location_id,
  sourceId: row.source_id,
  version: row.version,
  kind: row.kind,
  onHandDelta: Number(row.on_hand_delta),
  reservedDelta: Number(row.reserved_delta),
  actor: row.actor,
  movedAtMs: row.moved_at.getTime(),
})

export interface ReservationRow {
  reservation_id: bigint
  status: ReservationStatus
  order_id: bigint | null
  created_at: Date
  expires_at: Date
  items: [productId: string, locationId: string, quantity: number][]
}

export const toReservation = (row: ReservationRow): Reservation => ({
  reservationId: row.reservation_id,
  status: row.status,
  items: row.items.map(([productId, locationId, quantity]): HeldItem => ({ productId, locationId, quantity })),
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at.getTime(),
  orderId: row.order_id ?? undefined,
})
