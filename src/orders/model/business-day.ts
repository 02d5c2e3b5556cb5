/**
 * To which day of the store a moment belongs. Days are `YYYY-MM-DD` in the store's time zone; they may have 23 or 25
 * hours, start at 01:00, or be missing from the calendar. Computed here, once, and stored: a database may know other
 * rules of time zones than this process.
 */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (format === undefined) {
    const digits = { year: 'numeric', month: '2-digit', day: '2-digit' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', ...digits })
    formats.set(timeZone, format)
  }
  return format
}

export function businessDay(atMs: number, timeZone: string): string {
  // en-US writes MM/DD/YYYY.
  const [month, day, year] = formatOf(timeZone).format(atMs).split('/')
  return `${year!.padStart(4, '0')}-${month}-${day}`
}

const HOUR_MS = 3_600_000

/**
 * The first moment of a day in a time zone, in milliseconds; of a day that the zone skipped, the moment of the skip.
 * `undefined` when the text is no day of the calendar.
 */
export function startOfDay(day: string, timeZone: string): number | undefined {
  const utc = Date.parse(`${day}T00:00:00Z`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || Number.isNaN(utc) || new Date(utc).toISOString().slice(0, 10) !== day) {
    return undefined
  }
  // Zones lie between -12 h and +14 h of UTC; the day of a zone grows with time, so its start can be bisected.
  let before = utc - 16 * HOUR_MS
  let within = utc + 14 * HOUR_MS
  while (within - before > 1_000) {
    const middle = before + Math.floor((within - before) / 2_000) * 1_000
    if (businessDay(middle, timeZone) >= day) within = middle
    else before = middle
  }
  return within
}
