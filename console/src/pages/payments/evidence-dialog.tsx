import type { Dispute } from 'fanfold/client'
import { type FormEvent, useId, useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError, useCommand } from '../../data/use-command.ts'
import { useIdempotencyKeys } from '../../data/use-idempotency-keys.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Failure } from '../../ui/states.tsx'
import { useTell } from '../../ui/toasts.tsx'
import { Deadline } from './deadline.tsx'
import { ALL } from './keys.ts'

/** Names that processors commonly know. */
const NAMES = [
  'product_description',
  'shipping_tracking_number',
  'shipping_carrier',
  'shipping_date',
  'customer_communication',
  'refund_policy',
  'uncategorized_text',
]

interface Text {
  readonly id: number
  readonly name: string
  readonly text: string
}

interface EvidenceDialogProps {
  readonly dispute: Pick<
    Dispute,
    'payment_intent_id' | 'dispute_id' | 'amount' | 'currency' | 'reason' | 'evidence_due_by' | 'status'
  >
  onClose(): void
}

/** What speaks against a dispute: texts by the names that the processor knows, sent once. */
export function EvidenceDialog({ dispute, onClose }: EvidenceDialogProps) {
  const { client } = useSession()
  const tell = useTell()
  const [texts, setTexts] = useState<readonly Text[]>([{ id: 0, name: 'product_description', text: '' }])
  const [wrong, setWrong] = useState<{ readonly id: number; readonly words: string }>()
  const namesId = useId()
  const { keyFor } = useIdempotencyKeys()
  const submit = useCommand(
    (evidence: Record<string, string>) =>
      client.post('/v1/payments/{payment_intent_id}/disputes/{dispute_id}/evidence', {
        params: { path: { payment_intent_id: dispute.payment_intent_id, dispute_id: dispute.dispute_id } },
        body: { evidence },
        idempotencyKey: keyFor(evidence),
      }),
    {
      refresh: [ALL],
      isQuiet: true,
      onDone({ pending_operation: pending }) {
        if (pending === undefined) tell('The evidence is submitted')
        else tell('The processor gave no clear answer yet; Fanfold goes on finding out', 'info')
        onClose()
      },
    },
  )
  const change = (id: number, part: Partial<Text>) =>
    setTexts((all) => all.map((one) => (one.id === id ? { ...one, ...part } : one)))
  function send(event: FormEvent) {
    event.preventDefault()
    const incomplete = texts.find(({ name, text }) => name.trim() === '' || text.trim() === '')
    const twice = texts.find(({ name }, index) => texts.findIndex((one) => one.name.trim() === name.trim()) < index)
    const fault = incomplete ?? twice
    setWrong(
      fault && { id: fault.id, words: fault === incomplete ? 'Name and text are needed' : 'This name is there twice' },
    )
    if (fault === undefined)
      submit.mutate(Object.fromEntries(texts.map(({ name, text }) => [name.trim(), text.trim()])))
  }
  const errorOf = ({ id, name }: Text) =>
    wrong?.id === id ? wrong.words : fieldError(submit.error, `/evidence/${name.trim()}`)
  return (
    <Dialog title="Submit evidence" onClose={onClose}>
      <form className="form" noValidate onSubmit={send}>
        <p>
          The bank asks {formatMoney(dispute.amount, dispute.currency)} back: {dispute.reason}. Evidence can be sent
          once, and is stored encrypted.
        </p>
        <p className="row">
          Due <Deadline dueBy={dispute.evidence_due_by} status={dispute.status} />
        </p>
        <datalist id={namesId}>
          {NAMES.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        {texts.map((one, index) => (
          <fieldset key={one.id} className="form pay-text">
            <legend className="visually-hidden">Text {index + 1}</legend>
            <Field label="Name">
              <input
                list={namesId}
                className="mono"
                spellCheck={false}
                value={one.name}
                onChange={(event) => change(one.id, { name: event.target.value })}
              />
            </Field>
            <Field label="Text" error={errorOf(one)}>
              <textarea rows={3} value={one.text} onChange={(event) => change(one.id, { text: event.target.value })} />
            </Field>
            {texts.length > 1 ? (
              <div>
                <Button kind="quiet" onClick={() => setTexts((all) => all.filter(({ id }) => id !== one.id))}>
                  Leave text {index + 1} out
                </Button>
              </div>
            ) : null}
          </fieldset>
        ))}
        <div>
          <Button onClick={() => setTexts((all) => [...all, { id: all.at(-1)!.id + 1, name: '', text: '' }])}>
            Add a text
          </Button>
        </div>
        {submit.error === null ? null : <Failure error={submit.error} />}
        <div className="row">
          <Button type="submit" kind="primary" busy={submit.isPending}>
            Submit evidence
          </Button>
          <Button onClick={onClose}>Leave it</Button>
        </div>
      </form>
    </Dialog>
  )
}
