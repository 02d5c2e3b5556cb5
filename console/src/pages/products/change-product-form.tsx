import type { Product } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'

interface ChangeProductFormProps {
  readonly product: Product
  onDone(): void
}

const TEXTS = [
  ['name', 'Name', 'On orders from now on'],
  ['category', 'Category', 'Of sales from now on'],
  ['sku', 'SKU', 'Unique'],
] as const

export function ChangeProductForm({ product, onDone }: ChangeProductFormProps) {
  const { client } = useSession()
  const { name, category, sku, active } = product
  const [draft, setDraft] = useState({ name, category, sku, active })
  const changed = Object.entries(draft).filter(([field, value]) => value !== product[field as keyof typeof draft])
  const body = Object.fromEntries(changed) as Partial<typeof draft>
  return (
    <CommandForm
      submit="Change the product"
      asks={body}
      run={() =>
        client.patch('/v1/products/{product_id}', { params: { path: { product_id: product.product_id } }, body })
      }
      refresh={[['products']]}
      done="The product is changed"
      onDone={onDone}
    >
      {(error) => (
        <>
          {TEXTS.map(([field, label, hint]) => (
            <Field key={field} label={label} hint={hint} error={fieldError(error, `/${field}`)}>
              <input
                required
                value={draft[field]}
                onChange={(event) => setDraft({ ...draft, [field]: event.target.value })}
              />
            </Field>
          ))}
          <label className="check-row">
            <input
              type="checkbox"
              checked={draft.active}
              onChange={(event) => setDraft({ ...draft, active: event.target.checked })}
            />
            It can be ordered
          </label>
        </>
      )}
    </CommandForm>
  )
}
