import type { AnyPage } from './types.ts'

interface ListQuery {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/**
 * Walks a list page by page, each fetched when the one before has been taken. `max` ends the walk after so many items,
 * and no more than these are asked for.
 */
export async function* walk<Page extends AnyPage>(
  fetchPage: (query: ListQuery) => Promise<Page>,
  start: ListQuery,
  max = Number.POSITIVE_INFINITY,
): AsyncGenerator<Page, void, undefined> {
  let left = max
  let { cursor } = start
  while (left > 0) {
    const limit = Math.min(start.limit ?? Number.POSITIVE_INFINITY, left)
    const page = await fetchPage({ cursor, ...(Number.isFinite(limit) ? { limit } : {}) })
    left -= page.items.length
    yield page
    if (page.next_cursor === undefined) return
    cursor = page.next_cursor
  }
}
