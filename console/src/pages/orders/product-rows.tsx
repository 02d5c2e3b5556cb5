import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { PAGE_ROWS } from '../../data/use-list.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { formatMoney } from '../../ui/format.ts'

export interface OrderedRow {
  readonly key: number
  readonly productId: string
  readonly quantity: string
}

let lastKey = 0
export const newRow = (): OrderedRow => {
  lastKey += 1
  return { key: lastKey, productId: '', quantity: '1' }
}

/** Rows that name a product, as the API takes them. */
export const orderedItems = (rows: readonly OrderedRow[]) =>
  rows.flatMap(({ productId, quantity }) =>
    productId.trim() === '' ? [] : [{ product_id: productId.trim(), quantity: Number(quantity) }],
  )

/** The products that are offered to choose from: one page of them; any other can be named by its id. */
export function useOffered() {
  const { client } = useSession()
  return useQuery({
    queryKey: ['products', 'offered'],
    queryFn: ({ signal }) => client.get('/v1/products', { params: { query: { limit: PAGE_ROWS } }, signal }),
    staleTime: 60_000,
  })
}

interface ProductRowsProps {
  readonly legend: string
  readonly rows: readonly OrderedRow[]
  onChange(rows: readonly OrderedRow[]): void
  readonly error: unknown
  readonly pointer: string
}

/** Products and how many of each. */
export function ProductRows({ legend, rows, onChange, error, pointer }: ProductRowsProps) {
  const listId = useId()
  const offered = useOffered().data?.items ?? []
  const change = (row: OrderedRow) => onChange(rows.map((one) => (one.key === row.key ? row : one)))
  const named = rows.filter(({ productId }) => productId.trim() !== '')
  const refused = (row: OrderedRow, member: string) => fieldError(error, `${pointer}/${named.indexOf(row)}/${member}`)
  return (
    <fieldset className="form">
      <legend className="field-label">{legend}</legend>
      <datalist id={listId}>
        {offered.map(({ product_id: id, name, price, currency }) => (
          <option key={id} value={id}>
            {name}, {formatMoney(price, currency)}
          </option>
        ))}
      </datalist>
      {rows.map((row, index) => (
        <div key={row.key} className="ordered-row">
          <Field label={`Product ${index + 1}`} error={refused(row, 'product_id')}>
            <input
              list={listId}
              required
              autoComplete="off"
              spellCheck={false}
              placeholder="product_id"
              value={row.productId}
              onChange={(event) => change({ ...row, productId: event.target.value })}
            />
          </Field>
          <Field label={`Units ${index + 1}`} error={refused(row, 'quantity')}>
            <input
              type="number"
              min={1}
              step={1}
              required
              value={row.quantity}
              onChange={(event) => change({ ...row, quantity: event.target.value })}
            />
          </Field>
          <Button
            aria-label={`Remove product ${index + 1}`}
            onClick={() => onChange(rows.filter(({ key }) => key !== row.key))}
          >
            Remove
          </Button>
        </div>
      ))}
      <div>
        <Button onClick={() => onChange([...rows, newRow()])}>Add a product</Button>
      </div>
    </fieldset>
  )
}
