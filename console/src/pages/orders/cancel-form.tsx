import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import { Money } from '../../ui/values.tsx'
import { CheckRow } from './check-row.tsx'
import { ItemQuantities, useQuantities } from './item-quantities.tsx'
import type { ActionFormProps } from './order-actions.tsx'
import { addressed, filled, TOUCHED } from './order-command.ts'
import { openUnits } from './order-lines.tsx'

export function CancelForm({ order, onDone }: ActionFormProps) {
  const { client } = useSession()
  const canWhole = order.items.every(({ quantity_shipped: shipped }) => shipped === 0)
  const [isWhole, setWhole] = useState(canWhole)
  const [reason, setReason] = useState('')
  const [withShipping, setWithShipping] = useState(false)
  const quantities = useQuantities(order, openUnits, 'none')
  const part = { items: quantities.items, ...(withShipping ? { refund_shipping: true } : {}) }
  const body = { ...(isWhole ? {} : part), ...filled({ reason }) }
  return (
    <CommandForm
      submit={isWhole ? 'Cancel the whole order' : 'Cancel these units'}
      isDanger
      asks={body}
      run={(key) => client.post('/v1/orders/{order_id}/cancel', { ...addressed(order, key), body })}
      refresh={TOUCHED}
      done={({ status }) => `Cancelled: the order is ${status}`}
      onDone={onDone}
      onCancel={onDone}
    >
      {(error) => (
        <>
          <fieldset className="stack">
            <legend className="field-label">What is cancelled</legend>
            <label className="check-row">
              <input type="radio" name="what" checked={isWhole} disabled={!canWhole} onChange={() => setWhole(true)} />
              {canWhole ? 'The whole order' : 'The whole order (not once something was shipped)'}
            </label>
            <label className="check-row">
              <input type="radio" name="what" checked={!isWhole} onChange={() => setWhole(false)} />
              Single units
            </label>
          </fieldset>
          {isWhole ? (
            <p>
              This can not be undone. The units can be ordered again, and the{' '}
              <Money minor={order.paid_total - order.refunded_total} currency={order.currency} /> that were paid are
              given back.
            </p>
          ) : (
            <>
              <ItemQuantities of={quantities} legend="Units that are cancelled" what="open" error={error} />
              <CheckRow label="Give back the cost of shipping too" checked={withShipping} onChange={setWithShipping} />
            </>
          )}
          <Field label="Reason" hint="Kept in the history, so name nobody" error={fieldError(error, '/reason')}>
            <input value={reason} onChange={(event) => setReason(event.target.value)} />
          </Field>
        </>
      )}
    </CommandForm>
  )
}
