import type { Stock } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Field } from '../../ui/field.tsx'
import { useLocations } from './stock-locations.tsx'

interface SetStockFormProps {
  readonly productId: string
  readonly stock: Stock | undefined
  onDone(): void
}

export function SetStockForm({ productId, stock, onDone }: SetStockFormProps) {
  const { client } = useSession()
  const locations = useLocations().data?.items ?? []
  const [location, setLocation] = useState(stock?.locations[0]?.location_id ?? 'main')
  const there = stock?.locations.find(({ location_id: id }) => id === location)
  const [units, setUnits] = useState(String(there?.on_hand ?? 0))
  const body = { on_hand: Number(units), location_id: location }
  return (
    <CommandForm
      submit="Set the stock"
      asks={body}
      run={() => client.put('/v1/products/{product_id}/stock', { params: { path: { product_id: productId } }, body })}
      refresh={[['products']]}
      done={`${units} units are on hand at ${location}`}
      onDone={onDone}
    >
      {(error) => (
        <>
          <Field label="Location" error={fieldError(error, '/location_id')}>
            <select
              value={location}
              onChange={({ target: { value } }) => {
                setLocation(value)
                setUnits(String(stock?.locations.find(({ location_id: id }) => id === value)?.on_hand ?? 0))
              }}
            >
              {(locations.length === 0 ? [{ location_id: location, name: location }] : locations).map(
                ({ location_id: id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ),
              )}
            </select>
          </Field>
          <Field
            label="Units on hand"
            hint={`Those reserved included: ${there?.reserved ?? 0} now. The move names this key as who did it.`}
            error={fieldError(error, '/on_hand')}
          >
            <input
              type="number"
              min={0}
              step={1}
              required
              value={units}
              onChange={(event) => setUnits(event.target.value)}
            />
          </Field>
        </>
      )}
    </CommandForm>
  )
}
