import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { CommandForm } from '../../ui/command-form.tsx'
import { ItemQuantities, useQuantities } from './item-quantities.tsx'
import type { ActionFormProps } from './order-actions.tsx'
import { addressed, filled, TOUCHED } from './order-command.ts'
import { openUnits } from './order-lines.tsx'
import { NO_TRACKING, TrackingFields } from './tracking-fields.tsx'

export function ShipForm({ order, onDone }: ActionFormProps) {
  const { client } = useSession()
  const quantities = useQuantities(order, openUnits, 'all')
  const [tracking, setTracking] = useState(NO_TRACKING)
  const body = { items: quantities.items, ...filled(tracking) }
  return (
    <CommandForm
      submit="Ship"
      asks={body}
      run={(key) => client.post('/v1/orders/{order_id}/ship', { ...addressed(order, key), body })}
      refresh={TOUCHED}
      done={({ status, fulfillment_status: goods }) => `Shipped: the order is ${status}, ${goods}`}
      onDone={onDone}
    >
      {(error) => (
        <>
          <ItemQuantities of={quantities} legend="Units that leave" what="open" error={error} />
          <TrackingFields value={tracking} onChange={setTracking} error={error} />
        </>
      )}
    </CommandForm>
  )
}
