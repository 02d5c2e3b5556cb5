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

function invalidCursor(): AppError {
  return new AppError('invalid_cursor', 'This cursor is not one that this list handed out; start without a cursor', {
    fields: [{ pointer: 'query/cursor', detail: 'must be the next_cursor of a page of this list' }],
  })
}

// PostgreSQL keeps no text with a NUL in it, so no sort key has one.
const isPart = (part: unknown) => typeof part === 'string' && !part.includes('\0')

/** The sort key inside a cursor of this list; `undefined` without a cursor; throws `invalid_cursor`. */
export function decodeCursor(list: string, parts: number, cursor: string | undefined): string[] | undefined {
  if (cursor === undefined) return undefined
  try {
    const [head, ...key] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    if (head === list && key.length === parts && key.every(isPart)) return key as string[]
  } catch {
    // Not base64, or not JSON: the same answer as for a cursor of another list.
  }
  throw invalidCursor()
}

/**
 * A whole number from 0 to `max` inside a cursor; throws `invalid_cursor`. Anybody can write a cursor, and a database fails
 * on a number that its column can not hold: without `max` the column is an `int`.
 */
export function cursorNumber(text: string, max = 2 ** 31 - 1): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!(number <= max)) throw invalidCursor()
  return number
}

/** The last moment that every database knows. */
const TIME_MS_MAX = Date.UTC(9999, 11, 31)

/** A time inside a cursor, in milliseconds since 1970; throws `invalid_cursor`. */
export function cursorTimeMs(text: string): number {
  return cursorNumber(text, TIME_MS_MAX)
}

/** A time inside a cursor, as `toISOString` writes it; throws `invalid_cursor`. */
export function cursorTime(text: string): Date {
  const time = new Date(/^(?!0000)\d{4}-/.test(text) ? text : Number.NaN)
  if (Number.isNaN(time.getTime()) || time.toISOString() !== text) throw invalidCursor()
  return time
}

/** An id inside a cursor; throws `invalid_cursor`. */
export function cursorId(text: string): bigint {
  const id = parseId(text)
  if (id === undefined) throw invalidCursor()
  return id
}

/** A cursor made of one id. */
export function decodeIdCursor(list: string, cursor: string | undefined): bigint | undefined {
  const key = decodeCursor(list, 1, cursor)
  return key === undefined ? undefined : cursorId(key[0]!)
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
