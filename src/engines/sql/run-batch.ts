import type { ItemResult } from '../../core/batcher.ts'
import type { Clock } from '../../core/clock.ts'
import type { IdempotencyKey } from '../../core/command.ts'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { isTransient } from '../../core/retry.ts'

/** Rows of one statement; more are sent as several, so that none runs for long. */
const ROWS_MAX = 2_000

function* chunksOf<Item>(items: readonly Item[], rowsOf: (item: Item) => number): Generator<Item[]> {
  let chunk: Item[] = []
  let rows = 0
  for (const item of items) {
    if (chunk.length > 0 && rows + rowsOf(item) > ROWS_MAX) {
      yield chunk
      chunk = []
      rows = 0
    }
    chunk.push(item)
    rows += rowsOf(item)
  }
  if (chunk.length > 0) yield chunk
}

/**
 * Runs a group commit in statements of bounded size. When a statement fails for good, its items are run one by one, so
 * that one bad item fails alone; a failed statement has done nothing.
 */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  rowsOf: (item: Item) => number,
  run: (batch: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Map<Item, ItemResult<Result>>> {
  const results = new Map<Item, ItemResult<Result>>()
  async function attempt(batch: readonly Item[]): Promise<void> {
    try {
      const values = await run(batch)
      for (const [index, item] of batch.entries()) results.set(item, { ok: true, value: values[index]! })
    } catch (error) {
      if (batch.length > 1 && !isTransient(error)) for (const item of batch) await attempt([item])
      else for (const item of batch) results.set(item, { ok: false, error })
    }
  }
  for (const chunk of chunksOf(items, rowsOf)) await attempt(chunk)
  return results
}

/** The first of those that bring the same idempotency key, and all without one: no batch may hold a key twice. */
export function distinctByKey<Item>(items: readonly Item[], keyOf: (item: Item) => IdempotencyKey | undefined): Item[] {
  const seen = new Set<string>()
  return items.filter((item) => {
    const key = keyOf(item)
    if (key === undefined) return true
    const id = `${key.scope}\n${key.key}`
    return seen.has(id) ? false : seen.add(id)
  })
}

/** Tries again what came too late for its batch. Throws `write_contention` after {@link LIMITS.commandMsMax}. */
export async function untilDecided<Outcome extends { readonly kind: string }>(
  clock: Clock,
  attempt: () => Promise<Outcome | { readonly kind: 'late' }>,
): Promise<Exclude<Outcome, { readonly kind: 'late' }>> {
  const deadline = clock.now() + LIMITS.commandMsMax
  for (;;) {
    const outcome = await attempt()
    if (outcome.kind !== 'late') return outcome as Exclude<Outcome, { readonly kind: 'late' }>
    if (clock.now() > deadline) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
  }
}
