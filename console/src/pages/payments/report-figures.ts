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

/** Rows of days in one currency as periods without gaps, oldest first; `from` and `to` are days, both included. */
export function periodsOf(
  rows: readonly PaymentFiguresRow[],
  currency: string,
  step: Step,
  from: string,
  to: string,
): Period[] {
  const nameOf = (day: string) => (step === 'day' ? day : day.slice(0, 7))
  const byName = groupBy(rows, ({ day = '' }) => nameOf(day))
  const names = new Set(daysBetween(from, to).map(nameOf))
  return [...names].map((name) => sumUp(name, currency, byName.get(name) ?? []))
}

/** Whether anything happened in a period. */
export const isBusy = (period: Period): boolean => SUMS.some((name) => period[name] !== 0)
