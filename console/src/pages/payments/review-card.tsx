import { useQuery } from '@tanstack/react-query'
import type { Payment, PaymentEvent, PaymentOperation } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS } from '../../data/use-list.ts'
import { Button } from '../../ui/button.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { Async, Loading } from '../../ui/states.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { EventData } from './event-data.tsx'
import { keysOf } from './keys.ts'
import { None, OrderLink, PaymentLink } from './links.tsx'
import { type Decision, ResolveDialog } from './resolve-dialog.tsx'
import { OperationStatus, PaymentStatus } from './statuses.tsx'

const nounOf = (kind: PaymentOperation['kind']) => (kind === 'authorize' ? 'authorization' : kind)

const DECISIONS: readonly {
  readonly decision: Decision
  readonly name: string
  readonly kind?: 'primary' | 'danger'
  readonly means: (kind: PaymentOperation['kind']) => string
}[] = [
  {
    decision: 'succeeded',
    name: 'It succeeded',
    kind: 'primary',
    means: (kind) =>
      `The processor has done this ${nounOf(kind)}. It is recorded as if it had said so, and what follows by itself is done.`,
  },
  {
    decision: 'failed',
    name: 'It failed',
    kind: 'danger',
    means: (kind) => `The processor has not done this ${nounOf(kind)}, and will not. What was reserved is free again.`,
  },
  {
    decision: 'ask_again',
    name: 'Ask again',
    means: () =>
      'Nobody knows yet. The worker asks the processor once more, and never sends a key that may be forgotten.',
  },
]

/** What is known of one operation, and what a person may decide of it. */
export function ReviewCard({ operation }: { readonly operation: PaymentOperation }) {
  const { client, can } = useSession()
  const [deciding, setDeciding] = useState<Decision>()
  const path = { payment_intent_id: operation.payment_intent_id }
  const payment = useQuery({
    queryKey: keysOf(operation.payment_intent_id).now,
    queryFn: ({ signal }) => client.get('/v1/payments/{payment_intent_id}', { params: { path }, signal }),
  })
  const events = useQuery({
    queryKey: [...keysOf(operation.payment_intent_id).all, 'events', operation.op_id],
    queryFn: ({ signal }) => {
      const query = { op_id: operation.op_id, limit: PAGE_ROWS }
      return client.get('/v1/payments/{payment_intent_id}/events', { params: { path, query }, signal })
    },
  })
  return (
    <div className="split">
      <Card title="What is known">
        <Async of={payment} what="Loading the payment">
          {(known) => <Known operation={operation} payment={known} />}
        </Async>
        <h3>Its events</h3>
        <Async of={events} what="Loading its events">
          {({ items }) => <Events of={items} />}
        </Async>
      </Card>
      {can('payments') && operation.status === 'review' ? (
        <Card title="Decide">
          <p>
            Look at the processor first: it knows <span className="mono">{operation.op_id}</span> as the idempotency
            key. What you say is recorded as a fact, with your note.
          </p>
          <ul className="pay-commands">
            {DECISIONS.map(({ decision, name, kind, means }) => (
              <li key={decision}>
                <Button {...(kind === undefined ? {} : { kind })} onClick={() => setDeciding(decision)}>
                  {name}
                </Button>
                <span>{means(operation.kind)}</span>
              </li>
            ))}
          </ul>
        </Card>
      ) : null}
      {deciding === undefined ? null : payment.data === undefined ? (
        <Loading what="Loading the payment" />
      ) : (
        <ResolveDialog
          decision={deciding}
          operation={operation}
          payment={payment.data}
          onClose={() => setDeciding(undefined)}
        />
      )}
    </div>
  )
}

function Known({ operation, payment }: { readonly operation: PaymentOperation; readonly payment: Payment }) {
  return (
    <Facts
      of={[
        [
          'Operation',
          <span key="operation" className="row">
            <strong>{operation.kind}</strong> <span className="mono">{operation.op_id}</span>
            <OperationStatus of={operation.status} />
          </span>,
        ],
        ['Amount asked for', <Money key="amount" minor={operation.amount} currency={payment.currency} />],
        [
          'Payment',
          <span key="payment" className="row">
            <PaymentLink id={payment.payment_intent_id} /> <PaymentStatus of={payment.status} />
          </span>,
        ],
        ['Order', payment.order_id === null ? <None key="order" /> : <OrderLink key="order" id={payment.order_id} />],
        ['Processor', operation.processor],
        [
          'Reference',
          operation.reference === null ? (
            <None key="none" />
          ) : (
            <span key="reference" className="mono">
              {operation.reference}
            </span>
          ),
        ],
        ['Asked', <Time key="asked" at={operation.requested_at} seconds />],
        ['Looked up', `${operation.attempts} times`],
        [
          'Next try',
          operation.next_check_at === null ? (
            <None key="next" />
          ) : (
            <Time key="next" at={operation.next_check_at} seconds />
          ),
        ],
      ]}
    />
  )
}

function Events({ of: events }: { readonly of: readonly PaymentEvent[] }) {
  return (
    <ol className="pay-timeline">
      {events.map((event) => (
        <li key={event.version}>
          <div className="row">
            <strong>{event.event_type}</strong>
            <span className="soft small">
              <Time at={event.timestamp} seconds /> by {event.actor}
            </span>
          </div>
          <EventData event={event} />
        </li>
      ))}
    </ol>
  )
}
