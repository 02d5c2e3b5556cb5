import type { Product } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import { formatMoney } from '../../ui/format.ts'
import { amountRefusal, minorOf, typedOf } from './amounts.ts'

interface ChangePriceFormProps {
  readonly product: Product
  onDone(): void
}

export function ChangePriceForm({ product, onDone }: ChangePriceFormProps) {
  const { client } = useSession()
  const currencies = [product.currency, ...Object.keys(product.prices)]
  const [currency, setCurrency] = useState(product.currency)
  const before = currency === product.currency ? product.price : product.prices[currency]!
  const [text, setText] = useState(typedOf(product.price, product.currency))
  // What is no amount is refused by the server, too; it never means another price.
  const minor = minorOf(text, currency) ?? -1
  const body = currency === product.currency ? { price: minor } : { prices: { [currency]: minor } }
  const pointer = currency === product.currency ? '/price' : '/prices'
  return (
    <CommandForm
      submit="Change the price"
      asks={body}
      run={() =>
        client.patch('/v1/products/{product_id}', { params: { path: { product_id: product.product_id } }, body })
      }
      refresh={[['products']]}
      done={`The price is ${minor < 0 ? '' : formatMoney(minor, currency)} from now on`}
      onDone={onDone}
    >
      {(error) => (
        <>
          <p>
            Now {formatMoney(before, currency)}. Orders that were placed keep the price of their moment; the history
            keeps all prices.
          </p>
          {currencies.length === 1 ? null : (
            <Field label="Currency">
              <select
                value={currency}
                onChange={({ target: { value } }) => {
                  setCurrency(value)
                  setText(typedOf(value === product.currency ? product.price : product.prices[value]!, value))
                }}
              >
                {currencies.map((code) => (
                  <option key={code}>{code}</option>
                ))}
              </select>
            </Field>
          )}
          <Field
            label={`New price of one unit in ${currency}`}
            {...(minor < 0 ? {} : { hint: `That is ${formatMoney(minor, currency)}` })}
            error={amountRefusal(text, currency) ?? fieldError(error, pointer)}
          >
            <input required inputMode="decimal" value={text} onChange={(event) => setText(event.target.value)} />
          </Field>
        </>
      )}
    </CommandForm>
  )
}
