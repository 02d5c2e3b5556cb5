import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { PAGE_ROWS } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import { Page } from '../../ui/page.tsx'
import { Money } from '../../ui/values.tsx'
import { AddressChoice, addressBody, startAddress } from './address-choice.tsx'
import { filled, TOUCHED } from './order-command.ts'
import { newRow, type OrderedRow, orderedItems, ProductRows, useOffered } from './product-rows.tsx'

/** What the lines cost at the prices that are in sight; unknown as soon as one is not. */
function useExpected(rows: readonly OrderedRow[]): { readonly minor: number; readonly currency: string } | undefined {
  const offered = useOffered().data?.items ?? []
  const lines = orderedItems(rows).map(({ product_id: id, quantity }) => ({
    product: offered.find(({ product_id }) => product_id === id),
    quantity,
  }))
  const currency = lines[0]?.product?.currency
  if (currency === undefined || lines.some(({ product }) => product?.currency !== currency)) return undefined
  const minor = lines.reduce((sum, { product, quantity }) => sum + product!.price * quantity, 0)
  return Number.isSafeInteger(minor) ? { minor, currency } : undefined
}

export function PlaceOrder() {
  const { client } = useSession()
  const [, go] = useLocation()
  const listId = useId()
  const [isGuest, setGuest] = useState(false)
  const [customerId, setCustomerId] = useState('')
  const [guest, setGuestTexts] = useState({ name: '', email: '' })
  const [address, setAddress] = useState(() => startAddress())
  const [rows, setRows] = useState<readonly OrderedRow[]>(() => [newRow()])
  const [note, setNote] = useState('')
  const expected = useExpected(rows)
  // An address that was chosen is one of who ordered until then.
  const forgetAddress = () => setAddress({ ...address, addressId: '' })
  const choose = (who: 'customer' | 'guest') => {
    setGuest(who === 'guest')
    forgetAddress()
  }
  const customers = useQuery({
    queryKey: ['customers', 'offered'],
    queryFn: ({ signal }) => client.get('/v1/customers', { params: { query: { limit: PAGE_ROWS } }, signal }),
    staleTime: 60_000,
  })
  const body = {
    ...(isGuest ? { guest: filled(guest) as { name: string; email?: string } } : { customer_id: customerId.trim() }),
    ...addressBody(address),
    items: orderedItems(rows),
    ...(expected === undefined ? {} : { expected_total: expected.minor, currency: expected.currency }),
    ...filled({ note }),
  }
  const chosen = customers.data?.items.find(({ customer_id: id }) => id === customerId.trim())
  return (
    <Page title="Place an order" actions={<Link href="/">All orders</Link>}>
      <CommandForm
        submit="Place the order"
        asks={body}
        run={(idempotencyKey) => client.post('/v1/orders', { body, idempotencyKey })}
        refresh={[...TOUCHED, ['customers']]}
        done={({ order_number: number }) => `Order ${number} is placed`}
        onDone={({ order_id: id }) => go(`/${id}`)}
      >
        {(error) => (
          <div className="grid">
            <Card title="Who and where">
              <fieldset className="row">
                <legend className="visually-hidden">Who orders</legend>
                <label className="check-row">
                  <input type="radio" name="who" checked={!isGuest} onChange={() => choose('customer')} /> A customer
                </label>
                <label className="check-row">
                  <input type="radio" name="who" checked={isGuest} onChange={() => choose('guest')} /> A guest
                </label>
              </fieldset>
              {isGuest ? (
                <>
                  <Field label="Guest name" error={fieldError(error, '/guest/name')}>
                    <input
                      required
                      value={guest.name}
                      onChange={(event) => setGuestTexts({ ...guest, name: event.target.value })}
                    />
                  </Field>
                  <Field label="Guest e-mail" error={fieldError(error, '/guest/email')}>
                    <input
                      value={guest.email}
                      inputMode="email"
                      onChange={(event) => setGuestTexts({ ...guest, email: event.target.value })}
                    />
                  </Field>
                </>
              ) : (
                <Field
                  label="Customer id"
                  hint={
                    chosen === undefined ? 'One of the first customers is offered; any other by its id' : chosen.name
                  }
                  error={fieldError(error, '/customer_id')}
                >
                  <input
                    list={listId}
                    required
                    autoComplete="off"
                    spellCheck={false}
                    value={customerId}
                    onChange={(event) => {
                      setCustomerId(event.target.value)
                      forgetAddress()
                    }}
                  />
                </Field>
              )}
              <datalist id={listId}>
                {customers.data?.items.map(({ customer_id: id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </datalist>
              <AddressChoice
                customerId={isGuest || chosen === undefined ? undefined : chosen.customer_id}
                value={address}
                onChange={setAddress}
                error={error}
              />
            </Card>
            <Card title="What">
              <ProductRows legend="Products" rows={rows} onChange={setRows} error={error} pointer="/items" />
              <Field label="Note" error={fieldError(error, '/note')}>
                <input value={note} onChange={(event) => setNote(event.target.value)} />
              </Field>
              <p role="status">
                {expected === undefined ? (
                  'The total is known when the order is placed, at the prices of then.'
                ) : (
                  <>
                    Total{' '}
                    <strong>
                      <Money minor={expected.minor} currency={expected.currency} />
                    </strong>
                    ; should a price have changed meanwhile, the order is refused with both figures.
                  </>
                )}
              </p>
            </Card>
          </div>
        )}
      </CommandForm>
    </Page>
  )
}
