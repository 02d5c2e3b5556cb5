import { describe, expect, it } from 'vitest'
import { reportsOf } from '../../console/src/pages/operations/reports.ts'
import { PERIODS_DRAWN, periodsOf, withoutGaps } from '../../console/src/pages/payments/report-figures.ts'
import type { PaymentFiguresRow } from '../../src/client/index.ts'

describe('what a verification found', () => {
  it('is told model by model: counts, checks, sums as money, and every difference', () => {
    const result = {
      orders: {
        ok: false,
        checks: [{ name: 'replay', about: 'each order = the replay of its history', compared: 1_200, ok: false }],
        problems: [{ check: 'replay', subject: 'order 7', expected: 'PAID', actual: 'PENDING' }],
        archived_months: [],
      },
      payments: { ok: true, payments: 3, captured: { EUR: '123456', JPY: '500' }, differences: [] },
    }
    expect(reportsOf({ kind: 'verify', result })).toEqual([
      {
        model: 'orders',
        ok: false,
        facts: [
          { what: 'each order = the replay of its history', value: '1,200', ok: false },
          { what: 'archived months', value: 'none', ok: true },
        ],
        findings: [{ check: 'replay', subject: 'order 7', expected: 'PAID', actual: 'PENDING' }],
      },
      {
        model: 'payments',
        ok: true,
        facts: [
          { what: 'payments', value: '3', ok: true },
          { what: 'captured', value: '€1,234.56, ¥500', ok: true },
        ],
        findings: [],
      },
    ])
  })

  it('is nothing for a job that is not over, or is no verification', () => {
    expect(reportsOf({ kind: 'verify', result: null })).toEqual([])
    expect(reportsOf({ kind: 'rebuild', result: { timelines: 3 } })).toEqual([])
  })
})

describe('the report of payments', () => {
  const nothing = { declined: 0, refunds: 0, refunded_amount: 0, disputes: 0, disputed_amount: 0 }
  const row = (day: string): PaymentFiguresRow => ({
    ...{ day, currency: 'EUR', created: 1, authorized: 1, captures: 1, captured_amount: 500, ...nothing },
    success_rate: 1,
  })
  const rows = [row('2026-03-02'), row('2026-03-04'), row('2026-04-01')]

  it('has a period for each day or month of which something is told, and draws those between', () => {
    const days = periodsOf(rows, 'EUR', 'day')
    expect(days.map(({ period }) => period)).toEqual(['2026-03-02', '2026-03-04', '2026-04-01'])
    const drawn = withoutGaps(days, 'EUR', 'day', '2026-03-01', '2026-03-05')
    expect(drawn.map(({ period, captures }) => [period.slice(-2), captures])).toEqual([
      ...[['01', 0] as const, ['02', 1] as const, ['03', 0] as const, ['04', 1] as const, ['05', 0] as const],
    ])
    const months = periodsOf(rows, 'EUR', 'month')
    expect(months).toMatchObject([
      { period: '2026-03', captured_amount: 1_000, successRate: 1 },
      { period: '2026-04', captured_amount: 500 },
    ])
    const years = withoutGaps(months, 'EUR', 'month', '2025-12-31', '2026-04-01')
    expect(years.map(({ period }) => period)).toEqual(['2025-12', '2026-01', '2026-02', '2026-03', '2026-04'])
  })

  it('draws the last of more periods than anybody can look at', () => {
    for (const step of ['day', 'month'] as const) {
      const periods = periodsOf(rows, 'EUR', step)
      const drawn = withoutGaps(periods, 'EUR', step, '0002-07-05', '2026-04-01')
      expect(drawn).toHaveLength(PERIODS_DRAWN)
      expect(drawn.at(-1)).toEqual(periods.at(-1))
    }
  })
})
