import { useQuery } from '@tanstack/react-query'
import { useSession } from '../../data/session.tsx'

/** One user; names hardly change. */
export function useUser(userId: string) {
  const { client } = useSession()
  return useQuery({
    queryKey: ['social', 'user', userId],
    queryFn: ({ signal }) => client.get('/v1/users/{user_id}', { params: { path: { user_id: userId } }, signal }),
    staleTime: 60_000,
  })
}
