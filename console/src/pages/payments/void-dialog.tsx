import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Failure } from '../../ui/states.tsx'
import { restsOf } from './state-card.tsx'
import { type CommandDialogProps, usePaymentCommand } from './use-payment-command.ts'

/** Asks before what is set aside is released: it can't be taken back. */
export function VoidDialog({ payment, onClose }: CommandDialogProps) {
  const { client } = useSession()
  const run = usePaymentCommand(
    payment,
    (_input: null, idempotencyKey) =>
      client.post('/v1/payments/{payment_intent_id}/void', {
        params: { path: { payment_intent_id: payment.payment_intent_id } },
        body: {},
        idempotencyKey,
      }),
    onClose,
  )
  const { capturable } = restsOf(payment)
  return (
    <Dialog title="Void the payment" onClose={onClose}>
      <p>
        {capturable === 0 ? (
          'Ends the payment: nothing is set aside.'
        ) : (
          <>
            Releases <strong>{formatMoney(capturable, payment.currency)}</strong> to the buyer.
          </>
        )}{' '}
        Nothing more can be captured then.
      </p>
      {run.error === null ? null : <Failure error={run.error} />}
      <div className="row">
        <Button kind="danger" busy={run.isPending} onClick={() => run.mutate(null)}>
          Void
        </Button>
        <Button onClick={onClose}>Leave it</Button>
      </div>
    </Dialog>
  )
}
