import type { InboxMessage } from 'fanfold/client'
import { useState } from 'react'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Badge, type Tone } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { Confirm } from './confirm.tsx'

const INBOX_KEY = ['webhook-inbox'] as const
const FILTERS = ['processor', 'state'] as const
const STATES = ['waiting', 'applied', 'failed'] as const
const TONES: Readonly<Record<InboxMessage['state'], Tone>> = { waiting: 'info', applied: 'ok', failed: 'bad' }

const done = ({ replayed }: { readonly replayed: number }) =>
  `${formatCount(replayed)} ${replayed === 1 ? 'message is' : 'messages are'} applied again, soon`

/** What payment processors have told, and whether it could be applied. */
export function Inbox() {
  const { client } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const [isAsked, setAsked] = useState(false)
  const { processor } = filters
  const state = STATES.find((name) => name === filters.state)
  const list = useList<InboxMessage>(
    [...INBOX_KEY, processor, state],
    (cursor, signal) =>
      client.get('/v1/webhook-inbox', {
        params: {
          query: {
            limit: PAGE_ROWS,
            ...(processor === undefined ? {} : { processor }),
            ...(state === undefined ? {} : { state }),
            ...(cursor === undefined ? {} : { cursor }),
          },
        },
        signal,
      }),
    { refetchMs: SLOW_MS },
  )
  const replay = useCommand(
    ({ processor: of, event_id }: InboxMessage) =>
      client.post('/v1/webhook-inbox/replay', { body: { processor: of, event_ids: [event_id] } }),
    { refresh: [INBOX_KEY], done },
  )
  const columns: readonly Column<InboxMessage>[] = [
    { header: 'Received', cell: ({ received_at }) => <Time at={received_at} seconds /> },
    { header: 'Processor', cell: (message) => message.processor },
    {
      header: 'Event',
      cell: ({ event_type, event_id }) => (
        <span className="operations-event">
          <code>{event_type}</code>
          <code className="small soft">{event_id}</code>
        </span>
      ),
    },
    { header: 'State', cell: (message) => <Badge tone={TONES[message.state]}>{message.state}</Badge> },
    { header: 'Failed tries', cell: ({ attempts }) => attempts, isNumber: true },
    {
      header: 'Applied',
      cell: ({ applied_at }) =>
        applied_at === null ? <span className="soft">not yet</span> : <Time at={applied_at} seconds />,
    },
    {
      header: 'Last error',
      cell: ({ last_error }) =>
        last_error === null ? (
          <span className="soft">none</span>
        ) : (
          <span className="operations-reason">{last_error}</span>
        ),
    },
    {
      header: 'Action',
      cell: (message) => (
        <Button
          onClick={() => replay.mutate(message)}
          busy={replay.isPending && replay.variables?.event_id === message.event_id}
          refusal={message.state === 'waiting' ? 'it waits to be applied' : undefined}
        >
          Replay
        </Button>
      ),
    },
  ]
  return (
    <Card
      title="Webhooks of processors"
      actions={
        <Button
          onClick={() => setAsked(true)}
          refusal={processor === undefined ? 'filter by a processor first' : undefined}
        >
          Replay all failed
        </Button>
      }
      bare
    >
      <div className="card-body">
        <FilterForm label="Filter messages" names={FILTERS} filters={filters} onFilter={setFilters}>
          <Field label="Processor">
            <input name="processor" defaultValue={processor ?? ''} placeholder="sandbox" spellCheck={false} />
          </Field>
          <Field label="State">
            <select name="state" defaultValue={filters.state ?? ''}>
              <option value="">Any</option>
              {STATES.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </Field>
        </FilterForm>
      </div>
      <ListTable
        list={list}
        label="Webhooks of processors"
        columns={columns}
        keyOf={({ processor: of, event_id }) => `${of} ${event_id}`}
        empty={
          <Empty title="No messages">
            <p>Processors tell here what became of payments, refunds and disputes.</p>
          </Empty>
        }
      />
      {isAsked && processor !== undefined ? (
        <Confirm
          title={`Replay what failed of ${processor}`}
          submit="Replay all failed"
          run={() => client.post('/v1/webhook-inbox/replay', { body: { processor, state: 'failed' } })}
          refresh={[INBOX_KEY]}
          done={done}
          onClose={() => setAsked(false)}
        >
          <p>A worker applies them again. What is known already changes nothing.</p>
        </Confirm>
      ) : null}
    </Card>
  )
}
