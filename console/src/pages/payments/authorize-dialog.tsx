import type { AuthorizePayment } from 'fanfold/client'
import { type FormEvent, useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Failure } from '../../ui/states.tsx'
import { TokenField } from './method-field.tsx'
import { type CommandDialogProps, usePaymentCommand } from './use-payment-command.ts'

/** Asks the processor to set the amount aside; after a decline perhaps with another method. */
export function AuthorizeDialog({ payment, onClose }: CommandDialogProps) {
  const { client } = useSession()
  const { token } = payment.payment_method
  const [typed, setTyped] = useState(token)
  const run = usePaymentCommand(
    payment,
    (body: AuthorizePayment, idempotencyKey) =>
      client.post('/v1/payments/{payment_intent_id}/authorize', {
        params: { path: { payment_intent_id: payment.payment_intent_id } },
        body,
        idempotencyKey,
      }),
    onClose,
  )
  function submit(event: FormEvent) {
    event.preventDefault()
    run.mutate(typed.trim() === token ? {} : { payment_method: { token: typed.trim() } })
  }
  return (
    <Dialog title="Authorize" onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <p>
          Asks {payment.route.join(', then ')} to set <strong>{formatMoney(payment.amount, payment.currency)}</strong>{' '}
          aside
          {payment.capture_method === 'automatic' ? ', and captures it at once if all of it is authorized.' : '.'}
        </p>
        <TokenField
          value={typed}
          onChange={setTyped}
          required
          hint="That of the payment; another one takes its place"
          error={fieldError(run.error, '/payment_method')}
        />
        {run.error === null ? null : <Failure error={run.error} />}
        <div className="row">
          <Button type="submit" kind="primary" busy={run.isPending}>
            Authorize
          </Button>
          <Button onClick={onClose}>Leave it</Button>
        </div>
      </form>
    </Dialog>
  )
}
