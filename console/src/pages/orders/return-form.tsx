import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import { CheckRow } from './check-row.tsx'
import { ItemQuantities, useQuantities } from './item-quantities.tsx'
import type { ActionFormProps } from './order-actions.tsx'
import { addressed, filled, TOUCHED } from './order-command.ts'
import { keptUnits } from './order-lines.tsx'

export function ReturnForm({ order, onDone }: ActionFormProps) {
  const { client } = useSession()
  const quantities = useQuantities(order, keptUnits, 'none')
  const [restock, setRestock] = useState(true)
  const [withShipping, setWithShipping] = useState(false)
  const [reason, setReason] = useState('')
  const body = {
    items: quantities.items,
    restock,
    ...(withShipping ? { refund_shipping: true } : {}),
    ...filled({ reason }),
  }
  return (
    <CommandForm
      submit="Take back"
      asks={body}
      run={(key) => client.post('/v1/orders/{order_id}/returns', { ...addressed(order, key), body })}
      refresh={TOUCHED}
      done={({ fulfillment_status: goods }) => `Returned: the order is ${goods}`}
      onDone={onDone}
    >
      {(error) => (
        <>
          <ItemQuantities of={quantities} legend="Units that came back" what="shipped" error={error} />
          <CheckRow label="The units can be sold again" checked={restock} onChange={setRestock} />
          <CheckRow label="Give back the cost of shipping too" checked={withShipping} onChange={setWithShipping} />
          <Field label="Reason" hint="Kept in the history, so name nobody" error={fieldError(error, '/reason')}>
            <input value={reason} onChange={(event) => setReason(event.target.value)} />
          </Field>
        </>
      )}
    </CommandForm>
  )
}
