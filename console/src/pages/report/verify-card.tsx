import { useQuery } from '@tanstack/react-query'
import type { Job } from 'fanfold/client'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { Async } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'

/** What `fanfold verify orders --json` prints. */
interface Verified {
  readonly ok: boolean
  readonly checks: readonly {
    readonly name: string
    readonly about: string
    readonly compared: number
    readonly ok: boolean
  }[]
  readonly problems: readonly {
    readonly check: string
    readonly subject: string
    readonly expected: string
    readonly actual: string
  }[]
  readonly lag: number
}

const KEY = ['jobs', 'verify-orders'] as const
const isOfOrders = ({ kind, model }: Job) => kind === 'verify' && (model === 'orders' || model === 'all')

/** Compares report, orders, stock and histories with each other; needs a key that may administer. */
export function VerifyCard() {
  const { can, client } = useSession()
  const jobs = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await client.get('/v1/jobs', { signal })).items.find(isOfOrders) ?? null,
    enabled: can('admin:read'),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? LIVE_MS : false),
  })
  const start = useCommand(() => client.post('/v1/jobs', { body: { kind: 'verify', model: 'orders' } }), {
    refresh: [KEY],
  })
  const isRunning = jobs.data?.state === 'running'
  return (
    <Card
      title="Verify"
      actions={
        <Button
          busy={start.isPending || isRunning}
          refusal={can('admin') ? undefined : 'this key has not the scope admin'}
          onClick={() => start.mutate(undefined)}
        >
          Verify orders
        </Button>
      }
    >
      <p className="soft">
        Compares the report with the orders it was made from, each sum with its facts, each history with its order, and
        stock with its moves, in one snapshot and while orders keep coming.
        {can('admin') ? null : ' It needs a key with the scope admin.'}
      </p>
      {can('admin:read') ? (
        <div role="status" className="stack">
          <Async of={jobs} what="Looking for the last verification">
            {(job) => (job === null ? <p>Not verified since this server started.</p> : <Outcome job={job} />)}
          </Async>
        </div>
      ) : null}
    </Card>
  )
}

function Outcome({ job }: { readonly job: Job }) {
  const { state, progress, started_at: started, ended_at: ended, error } = job
  if (state === 'running') {
    return (
      <p>
        Running since <Time at={started} seconds />: {formatCount(progress.done)} {progress.what} compared
      </p>
    )
  }
  const verified = (job.result?.['orders'] ?? job.result) as Verified | null
  if (state === 'failed' || verified === null) {
    return (
      <p className="notice" data-tone="bad">
        It did not end: {error?.message ?? 'for a reason nobody recorded'} (<code>{error?.code ?? 'unknown'}</code>)
      </p>
    )
  }
  return (
    <>
      <p className="notice" data-tone={verified.ok ? 'ok' : 'bad'}>
        <strong>
          {verified.ok
            ? 'Everything agrees'
            : `${formatCount(verified.problems.length)} differences, the first named below`}
        </strong>
        <span>
          As of <Time at={ended ?? started} seconds />
          {verified.lag === 0 ? null : `; ${formatCount(verified.lag)} events were not folded yet and left out`}
        </span>
      </p>
      <Checks of={verified} />
    </>
  )
}

function Checks({ of }: { readonly of: Verified }) {
  return (
    <>
      {of.problems.length === 0 ? null : (
        <Table
          label="Differences"
          columns={[
            { header: 'Check', cell: ({ check }) => check },
            { header: 'Subject', cell: ({ subject }) => subject },
            { header: 'Expected', cell: ({ expected }) => <span className="mono">{expected}</span> },
            { header: 'Found', cell: ({ actual }) => <span className="mono">{actual}</span> },
          ]}
          rows={of.problems}
          keyOf={({ check, subject }) => `${check} ${subject}`}
          empty={null}
        />
      )}
      <details>
        <summary>What was compared</summary>
        <Table
          label="What was compared"
          columns={[
            { header: 'What', cell: ({ about }) => about },
            { header: 'Compared', cell: ({ compared }) => formatCount(compared), isNumber: true },
            { header: 'Result', cell: ({ ok }) => (ok ? 'agrees' : 'differs') },
          ]}
          rows={of.checks}
          keyOf={({ name }) => name}
          empty={null}
        />
      </details>
    </>
  )
}
