import type { Order, OrderItem } from 'fanfold/client'
import { useState } from 'react'
import { fieldError } from '../../data/use-command.ts'
import { Field } from '../../ui/field.tsx'

/** What was typed for each line, by its number. */
export type Quantities = Readonly<Record<number, string>>

export function useQuantities(order: Order, unitsOf: (line: OrderItem) => number, start: 'all' | 'none') {
  const lines = order.items.filter((line) => unitsOf(line) > 0)
  const [typed, setTyped] = useState<Quantities>(() =>
    Object.fromEntries(lines.map((line) => [line.line_no, start === 'all' ? String(unitsOf(line)) : '0'])),
  )
  const items = lines.flatMap(({ line_no }) => {
    const quantity = Number(typed[line_no])
    return quantity === 0 ? [] : [{ line_no, quantity }]
  })
  return { lines, typed, setTyped, items, unitsOf }
}

interface ItemQuantitiesProps {
  readonly of: ReturnType<typeof useQuantities>
  readonly legend: string
  /** What the units are that can be chosen, such as `open`. */
  readonly what: string
  readonly error: unknown
  /** Member of the body that holds the items. */
  readonly pointer?: string
}

/** How many units of each line. */
export function ItemQuantities({ of, legend, what, error, pointer = '/items' }: ItemQuantitiesProps) {
  const { lines, typed, setTyped, items, unitsOf } = of
  const refused = (line: OrderItem) => {
    const at = items.findIndex(({ line_no }) => line_no === line.line_no)
    return at < 0 ? undefined : fieldError(error, `${pointer}/${at}`)
  }
  return (
    <fieldset className="form">
      <legend className="field-label">{legend}</legend>
      {lines.length === 0 ? <p>No line has units that are {what}.</p> : null}
      {lines.map((line) => (
        <Field
          key={line.line_no}
          label={`${line.line_no}. ${line.product_name}`}
          hint={`of ${unitsOf(line)} ${what}`}
          error={refused(line)}
        >
          <input
            type="number"
            min={0}
            max={unitsOf(line)}
            step={1}
            required
            value={typed[line.line_no]}
            onChange={(event) => setTyped({ ...typed, [line.line_no]: event.target.value })}
          />
        </Field>
      ))}
    </fieldset>
  )
}
