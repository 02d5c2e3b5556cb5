import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Order, OrderHistoryEntry } from 'fanfold/client'
import { useEffect } from 'react'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'

/** An order as it is, asked for again and again: payments and others move it. */
export function useOrder(orderId: string) {
  const { client } = useSession()
  return useQuery<Order>({
    queryKey: ['orders', orderId, 'now'],
    queryFn: ({ signal }) => client.get('/v1/orders/{order_id}', { params: { path: { order_id: orderId } }, signal }),
    refetchInterval: LIVE_MS,
  })
}

/** An order as it was after an entry of its history; the one before stays in sight until it is there. */
export function usePastOrder(orderId: string, version: number | undefined) {
  const { client } = useSession()
  return useQuery<Order>({
    queryKey: ['orders', orderId, 'version', version],
    queryFn: ({ signal }) => {
      const params = { path: { order_id: orderId }, query: { version: version! } }
      return client.get('/v1/orders/{order_id}', { params, signal })
    },
    enabled: version !== undefined,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** What happened to an order, oldest first; asked for again when there is a newer version than it knows. */
export function useHistory(orderId: string, newest: number | undefined) {
  const { client } = useSession()
  const list = useList<OrderHistoryEntry>(['orders', orderId, 'history'], (cursor, signal) => {
    const query = { limit: PAGE_ROWS, ...(cursor === undefined ? {} : { cursor }) }
    return client.get('/v1/orders/{order_id}/history', { params: { path: { order_id: orderId }, query }, signal })
  })
  const { rows, more, refetch } = list
  const known = rows?.at(-1)?.version
  const isBehind = newest !== undefined && known !== undefined && !more.hasNextPage && known < newest
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each newer version
  useEffect(() => {
    if (isBehind) void refetch()
  }, [isBehind, newest])
  return list
}
