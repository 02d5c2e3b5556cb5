import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { PERIOD_NAMES, PERIODS } from './period.ts'
import type { ReportFilter } from './use-report.ts'

const NAMES = [
  'period',
  'from',
  'to',
  'by',
  'day_of',
  'currency',
  'kind',
  'product_category',
  'shipping_city',
  'product_id',
] as const

const KINDS = ['sale', 'cancel', 'return', 'edit', 'move']

interface ReportFiltersProps {
  readonly filters: ReportFilter
  readonly currencies: readonly string[]
  readonly error: unknown
  onFilter(filters: ReportFilter): void
}

/** A period that is chosen takes the place of typed days, and typed days that of a period. */
function settled(before: ReportFilter, next: ReportFilter): ReportFilter {
  const isChosen = (next.period ?? '') !== (before.period ?? '') && next.period !== 'days'
  if (isChosen) return { ...next, from: '', to: '' }
  const hasDays = (next.from ?? '') !== '' || (next.to ?? '') !== ''
  return { ...next, period: hasDays ? 'days' : next.period === 'days' ? '' : (next.period ?? '') }
}

export function ReportFilters({ filters, currencies, error, onFilter }: ReportFiltersProps) {
  const { settings } = useSession()
  const refused = (name: string) => fieldError(error, `query/${name}`)
  const zone = settings.store_time_zone
  return (
    <FilterForm
      label="Filter the report"
      names={NAMES}
      filters={filters}
      onFilter={(next) => onFilter(settled(filters, next))}
    >
      <Field label="Period">
        <select name="period" defaultValue={filters.period}>
          <option value="">{PERIOD_NAMES['30d']}</option>
          {PERIODS.slice(1).map((period) => (
            <option key={period} value={period}>
              {PERIOD_NAMES[period]}
            </option>
          ))}
        </select>
      </Field>
      <Field label={`From (${zone})`} error={refused('from')}>
        <input name="from" type="date" defaultValue={filters.from} />
      </Field>
      <Field label={`To (${zone})`} error={refused('to')}>
        <input name="to" type="date" defaultValue={filters.to} />
      </Field>
      <Field label="By">
        <select name="by" defaultValue={filters.by}>
          <option value="">What fits</option>
          <option value="day">Day</option>
          <option value="month">Month</option>
        </select>
      </Field>
      <Field label="Counts on">
        <select name="day_of" defaultValue={filters.day_of}>
          <option value="">the day of the order</option>
          <option value="booked_day">the day it was booked</option>
        </select>
      </Field>
      <Field label="Currency" error={refused('currency')}>
        <select name="currency" defaultValue={filters.currency}>
          <option value="">{currencies[0] ?? 'Any'}</option>
          {[...new Set([...currencies.slice(1), ...(filters.currency === undefined ? [] : [filters.currency])])].map(
            (code) => (
              <option key={code} value={code}>
                {code}
              </option>
            ),
          )}
        </select>
      </Field>
      <Field label="Kind" error={refused('kind')}>
        <select name="kind" defaultValue={filters.kind}>
          <option value="">All, taken together</option>
          {KINDS.map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
      </Field>
      <Field label="Category" error={refused('product_category')}>
        <input name="product_category" type="search" defaultValue={filters.product_category} />
      </Field>
      <Field label="City" error={refused('shipping_city')}>
        <input name="shipping_city" type="search" defaultValue={filters.shipping_city} />
      </Field>
      <Field label="Product id" error={refused('product_id')}>
        <input name="product_id" type="search" defaultValue={filters.product_id} spellCheck={false} />
      </Field>
    </FilterForm>
  )
}
