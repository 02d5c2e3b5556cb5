import { useQuery } from '@tanstack/react-query'
import type { WebhookEndpoint } from 'fanfold/client'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { Async } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'
import { Deliveries } from './deliveries.tsx'
import { EndpointActions } from './endpoint-actions.tsx'
import { ENDPOINTS_KEY, EndpointState } from './endpoints.tsx'

/** One endpoint: what it is, what can be done with it, what was sent to it. */
export function Endpoint({ endpointId }: { readonly endpointId: string }) {
  const { client, can } = useSession()
  const endpoint = useQuery({
    queryKey: [...ENDPOINTS_KEY, endpointId],
    queryFn: ({ signal }) =>
      client.get('/v1/webhook-endpoints/{endpoint_id}', { params: { path: { endpoint_id: endpointId } }, signal }),
    refetchInterval: SLOW_MS,
  })
  return (
    <>
      <p>
        <Link href="/webhooks">All webhook endpoints</Link>
      </p>
      <Async of={endpoint}>
        {(data) => (
          <>
            <Card title="Webhook endpoint" actions={can('admin') ? <EndpointActions endpoint={data} /> : undefined}>
              <EndpointFacts endpoint={data} />
            </Card>
            <Deliveries endpoint={data} />
          </>
        )}
      </Async>
    </>
  )
}

const timeOr = (at: string | null, other: string) =>
  at === null ? <span className="soft">{other}</span> : <Time at={at} seconds />

function EndpointFacts({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  return (
    <Facts
      of={[
        ['URL', <code key="url">{endpoint.url}</code>],
        ['State', <EndpointState key="state" endpoint={endpoint} />],
        ...(endpoint.active ? [] : [['Paused at', timeOr(endpoint.disabled_at, 'not known')] as const]),
        ['Failing since', timeOr(endpoint.failing_since, 'not failing')],
        ['Events', <code key="events">{endpoint.event_types.join(' ')}</code>],
        ['Description', endpoint.description ?? <span className="soft">none</span>],
        ['Secret made', timeOr(endpoint.secret_created_at, '')],
        ['Old secret signs until', timeOr(endpoint.old_secret_until, 'there is no old one')],
        ['Created', timeOr(endpoint.created_at, '')],
        ['Endpoint', <code key="id">{endpoint.endpoint_id}</code>],
      ]}
    />
  )
}
