/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** From 0, below 1. */
  next(): number
  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
  /** One of the list, by weights of the same length. */
  weighted<T>(list: readonly T[], weights: readonly number[]): T
  /** A rank below `count`; small ones are much likelier, by a power law. The larger `skew`, the more so. */
  rank(count: number, skew: number): number
  /** Another source, which depends on the seed and the label only. */
  fork(label: string): Random
}

const MIX = 0x9e3779b9

function hashOf(label: string, seed: number): number {
  let hash = seed ^ MIX
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Mulberry32 (T. Ettinger, 2017): 32 bits of state, good enough for a made-up world. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    next,
    int: (from, to) => from + below(to - from + 1),
    chance: (share) => next() < share,
    pick: (list) => list[below(list.length)]!,
    weighted(list, weights) {
      let left = next() * weights.reduce((sum, weight) => sum + weight, 0)
      const at = weights.findIndex((weight) => {
        left -= weight
        return left < 0
      })
      return list[at === -1 ? list.length - 1 : at]!
    },
    rank: (count, skew) => Math.min(count - 1, Math.floor(count * next() ** skew)),
    fork: (label) => createRandom(hashOf(label, seed)),
  }
}
