/** Random numbers that a seed repeats (mulberry32, Tommy Ettinger, public domain). */
export interface Random {
  /** A number of `[0, 1)`. */
  next(): number
  /** A whole number of `0 .. below - 1`. */
  int(below: number): number
  /** True with this probability; always draws, so that a rate of 0 changes nothing else. */
  chance(probability: number): boolean
  /** A whole number of `min .. max`. */
  between(min: number, max: number): number
  pick<T>(items: readonly T[]): T
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (below: number) => Math.floor(next() * below)
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    between: (min, max) => min + int(max - min + 1),
    pick: (items) => items[int(items.length)]!,
  }
}
