import { QueryClient } from '@tanstack/react-query'
import { isConnectionError, ProblemError } from 'fanfold/client'

/** Figures and lists that move are asked for again after so long, in milliseconds. */
export const LIVE_MS = 2_000
export const SLOW_MS = 10_000

/** The client has its own retries; what it gives up on is shown, and asked again when the server is back. */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: false, staleTime: 1_000, refetchOnWindowFocus: false, networkMode: 'always' },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
}

/** No answer at all, or one of a proxy before a server that is away. */
export function isAway(error: unknown): boolean {
  return error instanceof ProblemError ? error.status === 502 || error.status === 504 : isConnectionError(error)
}
