import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'

/** Rows of one request; the most the server gives. */
export const PAGE_ROWS = 100

export interface ListPage<Row> {
  readonly items: readonly Row[]
  readonly next_cursor?: string | undefined
}

/**
 * A keyset list as a table wants it: `rows` so far, and `more` to go on. `fetchPage` is one request of the client for
 * the page behind a cursor (`undefined`: the first).
 */
export function useList<Row>(
  key: readonly unknown[],
  fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<ListPage<Row>>,
  options: { readonly refetchMs?: number; readonly enabled?: boolean } = {},
) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor,
    enabled: options.enabled ?? true,
    // A long list that somebody has scrolled is not fetched again as a whole.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 1 ? (options.refetchMs ?? false) : false),
  })
  const pages = query.data?.pages
  const rows = useMemo(() => pages?.flatMap((page) => page.items), [pages])
  return {
    /** `undefined` until the first page is there. */
    rows,
    error: query.error,
    refetch: query.refetch,
    more: {
      hasNextPage: query.hasNextPage,
      isFetchingNextPage: query.isFetchingNextPage,
      error: query.isFetchNextPageError ? query.error : null,
      fetchNextPage: query.fetchNextPage,
    },
  }
}

export type List<Row> = ReturnType<typeof useList<Row>>

/** The same for {@link Async}. */
export const asQuestion = <Row>(list: List<Row>) => ({
  data: list.rows,
  error: list.more.error === null ? list.error : null,
  refetch: list.refetch,
})
