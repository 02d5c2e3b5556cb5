import type { Job } from 'fanfold/client'
import { Badge } from '../../ui/badge.tsx'
import { formatCount } from '../../ui/format.ts'
import { reportsOf } from './reports.ts'

/** How it stands, and for a verification what it says. */
export function JobState({ job }: { readonly job: Job }) {
  if (job.state === 'running') return <Badge tone="info">running</Badge>
  if (job.state === 'failed') return <Badge tone="bad">failed</Badge>
  if (job.kind === 'rebuild') return <Badge tone="ok">done</Badge>
  const isClean = reportsOf(job).every(({ ok }) => ok)
  return <Badge tone={isClean ? 'ok' : 'bad'}>{isClean ? 'clean' : 'differences'}</Badge>
}

/** How far it is: a bar where the end is known. */
export function JobProgress({ job }: { readonly job: Job }) {
  const { done, total, what } = job.progress
  const words =
    total === null ? `${formatCount(done)} ${what}` : `${formatCount(done)} of ${formatCount(total)} ${what}`
  return (
    <span className="operations-progress">
      {job.state === 'running' ? (
        <progress
          className="progress"
          aria-label={`Progress: ${words}`}
          {...(total === null ? {} : { max: Math.max(total, 1), value: done })}
        />
      ) : null}
      <span className="small soft">{words}</span>
    </span>
  )
}
