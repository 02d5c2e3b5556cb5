import type { PaymentEvent } from 'fanfold/client'
import type { List } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { formatMoney } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { EventData } from './event-data.tsx'

interface EventsCardProps {
  readonly list: List<PaymentEvent>
  readonly currency: string
  readonly version: number
  onChoose(version: number): void
}

/** The facts of a payment, oldest first; each version leads to the state after it. */
export function EventsCard({ list, currency, version, onChoose }: EventsCardProps) {
  const columns: readonly Column<PaymentEvent>[] = [
    {
      header: 'Version',
      isNumber: true,
      cell: (event) => (
        <button
          type="button"
          className="pay-version"
          aria-current={event.version === version ? 'step' : undefined}
          aria-label={`State after event ${event.version}`}
          onClick={() => onChoose(event.version)}
        >
          {event.version}
        </button>
      ),
    },
    { header: 'Event', cell: (event) => <span className="pay-event">{event.event_type}</span> },
    { header: 'Amount', isNumber: true, cell: (event) => amountOf(event, currency) },
    { header: 'Time', cell: (event) => <Time at={event.timestamp} seconds /> },
    { header: 'Actor', cell: (event) => <span className="mono">{event.actor}</span> },
    { header: 'Data', cell: (event) => <EventData event={event} /> },
  ]
  return (
    <Card title="Events" bare>
      <ListTable
        list={list}
        what="Loading the events"
        label="Events of the payment"
        columns={columns}
        keyOf={(event) => String(event.version)}
        isSelected={(event) => event.version === version}
        empty={<Empty title="This payment has no events" />}
      />
    </Card>
  )
}

function amountOf({ payload }: PaymentEvent, currency: string) {
  const { amount } = payload as { readonly amount?: unknown }
  return typeof amount === 'number' ? formatMoney(amount, currency) : ''
}
