import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SalesDimension, SalesPlan, SalesQuery, SalesSpan } from '../../src/orders/ports.ts'
import { SALES_DIMENSIONS } from '../../src/orders/ports.ts'
import { addDays, addMonths, daysIn, isDay, lastOfMonth } from '../../src/orders/report/calendar.ts'
import { planSales, previousOf } from '../../src/orders/report/planner.ts'

const day = fc.integer({ min: 0, max: 3_000 }).map((days) => addDays('2019-12-25', days))
const range = fc.tuple(day, day).map(([a, b]) => (a < b ? { from: a, to: b } : { from: b, to: a }))
const NO_FILTER = { dayOf: 'sale_day', groupBy: [] } as const

const allDays = (from: string, to: string) => Array.from({ length: daysIn(from, to) }, (_, n) => addDays(from, n))

/** The days that a closed span covers. */
function daysOf({ period, first, last }: SalesSpan): string[] {
  if (period === 'day') return allDays(first!, last!)
  const days: string[] = []
  for (let month = first!; month <= last!; month = addMonths(month, 1)) days.push(...allDays(month, lastOfMonth(month)))
  return days
}

const spansOf = (plan: SalesPlan) => (plan.source === 'rollups' ? plan.spans : [])

describe('the plan of a report', () => {
  it('covers every day of a range once, and no other', () => {
    fc.assert(
      fc.property(range, ({ from, to }) => {
        const covered = spansOf(planSales({ ...NO_FILTER, from, to })).flatMap(daysOf)
        expect(covered.sort()).toEqual(allDays(from, to))
      }),
    )
  })

  it('reads at most 30 days at each edge of a range that has a whole month, however long it is', () => {
    fc.assert(
      fc.property(range, ({ from, to }) => {
        const spans = spansOf(planSales({ ...NO_FILTER, from, to }))
        const months = spans.filter(({ period }) => period === 'month')
        const days = spans.filter(({ period }) => period === 'day').map((span) => daysOf(span).length)
        if (months.length === 0) expect(spans.length === 1 && days[0]! <= 60).toBe(true)
        else for (const count of days) expect(count).toBeLessThanOrEqual(30)
      }),
    )
  })

  it('is open on the side where the range is', () => {
    fc.assert(
      fc.property(day, (edge) => {
        const from = spansOf(planSales({ ...NO_FILTER, from: edge }))
        expect(from.map(({ last }) => last).filter((last) => last === undefined)).toHaveLength(1)
        expect(from[0]!.first).toBe(edge)
        const to = spansOf(planSales({ ...NO_FILTER, to: edge }))
        expect(to.filter(({ first }) => first === undefined)).toHaveLength(1)
        const end = to.at(-1)!
        expect(end.period === 'day' ? end.last : lastOfMonth(end.last!)).toBe(edge)
      }),
    )
  })

  it('reads all time from one sum', () => {
    expect(planSales({ ...NO_FILTER, productCategory: 'A', shippingCity: 'B' })).toEqual({
      source: 'rollups',
      grain: 'category_city',
      spans: [{ period: 'lifetime' }],
    })
  })

  it('reads days by day and months by month', () => {
    const spans = (groupBy: readonly SalesDimension[]) => {
      const plan = planSales({ ...NO_FILTER, groupBy, from: '2026-01-01', to: '2026-03-31' })
      return spansOf(plan).map(({ period }) => period)
    }
    expect(spans(['day'])).toEqual(['day'])
    expect(spans(['day', 'month'])).toEqual(['day'])
    expect(spans(['month'])).toEqual(['month'])
    expect(spansOf(planSales({ ...NO_FILTER, groupBy: ['month'] }))).toEqual([
      { period: 'month', first: undefined, last: undefined },
    ])
  })

  it('takes sums of exactly the columns that are told apart, and the rows when no sum has those', () => {
    const groups = fc.subarray([...SALES_DIMENSIONS])
    const filter = fc.option(fc.constant('x'), { nil: undefined })
    const filters = fc.record({
      productCategory: filter,
      shippingCity: filter,
      productId: filter,
      kind: fc.option(fc.constant('sale' as const), { nil: undefined }),
      shippingCountry: filter,
      shippingRegion: filter,
    })
    fc.assert(
      fc.property(groups, filters, (groupBy, given) => {
        const query: SalesQuery = { ...given, dayOf: 'booked_day', groupBy }
        const plan = planSales(query)
        const has = (name: SalesDimension, value: unknown) => groupBy.includes(name) || value !== undefined
        const [category, city] = [has('category', given.productCategory), has('city', given.shippingCity)]
        const product = has('product', given.productId)
        const other =
          has('country', given.shippingCountry) || has('region', given.shippingRegion) || given.kind !== undefined
        if (other || (product && (category || city))) {
          expect(plan).toEqual({ source: 'facts' })
          return
        }
        const grain = product ? 'product' : [category ? 'category' : '', city ? 'city' : ''].filter(Boolean).join('_')
        expect(plan).toMatchObject({ source: 'rollups', grain: grain || 'all' })
      }),
    )
  })
})

describe('the period before another', () => {
  it('ends the day before and is as long, in whole months or in days', () => {
    fc.assert(
      fc.property(range, fc.subarray(['day', 'category'] as const), ({ from, to }, groupBy) => {
        const previous = previousOf({ from, to }, groupBy)
        expect(addDays(previous.to, 1)).toBe(from)
        expect(isDay(previous.from)).toBe(true)
        if (previous.unit === 'day') expect(daysIn(previous.from, previous.to)).toBe(daysIn(from, to))
        else expect(addMonths(previous.from, previous.length)).toBe(from)
      }),
    )
    expect(previousOf({ from: '2026-03-01', to: '2026-03-31' }, [])).toMatchObject({ from: '2026-02-01' })
    expect(previousOf({ from: '2026-03-01', to: '2026-03-31' }, ['day'])).toMatchObject({ from: '2026-01-29' })
    expect(previousOf({ from: '2026-03-01', to: '2026-03-30' }, [])).toMatchObject({ from: '2026-01-30' })
  })
})
