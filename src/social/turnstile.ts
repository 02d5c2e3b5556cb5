import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'

interface Line {
  inside: number
  readonly waiting: (() => void)[]
}

/**
 * Stands before a common queue: at most `max` pieces of work of one key are inside at a time, the others wait in a line
 * of their own, first come first served. So a key that everybody wants at once holds up the others by what is inside
 * already and no more. Refuses with `overloaded` when {@link LIMITS.batchWaitingMax} wait in one line.
 */
export function createTurnstile<Key>(max: number) {
  const lines = new Map<Key, Line>()

  return async function pass<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    let line = lines.get(key)
    if (line === undefined) {
      line = { inside: 0, waiting: [] }
      lines.set(key, line)
    }
    const { waiting } = line
    if (line.inside < max) line.inside += 1
    else {
      if (waiting.length >= LIMITS.batchWaitingMax) throw new AppError('overloaded', undefined, { retryAfterMs: 1_000 })
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      // The place goes to the next in line, so that nobody who comes just now gets ahead.
      const next = waiting.shift()
      if (next !== undefined) next()
      else {
        line.inside -= 1
        if (line.inside === 0) lines.delete(key)
      }
    }
  }
}
