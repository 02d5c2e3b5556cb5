import type { PaymentOperation } from 'fanfold/client'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { AreaTabs } from './area-tabs.tsx'
import { None, PaymentLink } from './links.tsx'
import { ReviewCard } from './review-card.tsx'

/** What may be looked at here: all that is not finished. */
const STATUSES = ['review', 'unknown', 'requested', 'action_required'] as const
type Status = (typeof STATUSES)[number]

const FILTERS = ['status'] as const
const USUAL = { status: 'review' } as const

const ABOUT: Readonly<Record<Status, string>> = {
  review: 'No machine can find out what became of these calls to processors. Look there, then say what is so.',
  unknown: 'The processor gave no clear answer. Fanfold asks again by itself; nothing is to be done here.',
  requested: 'Under way at this moment, or left behind by a process that died; then the worker takes over.',
  action_required: 'The buyer must act first.',
}

/** Calls to processors whose outcome is open, those that need a person first. */
export function ReviewPage() {
  const { client } = useSession()
  const { filters, setFilters } = useFilters([...FILTERS, 'op'])
  const status = STATUSES.find((one) => one === filters.status) ?? USUAL.status
  const list = useList<PaymentOperation>(
    ['payments', 'operations', status],
    (cursor, signal) =>
      client.get('/v1/operations', {
        params: { query: { status, limit: PAGE_ROWS, ...(cursor && { cursor }) } },
        signal,
      }),
    { refetchMs: SLOW_MS },
  )
  const asked = filters.op
  const chosen = list.rows?.find(({ op_id: id }) => id === asked) ?? list.rows?.[0]
  const columns: readonly Column<PaymentOperation>[] = [
    { header: 'Operation', cell: (row) => <OperationLink id={row.op_id} status={status} /> },
    { header: 'Kind', cell: (row) => <strong>{row.kind}</strong> },
    { header: 'Payment', cell: (row) => <PaymentLink id={row.payment_intent_id} /> },
    { header: 'Processor', cell: (row) => row.processor },
    { header: 'Asked', cell: (row) => <Time at={row.requested_at} /> },
    { header: 'Tries', isNumber: true, cell: (row) => row.attempts },
    { header: 'Next try', cell: (row) => (row.next_check_at === null ? <None /> : <Time at={row.next_check_at} />) },
  ]
  return (
    <Page title="Review">
      <AreaTabs />
      <FilterForm label="Operations" names={FILTERS} filters={filters} usual={USUAL} onFilter={setFilters}>
        <Field label="Status">
          <select name="status">
            {STATUSES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </Field>
        <p className="soft pay-about">{ABOUT[status]}</p>
      </FilterForm>
      <ListTable
        list={list}
        what="Loading operations"
        label="Operations"
        columns={columns}
        keyOf={(row) => row.op_id}
        isSelected={(row) => row.op_id === chosen?.op_id}
        empty={
          <Empty title={status === 'review' ? 'Nothing waits for a person' : 'No operation has this status'}>
            <p>The outcome of every other call to a processor is known, or is being found out.</p>
          </Empty>
        }
      />
      {asked !== undefined && list.rows !== undefined && chosen?.op_id !== asked ? (
        <p className="notice" data-tone="info">
          {asked} has this status no more, or is further down in the list.
        </p>
      ) : null}
      {chosen === undefined ? null : <ReviewCard key={chosen.op_id} operation={chosen} />}
    </Page>
  )
}

function OperationLink({ id, status }: { readonly id: string; readonly status: Status }) {
  const search = new URLSearchParams({ ...(status === 'review' ? {} : { status }), op: id })
  return (
    <Link href={`/review?${search}`} className="mono">
      {id}
    </Link>
  )
}
