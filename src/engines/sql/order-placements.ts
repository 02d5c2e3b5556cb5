import { createBatcher, type ItemResult } from '../../core/batcher.ts'
import type { Clock } from '../../core/clock.ts'
import type { Placement, PlaceOutcome } from '../../orders/ports.ts'
import { distinctByKey, inBatches, untilDecided } from './run-batch.ts'

/** `late`: somebody before it in the batch wanted the same units, has the same cart hold, or the same key. */
export type PlaceResult = PlaceOutcome | { readonly kind: 'late' }

/** Stores one batch of new orders, all or nothing; one result per placement. Each has another key. */
type StoreOrders = (batch: readonly Placement[]) => Promise<readonly PlaceResult[]>

async function placeAll(store: StoreOrders, placements: readonly Placement[]): Promise<ItemResult<PlaceResult>[]> {
  const results = await inBatches(
    distinctByKey(placements, ({ answer }) => answer?.key),
    (placement) => placement.lines.length,
    store,
  )
  return placements.map((placement) => results.get(placement) ?? { ok: true, value: { kind: 'late' } })
}

/** So that some are made ready while others are stored: of one large batch at a time, all would wait for each step. */
const BATCHES_UNDER_WAY = 3
const BATCH_ORDERS = 96

/**
 * Group commit of placements. All shards share its batches: a statement costs more than its rows. Orders of one product
 * are never in two batches at the same time, so no batch waits for the stock of another of this process.
 */
export function createPlacements(clock: Clock, store: StoreOrders): (placement: Placement) => Promise<PlaceOutcome> {
  const batcher = createBatcher<Placement, PlaceResult>({
    run: (items) => placeAll(store, items),
    maxItems: BATCH_ORDERS,
    concurrency: BATCHES_UNDER_WAY,
    locks: ({ lines }) => lines.map((line) => line.productId),
  })
  return (placement) => untilDecided(clock, () => batcher.add(placement))
}
