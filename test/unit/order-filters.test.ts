import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { idRangeOf } from '../../src/engines/sql/order-filters.ts'

const DAY_MS = 86_400_000

describe('the ids that orders of a range of time can have', () => {
  it.each(['2004-05-06', '2009-12-15', '2010-01-01', '2014-02-28', '2026-11-23'])(
    'hold those imported on %s, and nothing of another month',
    (day) => {
      const atMs = Date.parse(`${day}T12:00:00Z`)
      const ids = createIdMaker({ node: 1, clock: fakeClock() })
      const { from, below } = idRangeOf({ fromMs: atMs - DAY_MS, beforeMs: atMs + DAY_MS })
      const made = Array.from({ length: 500 }, () => ids.next(3, atMs))
      expect(made.filter((id) => id < from || id >= below)).toEqual([])
      const later = ids.next(3, Math.max(atMs, Date.UTC(2010, 0, 1)) + 40 * DAY_MS)
      expect(later < below).toBe(false)
    },
  )
})
