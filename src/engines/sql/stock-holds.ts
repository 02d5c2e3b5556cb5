import { createBatcher, type ItemResult } from '../../core/batcher.ts'
import type { Clock } from '../../core/clock.ts'
import { judgeKey } from '../../core/command.ts'
import { AppError } from '../../core/errors.ts'
import type { HeldItem, HoldOutcome, OrderStore, Origin, Reservation, StockStore } from '../../orders/ports.ts'
import { shardOfKey } from './idempotency.ts'
import { distinctByKey, inBatches, untilDecided } from './run-batch.ts'

export interface Hold {
  /** Of its key. */
  readonly shard: number
  readonly reservation: Reservation
  readonly origin: Origin
  readonly body: object
}

export interface HoldLine extends HeldItem {
  readonly item: number
  readonly lineNo: number
}

export function heldLinesOf(holds: readonly Hold[]): HoldLine[] {
  return holds.flatMap(({ reservation }, item) =>
    reservation.items.map((held, index) => ({ ...held, item, lineNo: index + 1 })),
  )
}

/** `late`: somebody before it in the batch wanted the same units, or has the same key. */
export type HoldResult =
  | { readonly kind: 'held' | 'key_known' | 'late' }
  | { readonly kind: 'short'; readonly item: HeldItem; readonly available: number }

/** Stores one batch of cart holds, all or nothing; one result per hold. Each has another key. */
type StoreHolds = (batch: readonly Hold[]) => Promise<readonly HoldResult[]>

async function holdAll(store: StoreHolds, holds: readonly Hold[]): Promise<ItemResult<HoldResult>[]> {
  const results = await inBatches(
    distinctByKey(holds, ({ origin }) => origin.key),
    ({ reservation }) => reservation.items.length,
    store,
  )
  return holds.map((hold) => results.get(hold) ?? { ok: true, value: { kind: 'late' } })
}

/** Group commit of cart holds: one batch under way in each process. */
export function createHolds(
  { shards, clock, readKey }: { shards: number; clock: Clock; readKey: OrderStore['readKey'] },
  store: StoreHolds,
): StockStore['hold'] {
  const batcher = createBatcher<Hold, HoldResult>({ run: (holds) => holdAll(store, holds) })

  return async function hold<Body>(
    reservation: Reservation,
    origin: Origin,
    present: (reservation: Reservation) => Body,
  ): Promise<HoldOutcome<Body>> {
    const body = present(reservation)
    const shard = origin.key === undefined ? 0 : shardOfKey(origin.key, shards)
    const outcome = await untilDecided(clock, () => batcher.add({ shard, reservation, origin, body: body as object }))
    if (outcome.kind === 'short') return outcome
    if (outcome.kind === 'held') return { kind: 'held', body, replayed: false }
    const stored = await readKey(shard, origin.key!)
    const verdict = stored === undefined ? undefined : judgeKey(origin.key!, stored, clock.now())
    if (verdict?.kind !== 'replay') throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
    return { kind: 'held', body: verdict.body as Body, replayed: true }
  }
}
