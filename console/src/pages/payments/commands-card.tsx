import type { Payment } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { formatMoney } from '../../ui/format.ts'
import { type AmountCommand, AmountDialog } from './amount-dialog.tsx'
import { AuthorizeDialog } from './authorize-dialog.tsx'
import { restsOf } from './state-card.tsx'
import { VoidDialog } from './void-dialog.tsx'

type Command = NonNullable<Payment['actions']>[number]['action']

const COMMANDS: readonly {
  readonly command: Command
  readonly name: string
  readonly kind?: 'primary' | 'danger'
  readonly about: (payment: Payment) => string
}[] = [
  {
    command: 'authorize',
    name: 'Authorize',
    kind: 'primary',
    about: ({ amount, currency, processor }) => `Asks ${processor} to set ${formatMoney(amount, currency)} aside.`,
  },
  { command: 'increment', name: 'Increment', about: () => 'Sets more aside than was authorized.' },
  {
    command: 'capture',
    name: 'Capture',
    kind: 'primary',
    about: (payment) => `Takes up to ${formatMoney(restsOf(payment).capturable, payment.currency)}, whole or in parts.`,
  },
  {
    command: 'void',
    name: 'Void',
    kind: 'danger',
    about: () => 'Releases what is not captured; nothing more can be captured then.',
  },
  {
    command: 'refund',
    name: 'Refund',
    kind: 'danger',
    about: (payment) =>
      `Gives back up to ${formatMoney(restsOf(payment).refundable, payment.currency)}, whole or in parts.`,
  },
]

interface CommandsCardProps {
  readonly payment: Payment
  /** Whether an earlier state is looked at, in which nothing can be done. */
  readonly isPast: boolean
}

/** What may be done with the payment now; what may not says why. */
export function CommandsCard({ payment, isPast }: CommandsCardProps) {
  const { can } = useSession()
  const [open, setOpen] = useState<Command>()
  const close = () => setOpen(undefined)
  if (!can('payments'))
    return (
      <Card title="Commands">
        <p className="soft">This key may look at payments. To act on them it needs the scope payments.</p>
      </Card>
    )
  const ruleOf = (command: Command) => payment.actions?.find(({ action }) => action === command)
  return (
    <Card title="Commands">
      {isPast ? <p className="soft">Commands act on the payment as it is now; go back to now first.</p> : null}
      <ul className="pay-commands">
        {COMMANDS.map(({ command, name, kind, about }) => {
          const rule = ruleOf(command)
          const refused = rule?.allowed === false ? (rule.reason ?? 'The rules refuse it now') : undefined
          const refusal = refused ?? (isPast ? 'You are looking at the past' : undefined)
          return (
            <li key={command}>
              <Button {...(kind === undefined ? {} : { kind })} refusal={refusal} onClick={() => setOpen(command)}>
                {name}
              </Button>
              {refusal === undefined ? (
                <span>{rule?.reason ?? about(payment)}</span>
              ) : (
                // The button tells screen readers why.
                <span className="soft" aria-hidden="true">
                  {refusal}
                </span>
              )}
            </li>
          )
        })}
      </ul>
      {open === 'authorize' ? <AuthorizeDialog payment={payment} onClose={close} /> : null}
      {open === 'void' ? <VoidDialog payment={payment} onClose={close} /> : null}
      {open === 'capture' || open === 'refund' || open === 'increment' ? (
        <AmountDialog command={open satisfies AmountCommand} payment={payment} onClose={close} />
      ) : null}
    </Card>
  )
}
