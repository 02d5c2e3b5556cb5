import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { FULFILLMENT_STATUSES, ORDER_STATUSES, PAYMENT_STATUSES } from './marks.tsx'

/** As the API calls them. */
export const FILTERS = [
  'q',
  'number',
  'customer_id',
  'status',
  'payment_status',
  'fulfillment_status',
  'placed_from',
  'placed_to',
] as const
export type OrderFilter = { readonly [name in (typeof FILTERS)[number]]?: string }

interface OrderFiltersProps {
  readonly filters: OrderFilter
  readonly error: unknown
  onFilter(filters: OrderFilter): void
}

export function OrderFilters({ filters, onFilter, error }: OrderFiltersProps) {
  const { settings } = useSession()
  const refused = (name: keyof OrderFilter) => fieldError(error, `query/${name}`)
  return (
    <FilterForm label="Filter orders" names={FILTERS} filters={filters} onFilter={onFilter}>
      <Field label="Text" error={refused('q')}>
        <input name="q" type="search" defaultValue={filters.q} placeholder="name, e-mail, city, sku, product" />
      </Field>
      <Field label="Number" error={refused('number')}>
        <input name="number" defaultValue={filters.number} autoComplete="off" spellCheck={false} />
      </Field>
      <Field label="Customer id" error={refused('customer_id')}>
        <input name="customer_id" defaultValue={filters.customer_id} autoComplete="off" spellCheck={false} />
      </Field>
      <Choice name="status" label="Status" of={ORDER_STATUSES} value={filters.status} error={refused('status')} />
      <Choice
        name="payment_status"
        label="Payment"
        of={PAYMENT_STATUSES}
        value={filters.payment_status}
        error={refused('payment_status')}
      />
      <Choice
        name="fulfillment_status"
        label="Fulfilment"
        of={FULFILLMENT_STATUSES}
        value={filters.fulfillment_status}
        error={refused('fulfillment_status')}
      />
      <Field label={`Placed from (${settings.store_time_zone})`} error={refused('placed_from')}>
        <input name="placed_from" type="date" defaultValue={filters.placed_from} />
      </Field>
      <Field label={`Placed to (${settings.store_time_zone})`} error={refused('placed_to')}>
        <input name="placed_to" type="date" defaultValue={filters.placed_to} />
      </Field>
    </FilterForm>
  )
}

interface ChoiceProps {
  readonly name: string
  readonly label: string
  readonly of: readonly string[]
  readonly value: string | undefined
  readonly error: string | undefined
}

function Choice({ name, label, of, value, error }: ChoiceProps) {
  return (
    <Field label={label} error={error}>
      <select name={name} defaultValue={value}>
        <option value="">Any</option>
        {of.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </Field>
  )
}
