import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { isAppError } from '../../src/core/errors.ts'
import { createDepthGuard } from '../../src/queue/depth-guard.ts'

describe('the depth guard', () => {
  function guardOver(depthMax: number) {
    const state = { depth: 0, counts: 0, failing: false }
    const clock = fakeClock()
    const guard = createDepthGuard(
      async (_topic, most) => {
        state.counts += 1
        if (state.failing) throw new Error('away')
        return Math.min(state.depth, most)
      },
      depthMax,
      clock,
    )
    const publish = async (count: number, topic = 't') => {
      await guard(Array.from({ length: count }, () => ({ topic })))
      state.depth += count
    }
    return { state, clock, publish }
  }

  it('counts seldom while there is much room', async () => {
    const { state, publish } = guardOver(80_000)
    for (let n = 0; n < 1_000; n++) await publish(10)
    expect(state.counts).toBeLessThan(5)
  })

  it('refuses when the topic is full, and lets in again after a second when it has emptied', async () => {
    const { state, clock, publish } = guardOver(100)
    for (let n = 0; n < 100; n++) await publish(1)
    await expect(publish(1)).rejects.toSatisfy(
      (error) => isAppError(error, 'overloaded') && error.retryAfterMs === 1_000,
    )
    state.depth = 0
    await expect(publish(1)).rejects.toThrow()
    await clock.advance(1_000)
    await publish(1)
    expect(state.depth).toBe(1)
  })

  it('never goes over the limit by more than one publish', async () => {
    const { state, publish } = guardOver(1_000)
    await expect(
      (async () => {
        for (;;) await publish(7)
      })(),
    ).rejects.toSatisfy((error) => isAppError(error, 'overloaded'))
    expect(state.depth).toBeGreaterThanOrEqual(1_000)
    expect(state.depth).toBeLessThan(1_007)
  })

  it('counts once for many that publish at the same time, and each topic by itself', async () => {
    const { state, publish } = guardOver(8_000)
    await Promise.all(Array.from({ length: 50 }, () => publish(1)))
    expect(state.counts).toBe(1)
    await publish(1, 'other')
    expect(state.counts).toBe(2)
  })

  it('asks again after a count that failed', async () => {
    const { state, publish } = guardOver(100)
    state.failing = true
    await expect(publish(1)).rejects.toThrow('away')
    state.failing = false
    await publish(1)
  })
})
