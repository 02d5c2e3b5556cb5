import { useQuery } from '@tanstack/react-query'
import type { PaymentFiguresRow } from 'fanfold/client'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { Figure } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { formatCount, formatMoney } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'
import { AreaTabs } from './area-tabs.tsx'
import { addDays, isDay, today } from './days.ts'
import type { Step } from './report-figures.ts'
import { formatShare, ReportRows } from './report-rows.tsx'

const FILTERS = ['from', 'to', 'by', 'currency', 'processor'] as const

/** So many days are shown unless others are chosen. */
const DAYS = 90

/** Volume, success, refunds and disputes by day or month. Sums of several currencies are never added up. */
export function ReportPage() {
  const { client } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const { to, processor } = filters
  const firstDay = addDays(isDay(to) ? to : today(), 1 - DAYS)
  const from = isDay(filters.from) ? filters.from : firstDay
  const asked = {
    from,
    ...(isDay(to) ? { to } : {}),
    ...(processor === undefined ? {} : { processor }),
  }
  const totals = useQuery({
    queryKey: ['payments', 'report', asked],
    queryFn: ({ signal }) =>
      client.get('/v1/reports/payments', { params: { query: { ...asked, group_by: 'currency' } }, signal }),
    refetchInterval: SLOW_MS,
  })
  const rows = totals.data?.rows ?? []
  const currencies = rows.map(({ currency }) => currency)
  // What is paid in most often is shown first.
  const usual = rows.toSorted((a, b) => b.captures - a.captures)[0]?.currency
  const currency = filters.currency ?? usual
  const step: Step = filters.by === 'month' ? 'month' : 'day'
  return (
    <Page title="Payments report">
      <AreaTabs />
      <FilterForm
        label="Report"
        names={FILTERS}
        filters={filters}
        usual={{ from: firstDay, by: 'day', currency: usual }}
        onFilter={setFilters}
      >
        <Field label="From (days in UTC)">
          <input name="from" type="date" />
        </Field>
        <Field label="To, included">
          <input name="to" type="date" />
        </Field>
        <Field label="By">
          <select name="by">
            <option value="day">day</option>
            <option value="month">month</option>
          </select>
        </Field>
        <Field label="Currency">
          <select name="currency">
            {[...new Set([...currencies, ...(currency === undefined ? [] : [currency])])].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </Field>
        <Field label="Processor">
          <input name="processor" spellCheck={false} autoComplete="off" />
        </Field>
      </FilterForm>
      <Async of={totals} what="Loading the report">
        {(report) => {
          const total = report.rows.find((row) => row.currency === currency)
          return (
            <>
              {total === undefined || currency === undefined ? (
                <Empty title="Nothing happened in these days">
                  <p>Choose other days, another currency or another processor.</p>
                </Empty>
              ) : (
                <>
                  <Totals row={total} />
                  <ReportRows asked={{ ...asked, currency }} step={step} />
                </>
              )}
              <p className="soft small">
                Each fact counts on the day (UTC) on which it was recorded. Everything recorded before{' '}
                <Time at={report.fresh_as_of} seconds /> is included
                {report.lag_events === 0 ? '' : `; ${formatCount(report.lag_events)} events are not yet`}.
              </p>
            </>
          )
        }}
      </Async>
    </Page>
  )
}

const counted = (count: number, noun: string) => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`

function Totals({ row }: { readonly row: PaymentFiguresRow }) {
  const { currency } = row
  return (
    <div className="figures">
      <Figure
        term="Captured"
        value={formatMoney(row.captured_amount, currency)}
        note={counted(row.captures, 'capture')}
      />
      <Figure
        term="Refunded"
        value={formatMoney(row.refunded_amount, currency)}
        note={counted(row.refunds, 'refund')}
      />
      <Figure
        term="Disputed"
        value={formatMoney(row.disputed_amount, currency)}
        note={counted(row.disputes, 'dispute')}
      />
      <Figure
        term="Authorizations that succeeded"
        value={formatShare(row.success_rate)}
        note={`${formatCount(row.authorized)} of ${formatCount(row.authorized + row.declined)}`}
      />
      <Figure term="Payments created" value={formatCount(row.created)} />
    </div>
  )
}
