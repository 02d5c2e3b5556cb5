import type { Job } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { Async } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'
import { JobReport } from './job-report.tsx'
import { JobProgress, JobState } from './job-state.tsx'
import { reportsOf, textOf } from './reports.ts'
import { JOBS_KEY, nameOf, useJob } from './use-jobs.ts'

/** One job: how far it is, and what came out. */
export function JobPage({ jobId }: { readonly jobId: string }) {
  const job = useJob(jobId)
  return (
    <>
      <p>
        <Link href="/jobs">All jobs</Link>
      </p>
      <Async of={job}>
        {(data) => (
          <>
            <JobFacts job={data} />
            {reportsOf(data).map((report) => (
              <JobReport key={report.model} report={report} />
            ))}
          </>
        )}
      </Async>
    </>
  )
}

function JobFacts({ job }: { readonly job: Job }) {
  const { client, can } = useSession()
  const cancel = useCommand(
    () => client.post('/v1/jobs/{job_id}/cancel', { params: { path: { job_id: job.job_id } } }),
    { refresh: [JOBS_KEY], done: 'It ends at its next step' },
  )
  const offersCancel = can('admin') && job.state === 'running'
  return (
    <Card
      title={`Job: ${nameOf(job)}`}
      actions={
        offersCancel ? (
          <Button
            kind="danger"
            onClick={() => cancel.mutate(undefined)}
            busy={cancel.isPending}
            refusal={job.cancellable ? undefined : 'once begun, the workers finish it'}
          >
            Cancel job
          </Button>
        ) : undefined
      }
    >
      <Facts
        of={[
          ['State', <JobState key="state" job={job} />],
          ['Progress', <JobProgress key="progress" job={job} />],
          ['Started', <Time key="started" at={job.started_at} seconds />],
          [
            'Ended',
            job.ended_at === null ? (
              <span key="ended" className="soft">
                not yet
              </span>
            ) : (
              <Time key="ended" at={job.ended_at} seconds />
            ),
          ],
          ...(job.kind === 'rebuild' && job.result !== null ? [['Built', textOf(job.result)] as const] : []),
          ['Job', <code key="id">{job.job_id}</code>],
        ]}
      />
      {job.error === null ? null : (
        <div className="notice" data-tone="bad" role="alert">
          <strong>{job.error.message}</strong>
          <code>{job.error.code}</code>
        </div>
      )}
    </Card>
  )
}
