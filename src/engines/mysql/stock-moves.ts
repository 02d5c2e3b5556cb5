import type { StockMoveEntry } from '../../orders/ports.ts'
import type { ColumnList } from '../sql/column-list.ts'
import type { Statement } from './literals.ts'
import { type LockedLevel, placeOf } from './stock-queue.ts'
import { namesOf, valuesOf } from './values.ts'

// The primary key gives the locks their order: by product, then location.
const LOCK = `
select product_id, location_id, on_hand, reserved from stock_levels force index (primary)
where (product_id, location_id) in (?) order by product_id, location_id for update`

// Only rows that are there and locked: what is inserted is never new.
const SET = `
insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at) values ?
on duplicate key update on_hand = values(on_hand), reserved = values(reserved), updated_at = values(updated_at)`

const MOVE_LIST: ColumnList<StockMoveEntry> = [
  ['product_id', 'text', (move) => move.productId],
  ['location_id', 'text', (move) => move.locationId],
  ['source_id', 'bigint', (move) => move.sourceId],
  ['version', 'int', (move) => move.version],
  ['kind', 'text', (move) => move.kind],
  ['on_hand_delta', 'bigint', (move) => move.onHandDelta],
  ['reserved_delta', 'bigint', (move) => move.reservedDelta],
  ['actor', 'text', (move) => move.actor],
  ['moved_at', 'timestamptz', (move) => new Date(move.movedAtMs)],
]

const ADD = `insert into stock_moves (${namesOf(MOVE_LIST)}) values ?`

/** Locks the levels of these products at these locations, those that there are; answers {@link LockedLevel}s. */
export function lockLevels(places: Iterable<{ readonly productId: string; readonly locationId: string }>): Statement {
  const distinct = new Map<string, readonly [string, string]>()
  for (const { productId, locationId } of places) {
    distinct.set(placeOf(productId, locationId), [productId, locationId])
  }
  return { text: LOCK, params: [distinct.size === 0 ? [[null, null]] : [...distinct.values()]] }
}

/** Writes moves to the ledger, and what they come to to the locked levels; `at` is the time of the batch. */
export function moveStock(moves: readonly StockMoveEntry[], locked: readonly LockedLevel[], at: Date): Statement[] {
  if (moves.length === 0) return []
  const levels = new Map(
    locked.map((row) => [
      placeOf(row.product_id, row.location_id),
      { ...row, onHand: Number(row.on_hand), reserved: Number(row.reserved), isMoved: false },
    ]),
  )
  for (const { productId, locationId, onHandDelta, reservedDelta } of moves) {
    const level = levels.get(placeOf(productId, locationId))
    // Goods come back only to where they were taken from, so a level without a row has no moves.
    if (level === undefined) throw new Error(`no level of ${productId} at ${locationId}`)
    level.onHand += onHandDelta
    level.reserved += reservedDelta
    level.isMoved = true
  }
  const rows = [...levels.values()]
    .filter(({ isMoved }) => isMoved)
    .map((level) => [level.product_id, level.location_id, level.onHand, level.reserved, at])
  return [
    { text: SET, params: [rows] },
    { text: ADD, params: [valuesOf(MOVE_LIST, moves)] },
  ]
}
