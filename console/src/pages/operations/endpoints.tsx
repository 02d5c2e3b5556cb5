import type { WebhookEndpoint } from 'fanfold/client'
import { useState } from 'react'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { NewEndpoint } from './new-endpoint.tsx'

export const ENDPOINTS_KEY = ['webhook-endpoints'] as const

/** Whether it gets events, and why not. */
export function EndpointState({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  const { active, disabled_reason, failing_since } = endpoint
  if (!active) return <Badge tone={disabled_reason === 'request' ? 'plain' : 'bad'}>paused: {disabled_reason}</Badge>
  return failing_since === null ? <Badge tone="ok">active</Badge> : <Badge tone="warn">active, failing</Badge>
}

const COLUMNS: readonly Column<WebhookEndpoint>[] = [
  {
    header: 'URL',
    cell: ({ endpoint_id, url }) => (
      <Link href={`/webhooks/${endpoint_id}`} className="mono operations-url">
        {url}
      </Link>
    ),
  },
  { header: 'State', cell: (endpoint) => <EndpointState endpoint={endpoint} /> },
  { header: 'Events', cell: ({ event_types }) => <code>{event_types.join(' ')}</code> },
  { header: 'Description', cell: ({ description }) => description ?? <span className="soft">none</span> },
  {
    header: 'Failing since',
    cell: ({ failing_since }) =>
      failing_since === null ? <span className="soft">not failing</span> : <Time at={failing_since} />,
  },
  { header: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
]

/** Where events of orders and payments are sent to. */
export function Endpoints() {
  const { client, can } = useSession()
  const [isNew, setNew] = useState(false)
  const list = useList<WebhookEndpoint>(
    ENDPOINTS_KEY,
    (cursor, signal) =>
      client.get('/v1/webhook-endpoints', {
        params: { query: { limit: PAGE_ROWS, ...(cursor === undefined ? {} : { cursor }) } },
        signal,
      }),
    { refetchMs: SLOW_MS },
  )
  return (
    <Card
      title="Webhook endpoints"
      actions={can('admin') ? <Button onClick={() => setNew(true)}>New endpoint</Button> : undefined}
      bare
    >
      <ListTable
        list={list}
        label="Webhook endpoints"
        columns={COLUMNS}
        keyOf={({ endpoint_id }) => endpoint_id}
        empty={
          <Empty title="No webhook endpoints">
            <p>An endpoint gets the events of orders and payments from the moment it is made, signed.</p>
          </Empty>
        }
      />
      {isNew ? <NewEndpoint onClose={() => setNew(false)} /> : null}
    </Card>
  )
}
