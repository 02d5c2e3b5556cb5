import type { Job } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Card } from '../../ui/card.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { JobProgress, JobState } from './job-state.tsx'
import { StartRebuild } from './start-rebuild.tsx'
import { StartVerify } from './start-verify.tsx'
import { nameOf, useJobs } from './use-jobs.ts'

const COLUMNS: readonly Column<Job>[] = [
  { header: 'Job', cell: (job) => <Link href={`/jobs/${job.job_id}`}>{nameOf(job)}</Link> },
  { header: 'State', cell: (job) => <JobState job={job} /> },
  { header: 'Progress', cell: (job) => <JobProgress job={job} /> },
  { header: 'Started', cell: ({ started_at }) => <Time at={started_at} seconds /> },
  {
    header: 'Ended',
    cell: ({ ended_at }) =>
      ended_at === null ? <span className="soft">not yet</span> : <Time at={ended_at} seconds />,
  },
]

/** Verifications and rebuilds: start them, watch them, read what came out. */
export function Jobs() {
  const { can } = useSession()
  const jobs = useJobs()
  return (
    <>
      {can('admin') ? (
        <div className="grid">
          <StartVerify jobs={jobs.data ?? []} />
          <StartRebuild jobs={jobs.data ?? []} />
        </div>
      ) : null}
      <Card title="Jobs" bare>
        <Async of={jobs}>
          {(rows) => (
            <Table
              label="Jobs"
              columns={COLUMNS}
              rows={rows}
              keyOf={({ job_id }) => job_id}
              empty={
                <Empty title="No jobs since this process started">
                  <p>A verification compares what is shown with what it comes from, and names every difference.</p>
                </Empty>
              }
            />
          )}
        </Async>
      </Card>
    </>
  )
}
