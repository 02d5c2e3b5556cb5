import type { PaymentFiguresRow } from 'fanfold/client'
import { daysBetween } from './days.ts'
import { groupBy } from './group-by.ts'

export type Step = 'day' | 'month'

/** Sums of a day (`2026-03-01`) or a month (`2026-03`), UTC. */
export type Period = Omit<PaymentFiguresRow, 'day' | 'processor' | 'success_rate'> & {
  readonly period: string
  /** `null` when nothing was asked. */
  readonly successRate: number | null
}

/** More days or months than this are not drawn one by one. */
export const PERIODS_DRAWN = 800
const MONTH_DAYS_MAX = 31

const SUMS = [
  'created',
  'authorized',
  'declined',
  'captures',
  'captured_amount',
  'refunds',
  'refunded_amount',
  'disputes',
  'disputed_amount',
] as const

function sumUp(period: string, currency: string, rows: readonly PaymentFiguresRow[]): Period {
  const sums = Object.fromEntries(SUMS.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0)]))
  const { authorized, declined, ...rest } = sums as Record<(typeof SUMS)[number], number>
  const asked = authorized + declined
  return { period, currency, ...rest, authorized, declined, successRate: asked === 0 ? null : authorized / asked }
}

const nameOf = (day: string, step: Step) => (step === 'day' ? day : day.slice(0, 7))

/** Rows of days in one currency as periods, oldest first; those without a row are not there. */
export function periodsOf(rows: readonly PaymentFiguresRow[], currency: string, step: Step): Period[] {
  const byName = groupBy(rows, ({ day = '' }) => nameOf(day, step))
  return [...byName.keys()].sort().map((name) => sumUp(name, currency, byName.get(name) ?? []))
}

/** The same without gaps; `from` and `to` are days, both included. Of very many periods the last ones are there. */
export function withoutGaps(
  periods: readonly Period[],
  currency: string,
  step: Step,
  from: string,
  to: string,
): Period[] {
  const byName = new Map(periods.map((period) => [period.period, period]))
  const days = daysBetween(from, to, step === 'day' ? PERIODS_DRAWN : PERIODS_DRAWN * MONTH_DAYS_MAX)
  const names = [...new Set(days.map((day) => nameOf(day, step)))].slice(-PERIODS_DRAWN)
  return names.map((name) => byName.get(name) ?? sumUp(name, currency, []))
}

/** Whether anything happened in a period. */
export const isBusy = (period: Period): boolean => SUMS.some((name) => period[name] !== 0)
