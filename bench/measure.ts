import type { BenchContext, Contender, Figure, Goal, Measured } from './bench.ts'

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest value that is not exceeded by this share of all values (nearest rank). */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Three significant digits are all that a benchmark knows. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

const operationsOf = ({ latenciesMs, operations }: Measured) => operations ?? latenciesMs.length
const perSecond = (measured: Measured) => operationsOf(measured) / measured.seconds
/** JSON has no NaN: where nothing was timed, nothing is said. */
const timed = (value: number) => (Number.isNaN(value) ? null : rounded(value))

function figureOf(contender: Contender, rounds: readonly Measured[]): Figure {
  const all = new Float64Array(rounds.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0))
  let at = 0
  for (const { latenciesMs } of rounds) {
    all.set(latenciesMs, at)
    at += latenciesMs.length
  }
  all.sort()
  const rates = rounds.map(perSecond)
  return {
    case: contender.name,
    unit: contender.unit,
    n: rounds.reduce((sum, round) => sum + operationsOf(round), 0),
    per_second: Math.round(median(rates)),
    rounds: rates.map(Math.round),
    p50_ms: timed(percentile(all, 0.5)),
    p95_ms: timed(percentile(all, 0.95)),
    p99_ms: timed(percentile(all, 0.99)),
  }
}

/**
 * Measures the contenders against each other: in every round each one has its turn, so that what disturbs the machine
 * disturbs all of them. `before` runs ahead of each turn.
 */
export async function compare(
  contenders: readonly Contender[],
  { rounds, seconds, say, signal }: BenchContext,
  before: () => Promise<void> = async () => undefined,
): Promise<Figure[]> {
  const measured = contenders.map((): Measured[] => [])
  for (let round = 1; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      signal?.throwIfAborted()
      await before()
      const result = await contender.run(seconds)
      measured[index]!.push(result)
      say(`round ${round} of ${rounds}: ${contender.name}: ${Math.round(perSecond(result))} ${contender.unit}/s`)
    }
  }
  return contenders.map((contender, index) => figureOf(contender, measured[index]!))
}

/** Ours against theirs, as the median of what each round says, to two digits after the point. */
export function ratio(ours: Figure, theirs: Figure): number {
  return Math.round(median(ours.rounds.map((rate, round) => rate / theirs.rounds[round]!)) * 100) / 100
}

export function atLeast(goal: string, bound: number, value: number | null): Goal {
  return { goal, target: `>= ${bound}`, value, met: value !== null && value >= bound }
}

export function atMost(goal: string, bound: number, value: number | null): Goal {
  return { goal, target: `<= ${bound}`, value, met: value !== null && value <= bound }
}

export function exactly(goal: string, bound: number, value: number | null): Goal {
  return { goal, target: `= ${bound}`, value, met: value === bound }
}
