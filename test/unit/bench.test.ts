import { describe, expect, it } from 'vitest'
import type { Contender, Figure } from '../../bench/bench.ts'
import { closedLoop } from '../../bench/closed-loop.ts'
import { atLeast, atMost, compare, exactly, median, ratio } from '../../bench/measure.ts'
import { reportOf, textOf } from '../../bench/report.ts'
import { picker, powerLaw, seeded } from '../../bench/social-world.ts'

const context = { rounds: 3, seconds: 2, say: () => undefined }

/** A contender whose rounds take the given latencies. */
function contender(name: string, rounds: readonly number[][]): Contender {
  let round = 0
  return {
    name,
    unit: 'events',
    run: async (seconds) => ({ seconds, latenciesMs: Float64Array.from(rounds[round++]!) }),
  }
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const figure = (rounds: readonly number[]): Figure => {
  return { case: 'x', unit: 'events', n: 1, per_second: median(rounds), rounds, p50_ms: 1, p95_ms: 1, p99_ms: 1 }
}

describe('a benchmark', () => {
  it('gives each contender its turn in every round, after what must come before', async () => {
    const order: string[] = []
    const named = (name: string): Contender => ({
      ...contender(name, []),
      run: async (seconds) => {
        order.push(name)
        return { seconds, latenciesMs: Float64Array.of(1) }
      },
    })
    await compare([named('a'), named('b')], { ...context, rounds: 2 }, async () => void order.push('checkpoint'))
    expect(order).toEqual(['checkpoint', 'a', 'checkpoint', 'b', 'checkpoint', 'a', 'checkpoint', 'b'])
  })

  it('takes the median of the rounds for the rate, and the percentiles of all operations', async () => {
    const [result] = await compare([contender('a', [range(50), range(100), range(10)])], context)
    expect(result).toEqual({
      case: 'a',
      unit: 'events',
      n: 160,
      per_second: 25,
      rounds: [25, 50, 5],
      p50_ms: 35,
      p95_ms: 92,
      p99_ms: 99,
    })
  })

  it('counts operations apart from what is timed, and says nothing of times where nothing was', async () => {
    const fanOut: Contender = {
      name: 'fan-out',
      unit: 'entries',
      run: async (seconds) => ({ seconds, operations: 400, latenciesMs: new Float64Array() }),
    }
    const [result] = await compare([fanOut], context)
    expect(result).toMatchObject({ n: 1_200, per_second: 200, p50_ms: null, p99_ms: null })
  })

  it('takes no further turn when it is to end', async () => {
    const stop = new AbortController()
    const turns: number[] = []
    const named: Contender = {
      ...contender('a', []),
      run: async (seconds) => {
        turns.push(seconds)
        stop.abort(new Error('ended by SIGINT'))
        return { seconds, latenciesMs: Float64Array.of(1) }
      },
    }
    await expect(compare([named], { ...context, signal: stop.signal })).rejects.toThrow('ended by SIGINT')
    expect(turns).toHaveLength(1)
  })

  it('compares round by round, so that a slow round of the machine does not count', () => {
    expect(ratio(figure([100, 10, 300]), figure([50, 5, 100]))).toBe(2)
  })

  it('meets a goal at its bound, and never with what was not measured', () => {
    expect([atLeast('g', 1.5, 1.5).met, atLeast('g', 1.5, 1.49).met, atLeast('g', 0, null).met]).toEqual([
      true,
      false,
      false,
    ])
    expect([atMost('g', 4, 4).met, atMost('g', 4, 4.01).met, atMost('g', 4, null).met]).toEqual([true, false, false])
    expect([exactly('g', 0, 0).met, exactly('g', 0, 1).met, exactly('g', 0, null).met]).toEqual([true, false, false])
  })

  it('reports in a table whose columns line up, with a word for each goal', () => {
    const outcome = {
      engines: { postgresql: '15' },
      results: [
        { ...figure([1_234]), case: 'ours' },
        { case: 'lost', unit: 'events', value: 0 },
      ],
      goals: [atLeast('fast', 2, 1.5), atLeast('peer', 2, null)],
      notes: ['a note'],
    }
    const lines = textOf(reportOf('x.y', { rounds: 1, seconds: 1 }, outcome)).split('\n')
    expect(lines).toContain('ours  1,234 events/s       1       1       1  1')
    expect(lines).toContain('lost        0 events')
    expect(lines).toContain('fast    >= 2           1.5  MISSED')
    expect(lines).toContain('peer    >= 2  not measured  MISSED')
  })
})

describe('closedLoop', () => {
  it('sends the next operation of a client when the one before is answered', async () => {
    let underWay = 0
    let most = 0
    const { latenciesMs } = await closedLoop(3, 0.05, async () => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
    })
    expect(most).toBe(3)
    expect(latenciesMs.length).toBeGreaterThan(0)
  })

  it('fails when an operation fails: a fast error is no result', async () => {
    await expect(closedLoop(2, 10, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  })
})

describe('the people of a benchmark', () => {
  it('are the same in every run', () => {
    const [one, two] = [seeded(1), seeded(1)]
    const numbers = range(100).map(one)
    expect(range(100).map(two)).toEqual(numbers)
    expect(new Set(numbers).size).toBe(100)
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
  })

  it('have followers by a power law, within bounds, with the mean that was asked for', () => {
    const sizes = powerLaw(2_000, { mean: 400, least: 10, most: 10_000, exponent: 0.75 })
    expect(sizes.reduce((sum, size) => sum + size, 0) / sizes.length).toBeCloseTo(400, 0)
    expect([Math.min(...sizes) >= 10, Math.max(...sizes) <= 10_000]).toEqual([true, true])
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
    expect(median(sizes)).toBeLessThan(250)
  })

  it('are picked by chance, each once', () => {
    const pick = picker(50, seeded(1))
    const [first, second] = [pick(20), pick(20)]
    for (const picked of [first, second]) expect(new Set(picked).size).toBe(20)
    expect(second).not.toEqual(first)
    expect(picker(50, seeded(1))(50).toSorted((a, b) => a - b)).toEqual(range(50).map((number) => number - 1))
  })
})
