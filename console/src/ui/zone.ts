/** Making one takes far longer than using it; there are as many as zones. */
const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known !== undefined) return known
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  clocks.set(timeZone, clock)
  return clock
}

/** How far the clocks of a zone are ahead of UTC at a moment, in milliseconds. */
function aheadMs(atMs: number, timeZone: string): number {
  const parts = clockOf(timeZone).formatToParts(atMs)
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value)
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return shown - Math.floor(atMs / 1_000) * 1_000
}

/** The moment that clocks of a zone show as `2026-03-29T14:05`, as RFC 3339 in UTC. */
export function instantOf(local: string, timeZone: string): string {
  const asUtc = Date.parse(`${local}Z`)
  // The first guess may lie on the other side of a change of the clocks.
  const guess = asUtc - aheadMs(asUtc, timeZone)
  return new Date(asUtc - aheadMs(guess, timeZone)).toISOString()
}

/** What clocks of a zone show at a moment: `2026-03-29T14:05`, as a datetime-local input has it. */
export const localOf = (atMs: number, timeZone: string): string =>
  new Date(atMs + aheadMs(atMs, timeZone)).toISOString().slice(0, 16)
