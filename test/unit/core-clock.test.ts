import { describe, expect, it } from 'vitest'
import { fakeClock, systemClock } from '../../src/core/clock.ts'

describe('fakeClock', () => {
  it('stands still until it is moved', async () => {
    const clock = fakeClock(1_000)
    expect([clock.now(), clock.now()]).toEqual([1_000, 1_000])
    await clock.advance(5)
    expect(clock.now()).toBe(1_005)
  })

  it('wakes sleepers in the order in which they are due, each at its own time', async () => {
    const clock = fakeClock(0)
    const woken: [string, number][] = []
    void clock.sleep(20).then(() => woken.push(['late', clock.now()]))
    void clock.sleep(10).then(() => woken.push(['early', clock.now()]))
    void clock.sleep(31).then(() => woken.push(['never', clock.now()]))
    await clock.advance(30)
    expect(woken).toEqual([
      ['early', 10],
      ['late', 20],
    ])
  })

  it('wakes those who go to sleep again on the way', async () => {
    const clock = fakeClock(0)
    let steps = 0
    const walk = async () => {
      for (; steps < 5; steps++) await clock.sleep(10)
    }
    const walking = walk()
    await clock.advance(50)
    await walking
    expect([steps, clock.now()]).toEqual([5, 50])
  })
})

describe.each([
  ['fakeClock', fakeClock()],
  ['systemClock', systemClock],
])('sleep of %s', (_name, clock) => {
  it('ends at once when its signal aborts, before or during', async () => {
    await clock.sleep(1_000_000, AbortSignal.abort())
    const abort = new AbortController()
    const sleep = clock.sleep(1_000_000, abort.signal)
    abort.abort()
    await sleep
  })

  it('ends at once when there is nothing to wait for', async () => {
    await clock.sleep(0)
  })
})

describe('systemClock', () => {
  it('is the time of the machine', () => {
    const before = Date.now()
    const now = systemClock.now()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThanOrEqual(Date.now())
  })
})
