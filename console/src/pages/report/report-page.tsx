import { useMemo } from 'react'
import { Page } from '../../ui/page.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import { Freshness } from './freshness.tsx'
import { HeatTable } from './heat-table.tsx'
import { OverTime } from './over-time.tsx'
import { isWholeMonths } from './period.ts'
import { ReportFilters } from './report-filters.tsx'
import { TopProducts } from './top-products.tsx'
import { Totals } from './totals.tsx'
import { type SalesQuery, useCurrencies, useReport, useWhere } from './use-report.ts'
import { VerifyCard } from './verify-card.tsx'

export function ReportPage() {
  const { filters, setFilters, days, where, by, today } = useWhere()
  const currencies = useCurrencies(where)
  const currency = filters.currency ?? currencies.data?.[0]
  const asked = useMemo<SalesQuery>(
    () => ({ ...where, ...(currency === undefined ? {} : { currency }) }),
    [where, currency],
  )
  const isKnown = currencies.data !== undefined
  const canCompare = days.from !== undefined && days.to !== undefined && (by === 'day' || isWholeMonths(days))
  const compare = canCompare ? ({ compare: 'previous' } as const) : {}
  const overTime = useReport({ ...asked, ...compare, group_by: by }, { enabled: isKnown })
  return (
    <Page title="Report">
      <ReportFilters
        filters={filters}
        currencies={currencies.data ?? []}
        error={currencies.error ?? overTime.error}
        onFilter={setFilters}
      />
      <Async of={isKnown ? overTime : currencies} what="Loading the report">
        {() => (
          <Async of={overTime} what="Loading the report">
            {(report) => (
              <>
                <Freshness report={report} days={days} />
                {report.currency === null ? (
                  <Empty title="Nothing was sold here">
                    <p>A sale counts once its order is paid. Choose a longer period, or fewer filters.</p>
                  </Empty>
                ) : (
                  <>
                    <Totals report={report} currency={report.currency} />
                    <OverTime
                      report={report}
                      currency={report.currency}
                      by={by}
                      days={days}
                      today={today}
                      query={{ ...asked, group_by: by }}
                      draw={filters.draw === 'lines' ? 'lines' : 'bars'}
                      onDraw={(draw) => setFilters({ draw: draw === 'bars' ? '' : draw })}
                    />
                    <HeatTable query={asked} />
                    <TopProducts
                      query={asked}
                      compare={canCompare}
                      by={filters.top_by === 'quantity' ? 'quantity' : 'price'}
                      onBy={(top) => setFilters({ top_by: top === 'price' ? '' : top })}
                    />
                  </>
                )}
              </>
            )}
          </Async>
        )}
      </Async>
      <VerifyCard />
    </Page>
  )
}
