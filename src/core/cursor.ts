import { AppError, invalidField } from './errors.ts'
import { parseId } from './ids.ts'
import { LIMITS } from './limits.ts'

/** A page of a list. `next_cursor` is absent at the end, and only there. */
export interface Page<Item> {
  readonly items: Item[]
  readonly next_cursor?: string
}

export interface PageRequest {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** The size of a page: refuses what is no positive whole number, caps what is too large (AIP-158). */
export function pageLimit(limit: number | undefined): number {
  if (limit === undefined) return LIMITS.pageItemsDefault
  if (!Number.isInteger(limit) || limit < 1) throw invalidField('query/limit', 'must be a whole number of at least 1')
  return Math.min(limit, LIMITS.pageItemsMax)
}

/**
 * Keyset cursors: the sort key of the last item shown, opaque to callers. `list` names the list and its filters, so a
 * cursor of one list is refused by another.
 */
export function encodeCursor(list: string, key: readonly (string | bigint)[]): string {
  return Buffer.from(JSON.stringify([list, ...key.map(String)])).toString('base64url')
}

/** The sort key inside a cursor of this list; `undefined` without a cursor; throws `invalid_cursor`. */
export function decodeCursor(list: string, parts: number, cursor: string | undefined): string[] | undefined {
  if (cursor === undefined) return undefined
  try {
    const [head, ...key] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    if (head === list && key.length === parts && key.every((part) => typeof part === 'string')) return key as string[]
  } catch {
    // Not base64, or not JSON: the same answer as for a cursor of another list.
  }
  throw new AppError('invalid_cursor', 'This cursor is not one that this list handed out; start without a cursor', {
    fields: [{ pointer: 'query/cursor', detail: 'must be the next_cursor of a page of this list' }],
  })
}

/** A cursor made of one id. */
export function decodeIdCursor(list: string, cursor: string | undefined): bigint | undefined {
  const key = decodeCursor(list, 1, cursor)
  if (key === undefined) return undefined
  const id = parseId(key[0]!)
  if (id === undefined) throw new AppError('invalid_cursor')
  return id
}

/** Cuts `limit + 1` fetched rows to a page; `keyOf` gives the sort key of the last row shown. */
export function pageOf<Row, Item>(
  list: string,
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | bigint)[],
  present: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const items = shown.map(present)
  return rows.length > limit && last !== undefined ? { items, next_cursor: encodeCursor(list, keyOf(last)) } : { items }
}
