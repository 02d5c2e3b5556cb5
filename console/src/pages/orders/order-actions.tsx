import type { Order } from 'fanfold/client'
import { type ComponentType, useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { AddressForm } from './address-form.tsx'
import { CancelForm } from './cancel-form.tsx'
import { DeliverForm } from './deliver-form.tsx'
import { EditForm } from './edit-form.tsx'
import { ReturnForm } from './return-form.tsx'
import { ShipForm } from './ship-form.tsx'

export interface ActionFormProps {
  /** As it was when the form was opened. */
  readonly order: Order
  onDone(): void
}

type ActionName = NonNullable<Order['actions']>[number]['action']

interface ActionKind {
  readonly name: string
  readonly does: string
  readonly form: ComponentType<ActionFormProps>
  readonly isDanger?: true
}

const ACTIONS: Readonly<Record<ActionName, ActionKind>> = {
  ship: { name: 'Ship', does: 'Units leave the stock as a shipment, all that are open or some', form: ShipForm },
  deliver: { name: 'Deliver', does: 'One shipment, or everything, has arrived', form: DeliverForm },
  cancel: {
    name: 'Cancel',
    does: 'The whole order or open units; stock is freed, money given back',
    form: CancelForm,
    isDanger: true,
  },
  return: { name: 'Return', does: 'Shipped units came back; money is given back', form: ReturnForm },
  edit: { name: 'Edit', does: 'Lines at the prices of today join, open units go', form: EditForm },
  change_address: { name: 'Change address', does: 'The order goes elsewhere; the report follows', form: AddressForm },
}

/** Every command as a button; what the rules refuse now is explained in their words. */
export function OrderActions({ order, isPast }: { readonly order: Order; readonly isPast: boolean }) {
  const { can } = useSession()
  const [open, setOpen] = useState<{ readonly action: ActionName; readonly order: Order }>()
  const kind = open === undefined ? undefined : ACTIONS[open.action]
  return (
    <Card title="What can be done">
      {can('orders') ? null : <p>This key may only look: commands need the scope orders.</p>}
      {isPast ? <p>Commands act on the order as it is now: go back to now to see them.</p> : null}
      <ul className="commands">
        {(isPast ? [] : (order.actions ?? [])).map(({ action, allowed, code, reason }) => {
          const { name, does, isDanger } = ACTIONS[action]
          return (
            <li key={action}>
              {can('orders') ? (
                <Button
                  {...(isDanger === true ? { kind: 'danger' as const } : {})}
                  refusal={allowed ? undefined : (reason ?? code ?? 'not allowed')}
                  onClick={() => setOpen({ action, order })}
                >
                  {name}
                </Button>
              ) : (
                <strong>{name}</strong>
              )}
              <span className="small soft" aria-hidden={!allowed && can('orders') ? true : undefined}>
                {allowed ? does : 'Not now: '}
                {reason === undefined ? null : allowed ? `. In part only: ${reason}` : reason}
                {code === undefined || allowed ? null : (
                  <>
                    {' '}
                    (<code>{code}</code>)
                  </>
                )}
              </span>
            </li>
          )
        })}
      </ul>
      {open === undefined || kind === undefined ? null : (
        <Dialog title={`${kind.name}: order ${open.order.order_number}`} onClose={() => setOpen(undefined)}>
          <kind.form order={open.order} onDone={() => setOpen(undefined)} />
        </Dialog>
      )}
    </Card>
  )
}
