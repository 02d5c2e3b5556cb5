import type { OptionsOf, PaymentSummary } from 'fanfold/client'
import { Link } from 'wouter'
import { PAYMENT_STATUSES } from '../../../../src/payments/model/state.ts'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { AreaTabs } from './area-tabs.tsx'
import { addDays, isDay, startOfDay } from './days.ts'
import { LIST } from './keys.ts'
import { None, OrderLink, PaymentLink } from './links.tsx'
import { PaymentStatus } from './statuses.tsx'

type Query = NonNullable<NonNullable<OptionsOf<'/v1/payments', 'get'>['params']>['query']>

const FILTERS = ['q', 'status', 'customer_id', 'order_id', 'processor', 'from', 'to'] as const
type PaymentFilter = { readonly [name in (typeof FILTERS)[number]]?: string }

const COLUMNS: readonly Column<PaymentSummary>[] = [
  { header: 'Payment', cell: (row) => <PaymentLink id={row.payment_intent_id} /> },
  { header: 'Status', cell: (row) => <PaymentStatus of={row.status} /> },
  { header: 'Amount', isNumber: true, cell: (row) => <Money minor={row.amount} currency={row.currency} /> },
  { header: 'Captured', isNumber: true, cell: (row) => <Money minor={row.captured} currency={row.currency} /> },
  { header: 'Refunded', isNumber: true, cell: (row) => <Money minor={row.refunded} currency={row.currency} /> },
  { header: 'Created', cell: (row) => <Time at={row.created_at} /> },
  { header: 'Order', cell: (row) => (row.order_id === null ? <None /> : <OrderLink id={row.order_id} />) },
  {
    header: 'Customer',
    cell: (row) => (row.customer_id === null ? <None /> : <CustomerFilter id={row.customer_id} />),
  },
  { header: 'Processor', cell: (row) => row.processor },
]

function CustomerFilter({ id }: { readonly id: string }) {
  return (
    <Link href={`/?customer_id=${encodeURIComponent(id)}`} className="mono" title="Payments of this customer">
      {id}
    </Link>
  )
}

/** What the address asks for, in the words of the API: days are those of the store. */
function queryOf({ from, to, ...asked }: PaymentFilter, timeZone: string): Query {
  const at = (day: string) => new Date(startOfDay(day, timeZone)).toISOString()
  return {
    ...asked,
    ...(isDay(from) ? { created_from: at(from) } : {}),
    ...(isDay(to) ? { created_to: at(addDays(to, 1)) } : {}),
  } as Query
}

export function ListPage() {
  const { client, can, settings } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const query = queryOf(filters, settings.store_time_zone)
  const list = useList<PaymentSummary>(
    [...LIST, query],
    (cursor, signal) =>
      client.get('/v1/payments', {
        params: { query: { ...query, limit: PAGE_ROWS, ...(cursor && { cursor }) } },
        signal,
      }),
    { refetchMs: SLOW_MS },
  )
  return (
    <Page
      title="Payments"
      actions={
        can('payments') ? (
          <Link href="/new" className="button" data-kind="primary">
            Create a payment
          </Link>
        ) : undefined
      }
    >
      <AreaTabs />
      <Filters filters={filters} zone={settings.store_time_zone} onFilter={setFilters} />
      <ListTable
        list={list}
        what="Loading payments"
        tall
        label="Payments"
        columns={COLUMNS}
        keyOf={(row) => row.payment_intent_id}
        empty={
          <NoPayments
            isFiltered={Object.keys(filters).length > 0}
            clear={() => setFilters(Object.fromEntries(FILTERS.map((name) => [name, ''])))}
          />
        }
      />
    </Page>
  )
}

function NoPayments({ isFiltered, clear }: { readonly isFiltered: boolean; readonly clear: () => void }) {
  if (isFiltered)
    return (
      <Empty title="No payment fits these filters">
        <Button onClick={clear}>Clear the filters</Button>
      </Empty>
    )
  return (
    <Empty title="There are no payments yet">
      <p>
        Create one here or with <code>POST /v1/payments</code>; <code>fanfold demo</code> makes a few of every kind.
      </p>
    </Empty>
  )
}

interface FiltersProps {
  readonly filters: PaymentFilter
  readonly zone: string
  onFilter(filters: PaymentFilter): void
}

function Filters({ filters, zone, onFilter }: FiltersProps) {
  const text = { spellCheck: false, autoComplete: 'off' }
  return (
    <FilterForm label="Payments" names={FILTERS} filters={filters} onFilter={onFilter}>
      <Field label="Id or reference">
        <input name="q" className="mono" {...text} />
      </Field>
      <Field label="Status">
        <select name="status">
          <option value="">any</option>
          <optgroup label="Waits for a person">
            <option value="review">operation in review</option>
            <option value="needs_response">dispute needs_response</option>
          </optgroup>
          <optgroup label="Status of the payment">
            {PAYMENT_STATUSES.map((status) => (
              <option key={status}>{status}</option>
            ))}
          </optgroup>
        </select>
      </Field>
      <Field label="Customer">
        <input name="customer_id" className="mono" {...text} />
      </Field>
      <Field label="Order">
        <input name="order_id" className="mono" {...text} />
      </Field>
      <Field label="Processor">
        <input name="processor" {...text} />
      </Field>
      <Field label={`From (${zone})`}>
        <input name="from" type="date" />
      </Field>
      <Field label="To, included">
        <input name="to" type="date" />
      </Field>
    </FilterForm>
  )
}
