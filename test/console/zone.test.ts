import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantOf, localOf } from '../../console/src/ui/zone.ts'

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe']

describe('times that people type', () => {
  it('are those of the zone of the store', () => {
    expect(instantOf('2026-01-15T12:00', 'Europe/Berlin')).toBe('2026-01-15T11:00:00.000Z')
    expect(instantOf('2026-07-15T12:00', 'Europe/Berlin')).toBe('2026-07-15T10:00:00.000Z')
    expect(instantOf('2026-07-15T12:00', 'Asia/Kathmandu')).toBe('2026-07-15T06:15:00.000Z')
    expect(localOf(Date.parse('2026-07-15T10:00:00Z'), 'Europe/Berlin')).toBe('2026-07-15T12:00')
  })

  it('are right on both sides of a change of the clocks', () => {
    expect(instantOf('2026-03-29T01:59', 'Europe/Berlin')).toBe('2026-03-29T00:59:00.000Z')
    expect(instantOf('2026-03-29T03:00', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z')
    expect(instantOf('2026-10-25T03:00', 'Europe/Berlin')).toBe('2026-10-25T02:00:00.000Z')
    expect(instantOf('2026-03-08T03:00', 'America/New_York')).toBe('2026-03-08T07:00:00.000Z')
  })

  it('are shown again as they were typed', () => {
    const minutes = fc.integer({ min: Date.UTC(2020, 0) / 60_000, max: Date.UTC(2040, 0) / 60_000 })
    fc.assert(
      fc.property(minutes, fc.constantFrom(...ZONES), (minute, zone) => {
        const typed = localOf(minute * 60_000, zone)
        // An hour that clocks show twice may come back as the other one, which looks the same.
        expect(localOf(Date.parse(instantOf(typed, zone)), zone)).toBe(typed)
      }),
    )
  })
})
