import { currencyExponent } from '../../../src/core/money.ts'

const LOCALE = 'en'

export const formatCount = (count: number): string => new Intl.NumberFormat(LOCALE).format(count)

/** Three digits that say something: 0.42, 7.5, 38, 1,204. */
export function formatRate(rate: number): string {
  const digits = rate >= 10 || rate === 0 ? 0 : rate >= 1 ? 1 : 2
  return new Intl.NumberFormat(LOCALE, { maximumFractionDigits: digits }).format(rate)
}

/** An amount in minor units as people write it: `$12.50`. */
export function formatMoney(minor: number, currency: string): string {
  const exponent = currencyExponent(currency)
  return new Intl.NumberFormat(LOCALE, {
    style: 'currency',
    currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  }).format(minor / 10 ** exponent)
}

/** `820 ms`, `4.2 s`, `3 min`, `2 h`, `5 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${formatRate(ms)} ms`
  if (ms < 60_000) return `${formatRate(ms / 1_000)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string, withSeconds: boolean): Intl.DateTimeFormat {
  const name = `${timeZone} ${withSeconds}`
  let format = formats.get(name)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      day: '2-digit',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      ...(withSeconds ? { second: '2-digit' } : {}),
    })
    formats.set(name, format)
  }
  return format
}

/** `23 Nov 2026, 14:05` in the zone; seconds on demand. */
export const formatTime = (at: string, timeZone: string, withSeconds = false): string =>
  formatOf(timeZone, withSeconds).format(new Date(at))
