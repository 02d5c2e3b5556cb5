import { useQuery } from '@tanstack/react-query'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'

export const STATE_KEY = ['system-state'] as const
export const LETTERS_KEY = ['dead-letters'] as const

/** Queues and projections as they are: what can be redriven and rebuilt. */
export function useSystemState() {
  const { client } = useSession()
  return useQuery({
    queryKey: STATE_KEY,
    queryFn: ({ signal }) => client.get('/v1/system', { signal }),
    refetchInterval: SLOW_MS,
  })
}
