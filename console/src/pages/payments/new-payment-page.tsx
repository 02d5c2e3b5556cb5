import type { CreatePayment } from 'fanfold/client'
import { type FormEvent, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { isCurrency } from '../../../../src/core/money.ts'
import { useSession } from '../../data/session.tsx'
import { fieldError, useCommand } from '../../data/use-command.ts'
import { useIdempotencyKeys } from '../../data/use-idempotency-keys.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { Page } from '../../ui/page.tsx'
import { Failure } from '../../ui/states.tsx'
import { AmountField } from './amount-field.tsx'
import { readAmount } from './amounts.ts'
import { ALL } from './keys.ts'
import { TokenField } from './method-field.tsx'

const BLANK = {
  amount: '',
  currency: 'USD',
  token: 'tok_ok',
  capture: 'manual',
  customer: '',
  order: '',
  processor: '',
}

const bodyOf = (draft: typeof BLANK, amount: number): CreatePayment => ({
  amount,
  currency: draft.currency,
  payment_method: { token: draft.token.trim() },
  capture_method: draft.capture === 'manual' ? 'manual' : 'automatic',
  ...(draft.customer.trim() === '' ? {} : { customer_id: draft.customer.trim() }),
  ...(draft.order.trim() === '' ? {} : { order_id: draft.order.trim() }),
  ...(draft.processor.trim() === '' ? {} : { processor: draft.processor.trim() }),
})

/** Records what is to be paid; money is asked for by authorizing it, on its own page. */
export function NewPaymentPage() {
  const { client } = useSession()
  const [, go] = useLocation()
  const [draft, setDraft] = useState(BLANK)
  const [wrong, setWrong] = useState<string>()
  const { keyFor } = useIdempotencyKeys()
  const create = useCommand(
    (body: CreatePayment) => client.post('/v1/payments', { body, idempotencyKey: keyFor(body) }),
    {
      refresh: [ALL],
      done: 'The payment is recorded; authorize it next',
      isQuiet: true,
      onDone: ({ payment_intent_id: id }) => go(`/${id}`),
    },
  )
  const take = (name: keyof typeof BLANK) => (value: string) => {
    setDraft((before) => ({ ...before, [name]: value }))
    setWrong(undefined)
  }
  const text = (name: keyof typeof BLANK) => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => take(name)(event.target.value),
  })
  function submit(event: FormEvent) {
    event.preventDefault()
    const typed = readAmount(draft.amount, draft.currency)
    setWrong(typed.wrong)
    if (typed.minor !== undefined) create.mutate(bodyOf(draft, typed.minor))
  }
  const errorOf = (pointer: string) => fieldError(create.error, pointer)
  return (
    <Page title="New payment" actions={<Link href="/">All payments</Link>}>
      <Card title="What is to be paid">
        <form className="form pay-form" noValidate onSubmit={submit}>
          <div className="pay-pair">
            <AmountField
              currency={draft.currency}
              {...(isCurrency(draft.currency) ? {} : { label: 'Amount' })}
              value={draft.amount}
              onChange={take('amount')}
              describe={(amount) => `${amount} is to be paid`}
              error={wrong ?? errorOf('/amount')}
            />
            <Field label="Currency" hint="ISO 4217 code, such as EUR" error={errorOf('/currency')}>
              <input
                maxLength={3}
                autoComplete="off"
                {...text('currency')}
                onChange={(event) => take('currency')(event.target.value.toUpperCase())}
              />
            </Field>
          </div>
          <TokenField value={draft.token} onChange={take('token')} required error={errorOf('/payment_method')} />
          <Field
            label="Capture"
            hint={
              draft.capture === 'manual'
                ? 'Captured by commands of yours, in one or several parts'
                : 'Captured as soon as all of it is authorized'
            }
            error={errorOf('/capture_method')}
          >
            <select {...text('capture')}>
              <option value="manual">manual</option>
              <option value="automatic">automatic</option>
            </select>
          </Field>
          <div className="pay-pair">
            <Field label="Customer (optional)" error={errorOf('/customer_id')}>
              <input className="mono" autoComplete="off" {...text('customer')} />
            </Field>
            <Field
              label="Order (optional)"
              hint="Amount and currency must be those of the order"
              error={errorOf('/order_id')}
            >
              <input className="mono" autoComplete="off" {...text('order')} />
            </Field>
          </div>
          <Field label="Processor (optional)" hint="The one the routes name unless given" error={errorOf('/processor')}>
            <input autoComplete="off" {...text('processor')} />
          </Field>
          {create.error === null ? null : <Failure error={create.error} />}
          <div>
            <Button type="submit" kind="primary" busy={create.isPending}>
              Create the payment
            </Button>
          </div>
        </form>
      </Card>
    </Page>
  )
}
