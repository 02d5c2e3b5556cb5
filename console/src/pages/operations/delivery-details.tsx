import type { WebhookAttempt, WebhookDelivery } from 'fanfold/client'
import { Facts } from '../../ui/card.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatDuration } from '../../ui/format.ts'
import { Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { DeliveryState } from './deliveries.tsx'

const COLUMNS: readonly Column<WebhookAttempt>[] = [
  { header: 'Sent', cell: ({ attempted_at }) => <Time at={attempted_at} seconds /> },
  { header: 'Took', cell: ({ duration_ms }) => formatDuration(duration_ms), isNumber: true },
  {
    header: 'Answer',
    cell: ({ status_code, error, response }) => (
      <span className="operations-reason">
        {status_code === null ? (error ?? 'none') : `HTTP ${status_code}`}
        {response === null || response === '' ? null : <code className="operations-response">{response}</code>}
      </span>
    ),
  },
]

interface DeliveryDetailsProps {
  readonly delivery: WebhookDelivery
  onClose(): void
}

/** One delivery with its last tries. */
export function DeliveryDetails({ delivery, onClose }: DeliveryDetailsProps) {
  return (
    <Dialog title="Webhook delivery" onClose={onClose}>
      <Facts
        of={[
          ['Event', <code key="event">{delivery.event_type}</code>],
          ['Status', <DeliveryState key="status" status={delivery.status} />],
          ['webhook-id', <code key="webhook">{delivery.webhook_id}</code>],
          ['Delivery', <code key="delivery">{delivery.delivery_id}</code>],
          ['Made', <Time key="made" at={delivery.created_at} seconds />],
          ['All tries', delivery.attempt_count],
        ]}
      />
      <h3>Last tries</h3>
      <Table
        label="Last tries"
        columns={COLUMNS}
        rows={delivery.attempts}
        keyOf={({ attempted_at }) => attempted_at}
        empty={<Empty title="Not tried yet" />}
      />
    </Dialog>
  )
}
