import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { isProblem, type paths, type SalesReport } from 'fanfold/client'
import { useMemo } from 'react'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { type Days, dayIn, daysOf } from './period.ts'

export type SalesQuery = NonNullable<paths['/v1/reports/sales']['get']['parameters']['query']>

/** What the figures are filtered by; all but the period are members of the API, too. */
export const WHERE = ['currency', 'kind', 'product_category', 'product_id', 'shipping_city', 'day_of'] as const
export const FILTERS = ['period', 'from', 'to', ...WHERE, 'by', 'top_by', 'draw'] as const
export type ReportFilter = { readonly [name in (typeof FILTERS)[number]]?: string }

/** The filters in the address, the days they mean, and what the API is asked for by them. */
export function useWhere() {
  const { settings } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const today = dayIn(Date.now(), settings.store_time_zone)
  return useMemo(() => {
    const days: Days = daysOf(filters, today)
    const given = WHERE.flatMap((name) => (filters[name] === undefined ? [] : [[name, filters[name]] as const]))
    const where = { ...Object.fromEntries(given), ...days } as SalesQuery
    const by: 'day' | 'month' = filters.by === 'month' || filters.by === 'day' ? filters.by : byOf(days, today)
    return { filters, setFilters, today, days, where, by }
  }, [filters, setFilters, today])
}

const DAYS_DRAWN = 120

/** Days of a short time, months of a long one. */
function byOf({ from, to = '9999' }: Days, today: string): 'day' | 'month' {
  if (from === undefined) return 'month'
  const last = to < today ? to : today
  return (Date.parse(last) - Date.parse(from)) / 86_400_000 > DAYS_DRAWN ? 'month' : 'day'
}

/** One report; the one before stays in sight until the next is there. */
export function useReport(query: SalesQuery, options: { readonly enabled?: boolean } = {}) {
  const { client } = useSession()
  return useQuery<SalesReport>({
    queryKey: ['report', query],
    queryFn: ({ signal }) => client.get('/v1/reports/sales', { params: { query }, signal }) as Promise<SalesReport>,
    enabled: options.enabled ?? true,
    refetchInterval: SLOW_MS,
    placeholderData: keepPreviousData,
  })
}

/** The currencies that something was sold in: a report is of one. */
export function useCurrencies({ currency: _one, ...where }: SalesQuery) {
  const { client } = useSession()
  return useQuery<readonly string[]>({
    queryKey: ['report', 'currencies', where],
    async queryFn({ signal }) {
      try {
        const report = (await client.get('/v1/reports/sales', { params: { query: where }, signal })) as SalesReport
        return report.currency === null ? [] : [report.currency]
      } catch (error) {
        if (!isProblem(error, 'currency_mismatch')) throw error
        return (error.problem as unknown as { readonly currencies: readonly string[] }).currencies
      }
    },
    placeholderData: keepPreviousData,
  })
}
