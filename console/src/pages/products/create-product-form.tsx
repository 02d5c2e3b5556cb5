import type { Product } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import { amountRefusal, minorOf } from './amounts.ts'

const TEXTS = [
  ['product_id', 'Product id', 'Made if left out'],
  ['sku', 'SKU', 'Unique'],
  ['name', 'Name', undefined],
  ['category', 'Category', 'As in the sales report'],
] as const

const START = { product_id: '', sku: '', name: '', category: '', currency: 'EUR', price: '', stock: '0' }

export function CreateProductForm({ onDone }: { onDone(product: Product): void }) {
  const { client } = useSession()
  const [texts, setTexts] = useState(START)
  const change = (name: keyof typeof START) => (event: { readonly target: { readonly value: string } }) =>
    setTexts({ ...texts, [name]: event.target.value })
  const currency = texts.currency.trim().toUpperCase()
  const { product_id: id, sku, name, category } = texts
  const body = {
    ...(id.trim() === '' ? {} : { product_id: id.trim() }),
    ...{ sku, name, category, currency },
    price: minorOf(texts.price, currency) ?? -1,
    stock: Number(texts.stock),
  }
  return (
    <CommandForm
      submit="Add the product"
      asks={body}
      run={(idempotencyKey) => client.post('/v1/products', { body, idempotencyKey })}
      refresh={[['products']]}
      done={(product) => `${product.name} is added`}
      onDone={onDone}
    >
      {(error) => (
        <>
          {TEXTS.map(([field, label, hint]) => (
            <Field
              key={field}
              label={label}
              error={fieldError(error, `/${field}`)}
              {...(hint === undefined ? {} : { hint })}
            >
              <input
                required={field !== 'product_id'}
                value={texts[field]}
                onChange={change(field)}
                autoComplete="off"
              />
            </Field>
          ))}
          <Field label="Currency" hint="ISO 4217" error={fieldError(error, '/currency')}>
            <input required maxLength={3} value={texts.currency} onChange={change('currency')} autoComplete="off" />
          </Field>
          <Field
            label={`Price of one unit in ${currency}`}
            error={amountRefusal(texts.price, currency) ?? fieldError(error, '/price')}
          >
            <input required inputMode="decimal" value={texts.price} onChange={change('price')} autoComplete="off" />
          </Field>
          <Field label="Units on hand at the start" error={fieldError(error, '/stock')}>
            <input type="number" min={0} step={1} required value={texts.stock} onChange={change('stock')} />
          </Field>
        </>
      )}
    </CommandForm>
  )
}
