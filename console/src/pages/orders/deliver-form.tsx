import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import type { ActionFormProps } from './order-actions.tsx'
import { addressed, TOUCHED } from './order-command.ts'

export function DeliverForm({ order, onDone }: ActionFormProps) {
  const { client } = useSession()
  const onTheWay = order.shipments.filter(({ status }) => status === 'shipped')
  // Everything can arrive at once only when all of it has left.
  const [shipment, setShipment] = useState(order.status === 'SHIPPED' ? '' : String(onTheWay[0]?.shipment_no ?? ''))
  const body = shipment === '' ? {} : { shipment_no: Number(shipment) }
  return (
    <CommandForm
      submit="Mark as delivered"
      asks={body}
      run={(key) => client.post('/v1/orders/{order_id}/deliver', { ...addressed(order, key), body })}
      refresh={TOUCHED}
      done={({ status }) => `Delivered: the order is ${status}`}
      onDone={onDone}
    >
      {(error) => (
        <Field label="What has arrived" error={fieldError(error, '/shipment_no')}>
          <select value={shipment} onChange={(event) => setShipment(event.target.value)}>
            {order.status === 'SHIPPED' ? <option value="">Everything</option> : null}
            {onTheWay.map(({ shipment_no: no, carrier, tracking_number: number }) => (
              <option key={no} value={no}>
                {['Shipment', no, carrier, number].filter((part) => part !== undefined).join(' ')}
              </option>
            ))}
          </select>
        </Field>
      )}
    </CommandForm>
  )
}
