import { describe, expect, it } from 'vitest'
import { type Run, run } from '../../simulation/run.ts'
import { EVENT_TYPES } from '../../src/payments/model/events.ts'

const STEPS = 60
const SEEDS = Number(process.env['FANFOLD_SIMULATION_SEEDS'] ?? 2_000)

describe('payments in a world of faults', () => {
  const seen = new Set<string>()

  it('keep every rule, whatever the seed', { timeout: 60_000 + SEEDS * 1_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation, events } = await run(seed, STEPS, false)
      expect(violation, `npm run simulate -- --seed ${seed} --steps ${STEPS} --trace`).toBeUndefined()
      for (const type of events.keys()) seen.add(type)
    }
  })

  it.runIf(SEEDS >= 1_000)('bring about every type of event, so that the rules of each are tried', () => {
    expect(EVENT_TYPES.filter((type) => !seen.has(type))).toEqual([])
  })

  it('do the same for the same seed, whatever ran before, and something else for another', async () => {
    const first: Run[] = []
    for (const seed of [11, 12, 13]) first.push(await run(seed, STEPS))
    const again: Run[] = []
    for (const seed of [13, 11, 12]) again.push(await run(seed, STEPS))
    const bySeed = (a: Run, b: Run) => a.seed - b.seed
    expect(again.sort(bySeed).map(({ trace }) => trace)).toEqual(first.map(({ trace }) => trace))
    expect(again.map(({ hash }) => hash)).toEqual(first.map(({ hash }) => hash))
    expect(new Set(first.map(({ hash }) => hash)).size).toBe(3)
  })

  it('leave clocks, timers and chance to the rest of the program as they were', async () => {
    const before = [globalThis.setTimeout, globalThis.clearTimeout, globalThis.setImmediate, Math.random, Date.now]
    await run(1, 5)
    expect([globalThis.setTimeout, globalThis.clearTimeout, globalThis.setImmediate, Math.random, Date.now]).toEqual(
      before,
    )
  })
})
