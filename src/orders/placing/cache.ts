import { createBatcher } from '../../core/batcher.ts'

/**
 * Things that orders are made from, kept in memory. Each placement names the version of what it used, and the database
 * refuses an old one, so an old copy does no harm. What is not there is not remembered as missing.
 */
export interface VersionedCache<Value> {
  /** Those that exist, by id; what is missing is read, for all callers together. */
  load(ids: readonly string[]): Promise<ReadonlyMap<string, Value>>
  forget(ids: readonly string[]): void
}

const ENTRIES_MAX = 50_000

export function createVersionedCache<Value>(
  find: (ids: readonly string[]) => Promise<readonly Value[]>,
  idOf: (value: Value) => string,
): VersionedCache<Value> {
  const cache = new Map<string, Value>()
  const reader = createBatcher<string, Value | undefined>({
    concurrency: 2,
    async run(ids) {
      const found = new Map((await find([...new Set(ids)])).map((value) => [idOf(value), value]))
      if (cache.size + found.size > ENTRIES_MAX) cache.clear()
      for (const [id, value] of found) cache.set(id, value)
      return ids.map((id) => ({ ok: true, value: found.get(id) }))
    },
  })

  return {
    async load(ids) {
      const values = await Promise.all(ids.map((id) => cache.get(id) ?? reader.add(id)))
      const known = values.filter((value) => value !== undefined)
      return new Map(known.map((value) => [idOf(value), value]))
    },
    forget(ids) {
      for (const id of ids) cache.delete(id)
    },
  }
}
