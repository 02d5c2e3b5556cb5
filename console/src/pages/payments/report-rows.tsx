import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { Card } from '../../ui/card.tsx'
import { Chart } from '../../ui/chart.tsx'
import { formatCount, formatMoney } from '../../ui/format.ts'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Money } from '../../ui/values.tsx'
import { startOfDay, today } from './days.ts'
import { isBusy, type Period, periodsOf, type Step, withoutGaps } from './report-figures.ts'

const SHARE = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** `98.4%`, or that nothing was asked. */
export const formatShare = (share: number | null): string => (share === null ? 'none' : SHARE.format(share))

const COLUMNS: readonly Column<Period>[] = [
  { header: 'Period (UTC)', cell: (row) => row.period },
  { header: 'Created', isNumber: true, cell: (row) => formatCount(row.created) },
  { header: 'Authorized', isNumber: true, cell: (row) => formatCount(row.authorized) },
  { header: 'Declined', isNumber: true, cell: (row) => formatCount(row.declined) },
  { header: 'Success', isNumber: true, cell: (row) => formatShare(row.successRate) },
  { header: 'Captures', isNumber: true, cell: (row) => formatCount(row.captures) },
  { header: 'Captured', isNumber: true, cell: (row) => <Money minor={row.captured_amount} currency={row.currency} /> },
  { header: 'Refunds', isNumber: true, cell: (row) => formatCount(row.refunds) },
  { header: 'Refunded', isNumber: true, cell: (row) => <Money minor={row.refunded_amount} currency={row.currency} /> },
  { header: 'Disputes', isNumber: true, cell: (row) => formatCount(row.disputes) },
  { header: 'Disputed', isNumber: true, cell: (row) => <Money minor={row.disputed_amount} currency={row.currency} /> },
]

interface ReportRowsProps {
  readonly asked: {
    readonly currency: string
    readonly from: string
    readonly to?: string
    readonly processor?: string
  }
  readonly step: Step
}

/** The report of one currency over time: drawn, and as a table with the newest first. */
export function ReportRows({ asked, step }: ReportRowsProps) {
  const { client } = useSession()
  const report = useQuery({
    queryKey: ['payments', 'report', 'days', asked],
    queryFn: ({ signal }) =>
      client.get('/v1/reports/payments', { params: { query: { ...asked, group_by: 'day' } }, signal }),
    refetchInterval: SLOW_MS,
    placeholderData: keepPreviousData,
  })
  return (
    <Async of={report} what="Loading the days">
      {({ rows }) => {
        // What is still shown may be of the currency before.
        const currency = rows[0]?.currency ?? asked.currency
        return <Drawn periods={periodsOf(rows, currency, step)} asked={{ ...asked, currency }} step={step} />
      }}
    </Async>
  )
}

function Drawn({ periods, asked, step }: ReportRowsProps & { readonly periods: readonly Period[] }) {
  const { settings } = useSession()
  const { currency, from, to } = asked
  // Nothing has happened yet in days to come.
  const last = to !== undefined && to < today() ? to : today()
  const drawn = withoutGaps(periods, currency, step, from, last)
  const format = useMemo(() => (minor: number) => formatMoney(Math.round(minor), currency), [currency])
  const times = drawn.map(({ period }) =>
    startOfDay(step === 'day' ? period : `${period}-01`, settings.store_time_zone),
  )
  return (
    <>
      {drawn.length < 2 ? null : (
        <div className="grid">
          <Card title={`Captured and refunded, by ${step}`}>
            <Chart
              label={`Captured and refunded amounts in ${currency} by ${step}`}
              times={times}
              series={[
                { label: 'Captured', values: drawn.map((row) => row.captured_amount) },
                { label: 'Refunded', values: drawn.map((row) => row.refunded_amount) },
              ]}
              format={format}
            />
          </Card>
          <Card title={`Authorizations, by ${step}`}>
            <Chart
              label={`Authorizations in ${currency} by ${step}`}
              times={times}
              series={[
                { label: 'Authorized', values: drawn.map((row) => row.authorized) },
                { label: 'Declined', values: drawn.map((row) => row.declined) },
              ]}
              format={formatCount}
            />
          </Card>
        </div>
      )}
      <Table
        label={`Payments in ${currency} by ${step}`}
        columns={COLUMNS}
        rows={periods.filter(isBusy).toReversed()}
        keyOf={(row) => row.period}
        empty={<Empty title="Nothing happened in these days" />}
      />
    </>
  )
}
