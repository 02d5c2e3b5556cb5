import { instantOf } from '../../ui/zone.ts'

const DAY_MS = 86_400_000

/** When a day (`2026-03-29`) begins in a zone, in milliseconds. */
export const startOfDay = (day: string, timeZone: string): number => Date.parse(instantOf(`${day}T00:00`, timeZone))

/** The day that is so many days later. */
export const addDays = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)

/** Every day from the first to the last, both included; at most `most` of them, the last ones. */
export function daysBetween(from: string, to: string, most: number): string[] {
  const days: string[] = []
  for (let day = to; day >= from && days.length < most; day = addDays(day, -1)) days.push(day)
  return days.reverse()
}

export const isDay = (text: string | undefined): text is string =>
  text !== undefined && /^[1-9]\d{3}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))

/** The day that it is, in UTC. */
export const today = (): string => new Date().toISOString().slice(0, 10)
