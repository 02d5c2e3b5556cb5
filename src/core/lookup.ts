import { createBatcher } from './batcher.ts'

/** Two queries overlap the wire with the database; more would only make the batches smaller. */
const QUERIES_AT_ONCE = 2

/**
 * Look-ups by key that come in together share one query. Each is read after it was asked for, so nobody gets an answer
 * older than his question. `keyOf` tells which value belongs to which key; a key without a value answers `undefined`.
 */
export function createLookup<Key extends string | bigint, Value>(
  read: (keys: readonly Key[]) => Promise<readonly Value[]>,
  keyOf: (value: Value) => Key,
): (key: Key) => Promise<Value | undefined> {
  const batcher = createBatcher<Key, Value | undefined>({
    concurrency: QUERIES_AT_ONCE,
    run: async (keys) => {
      const found = new Map((await read([...new Set(keys)])).map((value) => [keyOf(value), value]))
      return keys.map((key) => ({ ok: true, value: found.get(key) }))
    },
  })
  return batcher.add
}

/** Look-ups of several keys each, of which so many share one query. */
const LOOKUPS_PER_QUERY = 16

/** As {@link createLookup}, for callers who need the values of many keys at once. */
export function createLookups<Key extends string | bigint, Value>(
  read: (keys: readonly Key[]) => Promise<readonly Value[]>,
  keyOf: (value: Value) => Key,
): (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>> {
  const batcher = createBatcher<readonly Key[], ReadonlyMap<Key, Value>>({
    concurrency: QUERIES_AT_ONCE,
    maxItems: LOOKUPS_PER_QUERY,
    run: async (lists) => {
      const found = new Map((await read([...new Set(lists.flat())])).map((value) => [keyOf(value), value]))
      return lists.map(() => ({ ok: true, value: found }))
    },
  })
  return batcher.add
}
