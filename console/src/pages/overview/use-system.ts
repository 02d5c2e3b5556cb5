import { useQuery } from '@tanstack/react-query'
import { useEffect, useReducer } from 'react'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { type History, NO_HISTORY, remember, type Sample } from './history.ts'

/** Clocks that differ by less are taken for equal, in milliseconds. */
const SKEW_MS = 2_000

/** When the server answered, by its own clock. The header has whole seconds: this browser's clock is finer where it agrees. */
function timeOf(headers: Headers): number {
  const now = Date.now()
  const told = Date.parse(headers.get('date') ?? '') + 500
  return Math.abs(told - now) > SKEW_MS ? told : now
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

type News = { readonly samples: readonly Sample[]; readonly startedAt: string }

/** The state of the system, live, and what its figures were: the server's own samples first, then each answer. */
export function useSystem() {
  const { client } = useSession()
  const system = useQuery({
    queryKey: ['system'],
    queryFn: async ({ signal }) => {
      const { body, headers } = await client.request('get', '/v1/system', { signal })
      return { ...body, atMs: timeOf(headers) }
    },
    refetchInterval: LIVE_MS,
  })
  const samples = useQuery({
    queryKey: ['system-samples'],
    queryFn: ({ signal }) => client.get('/v1/system/samples', { signal }),
  })
  const [history, add] = useReducer(
    (known: History, { samples: more, startedAt }: News) => remember(known, more, Date.parse(startedAt)),
    NO_HISTORY,
  )
  const startedAt = system.data?.started_at
  useEffect(() => {
    if (system.data === undefined) return
    const { atMs, figures, projections, queue, started_at } = system.data
    const lag = sum(projections.map((one) => one.lag))
    const depth = sum(queue.map((one) => one.depth))
    add({ samples: [{ atMs, figures, lag, depth }], startedAt: started_at })
  }, [system.data])
  useEffect(() => {
    if (samples.data === undefined || startedAt === undefined) return
    const items = samples.data.items.map(({ at, ...figures }) => ({
      atMs: Date.parse(at),
      figures,
      lag: null,
      depth: null,
    }))
    add({ samples: items, startedAt })
  }, [samples.data, startedAt])
  return { system, history }
}
