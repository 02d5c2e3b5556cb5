import './overview.css'
import type { SystemStatus } from 'fanfold/client'
import { Badge } from '../../ui/badge.tsx'
import { Page } from '../../ui/page.tsx'
import { Async } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'
import { Charts } from './charts.tsx'
import { Figures } from './figures.tsx'
import { Problems } from './problems.tsx'
import { StateTables } from './state-tables.tsx'
import { useSystem } from './use-system.ts'

/** What is wrong comes first, then what goes on, then of what it is made. */
export default function Overview() {
  const { system, history } = useSystem()
  return (
    <Page title="Overview" mark={system.data === undefined ? null : <Mark problems={system.data.problems.length} />}>
      <Async of={system} what="Asking the engines">
        {(data) => (
          <>
            <Problems system={data} />
            <Figures system={data} history={history} />
            <Charts history={history} />
            <StateTables system={data} />
            <Process system={data} />
          </>
        )}
      </Async>
    </Page>
  )
}

function Mark({ problems }: { readonly problems: number }) {
  if (problems === 0) return <Badge tone="ok">all is well</Badge>
  return <Badge tone="bad">{problems === 1 ? '1 problem' : `${problems} problems`}</Badge>
}

function Process({ system }: { readonly system: SystemStatus }) {
  return (
    <p className="soft small">
      Rates and times are those of the process that answered: Fanfold {system.version}, started{' '}
      <Time at={system.started_at} />, {system.workers ? 'with' : 'without'} workers. The questions of this page are
      among its requests.
    </p>
  )
}
