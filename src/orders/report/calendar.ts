/** Days `YYYY-MM-DD` and months `YYYY-MM` of the calendar; whose day a moment is, `model/business-day.ts` knows. */
const DAY_MS = 86_400_000

/** The day of a moment in UTC. */
export const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)
const timeOf = (day: string) => Date.parse(`${day}T00:00:00Z`)

/** Whether the text is a day that exists, of the years 1000 to 9998. */
export function isDay(day: string): boolean {
  const time = timeOf(day)
  return /^[1-9]\d{3}-\d{2}-\d{2}$/.test(day) && !day.startsWith('9999') && !Number.isNaN(time) && dayOf(time) === day
}

export const addDays = (day: string, days: number): string => dayOf(timeOf(day) + days * DAY_MS)

/** Whether the text is a month such as `2026-03`. */
export const isMonth = (month: string): boolean => isDay(`${month}-01`)

/** Days from the first to the last, both counted. */
export const daysIn = (from: string, to: string): number => Math.round((timeOf(to) - timeOf(from)) / DAY_MS) + 1

export const firstOfMonth = (day: string): string => `${day.slice(0, 7)}-01`

/** The first day of the month so many months later. */
export function addMonths(day: string, months: number): string {
  const index = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + months
  return `${String(Math.floor(index / 12)).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}-01`
}

export const lastOfMonth = (day: string): string => addDays(addMonths(day, 1), -1)

export const monthsBetween = (from: string, to: string): number =>
  (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(to.slice(5, 7)) - Number(from.slice(5, 7))
