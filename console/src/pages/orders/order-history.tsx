import type { OrderHistoryEntry } from 'fanfold/client'
import type { ComponentProps } from 'react'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Json, Time } from '../../ui/values.tsx'
import { describeEvent } from './describe-event.ts'

interface OrderHistoryProps {
  readonly rows: readonly OrderHistoryEntry[]
  readonly more: NonNullable<ComponentProps<typeof Table>['more']>
  /** The version that is shown. */
  readonly at: number
  readonly currency: string
  onShow(version: number): void
}

/** Every event with who did it and all of its data; choosing one shows the order as it was then. */
export function OrderHistory({ rows, more, at, currency, onShow }: OrderHistoryProps) {
  const columns: readonly Column<OrderHistoryEntry>[] = [
    {
      header: 'Version',
      cell: ({ version }) => (
        <Button kind="quiet" aria-label={`Show version ${version}`} onClick={() => onShow(version)}>
          {version}
        </Button>
      ),
    },
    { header: 'When', cell: ({ timestamp }) => <Time at={timestamp} seconds /> },
    { header: 'Event', cell: (entry) => <code>{entry.event_type}</code> },
    {
      header: 'What happened',
      cell: (entry) => (
        <div className="what-happened">
          <span>{describeEvent(entry, currency)}</span>
          <details>
            <summary>
              Data<span className="visually-hidden"> of version {entry.version}</span>
            </summary>
            <Json label={`Data of version ${entry.version}`} of={entry} />
          </details>
        </div>
      ),
    },
    { header: 'Who', cell: ({ actor }) => <span className="mono">{actor}</span> },
  ]
  return (
    <Card title="History" bare>
      <Table
        label="History of the order, oldest first"
        columns={columns}
        rows={rows}
        keyOf={({ version }) => String(version)}
        isSelected={({ version }) => version === at}
        more={more}
        empty={<Empty title="No history" />}
      />
    </Card>
  )
}
