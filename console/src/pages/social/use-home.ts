import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import type { Post, TimelinePage } from 'fanfold/client'
import { useCallback, useMemo, useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { listsOf } from './posts-cache.ts'
import { cursorOf, FEED_POSTS } from './requests.ts'

export type TimelineOrder = 'newest' | 'ranked'
type HomeData = InfiniteData<TimelinePage, string | undefined>

/** What stands in a timeline: a post, or a place where posts are missing that are not loaded yet. */
export type HomeEntry = { readonly post: Post } | { readonly cursor: string }

function entriesOf(pages: readonly TimelinePage[]): HomeEntry[] {
  const seen = new Set<string>()
  return pages.flatMap(({ items, gap, next_cursor }) => {
    const fresh = items.filter(({ post_id }) => !seen.has(post_id))
    for (const { post_id } of fresh) seen.add(post_id)
    const entries: HomeEntry[] = fresh.map((post) => ({ post }))
    return gap === true && next_cursor !== undefined ? [...entries, { cursor: next_cursor }] : entries
  })
}

/** A further page in front of those there are; it begins where they begin unless it says where. */
function withFront(data: HomeData, front: readonly TimelinePage[]): HomeData {
  return {
    pages: [...front, ...data.pages],
    pageParams: [...front.map(() => undefined), ...data.pageParams],
  }
}

/**
 * A home timeline as it was read, page by page. It is never fetched again by itself: what comes is told by the stream,
 * and goes in front when somebody asks for it.
 */
export function useHome(userId: string, order: TimelineOrder) {
  const { client } = useSession()
  const queries = useQueryClient()
  const [filling, setFilling] = useState<string>()
  const [fillError, setFillError] = useState<unknown>()
  const key = useMemo(() => [...listsOf(userId), 'home', order] as const, [userId, order])
  const fetchPage = useCallback(
    (cursor: string | undefined, signal?: AbortSignal) => {
      const query = { limit: FEED_POSTS, order, ...cursorOf(cursor) }
      const params = { path: { user_id: userId }, query }
      return client.get('/v1/users/{user_id}/timeline', { params, signal })
    },
    [client, userId, order],
  )
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: ({ state }) => (state.data === undefined ? 0 : 'static'),
  })
  const { refetch } = query
  const change = useCallback(
    (map: (data: HomeData) => HomeData) =>
      queries.setQueryData<HomeData>(key, (data) => (data === undefined ? undefined : map(data))),
    [queries, key],
  )

  const pages = query.data?.pages
  const entries = useMemo(() => (pages === undefined ? undefined : entriesOf(pages)), [pages])

  /** The pages as they are at this moment. */
  const newest = useCallback(() => queries.getQueryData<HomeData>(key)?.pages, [queries, key])

  const addFront = useCallback((front: readonly TimelinePage[]) => change((data) => withFront(data, front)), [change])

  const addOwn = useCallback(
    (post: Post) =>
      change((data) => {
        const newer_token = data.pages[0]?.newer_token
        return withFront(data, [{ items: [post], ...(newer_token === undefined ? {} : { newer_token }) }])
      }),
    [change],
  )

  /** Reads the first page anew, which replaces all. */
  const readAnew = useCallback(async () => {
    change(({ pages: all, pageParams }) => ({ pages: all.slice(0, 1), pageParams: pageParams.slice(0, 1) }))
    await refetch()
  }, [change, refetch])

  /** Loads one page into a gap: what is left of it stays a gap, until the page meets a post that is there. */
  const fillGap = useCallback(
    async (cursor: string) => {
      setFilling(cursor)
      setFillError(undefined)
      try {
        const { items, next_cursor } = await fetchPage(cursor)
        change((data) => {
          const at = data.pages.findIndex((page) => page.gap === true && page.next_cursor === cursor)
          if (at < 0) return data
          const below = new Set(data.pages.slice(at + 1).flatMap((page) => page.items.map(({ post_id }) => post_id)))
          const isMet = next_cursor === undefined || items.some(({ post_id }) => below.has(post_id))
          const { gap: _gap, next_cursor: _cursor, ...above } = data.pages[at]!
          const filled: TimelinePage = { items, ...(isMet ? {} : { gap: true, next_cursor }) }
          return {
            pages: data.pages.toSpliced(at, 1, above, filled),
            pageParams: data.pageParams.toSpliced(at, 0, undefined),
          }
        })
      } catch (error) {
        setFillError(error)
      } finally {
        setFilling(undefined)
      }
    },
    [fetchPage, change],
  )

  return { query, entries, newest, addFront, addOwn, readAnew, fillGap, filling, fillError }
}
