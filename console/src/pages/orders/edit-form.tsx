import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import { ItemQuantities, useQuantities } from './item-quantities.tsx'
import type { ActionFormProps } from './order-actions.tsx'
import { filled, ofVersion, TOUCHED } from './order-command.ts'
import { openUnits } from './order-lines.tsx'
import { type OrderedRow, orderedItems, ProductRows } from './product-rows.tsx'

export function EditForm({ order, onDone }: ActionFormProps) {
  const { client } = useSession()
  const [rows, setRows] = useState<readonly OrderedRow[]>([])
  const [reason, setReason] = useState('')
  const quantities = useQuantities(order, openUnits, 'none')
  const added = orderedItems(rows)
  const body = {
    ...(added.length === 0 ? {} : { add_items: added }),
    ...(quantities.items.length === 0 ? {} : { remove_items: quantities.items }),
    ...filled({ reason }),
  }
  return (
    <CommandForm
      submit="Change the order"
      asks={body}
      run={(key) => client.post('/v1/orders/{order_id}/edits', { ...ofVersion(order, key), body })}
      refresh={TOUCHED}
      done={({ status }) => `Changed: the order is ${status}`}
      onDone={onDone}
    >
      {(error) => (
        <>
          <ProductRows
            legend="Lines that join, at the prices of today"
            rows={rows}
            onChange={setRows}
            error={error}
            pointer="/add_items"
          />
          <ItemQuantities of={quantities} legend="Units that go" what="open" error={error} pointer="/remove_items" />
          <Field label="Reason" hint="Kept in the history, so name nobody" error={fieldError(error, '/reason')}>
            <input value={reason} onChange={(event) => setReason(event.target.value)} />
          </Field>
        </>
      )}
    </CommandForm>
  )
}
