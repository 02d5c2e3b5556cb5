import type { Settlement } from 'fanfold/client'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Badge } from '../../ui/badge.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { AreaTabs } from './area-tabs.tsx'
import { None } from './links.tsx'
import { SettlementStatus } from './statuses.tsx'

const fault = (count: number) => (count === 0 ? '0' : <Badge tone="bad">{formatCount(count)}</Badge>)

const FILTERS = ['processor'] as const

const COLUMNS: readonly Column<Settlement>[] = [
  {
    header: 'File',
    cell: (row) => <Link href={`/settlements/${encodeURIComponent(row.settlement_id)}`}>{row.file_name}</Link>,
  },
  { header: 'Processor', cell: (row) => row.processor },
  { header: 'Status', cell: (row) => <SettlementStatus of={row.status} /> },
  { header: 'Days (UTC)', cell: (row) => (row.from === null ? <None /> : `${row.from} to ${row.to}`) },
  { header: 'differing', isNumber: true, cell: (row) => fault(row.differing) },
  { header: 'missing', isNumber: true, cell: (row) => fault(row.missing) },
  { header: 'unknown', isNumber: true, cell: (row) => fault(row.unknown) },
  { header: 'matched', isNumber: true, cell: (row) => formatCount(row.matched) },
  { header: 'Rows', isNumber: true, cell: (row) => formatCount(row.rows_read) },
  { header: 'Bad rows', isNumber: true, cell: (row) => fault(row.rows_bad) },
  { header: 'Imported', cell: (row) => <Time at={row.created_at} /> },
]

/** Files of processors about what they paid out, beside what is recorded here. */
export function SettlementsPage() {
  const { client } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const list = useList<Settlement>(
    ['payments', 'settlements', filters],
    (cursor, signal) =>
      client.get('/v1/settlements', {
        params: { query: { ...filters, limit: PAGE_ROWS, ...(cursor && { cursor }) } },
        signal,
      }),
    { refetchMs: SLOW_MS },
  )
  return (
    <Page title="Settlements">
      <AreaTabs />
      <FilterForm label="Settlements" names={FILTERS} filters={filters} onFilter={setFilters}>
        <Field label="Processor">
          <input name="processor" spellCheck={false} autoComplete="off" />
        </Field>
      </FilterForm>
      <ListTable
        list={list}
        what="Loading the settlements"
        label="Settlements"
        columns={COLUMNS}
        keyOf={(row) => row.settlement_id}
        empty={
          <Empty title="No settlement file was imported">
            <p>
              <code>fanfold import settlement payout.csv --processor sandbox</code> reads one and compares it.
            </p>
          </Empty>
        }
      />
    </Page>
  )
}
