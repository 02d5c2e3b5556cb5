import './operations.css'
import type { ReactNode } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Page } from '../../ui/page.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { Endpoint } from './endpoint.tsx'
import { Endpoints } from './endpoints.tsx'
import { Inbox } from './inbox.tsx'
import { JobPage } from './job-page.tsx'
import { Jobs } from './jobs.tsx'
import { Keys } from './keys.tsx'

export default function Operations() {
  const { can } = useSession()
  // The inbox belongs to payments, and wants to be allowed to replay.
  const hasInbox = can('payments')
  const tabs = [
    ['/', 'Dead letters'],
    ['/webhooks', 'Webhooks'],
    ...(hasInbox ? [['/inbox', 'Inbox'] as const] : []),
    ['/keys', 'API keys'],
    ['/jobs', 'Jobs'],
  ] as const
  const part = (name: string, shown: ReactNode) => (
    <Page title="Operations" part={name}>
      <Tabs label="Parts of operations" of={tabs} />
      {shown}
    </Page>
  )
  return (
    <Switch>
      <Route path="/">{part('Dead letters', <DeadLetters />)}</Route>
      <Route path="/webhooks">{part('Webhooks', <Endpoints />)}</Route>
      <Route path="/webhooks/:endpoint_id">
        {({ endpoint_id }) => part('Webhook endpoint', <Endpoint key={endpoint_id} endpointId={endpoint_id} />)}
      </Route>
      {hasInbox ? <Route path="/inbox">{part('Inbox', <Inbox />)}</Route> : null}
      <Route path="/keys">{part('API keys', <Keys />)}</Route>
      <Route path="/jobs">{part('Jobs', <Jobs />)}</Route>
      <Route path="/jobs/:job_id">{({ job_id }) => part('Job', <JobPage key={job_id} jobId={job_id} />)}</Route>
      <Route>
        <Redirect to="/" replace />
      </Route>
    </Switch>
  )
}
