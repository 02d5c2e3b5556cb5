import type { ItemResult } from '../../core/batcher.ts'
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
