import { useQuery } from '@tanstack/react-query'
import type { Job } from 'fanfold/client'
import { LIVE_MS, SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'

export const JOBS_KEY = ['jobs'] as const

const paceOf = (jobs: readonly Job[]) => (jobs.some(({ state }) => state === 'running') ? LIVE_MS / 2 : SLOW_MS)

/** Jobs of the process, newest first. */
export function useJobs() {
  const { client } = useSession()
  return useQuery({
    queryKey: JOBS_KEY,
    queryFn: async ({ signal }) => (await client.get('/v1/jobs', { signal })).items,
    refetchInterval: ({ state }) => paceOf(state.data ?? []),
  })
}

export function useJob(jobId: string) {
  const { client } = useSession()
  return useQuery({
    queryKey: [...JOBS_KEY, jobId],
    queryFn: ({ signal }) => client.get('/v1/jobs/{job_id}', { params: { path: { job_id: jobId } }, signal }),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? LIVE_MS / 2 : false),
  })
}

/** What a job does, in words. */
export const nameOf = ({ kind, model, target }: Job): string => `${kind} ${model ?? target ?? ''}`.trimEnd()
