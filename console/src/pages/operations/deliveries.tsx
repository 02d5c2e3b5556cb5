import type { WebhookDelivery, WebhookEndpoint } from 'fanfold/client'
import { useState } from 'react'
import { LIMITS } from '../../../../src/core/limits.ts'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { useFilters } from '../../data/use-filters.ts'
import { useList } from '../../data/use-list.ts'
import { Badge, type Tone } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { DeliveryDetails } from './delivery-details.tsx'

export const DELIVERIES_KEY = ['webhook-deliveries'] as const
/** Each comes with its tries, and the first rows are asked for again and again. */
const ROWS = 30
const STATUSES = ['waiting', 'delivered', 'failed', 'stopped'] as const
const FILTERS = ['status'] as const
const TONES: Readonly<Record<WebhookDelivery['status'], Tone>> = {
  waiting: 'info',
  delivered: 'ok',
  failed: 'bad',
  stopped: 'warn',
}

export const DeliveryState = ({ status }: Pick<WebhookDelivery, 'status'>) => (
  <Badge tone={TONES[status]}>{status}</Badge>
)

/** Why it can't be sent again now. */
function refusalOf(delivery: WebhookDelivery, endpoint: WebhookEndpoint): string | undefined {
  if (!endpoint.active) return 'the endpoint is paused'
  return delivery.status === 'waiting' ? 'it waits for its next try' : undefined
}

function answerOf({ attempts }: WebhookDelivery): string {
  const last = attempts.at(-1)
  if (last === undefined) return 'not tried yet'
  return last.status_code === null ? (last.error ?? 'no answer') : `HTTP ${last.status_code}`
}

/** What was sent to an endpoint, newest first, live. */
export function Deliveries({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  const { client, can } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const [openedId, setOpenedId] = useState<string>()
  const status = STATUSES.find((name) => name === filters.status)
  const list = useList<WebhookDelivery>(
    [...DELIVERIES_KEY, endpoint.endpoint_id, status],
    (cursor, signal) =>
      client.get('/v1/webhook-endpoints/{endpoint_id}/deliveries', {
        params: {
          path: { endpoint_id: endpoint.endpoint_id },
          query: {
            limit: ROWS,
            ...(status === undefined ? {} : { status }),
            ...(cursor === undefined ? {} : { cursor }),
          },
        },
        signal,
      }),
    { refetchMs: LIVE_MS },
  )
  const replay = useCommand(
    (deliveryId: string) =>
      client.post('/v1/webhook-deliveries/{delivery_id}/replay', { params: { path: { delivery_id: deliveryId } } }),
    { refresh: [DELIVERIES_KEY], done: 'It is sent again' },
  )
  const columns: readonly Column<WebhookDelivery>[] = [
    { header: 'Made', cell: ({ created_at }) => <Time at={created_at} seconds /> },
    { header: 'Event', cell: ({ event_type }) => <code>{event_type}</code> },
    { header: 'Status', cell: ({ status: now }) => <DeliveryState status={now} /> },
    { header: 'Tries', cell: ({ attempt_count }) => attempt_count, isNumber: true },
    { header: 'Last answer', cell: (delivery) => <span className="operations-reason">{answerOf(delivery)}</span> },
    {
      header: 'Next try',
      cell: ({ next_attempt_at }) =>
        next_attempt_at === null ? <span className="soft">none</span> : <Time at={next_attempt_at} seconds />,
    },
    {
      header: 'Action',
      cell: (delivery) => (
        <span className="operations-actions">
          <Button
            kind="quiet"
            aria-label={`Open delivery ${delivery.delivery_id}`}
            onClick={() => setOpenedId(delivery.delivery_id)}
          >
            Open
          </Button>
          {can('admin') ? (
            <Button
              onClick={() => replay.mutate(delivery.delivery_id)}
              busy={replay.isPending && replay.variables === delivery.delivery_id}
              refusal={refusalOf(delivery, endpoint)}
            >
              Replay
            </Button>
          ) : null}
        </span>
      ),
    },
  ]
  const opened = list.rows?.find(({ delivery_id }) => delivery_id === openedId)
  return (
    <Card title="Deliveries" bare>
      <div className="card-body">
        <FilterForm label="Filter deliveries" names={FILTERS} filters={filters} onFilter={setFilters}>
          <Field label="Status">
            <select name="status" defaultValue={filters.status ?? ''}>
              <option value="">Any</option>
              {STATUSES.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </Field>
        </FilterForm>
      </div>
      <ListTable
        list={list}
        label="Deliveries"
        columns={columns}
        keyOf={({ delivery_id }) => delivery_id}
        empty={
          <Empty title={status === undefined ? 'Nothing was sent yet' : `No delivery is ${status}`}>
            <p>
              Deliveries are made when something happens to an order or a payment, and kept for{' '}
              {LIMITS.webhookDeliveryDays} days.
            </p>
          </Empty>
        }
      />
      {opened === undefined ? null : <DeliveryDetails delivery={opened} onClose={() => setOpenedId(undefined)} />}
    </Card>
  )
}
