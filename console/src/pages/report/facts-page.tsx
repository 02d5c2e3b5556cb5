import type { paths, SalesFact } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Card, Facts } from '../../ui/card.tsx'
import { formatCount, formatMoney } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty, Failure } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { OrdersLink } from './orders-link.tsx'
import { type SalesQuery, useReport, WHERE } from './use-report.ts'

type FactsQuery = NonNullable<paths['/v1/reports/sales/facts']['get']['parameters']['query']>

const FILTERS = ['from', 'to', ...WHERE] as const

const COLUMNS: readonly Column<SalesFact>[] = [
  { header: 'Day', cell: ({ day }) => <span className="whole">{day}</span> },
  { header: 'Kind', cell: ({ kind }) => kind },
  {
    header: 'Amount',
    cell: ({ amount, currency }) => <Money minor={amount} currency={currency} />,
    isNumber: true,
  },
  { header: 'Tax', cell: ({ tax, currency }) => <Money minor={tax} currency={currency} />, isNumber: true },
  { header: 'Units', cell: ({ quantity }) => formatCount(quantity), isNumber: true },
  { header: 'Product', cell: ({ product_name: name }) => name },
  { header: 'Category', cell: ({ product_category: category }) => category },
  { header: 'City', cell: ({ shipping_city: city, shipping_country: country }) => `${city}, ${country}` },
  {
    header: 'Order',
    cell: ({ order_id: id, event_no: version, line_no: line }) => (
      <OrdersLink className="mono" to={`/orders/${id}?version=${version}`}>
        {id}
        <span className="visually-hidden">
          , version {version}, line {line}
        </span>
      </OrdersLink>
    ),
  },
  {
    header: 'Event',
    cell: ({ event_no: version, line_no: line }) => `version ${version}, ${line === 0 ? 'shipping' : `line ${line}`}`,
  },
  { header: 'Recorded', cell: ({ recorded_at: at }) => (at === undefined ? 'unknown' : <Time at={at} seconds />) },
]

/** The signed facts behind a figure of the report, and whether they add up to it. */
export function FactsPage() {
  const { client } = useSession()
  const { filters } = useFilters(FILTERS)
  const total = useReport(filters as SalesQuery)
  const list = useList<SalesFact>(['report', 'facts', filters], (cursor, signal) => {
    const query = { ...filters, limit: PAGE_ROWS, ...(cursor === undefined ? {} : { cursor }) } as FactsQuery
    return client.get('/v1/reports/sales/facts', { params: { query }, signal })
  })
  const given = Object.entries(filters) as (readonly [string, string])[]
  return (
    <Page title="Facts of a figure" actions={<BackLink filters={filters} />}>
      <Card title="What they are the facts of">
        <Facts of={given.length === 0 ? [['filters', 'none: all facts']] : given} />
        {total.error === null ? null : <Failure error={total.error} onRetry={() => void total.refetch()} />}
        <div role="status">
          {total.data === undefined || list.rows === undefined ? null : (
            <Sum
              rows={list.rows}
              isWhole={!list.more.hasNextPage}
              wanted={total.data.total.price}
              currency={total.data.currency}
            />
          )}
        </div>
      </Card>
      <ListTable
        list={list}
        what="Loading facts"
        label="Facts, the last day first"
        columns={COLUMNS}
        keyOf={({ order_id: id, event_no: event, line_no: line, leg }) => `${id} ${event} ${line} ${leg}`}
        empty={<Empty title="No facts" />}
      />
    </Page>
  )
}

/** Back to the report with what it can filter by. */
function BackLink({ filters }: { readonly filters: { readonly [name in (typeof FILTERS)[number]]?: string } }) {
  const { from, to, currency, day_of: day } = filters
  const kept = Object.entries({ from, to, currency, day_of: day }).filter(([, value]) => value !== undefined)
  return <Link href={`/?${new URLSearchParams(kept as [string, string][])}`}>Back to the report</Link>
}

interface SumProps {
  readonly rows: readonly SalesFact[]
  readonly isWhole: boolean
  readonly wanted: number
  readonly currency: string | null
}

function Sum({ rows, isWhole, wanted, currency }: SumProps) {
  if (currency === null) return null
  const sum = rows.reduce((total, { amount }) => total + amount, 0)
  const figure = formatMoney(wanted, currency)
  if (!isWhole) {
    return (
      <p>
        The figure is <strong>{figure}</strong>. The {formatCount(rows.length)} facts loaded so far add up to{' '}
        {formatMoney(sum, currency)}; scroll down to load the others.
      </p>
    )
  }
  return sum === wanted ? (
    <p className="notice" data-tone="ok">
      All {formatCount(rows.length)} facts add up to {figure}, as the report says.
    </p>
  ) : (
    <p className="notice" data-tone="warn">
      All {formatCount(rows.length)} facts add up to {formatMoney(sum, currency)}, the report says {figure}. While
      orders are being changed one may be a moment ahead of the other; verify the report if this stays.
    </p>
  )
}
