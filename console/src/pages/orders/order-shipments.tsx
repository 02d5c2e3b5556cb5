import type { Order } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { CommandForm } from '../../ui/command-form.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'
import { filled, ofVersion, TOUCHED } from './order-command.ts'
import { NO_TRACKING, TrackingFields } from './tracking-fields.tsx'

type Shipment = Order['shipments'][number]

export function OrderShipments({ order, isPast }: { readonly order: Order; readonly isPast: boolean }) {
  const { can } = useSession()
  const [open, setOpen] = useState<{ readonly shipment: Shipment; readonly order: Order }>()
  return (
    <Card title="Shipments">
      {order.shipments.length === 0 ? <Empty title="Nothing has left yet" /> : null}
      {order.shipments.map((shipment) => (
        <section key={shipment.shipment_no} className="stack shipment">
          <div className="row">
            <h3>Shipment {shipment.shipment_no}</h3>
            <Badge tone={shipment.status === 'delivered' ? 'ok' : 'info'}>{shipment.status}</Badge>
            {can('orders') && !isPast ? (
              <Button kind="quiet" onClick={() => setOpen({ shipment, order })}>
                Change tracking<span className="visually-hidden"> of shipment {shipment.shipment_no}</span>
              </Button>
            ) : null}
          </div>
          <Facts of={factsOf(shipment, order)} />
        </section>
      ))}
      {open === undefined ? null : (
        <Dialog title={`Tracking of shipment ${open.shipment.shipment_no}`} onClose={() => setOpen(undefined)}>
          <TrackingForm {...open} onDone={() => setOpen(undefined)} />
        </Dialog>
      )}
    </Card>
  )
}

function factsOf(shipment: Shipment, order: Order) {
  const nameOf = (lineNo: number) =>
    order.items.find(({ line_no }) => line_no === lineNo)?.product_name ?? `line ${lineNo}`
  return [
    ['Units', shipment.items.map(({ line_no, quantity }) => `${quantity} × ${nameOf(line_no)}`).join(', ')],
    ['Left', <Time key="left" at={shipment.shipped_at} seconds />],
    [
      'Arrived',
      shipment.delivered_at === undefined ? (
        <span key="arrived" className="soft">
          not yet
        </span>
      ) : (
        <Time key="arrived" at={shipment.delivered_at} seconds />
      ),
    ],
    [
      'Carrier',
      [shipment.carrier, shipment.tracking_number].filter((part) => part !== undefined).join(' ') || 'not said',
    ],
    ...(shipment.tracking_url === undefined
      ? []
      : [
          [
            'Tracking',
            <a key="url" href={shipment.tracking_url} rel="noreferrer noopener">
              {shipment.tracking_url}
            </a>,
          ] as const,
        ]),
  ] as const
}

interface TrackingFormProps {
  readonly shipment: Shipment
  readonly order: Order
  onDone(): void
}

function TrackingForm({ shipment, order, onDone }: TrackingFormProps) {
  const { client } = useSession()
  const { carrier, tracking_number, tracking_url } = shipment
  const given = { carrier, tracking_number, tracking_url }
  const [texts, setTexts] = useState({
    ...NO_TRACKING,
    ...Object.fromEntries(Object.entries(given).filter(([, text]) => text !== undefined)),
  })
  const body = filled(texts)
  return (
    <CommandForm
      submit="Change the tracking"
      asks={body}
      run={(key) => {
        const { params, ...rest } = ofVersion(order, key)
        const path = { ...params.path, shipment_no: String(shipment.shipment_no) }
        return client.patch('/v1/orders/{order_id}/shipments/{shipment_no}', { ...rest, params: { path }, body })
      }}
      refresh={TOUCHED}
      done={`Tracking of shipment ${shipment.shipment_no} changed`}
      onDone={onDone}
    >
      {(error) => <TrackingFields value={texts} onChange={setTexts} error={error} />}
    </CommandForm>
  )
}
