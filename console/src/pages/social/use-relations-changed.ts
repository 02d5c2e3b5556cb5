import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { POST_LISTS } from './posts-cache.ts'

/** To be called when a user follows, mutes or blocks somebody: what he sees is another thing from then on. */
export function useRelationsChanged(userId: string): () => void {
  const queries = useQueryClient()
  return useCallback(() => {
    void queries.resetQueries({ queryKey: POST_LISTS })
    for (const part of ['relations', 'follows', 'followers', 'suggestions', 'notifications'])
      void queries.invalidateQueries({ queryKey: ['social', part, userId] })
    void queries.invalidateQueries({ queryKey: ['social', 'explanation', userId] })
  }, [queries, userId])
}
