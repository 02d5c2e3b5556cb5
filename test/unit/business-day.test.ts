import { describe, expect, it } from 'vitest'
import { businessDay, startOfDay } from '../../src/orders/model/business-day.ts'

const HOUR_MS = 3_600_000
const at = (text: string) => Date.parse(text)

/** Hours of a day: from its first moment to that of the next. */
const hoursOf = (day: string, next: string, zone: string) =>
  (startOfDay(next, zone)! - startOfDay(day, zone)!) / HOUR_MS

describe('the day of a store', () => {
  it('has 23 hours when clocks go forward and 25 when they go back', () => {
    expect(hoursOf('2026-03-08', '2026-03-09', 'America/New_York')).toBe(23)
    expect(hoursOf('2026-11-01', '2026-11-02', 'America/New_York')).toBe(25)
    expect(hoursOf('2026-03-29', '2026-03-30', 'Europe/Berlin')).toBe(23)
    expect(hoursOf('2026-04-05', '2026-04-06', 'Australia/Lord_Howe')).toBe(24.5)
  })

  it('takes both of the hours that a clock shows twice', () => {
    for (const moment of ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z']) {
      expect(businessDay(at(moment), 'America/New_York')).toBe('2026-11-01')
    }
    expect(businessDay(at('2026-11-02T04:59:59.999Z'), 'America/New_York')).toBe('2026-11-01')
    expect(businessDay(at('2026-11-02T05:00:00Z'), 'America/New_York')).toBe('2026-11-02')
  })

  it('begins at one o’clock where there is no midnight', () => {
    // Chile goes forward at midnight: from 24:00 to 01:00.
    const start = startOfDay('2026-09-06', 'America/Santiago')!
    expect(new Date(start).toISOString()).toBe('2026-09-06T04:00:00.000Z')
    expect(businessDay(start, 'America/Santiago')).toBe('2026-09-06')
    expect(businessDay(start - 1, 'America/Santiago')).toBe('2026-09-05')
  })

  it('is left out where the calendar leaves it out', () => {
    // Samoa went from the 29th straight to the 31st of December 2011.
    const before = at('2011-12-30T09:59:59.999Z')
    expect(businessDay(before, 'Pacific/Apia')).toBe('2011-12-29')
    expect(businessDay(before + 1, 'Pacific/Apia')).toBe('2011-12-31')
    expect(startOfDay('2011-12-30', 'Pacific/Apia')).toBe(before + 1)
    expect(startOfDay('2011-12-31', 'Pacific/Apia')).toBe(before + 1)
  })

  it('is that of the place, at most a day from that of UTC', () => {
    const moment = at('2026-03-01T11:30:00Z')
    expect(businessDay(moment, 'Pacific/Kiritimati')).toBe('2026-03-02')
    expect(businessDay(moment, 'Pacific/Pago_Pago')).toBe('2026-03-01')
    expect(businessDay(at('2026-03-01T10:30:00Z'), 'Pacific/Pago_Pago')).toBe('2026-02-28')
    expect(businessDay(at('2026-03-01T18:20:00Z'), 'Asia/Kathmandu')).toBe('2026-03-02')
  })

  it('is unknown of what is no day', () => {
    for (const text of ['2026-02-29', '2026-13-01', '1.1.2026', '']) expect(startOfDay(text, 'UTC')).toBeUndefined()
  })
})
