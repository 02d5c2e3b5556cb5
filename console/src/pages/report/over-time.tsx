import type { SalesReport, SalesReportRow } from 'fanfold/client'
import { useCallback, useMemo } from 'react'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Chart } from '../../ui/chart.tsx'
import { formatCount, formatMoney } from '../../ui/format.ts'
import { Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Money } from '../../ui/values.tsx'
import { CsvButton } from './csv-button.tsx'
import { type Days, groupsBetween, noonOf } from './period.ts'
import type { SalesQuery } from './use-report.ts'

/** More days or months than this are not drawn one by one: the last ones are. */
const GROUPS_DRAWN = 800

interface OverTimeProps {
  readonly report: SalesReport
  readonly currency: string
  readonly by: 'day' | 'month'
  readonly days: Days
  readonly today: string
  readonly query: SalesQuery
  readonly draw: 'bars' | 'lines'
  onDraw(draw: 'bars' | 'lines'): void
}

/** `2026-03-01` of a row by day or month. */
const startOf = (row: SalesReportRow): string => row.day ?? `${row.month}-01`

export function OverTime({ report, currency, by, days, today, query, draw, onDraw }: OverTimeProps) {
  const { settings } = useSession()
  const { rows } = report
  const isCompared = report.previous_period !== undefined
  const drawn = useMemo(() => {
    const byStart = new Map(rows.map((row) => [startOf(row), row]))
    const first = days.from ?? (rows[0] === undefined ? today : startOf(rows[0]))
    const last = days.to !== undefined && days.to < today ? days.to : today
    const groups = groupsBetween(first, last, by, GROUPS_DRAWN)
    const found = groups.map((start) => byStart.get(start))
    const now = { label: isCompared ? 'This period' : 'Revenue', values: found.map((row) => row?.price ?? 0) }
    const before = { label: 'Period before', values: found.map((row) => row?.previous?.price ?? 0) }
    return {
      times: groups.map((start) => noonOf(start, settings.store_time_zone)),
      series: draw === 'lines' && isCompared ? [now, before] : [now],
    }
  }, [rows, days, today, by, draw, isCompared, settings.store_time_zone])
  const format = useCallback((minor: number) => formatMoney(Math.round(minor), currency), [currency])
  return (
    <Card
      title={`Revenue by ${by}`}
      actions={
        <>
          <Button aria-pressed={draw === 'lines'} onClick={() => onDraw(draw === 'lines' ? 'bars' : 'lines')}>
            {draw === 'lines' ? 'As bars' : isCompared ? 'As lines, with the period before' : 'As lines'}
          </Button>
          <CsvButton query={query} fileName={`sales-by-${by}.csv`} of={`revenue by ${by}`} />
        </>
      }
    >
      <Chart
        label={`Revenue by ${by}, in ${currency}`}
        times={drawn.times}
        series={drawn.series}
        format={format}
        height={240}
        bars={draw === 'bars'}
      />
      <details>
        <summary>
          The figures of the chart ({formatCount(rows.length)} {by === 'day' ? 'days' : 'months'} with sales)
        </summary>
        <Table
          label={`Revenue by ${by}`}
          columns={columnsOf(by, currency, isCompared)}
          rows={rows}
          keyOf={startOf}
          empty={<Empty title="Nothing was sold" />}
        />
      </details>
    </Card>
  )
}

function columnsOf(by: 'day' | 'month', currency: string, isCompared: boolean): readonly Column<SalesReportRow>[] {
  const before: Column<SalesReportRow> = {
    header: 'Revenue before',
    cell: ({ previous }) => <Money minor={previous?.price ?? 0} currency={currency} />,
    isNumber: true,
  }
  return [
    { header: by === 'day' ? 'Day' : 'Month', cell: (row) => row.day ?? row.month },
    { header: 'Revenue', cell: ({ price }) => <Money minor={price} currency={currency} />, isNumber: true },
    ...(isCompared ? [before] : []),
    { header: 'Tax', cell: ({ tax }) => <Money minor={tax} currency={currency} />, isNumber: true },
    { header: 'Units', cell: ({ quantity }) => formatCount(quantity), isNumber: true },
    { header: 'Orders', cell: ({ orders }) => formatCount(orders), isNumber: true },
  ]
}
