import { describe, expect, it } from 'vitest'
import { reportsOf } from '../../console/src/pages/operations/reports.ts'

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
