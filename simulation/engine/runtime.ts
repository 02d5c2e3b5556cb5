import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { prefixedId } from '../../src/core/ids.ts'
import type { Random } from './random.ts'
import type { Timeline, TimelineEvent } from './timeline.ts'

/** What of Node gives different answers each time: clocks, timers and chance. The program has no other source of these. */
const REAL = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  random: Math.random,
  now: Date.now,
  randomBytes: crypto.randomBytes,
  randomFillSync: crypto.randomFillSync,
  randomInt: crypto.randomInt,
}

/** Lets the real world in for a moment: signals, timers, output. */
export const breathe = () => new Promise<void>((resolve) => REAL.setImmediate(resolve))

function fill(target: Uint8Array, random: Random): Uint8Array {
  for (let at = 0; at < target.length; at += 4) {
    const word = random.int(4_294_967_296)
    for (let byte = 0; byte < 4 && at + byte < target.length; byte++) target[at + byte] = (word >>> (8 * byte)) & 255
  }
  return target
}

/** Ids draw on a stock of chance that lasts for many; it is used up, so that each seed begins with its own. */
function useUpChance(fills: () => number): void {
  const before = fills()
  const clock = { now: () => 0, sleep: () => Promise.resolve() }
  while (fills() === before) prefixedId('xx', 0, clock)
}

/**
 * Runs `work` with the clocks, timers and chance of Node replaced by those of the simulation, so that the program itself
 * needs no seams for it, and whatever it may do twice it does the same way twice.
 */
export async function withVirtualRuntime<T>(timeline: Timeline, random: Random, work: () => Promise<T>): Promise<T> {
  let fills = 0
  const after = (call: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    Object.assign(
      timeline.after(ms, () => call(...args)),
      { ref: () => undefined, unref: () => undefined },
    )
  const cancel = (event: TimelineEvent | undefined) => {
    if (event !== undefined) event.work = undefined
  }
  const soon = (call: (...args: unknown[]) => void, ...args: unknown[]) => after(call, 0, ...args)
  Object.assign(globalThis, { setTimeout: after, clearTimeout: cancel, setImmediate: soon })
  Math.random = random.next
  Date.now = timeline.now
  Object.assign(crypto, {
    randomBytes: (size: number) => fill(Buffer.alloc(size), random),
    randomFillSync(target: Uint8Array) {
      fills += 1
      return fill(target, random)
    },
    randomInt: (min: number, max?: number) => (max === undefined ? random.int(min) : random.between(min, max - 1)),
  })
  syncBuiltinESMExports()
  try {
    useUpChance(() => fills)
    return await work()
  } finally {
    timeline.clear()
    const { setTimeout, clearTimeout, setImmediate, randomBytes, randomFillSync, randomInt } = REAL
    Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate })
    Math.random = REAL.random
    Date.now = REAL.now
    Object.assign(crypto, { randomBytes, randomFillSync, randomInt })
    syncBuiltinESMExports()
  }
}
