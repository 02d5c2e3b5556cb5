import type { Clock } from '../../core/clock.ts'
import type { StockMoveEntry, StockStore } from '../../orders/ports.ts'
import { createHolds, type Hold, type HoldResult, heldLinesOf } from '../sql/stock-holds.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { readKey } from './idempotency.ts'
import { findKeys, type KeyRow, knownAmong, seeingNewKeys, storeAnswers } from './order-keys.ts'
import { lockLevels, moveStock } from './stock-moves.ts'
import { freeOf, type LockedLevel, shareStock } from './stock-queue.ts'

const HOLD = 'insert into stock_reservations (reservation_id, status, actor, created_at, expires_at) values ?'

const HOLD_ITEMS = `
insert into stock_reservation_items (reservation_id, product_id, location_id, quantity) values ?`

const CREATED = 201

function movesOf(holds: readonly Hold[]): StockMoveEntry[] {
  return holds.flatMap(({ reservation, origin }) =>
    reservation.items.map(({ productId, locationId, quantity }) => ({
      productId,
      locationId,
      sourceId: reservation.reservationId,
      version: 1,
      kind: 'hold',
      onHandDelta: 0,
      reservedDelta: quantity,
      actor: origin.actor,
      movedAtMs: reservation.createdAtMs,
    })),
  )
}

function rowsOf(holds: readonly Hold[]) {
  const items = holds.flatMap(({ reservation: { reservationId, items } }) =>
    items.map((item) => [reservationId, item.productId, item.locationId, item.quantity]),
  )
  const reservations = holds.map(({ reservation, origin }) => {
    const { reservationId, createdAtMs, expiresAtMs } = reservation
    return [reservationId, 'held', origin.actor, new Date(createdAtMs), new Date(expiresAtMs)]
  })
  return { items, reservations }
}

/** One batch of cart holds, in two round trips. Locks: stock by product and location, then keys. */
function holdBatch(sql: MysqlClient, batch: readonly Hold[]): Promise<HoldResult[]> {
  const at = new Date(Math.max(...batch.map(({ reservation }) => reservation.createdAtMs)))
  const keys = batch.flatMap(({ shard, origin: { key } }) => (key === undefined ? [] : [{ shard, key }]))
  const lines = heldLinesOf(batch)
  return sql.transaction(async (tx) => {
    const [levels, known] = await tx.batch([lockLevels(lines), findKeys(keys)])
    const locked = levels!.rows as readonly LockedLevel[]
    const isKnown = knownAmong(known!.rows as readonly KeyRow[])
    const asked = lines.filter(({ item }) => !isKnown(batch[item]!.shard, batch[item]!.origin.key))
    const { short, fits } = shareStock(
      asked.map((line) => ({ ...line, held: 0 })),
      freeOf(locked),
    )
    const holds = batch.filter((_, item) => fits.has(item))
    if (holds.length > 0) {
      const { items, reservations } = rowsOf(holds)
      const answers = holds.flatMap(({ shard, reservation, origin, body }) => {
        if (origin.key === undefined) return []
        const { reservationId: operationId, createdAtMs: atMs } = reservation
        return [{ shard, key: origin.key, status: CREATED, body, operationId, atMs }]
      })
      await tx.last([
        ...storeAnswers(answers),
        ...moveStock(movesOf(holds), locked, at),
        { text: HOLD, params: [reservations] },
        { text: HOLD_ITEMS, params: [items] },
      ])
    }
    return batch.map(({ shard, origin }, item): HoldResult => {
      if (isKnown(shard, origin.key)) return { kind: 'key_known' }
      const shortage = short.get(item)
      if (shortage === undefined) return { kind: fits.has(item) ? 'held' : 'late' }
      const { productId, locationId, requested, available } = shortage
      return { kind: 'short', item: { productId, locationId, quantity: requested }, available }
    })
  })
}

/** See `createHolds`. */
export function createHolder(sql: MysqlClient, shards: number, clock: Clock): StockStore['hold'] {
  return createHolds({ shards, clock, readKey: (shard, key) => readKey(sql, shard, key) }, (batch) =>
    seeingNewKeys(() => holdBatch(sql, batch)),
  )
}
