import { isProblem, type Payment } from 'fanfold/client'
import { type FormEvent, useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Failure } from '../../ui/states.tsx'
import { AmountField } from './amount-field.tsx'
import { readAmount, toTyped } from './amounts.ts'
import { restsOf } from './state-card.tsx'
import { type CommandDialogProps, usePaymentCommand } from './use-payment-command.ts'

export type AmountCommand = 'capture' | 'refund' | 'increment'

const WORDS = {
  capture: { title: 'Capture', verb: 'Takes', of: 'can still be captured' },
  refund: { title: 'Refund', verb: 'Gives back', of: 'can still be refunded' },
  increment: { title: 'Increment the authorization', verb: 'Sets aside another', of: 'are authorized' },
} as const

function restOf(command: AmountCommand, payment: Payment): number {
  const { capturable, refundable } = restsOf(payment)
  return { capture: capturable, refund: refundable, increment: payment.authorized }[command]
}

interface Body {
  readonly amount: number
  readonly final?: true
  readonly reason?: string
}

/** Capture, refund or increment: an amount that begins with all there is, and what belongs to it. */
export function AmountDialog({ command, payment, onClose }: CommandDialogProps & { readonly command: AmountCommand }) {
  const { client } = useSession()
  const { currency } = payment
  const rest = restOf(command, payment)
  const { title, verb, of } = WORDS[command]
  const [typed, setTyped] = useState(command === 'increment' || rest === 0 ? '' : toTyped(rest, currency))
  const [isFinal, setFinal] = useState(false)
  const [reason, setReason] = useState('')
  const [wrong, setWrong] = useState<string>()
  const run = usePaymentCommand(
    payment,
    (body: Body, idempotencyKey) => {
      const params = { path: { payment_intent_id: payment.payment_intent_id } }
      if (command === 'capture')
        return client.post('/v1/payments/{payment_intent_id}/capture', { params, body, idempotencyKey })
      if (command === 'refund')
        return client.post('/v1/payments/{payment_intent_id}/refund', { params, body, idempotencyKey })
      return client.post('/v1/payments/{payment_intent_id}/increment', { params, body, idempotencyKey })
    },
    onClose,
  )
  function submit(event: FormEvent) {
    event.preventDefault()
    if (run.isPending) return
    const { minor, wrong: fault } = readAmount(typed, currency)
    setWrong(fault)
    if (minor === undefined) return
    const words = reason.trim()
    run.mutate({ amount: minor, ...(isFinal ? { final: true } : {}), ...(words === '' ? {} : { reason: words }) })
  }
  // What is too much is said at the amount, whoever finds it.
  const tooMuch = isProblem(run.error, 'amount_exceeds_capturable', 'amount_exceeds_refundable')
    ? run.error.detail
    : undefined
  const atAmount = wrong ?? fieldError(run.error, '/amount') ?? tooMuch
  const isElsewhere = run.error !== null && tooMuch === undefined
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <p>
          {payment.payment_intent_id}: <strong>{formatMoney(rest, currency)}</strong> {of}.
        </p>
        <AmountField
          currency={currency}
          value={typed}
          readOnly={run.isPending}
          onChange={(value) => {
            setTyped(value)
            setWrong(undefined)
            // A command under way that is reset is let go of, and another one could be sent beside it.
            if (!run.isPending) run.reset()
          }}
          describe={(amount) => `${verb} ${amount} ${currency}`}
          error={atAmount}
        />
        {command === 'capture' ? (
          <label className="check-row">
            <input type="checkbox" checked={isFinal} onChange={(event) => setFinal(event.target.checked)} />
            Final: what is not captured then is released
          </label>
        ) : null}
        {command === 'refund' ? (
          <Field
            label="Reason (optional)"
            hint="For people; nothing personal, since it can never be erased"
            error={fieldError(run.error, '/reason')}
          >
            <input value={reason} onChange={(event) => setReason(event.target.value)} />
          </Field>
        ) : null}
        {isElsewhere ? <Failure error={run.error} /> : null}
        <div className="row">
          <Button type="submit" kind={command === 'refund' ? 'danger' : 'primary'} busy={run.isPending}>
            {command === 'increment' ? 'Increment' : title}
          </Button>
          <Button onClick={onClose}>Leave it</Button>
        </div>
      </form>
    </Dialog>
  )
}
