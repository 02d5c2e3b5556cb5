import type { Payment, PaymentOperation, ResolveOperation } from 'fanfold/client'
import { type FormEvent, useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError, useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Failure } from '../../ui/states.tsx'
import { AmountField } from './amount-field.tsx'
import { readAmount, toTyped } from './amounts.ts'
import { ALL } from './keys.ts'

export type Decision = ResolveOperation['decision']

const TITLES: Readonly<Record<Decision, string>> = {
  succeeded: 'Record that it succeeded',
  failed: 'Record that it failed',
  ask_again: 'Ask the processor again',
}

interface ResolveDialogProps {
  readonly decision: Decision
  readonly operation: PaymentOperation
  readonly payment: Payment
  onClose(): void
}

/** Takes down what a person found out, and asks before it becomes a fact. */
export function ResolveDialog({ decision, operation, payment, onClose }: ResolveDialogProps) {
  const { client } = useSession()
  const { currency } = payment
  const [note, setNote] = useState('')
  const [reference, setReference] = useState(operation.reference ?? '')
  const [typed, setTyped] = useState(toTyped(operation.amount, currency))
  const [wrong, setWrong] = useState<string>()
  const isPartial = decision === 'succeeded' && operation.kind === 'authorize'
  const run = useCommand(
    (body: ResolveOperation) =>
      client.post('/v1/operations/{op_id}/resolve', { params: { path: { op_id: operation.op_id } }, body }),
    {
      ...{ refresh: [ALL], isQuiet: true },
      done: ({ status }) => `Recorded; the payment is ${status}`,
      // Once the list is without the operation: what opened the dialog goes with it.
      onShown: onClose,
    },
  )
  function submit(event: FormEvent) {
    event.preventDefault()
    const amount = isPartial ? readAmount(typed, currency) : {}
    setWrong(amount.wrong)
    if (amount.wrong !== undefined) return
    run.mutate({
      decision,
      note: note.trim(),
      ...(amount.minor === undefined || amount.minor === operation.amount ? {} : { amount: amount.minor }),
      ...(decision === 'succeeded' && reference.trim() !== '' ? { reference: reference.trim() } : {}),
    })
  }
  return (
    <Dialog title={TITLES[decision]} onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <p>
          {operation.kind} of <strong>{formatMoney(operation.amount, currency)}</strong> at {operation.processor},
          payment <span className="mono">{payment.payment_intent_id}</span>.{' '}
          {decision === 'ask_again' ? null : 'This can not be taken back here.'}
        </p>
        {isPartial ? (
          <AmountField
            label={`Authorized, in ${currency}`}
            currency={currency}
            value={typed}
            onChange={setTyped}
            describe={(amount) => `${amount} ${currency} were authorized`}
            error={wrong ?? fieldError(run.error, '/amount')}
          />
        ) : null}
        {decision === 'succeeded' ? (
          <Field
            label="Reference of the processor"
            hint="What the processor calls it, if you know"
            error={fieldError(run.error, '/reference')}
          >
            <input className="mono" value={reference} onChange={(event) => setReference(event.target.value)} />
          </Field>
        ) : null}
        <Field
          label="Note"
          hint="How you know, for those who read the history; nothing personal"
          error={fieldError(run.error, '/note')}
        >
          <textarea rows={2} value={note} onChange={(event) => setNote(event.target.value)} />
        </Field>
        {run.error === null ? null : <Failure error={run.error} />}
        <div className="row">
          <Button type="submit" kind={decision === 'failed' ? 'danger' : 'primary'} busy={run.isPending}>
            {TITLES[decision]}
          </Button>
          <Button onClick={onClose}>Leave it</Button>
        </div>
      </form>
    </Dialog>
  )
}
