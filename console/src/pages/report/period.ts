const DAY_MS = 86_400_000

export const PERIODS = ['30d', '90d', '12m', 'all', 'days'] as const
export const PERIOD_NAMES: Readonly<Record<(typeof PERIODS)[number], string>> = {
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  '12m': 'Last 12 months',
  all: 'All time',
  days: 'The days typed',
}

export interface Days {
  readonly from?: string
  readonly to?: string
}

/** The day it is in a zone, as `2026-03-29`. */
export function dayIn(atMs: number, timeZone: string): string {
  // Swedish dates are written as ISO 8601 has them.
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(atMs)
}

const atUtc = (day: string) => Date.parse(`${day}T00:00:00Z`)
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)

export const addDays = (day: string, days: number): string => dayOf(atUtc(day) + days * DAY_MS)

/** The first day of the month that lies so many months away. */
export function monthStart(day: string, months: number): string {
  const [year, month] = day.split('-').map(Number)
  return dayOf(Date.UTC(year!, month! - 1 + months, 1))
}

/** The days that filters mean; days that were typed count before a period that was chosen. */
export function daysOf(
  filters: { readonly period?: string; readonly from?: string; readonly to?: string },
  today: string,
): Days {
  const { period = '30d', from, to } = filters
  if (from !== undefined || to !== undefined)
    return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  if (period === 'all') return {}
  if (period === '12m') return { from: monthStart(today, -11), to: addDays(monthStart(today, 1), -1) }
  return { from: addDays(today, period === '90d' ? -89 : -29), to: today }
}

/** Months can be compared when the period is made of whole ones. */
export const isWholeMonths = ({ from, to }: Days): boolean =>
  from !== undefined && to !== undefined && from.endsWith('-01') && addDays(to, 1).endsWith('-01')

/** Noon of a day in a zone, in milliseconds: within the day whatever the clocks do. */
export function noonOf(day: string, timeZone: string): number {
  const noon = atUtc(day) + DAY_MS / 2
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(noon)
  return noon - (Date.parse(`${shown.replace(' ', 'T')}Z`) - noon)
}

/** Every day, or the first of every month, from the first to the last; at most `most` of them, the last ones. */
export function groupsBetween(first: string, last: string, by: 'day' | 'month', most: number): string[] {
  const groups: string[] = []
  const end = by === 'day' ? last : monthStart(last, 0)
  const next = (at: string) => (by === 'day' ? addDays(at, -1) : monthStart(at, -1))
  const start = by === 'day' ? first : monthStart(first, 0)
  for (let at = end; at >= start && groups.length < most; at = next(at)) groups.push(at)
  return groups.reverse()
}
